//! `git ledger evidence export`: two histories that part, in one file.

use std::path::PathBuf;

use git_ledger::escape::printable;
use git_ledger::mirror::{EVIDENCE, evidence_of};
use git_ledger::proof::{self, Built, History, Statement, Which};
use git_ledger::report::proofs;
use git_ledger::report::verdict::finding_line;
use gix::ObjectId;

use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::prove::{Target, failure, history, pinned, tell};
use crate::cli::terminal;

/// Write one file that proves where two histories part
///
/// It holds the newest entry both have, the signed entries on both sides of the split, and all
/// that leads from the ledger's fingerprint to the keys that signed them. Without REVISIONs it is
/// made from the ledger here and from what 'git ledger mirror status' kept when it found a fork.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write, or - for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Two commits or references: the newest entries of two histories
    #[arg(value_name = "REVISION", num_args = 2, conflicts_with = "remote")]
    revisions: Vec<String>,
    /// Take what was kept of this remote
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
}

/// Runs `git ledger evidence export`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let target = Target::new(context, &args.file, args.force)?;
    let opened = context.open_to_read()?;
    let (here, there) = match args.revisions.as_slice() {
        [here, there] => (resolve(&opened, here)?, resolve(&opened, there)?),
        _ => found(&opened, args.remote.as_deref())?,
    };
    let (mut ours, mut theirs) = (history(&opened, here)?, history(&opened, there)?);
    let built = proof::split(&mut ours, &mut theirs).map_err(failure)?;
    let fingerprint = pinned(&opened, &built)?;
    target.write(&built)?;
    told(&built);
    tell(&built, "evidence check", &target, &fingerprint);
    Ok(Exit::Done)
}

fn told(built: &Built) {
    let Some(Statement::Split(split)) = &built.judgement.statement else {
        return;
    };
    let size = built.proof.to_bytes().len();
    let at = split.here.first.entry.number();
    terminal::tell(&format!(
        "evidence of a {} at entry {at}: {size} bytes",
        split.kind
    ));
    for (which, finding) in &built.left_out {
        let side = match which {
            Which::Here => "here",
            Which::There => "there",
        };
        terminal::tell(&format!(
            "note: the newest entries {side} are left out, for they prove nothing: {}",
            finding_line(finding)
        ));
    }
    if split.kind != proof::SplitKind::Fork {
        let both = proofs::text(&built.judgement);
        let first = both.lines().next().unwrap_or_default();
        terminal::hint(&format!("this is no fork; the file says: {first}"));
    }
}

/// A commit that is meant by an object id or a reference.
fn resolve(opened: &Opened, name: &str) -> Result<ObjectId, Failure> {
    let format = opened.repository.object_format();
    if let Some(id) = git_ledger::git::parse_id(name.as_bytes(), format) {
        return Ok(id);
    }
    let no = || {
        Failure::usage(format!("'{name}' is neither a reference nor a whole object id"))
            .hint("git for-each-ref lists the references; those under refs/ledger/evidence/ are kept forks")
    };
    if name.starts_with('-') || name.is_empty() {
        return Err(no());
    }
    for prefix in ["", "refs/", "refs/heads/", "refs/remotes/"] {
        let full = format!("{prefix}{name}");
        if full.starts_with("refs/")
            && let Ok(Some(id)) = opened.repository.find_ref(&full)
        {
            return Ok(id);
        }
    }
    Err(no())
}

/// A kept history with the names it is kept under.
struct Kept {
    name: String,
    commits: Vec<ObjectId>,
}

impl Kept {
    /// The first commit that another history does not have, if both go on where they part.
    fn parts_from(&self, other: &[ObjectId]) -> Option<ObjectId> {
        let pairs = self.commits.iter().zip(other);
        let shared = pairs.take_while(|(one, other)| one == other).count();
        other.get(shared)?;
        self.commits.get(shared).copied().filter(|_| shared > 0)
    }
}

/// The two newest commits of the one split that is known here.
fn found(opened: &Opened, remote: Option<&str>) -> Result<(ObjectId, ObjectId), Failure> {
    let prefix = match remote {
        None => EVIDENCE.to_owned(),
        Some(name) => evidence_of(name),
    };
    let mut kept: Vec<Kept> = Vec::new();
    for listed in opened.repository.list_refs(&prefix)? {
        let Ok(name) = String::from_utf8(listed.name) else {
            continue;
        };
        let Some(id) = opened.repository.find_ref(&name)? else {
            continue;
        };
        let commits = history(opened, id)?.commits().to_vec();
        kept.push(Kept { name, commits });
    }
    let whose = remote.map_or_else(String::new, |name| format!(" of {name}"));
    if kept.is_empty() {
        return Err(Failure::no(format!("no evidence{whose} is kept here"))
            .hint("'git ledger mirror status' compares the copies, and keeps what it finds"));
    }
    let here = match opened.ledger.tip_id()? {
        Some(tip) => {
            let history: History<_> = history(opened, tip)?;
            history.commits().to_vec()
        }
        None => Vec::new(),
    };
    // one lie may have been kept at several lengths: the longest tells most
    let mut splits: Vec<(ObjectId, ObjectId, &Kept)> = Vec::new();
    for one in &kept {
        let Some(first) = one.parts_from(&here) else {
            continue;
        };
        let tip = here.last().copied();
        match splits.iter_mut().find(|(other, _, _)| *other == first) {
            Some((_, _, known)) if known.commits.len() < one.commits.len() => *known = one,
            Some(_) => {}
            None => splits.extend(tip.map(|tip| (first, tip, one))),
        }
    }
    match splits.as_slice() {
        [(_, here, there)] => there
            .commits
            .last()
            .map(|there| (*here, *there))
            .ok_or_else(|| Failure::cannot("an empty history")),
        [] => Err(Failure::no(format!(
            "the ledger here continues all evidence{whose} that is kept"
        ))
        .hint("if this copy was rewritten itself, name two histories: git ledger evidence export FILE REF REF")),
        several => {
            let failure = Failure::no("several splits are kept here");
            Err(several.iter().fold(failure, |failure, (_, _, kept)| {
                let branch = opened.ledger.reference();
                failure.hint(format!(
                    "git ledger evidence export FILE {} {}",
                    printable(branch),
                    printable(&kept.name)
                ))
            }))
        }
    }
}
