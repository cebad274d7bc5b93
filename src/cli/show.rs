//! `git ledger show`: one entry, whole.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use git_ledger::commit::Link;
use git_ledger::escape::{printable, printable_bytes};
use git_ledger::json::{Object, Value};
use git_ledger::ledger::LedgerError;
use git_ledger::merkle::{Hash, hex};
use git_ledger::policy::Policy;
use git_ledger::query::{Selected, Step, What};
use git_ledger::report::entries::{self, Shown, Standing};
use git_ledger::report::layout::{Ink, Look, fold};
use git_ledger::report::verdict::number;
use git_ledger::report::{attributes, policy_change};

use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::log::{Knowledge, tip, walk_from};
use super::{pager, terminal};

/// Digits a digest or commit must be given with at least.
const PREFIX: usize = 4;

/// Show whole entries
///
/// An entry is named by its number, its commit, its digest (sha256:…; the beginning of either is
/// enough), or 'tip' for the newest. What is shown is what the entry claims; --verify checks the
/// whole ledger first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A number, commit, digest, or 'tip'
    #[arg(value_name = "ENTRY", default_value = "tip")]
    names: Vec<String>,
    /// Verify the whole ledger first, and say what that showed
    #[arg(long, conflicts_with_all = ["raw", "attachment"])]
    verify: bool,
    /// Print one JSON object for each entry
    #[arg(long, conflicts_with_all = ["raw", "attachment"])]
    json: bool,
    /// Print the bytes of the commit, escaped on a terminal
    #[arg(long, conflicts_with = "attachment")]
    raw: bool,
    /// Print the attachment with this digest; its beginning is enough
    #[arg(long, value_name = "DIGEST")]
    attachment: Option<String>,
    /// Write the attachment to a new file, or - for standard output
    #[arg(long, short, value_name = "FILE", requires = "attachment")]
    output: Option<PathBuf>,
    /// Use no pager
    #[arg(long)]
    no_pager: bool,
}

/// Runs `git ledger show`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let wanted: Vec<Wanted> = args
        .names
        .iter()
        .map(|name| Wanted::parse(name))
        .collect::<Result<_, _>>()?;
    if wanted.len() > 1 && (args.raw || args.attachment.is_some()) {
        return Err(Failure::usage("--raw and --attachment are about one entry").hint("name one"));
    }
    let opened = context.open_to_read()?;
    let mut knowledge = Knowledge::new(&opened);
    let tip = if args.verify {
        knowledge.verify()?
    } else {
        tip(&opened)?
    };
    let steps = find(&opened, tip, &knowledge, &args.names, &wanted)?;
    if let (Some(digest), Some(step)) = (&args.attachment, steps.first()) {
        return attachment(&opened, step, digest, args.output.as_deref());
    }
    if let (true, Some(step)) = (args.raw, steps.first()) {
        return raw(step);
    }
    if !args.verify && !args.no_pager {
        pager::start(context, &opened.config);
    }
    let look = pager::look(context, &opened.config);
    let mut broken = 0;
    for (at, step) in steps.into_iter().enumerate() {
        let standing = knowledge.standing(&step);
        let all = match &step.what {
            What::Entry(link) => link.entry.events.len(),
            What::Broken { .. } => {
                broken += 1;
                0
            }
        };
        let selected = Selected {
            matching: (0..all).collect(),
            step,
        };
        let shown = Shown {
            selected: &selected,
            standing: &standing,
        };
        let text = if args.json {
            entries::json_line(json(&opened, &shown))
        } else {
            let gap = if at == 0 { "" } else { "\n" };
            format!("{gap}{}", text(&opened, &shown, &look))
        };
        terminal::print(&text)?;
    }
    knowledge.conclude(context, broken)
}

/// How an entry is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Tip,
    /// A number; also the beginning of a commit or digest if no entry has it.
    Number(u64),
    /// The beginning of a commit or digest, in lower-case hex.
    Hex(String),
    /// The beginning of a digest.
    Digest(String),
}

