//! `git ledger log`: the entries, the newest first.

use std::collections::BTreeMap;
use std::io::Write as _;

use git_ledger::index::Finder;
use git_ledger::ledger::{Ledger, LedgerError, ObjectReader};
use git_ledger::merkle::Hash;
use git_ledger::policy::{Policy, Role};
use git_ledger::query::{End, Selected, Step, Walk, What};
use git_ledger::report::entries::{self, Shown, Standing};
use git_ledger::report::format::Format;
use git_ledger::report::layout::Look;
use git_ledger::report::verdict::{self, Frame};
use git_ledger::store::Store as _;
use git_ledger::verify::Verdict;
use gix::ObjectId;

use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::selection::Selection;
use super::{index, pager, terminal};

/// Show entries, the newest first
///
/// What is shown is what the entries claim; --verify checks the whole ledger first and tells the
/// two apart. Filters are asked about every entry, so a back-dated one hides no other, and an
/// entry that cannot be read is shown as broken and never left out by a filter.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// At most so many entries
    #[arg(short = 'n', long, value_name = "N")]
    max_count: Option<u64>,
    /// The oldest first; with -n the newest N in this order
    #[arg(long)]
    reverse: bool,
    /// Verify the whole ledger first, and say of each entry what that showed
    #[arg(long)]
    verify: bool,
    /// Read the chain alone, though there is an index ('git ledger index')
    #[arg(long)]
    no_index: bool,
    /// Print one JSON object for each entry
    #[arg(long, conflicts_with_all = ["format", "oneline"])]
    json: bool,
    /// Print a line like this: %(number) %(digest) %(commit) %(recorded) %(signer) %(key) %(standing) %(why) %(events); once for each matching event with %(type) %(source) %(subject) %(id) %(time) %(data); %n %%
    #[arg(long, value_name = "FORMAT", conflicts_with = "oneline")]
    format: Option<String>,
    /// Print one line for each entry
    #[arg(long)]
    oneline: bool,
    /// Use no pager
    #[arg(long)]
    no_pager: bool,
}

/// How entries are written.
enum Style {
    Blocks,
    Lines,
    Json,
    Format(Format),
}

impl Style {
    fn show(&self, shown: &Shown<'_>, look: &Look) -> String {
        match self {
            Style::Blocks => entries::block(shown, look),
            Style::Lines => entries::line(shown, look),
            Style::Json => entries::json_line(entries::json(shown)),
            Style::Format(format) => format.render(shown),
        }
    }
}

/// Runs `git ledger log`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let style = style(&args)?;
    let filter = args.selection.filter(context)?;
    let opened = context.open_to_read()?;
    let mut knowledge = Knowledge::new(&opened);
    let tip = if args.verify {
        knowledge.verify()?
    } else {
        tip(&opened)?
    };
    // a verdict and its exit status stand in the open, not behind a pager
    if !args.verify && !args.no_pager {
        pager::start(context, &opened.config);
    }
    let look = pager::look(context, &opened.config);
    let mut walk = walk_from(&opened, tip)?;
    if let Some(position) = knowledge.tip_position() {
        walk = walk.at(position);
    }
    // whoever wants everything verified wants everything read, and without a filter there is
    // nothing to look for
    let by_index = !args.verify && !args.no_index && !filter.is_empty();
    let found = if by_index {
        index::to_search(&opened)?
    } else {
        None
    };
    let by_index = found.is_some();
    let mut finder = Finder::new(walk, found);
    let mut out = Out::default();
    let mut show = |selected: &Selected| {
        let standing = knowledge.standing(&selected.step);
        let shown = Shown {
            selected,
            standing: &standing,
        };
        out.write(&style.show(&shown, &look))
    };
    let most = args.max_count.unwrap_or(u64::MAX);
    let (mut count, mut broken, mut places) = (0, 0u64, Vec::new());
    while count < most {
        let Some(selected) = finder.next(&filter) else {
            break;
        };
        count += 1;
        if matches!(selected.step.what, What::Broken { .. }) {
            broken += 1;
        }
        if args.reverse {
            places.push(selected.step.place());
        } else if show(&selected)? == Reader::Gone {
            return Ok(Exit::Done);
        }
    }
    while let Some(place) = places.pop() {
        let step = finder.again(&place);
        let Some(selected) = filter.select(step) else {
            continue;
        };
        if show(&selected)? == Reader::Gone {
            return Ok(Exit::Done);
        }
    }
    out.flush()?;
    tell_end(finder.end());
    if by_index {
        index::look_after(&opened, finder.was_misled());
    }
    knowledge.conclude(context, broken)
}

fn style(args: &Args) -> Result<Style, Failure> {
    Ok(match &args.format {
        Some(text) => Style::Format(Format::parse(text).map_err(|why| {
            let names: Vec<String> = Format::names().map(|name| format!("%({name})")).collect();
            Failure::usage(why.to_string())
                .hint(format!("placeholders are {} %n %%", names.join(" ")))
        })?),
        None if args.json => Style::Json,
        None if args.oneline => Style::Lines,
        None => Style::Blocks,
    })
}

/// The newest commit.
pub fn tip(opened: &Opened) -> Result<ObjectId, Failure> {
    let tip = opened.ledger.tip_id()?;
    tip.ok_or_else(|| LedgerError::Absent(opened.settings.reference.clone()).into())
}

