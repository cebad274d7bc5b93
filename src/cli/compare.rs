//! `git ledger compare`: all copies asked at once, judged, and told apart.

use git_ledger::freshness::Limits;
use git_ledger::git::Scope;
use git_ledger::json::Value;
use git_ledger::ledger::LedgerError;
use git_ledger::marks::MarkError;
use git_ledger::mirror::{Comparison, Heard, Named};
use git_ledger::report::fresh::{self, Fresh};
use git_ledger::report::{mirrors, tips};

use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::{date, mirror, terminal, tip};

/// Compare all copies and tell the detection window
///
/// Asks every remote at once, under one deadline, in a store apart. What a remote shows is judged
/// before it is believed, and both sides of a fork are kept as evidence. Tells who is level,
/// behind, ahead, forked, rolled back or silent, who is independent of whom, how old the newest
/// entry is that two independent copies hold, and what no comparison can tell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The remotes [default: the ledger's mirrors]
    #[arg(value_name = "REMOTE")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub limits: Asked,
    /// A tip that was seen elsewhere: a line of 'git ledger tip', NUMBER:DIGEST, a file or -
    #[arg(long, value_name = "TIP")]
    tip: Vec<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Print nothing; the exit status is the answer
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}

/// What is too old.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Asked {
    /// The newest entry may be this old, such as 36h or 7d [default: ledger.<name>.maxAge]
    #[arg(long, value_name = "DURATION", value_parser = date::parse_span)]
    max_age: Option<u64>,
    /// A remote may lack an entry for this long [default: ledger.<name>.maxLag]
    #[arg(long, value_name = "DURATION", value_parser = date::parse_span)]
    max_lag: Option<u64>,
}

impl Asked {
    /// Whether a limit on the lag of remotes was given.
    pub fn wants_lag(self) -> bool {
        self.max_lag.is_some()
    }

    /// The limits in force: what was asked for, else the strictest that is configured anywhere.
    /// Who may write into the repository's configuration can make a limit stricter and never
    /// looser; one that cannot be read stops the command.
    pub fn limits(self, opened: &Opened) -> Result<Limits, Failure> {
        let configured = |setting: &str| -> Result<Option<u64>, Failure> {
            let name = &opened.settings.name;
            let keys = [
                format!("ledger.{setting}"),
                format!("ledger.{name}.{setting}"),
            ];
            let mut strictest = None;
            for key in keys {
                for text in opened.config.get_all(&key, Scope::Any) {
                    let span = date::parse_span(&text).map_err(|why| {
                        Failure::cannot(format!("{key} is no length of time: '{text}'")).hint(why)
                    })?;
                    strictest = Some(strictest.map_or(span, |other: u64| other.min(span)));
                }
            }
            Ok(strictest)
        };
        let or = |asked: Option<u64>, setting| match asked {
            Some(asked) => Ok(Some(asked)),
            None => configured(setting),
        };
        Ok(Limits {
            max_age: or(self.max_age, "maxAge")?,
            max_lag: or(self.max_lag, "maxLag")?,
        })
    }
}

/// Runs `git ledger compare`, and `git ledger mirror status`, which is the same.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    if opened.ledger.tip_id()?.is_none() {
        return Err(absent(&opened));
    }
    let tips = tip::read(context, &args.tip)?;
    let remotes = mirror::remotes(&opened, &args.names)?;
    let marks = opened.marks();
    let mut survey = mirror::survey(context, &opened, &marks, args.timeout)?;
    survey.tips = &tips;
    survey.limits = args.limits.limits(&opened)?;
    let mut comparison = survey.compare(&remotes)?;
    comparison.about_here = survey.about_here(&comparison);
    let heard = comparison.here.as_ref().map_or_else(Vec::new, |here| {
        let first = opened.settings.fingerprint;
        let heard = tip::hear(&opened, (here.number, here.commit), first, &tips);
        with_copies(heard, &comparison)
    });
    let answer = comparison
        .answer()
        .max(tips::answer(&heard, &comparison.copies));
    let fresh = Fresh {
        newest: comparison.here.as_ref().and_then(Named::newest),
        limits: survey.limits,
        now: survey.clock,
        before: comparison
            .before
            .as_ref()
            .map(|mark| (mark.number, mark.seen)),
        unasked: unasked(&opened, Some(&comparison)),
        held_to: tips::held_to(&heard),
    };
    let text = if args.quiet {
        String::new()
    } else if args.json {
        let object = mirrors::json(&comparison)
            .with("fresh", fresh::json(&fresh))
            .with("tips", tips::json(&heard, &comparison.copies))
            .with("answer", answer.word());
        Value::from(object).to_canonical() + "\n"
    } else {
        mirrors::text(&comparison, survey.clock)
            + &tips::finding_lines(&heard, &comparison.copies)
            + &tips::text(&heard, &comparison.copies)
            + &fresh::text(&fresh, "fresh   ")
    };
    terminal::answer(&text, answer.into())
}

/// Tips with what the remotes that were asked show of them.
pub fn with_copies(heard: Vec<Heard>, comparison: &Comparison) -> Vec<Heard> {
    let heard = heard.into_iter().enumerate();
    heard
        .map(|(at, heard)| heard.with(&comparison.copies, at))
        .collect()
}

/// The newest entry that was seen here before, and when.
pub fn before(opened: &Opened) -> Option<(u64, u64)> {
    let mark = opened
        .marks()
        .get(None)
        .unwrap_or_else(MarkError::recalled)?;
    Some((mark.number, mark.seen))
}

/// The ledger's mirrors that were not asked, and when they were last seen.
pub fn unasked(opened: &Opened, asked: Option<&Comparison>) -> Vec<(String, Option<u64>)> {
    let asked = |name: &String| {
        let mut copies = asked.iter().flat_map(|comparison| &comparison.copies);
        copies.any(|copy| copy.remote.name == *name)
    };
    let marks = opened.marks();
    let mirrors = opened.settings.mirrors.iter();
    mirrors
        .filter(|name| !asked(name))
        .map(|name| {
            let mark = marks.get(Some(name)).ok().flatten();
            (name.clone(), mark.map(|mark| mark.seen))
        })
        .collect()
}

/// No ledger here: it was never there, or it is gone, which is an answer and not an error.
pub fn absent(opened: &Opened) -> Failure {
    let reference = &opened.settings.reference;
    match opened.marks().get(None) {
        Ok(Some(mark)) => Failure::no(format!(
            "breach: rolledBack: '{reference}' is gone; entry {} (commit {}) was seen here",
            mark.number, mark.commit
        ))
        .hint("the reflog or a mirror may still have it: git ledger mirror pull"),
        Ok(None) => LedgerError::Absent(reference.clone()).into(),
        Err(why) => Failure {
            exit: Exit::Unknown,
            ..Failure::cannot(format!("'{reference}' is not here, and {why}"))
        },
    }
}