impl Wanted {
    pub(super) fn parse(name: &str) -> Result<Wanted, Failure> {
        let digits = |text: &str| {
            let text = text.to_ascii_lowercase();
            let hex = text.len() >= PREFIX && text.bytes().all(|b| b.is_ascii_hexdigit());
            (hex && text.len() <= 64).then_some(text)
        };
        let plain = name.bytes().all(|b| b.is_ascii_digit());
        let wanted = match (name, name.strip_prefix("sha256:")) {
            ("tip", _) => Some(Wanted::Tip),
            (_, Some(rest)) => digits(rest).map(Wanted::Digest),
            _ if plain && name.len() <= 18 => name.parse().ok().map(Wanted::Number),
            _ => digits(name).map(Wanted::Hex),
        };
        wanted.ok_or_else(|| {
            Failure::usage(format!("'{name}' names no entry"))
                .hint("give a number, four or more hex digits of a commit or digest, or 'tip'")
        })
    }

    fn names(&self, step: &Step) -> bool {
        let commit = |digits: &str| step.commit.to_string().starts_with(digits);
        let digest = |digits: &str| match &step.what {
            What::Entry(link) => hex(&link.digest()).starts_with(digits),
            What::Broken { raw: Some(raw), .. } => {
                hex(&git_ledger::merkle::leaf(raw)).starts_with(digits)
            }
            What::Broken { raw: None, .. } => false,
        };
        match self {
            Wanted::Tip => false,
            Wanted::Number(number) => {
                let claimed = match &step.what {
                    What::Entry(link) => Some(link.entry.number()),
                    What::Broken { .. } => None,
                };
                step.position == Some(*number) || claimed == Some(*number)
            }
            Wanted::Hex(digits) => commit(digits) || digest(digits),
            Wanted::Digest(digits) => digest(digits),
        }
    }

    /// Whether one step that fits may be the only one, so the walk may end.
    fn is_unique(&self, step: &Step) -> bool {
        match self {
            Wanted::Tip => true,
            Wanted::Number(_) => step.gapless,
            Wanted::Hex(digits) | Wanted::Digest(digits) => digits.len() >= 40,
        }
    }
}

/// The entries that were named, in the order in which they were named.
pub(super) fn find(
    opened: &Opened,
    tip: gix::ObjectId,
    knowledge: &Knowledge<'_>,
    names: &[String],
    wanted: &[Wanted],
) -> Result<Vec<Step>, Failure> {
    let mut walk = walk_from(opened, tip)?;
    if let Some(position) = knowledge.tip_position() {
        walk = walk.at(position);
    }
    let mut found: Vec<Vec<Step>> = wanted.iter().map(|_| Vec::new()).collect();
    let mut settled: Vec<bool> = wanted.iter().map(|_| false).collect();
    let mut newest = None;
    for (at, step) in walk.by_ref().enumerate() {
        newest = newest.or(step.position);
        for ((wanted, found), settled) in wanted.iter().zip(&mut found).zip(&mut settled) {
            let fits = if *wanted == Wanted::Tip {
                at == 0
            } else {
                wanted.names(&step)
            };
            if fits && !*settled {
                *settled = wanted.is_unique(&step);
                found.push(step.clone());
            }
        }
        if settled.iter().all(|settled| *settled) {
            break;
        }
    }
    let complete = walk.end() != Some(git_ledger::query::End::CutOff);
    let mut steps = Vec::new();
    for (name, found) in names.iter().zip(found) {
        if let [_, _, ..] = found.as_slice() {
            let places: Vec<String> = found.iter().map(|step| step.commit.to_string()).collect();
            return Err(
                Failure::no(format!("'{name}' names several entries")).hint(format!(
                    "more digits tell them apart: {}",
                    places.join(", ")
                )),
            );
        }
        steps.push(found.into_iter().next().ok_or_else(|| {
            let newest = newest.map_or_else(String::new, |n| format!("; the newest is entry {n}"));
            let failure = Failure::no(format!(
                "there is no entry '{name}' in '{}'{newest}",
                opened.ledger.reference()
            ));
            if complete {
                failure
            } else {
                failure.hint(
                    "this repository is shallow: git fetch --unshallow brings the older entries",
                )
            }
        })?);
    }
    Ok(steps)
}

