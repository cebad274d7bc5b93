//! `git ledger prove`: makes a receipt for one entry.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use git_ledger::escape::printable;
use git_ledger::finding::{Answer, Severity};
use git_ledger::ledger::ObjectReader;
use git_ledger::merkle::hex;
use git_ledger::proof::{self, BuildError, Built, History, Statement};
use git_ledger::query::What;
use git_ledger::report::proofs;
use git_ledger::report::verdict::finding_line;
use git_ledger::store::Store as _;

use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::log::{Knowledge, tip};
use super::show::{Wanted, find};
use super::terminal;

/// Make a receipt: proof that an entry is in the ledger
///
/// The receipt is one file. Whoever has it and the ledger's fingerprint can check it with 'git
/// ledger check-proof', without the ledger and without asking anybody.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A number, commit, digest, or 'tip'
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// Prove it against this later entry
    #[arg(long, value_name = "ENTRY", default_value = "tip")]
    against: String,
    /// Write to this file, or - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
}

/// Runs `git ledger prove`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let target = Target::new(context, &args.output, args.force)?;
    let opened = context.open_to_read()?;
    let newest = tip(&opened)?;
    let mut history = history(&opened, newest)?;
    let entry = number(&opened, &history, newest, &args.entry)?;
    let against = number(&opened, &history, newest, &args.against)?;
    let built = proof::receipt(&mut history, entry, against).map_err(failure)?;
    let fingerprint = pinned(&opened, &built)?;
    target.write(&built)?;
    if let Some(Statement::Receipt(receipt)) = &built.judgement.statement {
        let (hashes, size) = (receipt.hashes, built.proof.to_bytes().len());
        terminal::tell(&format!(
            "receipt for entry {entry} against entry {against}: {hashes} hashes, {size} bytes"
        ));
    }
    tell(&built, "check-proof", &target, &fingerprint);
    Ok(Exit::Done)
}

/// The history that ends with a commit.
pub(super) fn history(
    opened: &Opened,
    newest: gix::ObjectId,
) -> Result<History<ObjectReader>, Failure> {
    let boundary = opened.ledger.surroundings()?.boundary;
    History::walk(opened.ledger.reader(), newest, &boundary)
        .map_err(|finding| failure(BuildError::Broken(finding)))
}

/// The number of the entry that is meant.
fn number(
    opened: &Opened,
    history: &History<ObjectReader>,
    newest: gix::ObjectId,
    name: &str,
) -> Result<u64, Failure> {
    let wanted = [Wanted::parse(name)?];
    // a plain number is a place in the history that has just been walked
    let counted = match wanted {
        [Wanted::Tip] => Some(history.newest()),
        [Wanted::Number(number)] => Some(number).filter(|number| *number <= history.newest()),
        _ => None,
    };
    if let Some(number) = counted {
        return Ok(number);
    }
    let names = [name.to_owned()];
    let steps = find(opened, newest, &Knowledge::new(opened), &names, &wanted)?;
    let step = steps.first();
    let commit = step.map(|step| step.commit);
    if let Some(What::Broken { finding, .. }) = step.map(|step| &step.what) {
        return Err(failure(BuildError::Broken(finding.clone())));
    }
    let place = history.commits().iter().position(|id| Some(*id) == commit);
    place
        .map(|place| place as u64)
        .ok_or_else(|| Failure::no(format!("there is no entry '{name}'")))
}

/// The fingerprint of what was built, which must be the one that is pinned here.
pub(super) fn pinned(opened: &Opened, built: &Built) -> Result<String, Failure> {
    let found = match &built.judgement.statement {
        Some(Statement::Receipt(receipt)) => receipt.fingerprint,
        Some(Statement::Split(split)) => split.fingerprint,
        None => return Err(Failure::cannot("nothing was shown")),
    };
    match opened.settings.fingerprint {
        Some(pinned) if pinned != found => Err(Failure::no(format!(
            "breach: fingerprintMismatch: entry 0 is sha256:{}, pinned to sha256:{}",
            hex(&found),
            hex(&pinned)
        ))
        .hint("this is another ledger than the one that is pinned; nothing was written")),
        _ => Ok(format!("sha256:{}", hex(&found))),
    }
}

