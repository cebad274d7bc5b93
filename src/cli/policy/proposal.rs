//! `git ledger policy propose|approve|apply`: a change that several admins agree to, by files they
//! exchange.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use git_ledger::durable;
use git_ledger::entry::Approval;
use git_ledger::escape::printable;
use git_ledger::json::Value;
use git_ledger::proposal::{self, MAX_BYTES, Proposal};
use git_ledger::report::policy_review::Review;
use git_ledger::trust::{self, APPROVAL_NAMESPACE};

use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::super::terminal;
use super::change::{Intent, SigningArgs, command, never, record};
use super::ground::{Ground, Purpose};
use super::words::written;

/// Write a change into a file for other admins to approve
///
/// The new policy comes from an editor or from --file. A change that has a word of its own is
/// proposed by that word: git ledger policy retire bob@acme --propose FILE. Anybody may propose;
/// nothing is signed and nothing recorded.
#[derive(Debug, clap::Args)]
pub struct ProposeArgs {
    /// The new file to write, or - for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Take the new policy from this file, or - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print what is proposed as one JSON object
    #[arg(long)]
    json: bool,
}

/// Look at a proposed change, and sign that you agree
///
/// Shows what would change, who agrees already and who could still, before anything is signed.
/// The agreement is added to the file, which goes back to whoever applies it. It is bound to this
/// ledger, to the policy in force and to the new policy, and to nothing else.
#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The proposal, or - for standard input
    file: PathBuf,
    /// Write the proposal with your agreement here, or - for standard output [default: back into the file]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show the change, and sign nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Record a proposed change that enough admins agree to
///
/// Checks every approval, puts those of several copies of one proposal together, and appends the
/// change. Whoever applies it signs the entry and thereby agrees; that needs no approval of its
/// own. When too few agree, it says who is missing and appends nothing.
#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// Copies of one proposal, with different approvals; - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Show the change and who agrees, and record nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signing: SigningArgs,
}

impl ApplyArgs {
    fn ground(&self, context: &Context) -> Result<Ground, Failure> {
        let purpose = if self.dry_run {
            Purpose::Read
        } else {
            Purpose::Append
        };
        Ground::of(context, purpose)
    }
}

/// Runs `git ledger policy propose`.
pub fn propose(context: &Context, args: &ProposeArgs) -> Result<Exit, Failure> {
    let ground = Ground::of(context, Purpose::Read)?;
    let intent = Intent {
        policy: written(context, &ground, args.file.as_deref())?,
        words: Vec::new(),
    };
    ground.check(&intent.policy)?;
    write(&ground, &intent, &args.out, args.json)
}

/// Writes the proposal of a change that was checked.
pub fn write(ground: &Ground, intent: &Intent, path: &Path, json: bool) -> Result<Exit, Failure> {
    let proposal = Proposal::new(ground.policy(), ground.base, intent.policy.clone())
        .map_err(|why| Failure::cannot(why.to_string()))?;
    let review = ground.review(&intent.policy, BTreeSet::new())?;
    if !review.count.is_possible() {
        let threshold = review.count.threshold;
        let what = format!("{threshold} admins must agree, and so many cannot be found for this");
        return Err(never(Failure::no(what), &review));
    }
    let stdout = path == Path::new("-");
    if stdout {
        terminal::print(&proposal.to_text())?;
    } else {
        create(path, proposal.to_text().as_bytes())?;
    }
    if json && !stdout {
        let object = review
            .json()
            .with("status", "proposed")
            .with("file", path.to_string_lossy().into_owned());
        return terminal::answer(&(Value::from(object).to_canonical() + "\n"), Exit::Done);
    }
    let name = if stdout {
        "FILE".to_owned()
    } else {
        printable(&path.to_string_lossy())
    };
    let mut text = review.text();
    text += &format!(
        "next: {} of {} admins agree, the one who applies it by applying it\n  \
         git ledger policy approve {name}\n  git ledger policy apply {name}\n",
        review.count.threshold,
        review.count.open.len()
    );
    say(stdout, &text)?;
    Ok(Exit::Done)
}