/// The bytes of the commit.
fn raw(step: &Step) -> Result<Exit, Failure> {
    let bytes = match &step.what {
        What::Entry(link) => link.raw(),
        What::Broken { raw: Some(raw), .. } => raw,
        What::Broken { finding, .. } => {
            return Err(Failure::no(format!("{}: {}", finding.id, finding.detail)));
        }
    };
    write_bytes(bytes)
}

/// Bytes as they are into a pipe or file; on a terminal, so that it obeys none of them.
fn write_bytes(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    if std::io::stdout().is_terminal() {
        drop(out);
        let text: String = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| printable_bytes(line.strip_suffix(b"\n").unwrap_or(line)) + "\n")
            .collect();
        return terminal::answer(&text, Exit::Done);
    }
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::cannot(format!(
            "cannot write to standard output: {why}"
        ))),
        _ => Ok(Exit::Done),
    }
}

/// The digests of an entry's attachments, none twice.
pub(super) fn attachments(link: &Link) -> Vec<&str> {
    let mut all: Vec<&str> = link
        .entry
        .events
        .iter()
        .filter_map(|event| event.attachment())
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn attachment(
    opened: &Opened,
    step: &Step,
    digits: &str,
    output: Option<&Path>,
) -> Result<Exit, Failure> {
    let What::Entry(link) = &step.what else {
        return Err(Failure::no(
            "the entry is broken; nothing says which attachments it has",
        ));
    };
    let wanted = digits
        .strip_prefix("sha256:")
        .unwrap_or(digits)
        .to_ascii_lowercase();
    let all = attachments(link);
    let here = link.entry.number();
    let fitting: Vec<&str> = all
        .iter()
        .copied()
        .filter(|digest| digest.starts_with(&wanted))
        .collect();
    let [digest] = fitting.as_slice() else {
        let what = if fitting.is_empty() {
            "no attachment"
        } else {
            "several attachments"
        };
        let failure = Failure::no(format!("entry {here} has {what} '{digits}'"));
        return Err(if all.is_empty() {
            failure.hint("it has no attachments at all")
        } else {
            failure.hint(format!("it has {}", all.join(", ")))
        });
    };
    let bytes = opened.ledger.attachment(link, digest)?;
    match output {
        None => write_bytes(&bytes),
        Some(path) if path == Path::new("-") => write_bytes(&bytes),
        Some(path) => {
            let cannot = |why: std::io::Error| {
                Failure::cannot(format!("cannot write '{}': {why}", path.display()))
            };
            let file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path);
            let mut file = file.map_err(|why| match why.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    cannot(why).hint("name a new file; none is overwritten")
                }
                _ => cannot(why),
            })?;
            file.write_all(&bytes).map_err(cannot)?;
            terminal::tell(&format!(
                "{} bytes written to '{}'",
                bytes.len(),
                printable(&path.display().to_string())
            ));
            Ok(Exit::Done)
        }
    }
}

/// The policies an entry stands between: the one in force, and its own if it set one.
struct Policies {
    before: Option<Policy>,
    own: Option<Policy>,
}

fn policies(opened: &Opened, step: &Step, link: &Link) -> Policies {
    let read = |id| opened.ledger.tip_at(id).ok().map(|tip| tip.policy);
    Policies {
        before: link.parent.and_then(read),
        own: (step.policy_changed != Some(false))
            .then(|| read(link.id))
            .flatten(),
    }
}

/// The size of an attachment, or why there is none to tell.
pub(super) fn size(opened: &Opened, link: &Link, digest: &str) -> Result<u64, LedgerError> {
    let bytes = opened.ledger.attachment(link, digest)?;
    Ok(bytes.len() as u64)
}