/// What else there is to say about a file that was written.
pub(super) fn tell(built: &Built, verb: &str, target: &Target, fingerprint: &str) {
    if let Some(finding) = &built.judgement.finding {
        terminal::tell(&format!("warning: {}", finding_line(finding)));
        let answer = proofs::word(built.judgement.answer());
        terminal::hint(&format!("whoever checks the file is told '{answer}'"));
    }
    terminal::hint(&format!(
        "check it with: git ledger {verb} {} --fingerprint {fingerprint}",
        printable(target.name())
    ));
    terminal::hint("hand the fingerprint over by another way than the file");
}

/// Why no proof could be made.
pub(super) fn failure(error: BuildError) -> Failure {
    let message = error.to_string();
    match error {
        BuildError::Broken(finding) => {
            let place = finding
                .at
                .map_or_else(String::new, |at| format!("entry {at}: "));
            let failure = Failure::no(format!("{place}{message}"));
            match finding.severity() {
                Severity::Breach => failure.hint("'git ledger verify' tells all that is wrong"),
                _ => Failure {
                    exit: Answer::Unknown.into(),
                    ..failure
                }
                .hint("bring all of the ledger here first: git fetch --unshallow, or git ledger clone"),
            }
        }
        BuildError::NotBefore { .. } => {
            Failure::usage(message).hint("an entry is proven against itself or a later one")
        }
        BuildError::Unrelated => {
            Failure::no(message).hint("neither can prove anything against the other")
        }
        BuildError::Continues => Failure::no(message)
            .hint("evidence needs two histories of which neither contains the other"),
        BuildError::TooLarge(_) => Failure::cannot(message),
    }
}

/// Where a file is to go; asked for before anything is computed.
#[derive(Debug)]
pub(super) struct Target {
    path: Option<PathBuf>,
    shown: String,
    force: bool,
}

impl Target {
    /// A file that is not there yet, or may be overwritten; `-` is standard output.
    pub(super) fn new(context: &Context, path: &Path, force: bool) -> Result<Target, Failure> {
        let shown = path.display().to_string();
        if path == Path::new("-") {
            if std::io::stdout().is_terminal() {
                return Err(Failure::usage("a proof is not printed on a terminal")
                    .hint("name a file, or send it into a pipe"));
            }
            let shown = "FILE".to_owned();
            return Ok(Target {
                path: None,
                shown,
                force,
            });
        }
        let path = context.directory.join(path);
        if !force && path.symlink_metadata().is_ok() {
            return Err(taken(&shown));
        }
        Ok(Target {
            path: Some(path),
            shown,
            force,
        })
    }

    fn name(&self) -> &str {
        &self.shown
    }

    /// Writes the file.
    pub(super) fn write(&self, built: &Built) -> Result<(), Failure> {
        self.write_bytes(&built.proof.to_bytes())
    }

    /// Writes what is no proof.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let shown = &self.shown;
        let cannot =
            |why: std::io::Error| Failure::cannot(format!("cannot write '{shown}': {why}"));
        match &self.path {
            None => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes)
                    .and_then(|()| out.flush())
                    .map_err(|why| Failure::cannot(format!("cannot write: {why}")))
            }
            Some(path) if self.force => git_ledger::durable::write(path, bytes).map_err(cannot),
            Some(path) => {
                let file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(path);
                let mut file = file.map_err(|why| match why.kind() {
                    std::io::ErrorKind::AlreadyExists => taken(shown),
                    _ => cannot(why),
                })?;
                file.write_all(bytes)
                    .and_then(|()| file.sync_all())
                    .map_err(cannot)
            }
        }
    }
}

fn taken(shown: &str) -> Failure {
    Failure::cannot(format!("'{shown}' is there already"))
        .hint("name a new file, or overwrite it with --force")
}