/// Runs `git ledger policy approve`.
pub fn approve(context: &Context, args: &ApproveArgs) -> Result<Exit, Failure> {
    let mut proposal = read(&args.file)?;
    let ground = Ground::of(context, Purpose::Read)?;
    ground.admit(&proposal, &name(&args.file))?;
    let out = args.out.as_ref().unwrap_or(&args.file);
    let stdout = out == Path::new("-");
    let agreed = proposal.clone();
    let review = ground.review(&agreed.policy, agreed.agreed(None))?;
    if args.dry_run {
        if args.json {
            return json(&review, "dry-run", Exit::Done);
        }
        return terminal::answer(&review.text(), Exit::Done);
    }
    let (signer, row) = ground.admin(context, args.key.as_deref())?;
    let me = &row.principal;
    if agreed.agreed(None).contains(me) {
        return Err(Failure::no(format!("{me} agreed to this already"))
            .hint("one approval of an admin counts once, whichever of its keys makes it"));
    }
    if review.count.barred.contains(me) {
        return Err(Failure::no(format!(
            "the agreement of {me} would not count: the change says what a stolen key of {me} signed"
        ))
        .hint("other admins must agree to it"));
    }
    if !(args.json && args.yes) {
        say(stdout || args.json, &review.text())?;
    }
    consent(args.yes, &format!("agree to this change as {me}?"))?;
    let text = proposal.approval_text();
    let approval = Approval {
        principal: me.clone(),
        blob: signer.sign(APPROVAL_NAMESPACE, text.as_bytes())?.to_blob(),
    };
    // what a program or an agent returned is judged as everybody else will judge it
    trust::approves(ground.policy(), &approval, &text)
        .map_err(|finding| Failure::cannot(format!("{}: {}", finding.id, finding.detail)))?;
    proposal.add(approval);
    let bytes = proposal.to_text();
    match (stdout, &args.out) {
        (true, _) => terminal::print(&bytes)?,
        (false, Some(out)) => create(out, bytes.as_bytes())?,
        (false, None) => durable::write(out, bytes.as_bytes()).map_err(|why| {
            Failure::cannot(format!("cannot write '{}': {why}", out.display()))
                .hint("write the agreement elsewhere: --out FILE")
        })?,
    }
    let review = Review {
        count: trust::count(ground.policy(), Some(&agreed.policy), proposal.agreed(None)),
        ..review
    };
    if args.json && !stdout {
        return json(&review, "approved", Exit::Done);
    }
    let file = printable(&out.to_string_lossy());
    let mut text = format!("{me} agrees; the agreement is in '{file}'\n");
    if stdout {
        text = format!("{me} agrees\n");
    }
    text += &review.agreement();
    text += "next: any admin records it; one who has not agreed yet agrees by that\n  ";
    text += &command(
        context,
        &["apply".to_owned(), out.to_string_lossy().into_owned()],
    );
    say(stdout, &(printable_lines(&text) + "\n"))?;
    Ok(Exit::Done)
}