fn json(opened: &Opened, shown: &Shown<'_>) -> Object {
    let object = entries::json(shown);
    let step = &shown.selected.step;
    let What::Entry(link) = &step.what else {
        return object;
    };
    let attachments = attachments(link).into_iter().map(|digest| {
        let size = size(opened, link, digest).map_or(Value::Null, number);
        Value::from(Object::new().with("digest", digest).with("size", size))
    });
    let range = link.entry.range.roots().iter();
    let range = range.map(|root: &Hash| Value::from(hex(root)));
    let object = object
        .with("attachments", attachments.collect::<Vec<_>>())
        .with("range", range.collect::<Vec<_>>());
    let Policies { before, own } = policies(opened, step, link);
    match own {
        None => object,
        Some(own) => {
            let lines = policy_change::lines(before.as_ref(), &own);
            let lines: Vec<Value> = lines.into_iter().map(Value::from).collect();
            object.with("policy_difference", lines)
        }
    }
}

/// The entry for people: what names it at the left edge, what it says indented.
fn text(opened: &Opened, shown: &Shown<'_>, look: &Look) -> String {
    let step = &shown.selected.step;
    let What::Entry(link) = &step.what else {
        return broken(shown, look);
    };
    let head = look.paint(Ink::Name, &format!("entry {}", link.entry.number()));
    let mut out = format!("{head}\n");
    let mut row = |name: &str, value: &str| out += &format!("{name:<11}{value}\n");
    row("digest", &format!("sha256:{}", hex(&link.digest())));
    row("commit", &link.id.to_string());
    row(
        "parent",
        &link
            .parent
            .map_or_else(|| "none".into(), |id| id.to_string()),
    );
    if let Some(position) = step.position.filter(|at| *at != link.entry.number()) {
        row(
            "place",
            &format!("stands where entry {position} should stand"),
        );
    }
    row("recorded", &git_ledger::date::rfc3339(link.time));
    row("signer", &shown.standing.words(link, look));
    let key = link.signature.key();
    row("key", &format!("{} {}", key.kind(), key.fingerprint()));
    let Policies { before, own } = policies(opened, step, link);
    if *shown.standing == Standing::Claimed {
        let row_of = before
            .as_ref()
            .or(own.as_ref())
            .map(|policy| policy.row(key));
        let roles = match row_of {
            Some(Some((_, row))) => {
                let roles: Vec<&str> = row.roles.iter().map(|role| role.word()).collect();
                format!("{}, by the policy in force as claimed", roles.join(", "))
            }
            Some(None) => "none: the key is not in the policy in force".into(),
            None => "unknown: the policy in force cannot be read".into(),
        };
        row("roles", &roles);
    }
    row("policy", &format!("sha256:{}", hex(&link.entry.policy)));
    for (at, root) in link.entry.range.roots().iter().enumerate() {
        row(if at == 0 { "range" } else { "" }, &hex(root));
    }
    for approval in &link.entry.approvals {
        row("approval", &format!("claimed by {}", approval.principal));
    }
    if let Some(own) = own {
        out += "policy change\n";
        for line in policy_change::lines(before.as_ref(), &own) {
            out += &fold(&line, 4, look.width);
        }
    }
    for digest in attachments(link) {
        out += &match size(opened, link, digest) {
            Ok(size) => format!("attachment sha256:{digest}, {size} bytes\n"),
            Err(why) => format!(
                "attachment sha256:{digest}, not readable\n{}",
                fold(&printable(&why.to_string()), 4, look.width)
            ),
        };
    }
    for (at, event) in link.entry.events.iter().enumerate() {
        out += &format!("event {} of {}\n", at + 1, link.entry.events.len());
        out += &attributes::text(event, look);
    }
    out
}

fn broken(shown: &Shown<'_>, look: &Look) -> String {
    let mut out = entries::block(shown, look);
    if let What::Broken { raw: Some(raw), .. } = &shown.selected.step.what {
        out += &format!("    its {} bytes, as --raw gives them:\n", raw.len());
        for line in raw.split(|byte| *byte == b'\n') {
            out += &fold(&printable_bytes(line), 8, look.width);
        }
    }
    out
}
