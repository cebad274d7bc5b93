//! `git ledger tip`: the newest entry in one line, to be kept elsewhere; and such lines held
//! against the copy in hand.

use std::fs::File;
use std::io::Read as _;

use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::finding::Answer;
use git_ledger::json::{Object, Value};
use git_ledger::merkle::{Hash, hex};
use git_ledger::mirror::{Heard, fingerprint};
use git_ledger::report::tips;
use git_ledger::report::verdict::number;
use git_ledger::tip::Tip;

use super::compare::absent;
use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::terminal;

/// The most that is read of a file with tips, in bytes.
const MOST: u64 = 1 << 20;

/// Print the newest entry in one line, to keep elsewhere or to tell others
///
/// Number, digest and fingerprint of the newest entry. Whoever keeps such a line, or tells it to
/// others who have a copy, learns of what no comparison of remotes can show: that all copies were
/// taken back, or that a server shows different people different histories. It is no secret.
/// Nothing is verified here; 'git ledger verify --tip TIP' verifies and holds a tip against it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Hold tips that were seen elsewhere against this copy: lines, NUMBER:DIGEST, files or -
    #[arg(long, value_name = "TIP", num_args = 1..)]
    check: Option<Vec<String>>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger tip`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    let Some(commit) = opened.ledger.tip_id()? else {
        return Err(absent(&opened));
    };
    let link = opened.ledger.link(commit)?;
    let first = fingerprint(&opened.ledger, commit);
    if let Some(given) = &args.check {
        let tips = read(context, given)?;
        let heard = hear(&opened, (link.entry.number(), commit), first, &tips);
        let answer = tips::answer(&heard, &[]);
        let text = if args.json {
            let object = Object::new()
                .with("answer", answer.word())
                .with("tips", tips::json(&heard, &[]));
            Value::from(object).to_canonical() + "\n"
        } else {
            let note = match answer {
                Answer::Sound => {
                    "only the tips were judged; 'git ledger verify' judges the ledger\n"
                }
                Answer::Unknown | Answer::Breach => "",
            };
            let (wrong, told) = (tips::finding_lines(&heard, &[]), tips::text(&heard, &[]));
            let (word, count) = (answer.word(), heard.len());
            format!("{wrong}{told}{word}: {count} tips\n{note}")
        };
        return terminal::answer(&text, answer.into());
    }
    let tip = Tip {
        number: link.entry.number(),
        digest: link.digest(),
        fingerprint: first,
    };
    let text = if args.json {
        let object = Object::new()
            .with("number", number(tip.number))
            .with("digest", format!("sha256:{}", hex(&tip.digest)))
            .with("commit", commit.to_string())
            .with("time", rfc3339(link.time))
            .with(
                "fingerprint",
                first.map_or(Value::Null, |first| {
                    Value::from(format!("sha256:{}", hex(&first)))
                }),
            )
            .with("line", tip.line());
        Value::from(object).to_canonical() + "\n"
    } else {
        tip.line() + "\n"
    };
    terminal::answer(&text, Exit::Done)
}

/// Holds tips against the copy in hand.
pub fn hear(
    opened: &Opened,
    newest: (u64, gix::ObjectId),
    first: Option<Hash>,
    tips: &[Tip],
) -> Vec<Heard> {
    let ledger = &opened.ledger;
    let heard = tips.iter().map(|tip| Heard::of(ledger, newest, first, tip));
    heard.collect()
}

/// The tips that were given: as lines, as `NUMBER:DIGEST`, in files or on standard input.
pub fn read(context: &Context, given: &[String]) -> Result<Vec<Tip>, Failure> {
    let mut tips = Vec::new();
    for text in given {
        if let Some(tip) = Tip::parse(text) {
            tips.push(tip);
            continue;
        }
        let path = context.directory.join(text);
        if text != "-" && !path.exists() {
            return Err(
                Failure::usage(format!("'{text}' is no tip and no file with one"))
                    .hint("'git ledger tip' prints one; NUMBER:DIGEST will do"),
            );
        }
        let shown = printable(text);
        let unusable = |why: String| Failure {
            exit: Exit::Unknown,
            ..Failure::cannot(format!("the tips in '{shown}' cannot be used: {why}"))
        };
        let mut bytes = Vec::new();
        let read = if text == "-" {
            std::io::stdin().take(MOST).read_to_end(&mut bytes)
        } else {
            File::open(&path).and_then(|file| file.take(MOST).read_to_end(&mut bytes))
        };
        read.map_err(|why| unusable(why.to_string()))?;
        let found = String::from_utf8(bytes)
            .ok()
            .as_deref()
            .and_then(Tip::find_all);
        match found {
            Some(found) if !found.is_empty() => tips.extend(found),
            Some(_) => return Err(unusable("there is none".into())),
            None => return Err(unusable("one is cut or misspelled".into())),
        }
    }
    Ok(tips)
}