/// Runs `git ledger policy apply`.
pub fn apply(context: &Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let ground = args.ground(context)?;
    let mut merged: Option<Proposal> = None;
    for file in &args.files {
        let proposal = read(file)?;
        ground.admit(&proposal, &name(file))?;
        match &mut merged {
            None => merged = Some(proposal),
            Some(first) if first.is_same_as(&proposal) => {
                for approval in proposal.approvals {
                    first.add(approval);
                }
            }
            Some(_) => {
                return Err(Failure::no(format!(
                    "{} proposes another change than {}",
                    name(file),
                    args.files
                        .first()
                        .map(|file| name(file))
                        .unwrap_or_default()
                ))
                .hint("apply one of them; the other is then to be proposed again"));
            }
        }
    }
    let Some(proposal) = merged else {
        return Err(Failure::usage("no proposal was named"));
    };
    let admin = ground.admin(context, args.signing.key.as_deref());
    let me = match admin {
        Ok((_, row)) => Some(row.principal.clone()),
        // whoever only looks needs no key
        Err(_) if args.dry_run => None,
        Err(failure) => return Err(failure),
    };
    let review = ground.review(&proposal.policy, proposal.agreed(me.as_ref()))?;
    let count = &review.count;
    let by_signing = match &me {
        None => String::new(),
        Some(me) if proposal.agreed(None).contains(me) => {
            format!("           {me} agrees by signing the entry; its approval is left out\n")
        }
        Some(me) => format!("           {me} agrees by signing the entry\n"),
    };
    args.signing.show(&(review.text() + &by_signing))?;
    if !count.is_enough() {
        if args.signing.json {
            return json(&review, "short", Exit::No);
        }
        let do_agree = match count.counted() {
            0 => "none does".to_owned(),
            1 => "1 does".to_owned(),
            many => format!("{many} do"),
        };
        let failure = Failure::no(format!(
            "{} admins must agree and {do_agree}, so nothing was recorded",
            count.threshold
        ));
        if !count.is_possible() {
            return Err(never(failure, &review));
        }
        let open: Vec<&str> = count.open.iter().map(|name| name.as_str()).collect();
        return Err(failure
            .hint(format!("send the file to {}", open.join(" or ")))
            .hint("they run 'git ledger policy approve FILE' and send it back; 'apply' takes several copies"));
    }
    if args.dry_run {
        if args.signing.json {
            return json(&review, "dry-run", Exit::Done);
        }
        return Ok(Exit::Done);
    }
    let Some(me) = &me else {
        return Err(Failure::no("no admin's key to sign with"));
    };
    consent(args.signing.yes, &format!("sign this change as {me}?"))?;
    let approvals = proposal
        .approvals
        .iter()
        .filter(|approval| approval.principal != *me)
        .cloned()
        .collect();
    record(context, &ground, &args.signing, &review, approvals)
}

fn json(review: &Review<'_>, status: &str, exit: Exit) -> Result<Exit, Failure> {
    let object = review.json().with("status", status);
    terminal::answer(&(Value::from(object).to_canonical() + "\n"), exit)
}

/// Nobody agrees by accident: without somebody to ask, only with `--yes`.
fn consent(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !terminal::can_ask() {
        return Err(
            Failure::no("nobody is here to be asked, so nothing was signed")
                .hint("look at the change with --dry-run, then say --yes"),
        );
    }
    if terminal::ask(question)? {
        Ok(())
    } else {
        Err(Failure::no("nothing was signed"))
    }
}

/// To people: on standard output, unless the proposal goes there.
fn say(proposal_on_stdout: bool, text: &str) -> Result<(), Failure> {
    if proposal_on_stdout {
        terminal::tell(text.trim_end());
        return Ok(());
    }
    terminal::print(text)
}

fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}

fn name(path: &Path) -> String {
    match path.to_str() {
        Some("-") => "the proposal on standard input".to_owned(),
        _ => format!("'{}'", path.display()),
    }
}

/// A proposal from a file, no more of it than one may have.
fn read(path: &Path) -> Result<Proposal, Failure> {
    let cannot = |why: std::io::Error| {
        Failure::cannot(format!("cannot read {}: {why}", name(path)))
            .hint("'git ledger policy propose' writes one")
    };
    let input: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).map_err(cannot)?)
    };
    let mut bytes = Vec::new();
    input
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    proposal::parse(&bytes).map_err(|why| {
        Failure::no(format!("{} is no proposal: {why}", name(path)))
            .hint("get it again from whoever sent it, as a file: mail and chat change bytes")
    })
}

/// Writes a file that is not there yet.
fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |why: std::io::Error| {
        let failure = Failure::cannot(format!("cannot write '{}': {why}", path.display()));
        match why.kind() {
            std::io::ErrorKind::AlreadyExists => {
                failure.hint("name a new file; none is overwritten")
            }
            _ => failure,
        }
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(cannot)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(cannot)
}