/// Says where the walk ended, unless it ended where ledgers begin or the caller had enough.
pub fn tell_end(end: Option<End>) {
    if end == Some(End::CutOff) {
        terminal::tell("note: this repository is shallow; older entries are not here");
        terminal::hint("git fetch --unshallow brings them");
    }
}

/// Whether anybody still reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    There,
    Gone,
}

/// Standard output, written in larger pieces once the first lines are out.
#[derive(Default)]
struct Out {
    text: String,
    written: usize,
}

impl Out {
    fn write(&mut self, text: &str) -> Result<Reader, Failure> {
        self.text += text;
        // the first entries at once, so that a reader who wants few need not wait
        if self.written < 4096 || self.text.len() > 1 << 16 {
            return self.flush();
        }
        Ok(Reader::There)
    }

    fn flush(&mut self) -> Result<Reader, Failure> {
        let text = std::mem::take(&mut self.text);
        self.written += text.len();
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(Reader::There),
            Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(why) => Err(Failure::cannot(format!(
                "cannot write to standard output: {why}"
            ))),
        }
    }
}

/// Policies that were read, by their digest.
pub type Policies = BTreeMap<Hash, Option<Policy>>;

/// What is known of entries besides what they claim.
pub struct Knowledge<'a> {
    opened: &'a Opened,
    verdict: Option<(Verdict, Vec<String>)>,
    policies: Policies,
}

impl<'a> Knowledge<'a> {
    /// Nothing is known yet.
    pub fn new(opened: &'a Opened) -> Knowledge<'a> {
        Knowledge {
            opened,
            verdict: None,
            policies: Policies::new(),
        }
    }

    /// Verifies the whole ledger. Returns the commit the verdict is about.
    pub fn verify(&mut self) -> Result<ObjectId, Failure> {
        for _ in 0..5 {
            let before = self.opened.ledger.tip_id()?;
            let (judged, ignored) =
                super::verify::judge(self.opened, self.opened.settings.fingerprint, None)?;
            let commit = judged.tip.as_ref().map(|(_, _, commit, _)| *commit);
            let still =
                before.filter(|before| self.opened.ledger.tip_id().ok() == Some(Some(*before)));
            if let Some(tip) = commit.or(still) {
                self.verdict = Some((judged, ignored));
                return Ok(tip);
            }
        }
        Err(
            Failure::cannot("the ledger moves faster than it can be verified")
                .hint("run it again, or verify a clone"),
        )
    }

    /// The position of the newest entry, where the verdict knows it better than that entry.
    pub fn tip_position(&self) -> Option<u64> {
        let (verdict, _) = self.verdict.as_ref()?;
        verdict.fingerprint?;
        verdict.entries.checked_sub(1)
    }

    /// Where an entry stands.
    pub fn standing(&mut self, step: &Step) -> Standing {
        let Some((verdict, _)) = &self.verdict else {
            return Standing::Claimed;
        };
        let (ledger, policies) = (&self.opened.ledger, &mut self.policies);
        Standing::by(verdict, step, || roles(ledger, policies, step))
    }

    /// Tells the verdict on standard error, and how the command ends.
    pub fn conclude(&self, context: &Context, broken: u64) -> Result<Exit, Failure> {
        let Some((judged, ignored)) = &self.verdict else {
            if broken == 0 {
                return Ok(Exit::Done);
            }
            let what = if broken == 1 {
                "entry is"
            } else {
                "entries are"
            };
            return Err(Failure::no(format!("breach: {broken} {what} broken"))
                .hint("'git ledger verify' tells all that is wrong"));
        };
        let frame = Frame {
            subject: self.opened.ledger.reference().to_owned(),
            now: context.clock()?,
            ignored: ignored.clone(),
            ..Frame::default()
        };
        terminal::tell(verdict::text(judged, &frame).trim_end());
        Ok(judged.answer().into())
    }
}

/// The roles of the signer in the policy in force: the parent's, or for the first entry its own.
pub fn roles(ledger: &Ledger, policies: &mut Policies, step: &Step) -> Vec<Role> {
    let What::Entry(link) = &step.what else {
        return Vec::new();
    };
    let before = match (link.parent, step.policy_changed) {
        // the parent's policy is this entry's unless this entry changed it
        (Some(_), Some(false)) => Some((link.entry.policy, link.id)),
        (Some(parent), _) => ledger
            .link(parent)
            .ok()
            .map(|link| (link.entry.policy, link.id)),
        (None, _) => Some((link.entry.policy, link.id)),
    };
    let Some((digest, commit)) = before else {
        return Vec::new();
    };
    let policy = policies
        .entry(digest)
        .or_insert_with(|| ledger.tip_at(commit).ok().map(|tip| tip.policy));
    let row = policy
        .as_ref()
        .and_then(|policy| policy.row(link.signature.key()));
    row.map(|(_, row)| row.roles.clone()).unwrap_or_default()
}

/// A walk over the ledger that ends where this repository's history does.
pub fn walk_from(opened: &Opened, tip: ObjectId) -> Result<Walk<ObjectReader>, Failure> {
    let boundary = opened.ledger.surroundings()?.boundary;
    Ok(Walk::new(opened.ledger.reader(), tip, boundary))
}
