//! `git ledger report`: what an auditor is handed, and whether what they hold is it.

mod check;
mod gather;

use std::path::{Path, PathBuf};

use git_ledger::audit::{self, Form, Profile, model};
use git_ledger::finding::Answer;
use git_ledger::merkle::hex;
use git_ledger::query::words::Edge;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::prove::Target;
use super::{compare, date, mirror, terminal};

use gather::{Bound, Gathered};

/// The program as it calls itself in a report.
const PROGRAM: &str = concat!("git-ledger ", env!("CARGO_PKG_VERSION"));
/// The name of exactly these sources.
const BUILD: &str = env!("GIT_LEDGER_BUILD");

/// Make a report for an auditor, or check one
///
/// The report is one file that opens anywhere: what was verified and what not, the copies and the
/// detection window, counts, changes of policy and keys, what somebody should explain, a sample
/// chosen by rule with a receipt for each entry, and which questions of a standard the ledger holds
/// evidence for. It never says that a control is met. Everything is verified first; the exit status
/// is the verdict.
///
/// With --check a report is read instead: its page is made again of its data and compared byte for
/// byte, its receipts are judged by the fingerprint alone, and where the ledger is here its data are
/// made anew and compared.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// From this entry or date on [default: entry 0]
    #[arg(long, value_name = "NUMBER|DATE")]
    from: Option<String>,
    /// Up to this entry or date [default: the newest entry]
    #[arg(long, value_name = "NUMBER|DATE")]
    to: Option<String>,
    /// Which questions of this standard the ledger holds evidence for; may be given several times
    #[arg(long, value_name = "STANDARD", value_parser = ["soc2", "hipaa", "pci", "iso27001", "nist", "gdpr"])]
    profile: Vec<String>,
    /// One page of HTML that opens without a network [default]
    #[arg(long, group = "form")]
    html: bool,
    /// The same for paper: A4, page numbers, everything unfolded; print it to PDF with a browser
    #[arg(long, group = "form")]
    pdf_ready: bool,
    /// Markdown
    #[arg(long, group = "form")]
    md: bool,
    /// The data alone, as one JSON object; with --check the answer
    #[arg(long, group = "form")]
    json: bool,
    /// Write to this file, or - for standard output [default: ledger-report-FROM-TO.html; Markdown and JSON go to standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
    /// What the report is called
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Choose the sample by this word, such as one the auditor thought of [default: the tip and the range]
    #[arg(long, value_name = "WORD")]
    seed: Option<String>,
    /// How many entries are sampled
    #[arg(long, value_name = "N", default_value_t = audit::SAMPLE as u64, value_parser = clap::value_parser!(u64).range(0..=audit::MOST_SAMPLED as u64))]
    sample: u64,
    /// Also compare these remotes [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    remotes: Option<Vec<String>>,
    /// Wait for remotes this many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        requires = "remotes"
    )]
    timeout: u64,
    /// Check this report instead of making one; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to", "profile", "html", "pdf_ready", "md", "title", "seed", "sample", "remotes"])]
    check: Option<PathBuf>,
    /// With --check: the digest entry 0 must have [default: ledger.<name>.fingerprint, inside a repository]
    #[arg(long, value_name = "SHA256", requires = "check")]
    fingerprint: Option<String>,
    /// With --check: write the receipt of this entry of the sample, as 'git ledger prove' does
    #[arg(long, value_name = "NUMBER", requires = "check")]
    receipt: Option<u64>,
}

/// Runs `git ledger report`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    match &args.check {
        Some(file) => check::run(context, args, file),
        None => make(context, args),
    }
}

fn make(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let form = form(args);
    let now = context.clock()?;
    let from = bound(args.from.as_deref(), now, Edge::Begin)?;
    let to = bound(args.to.as_deref(), now, Edge::End)?;
    // a file that cannot be written is told before a long verification
    if let Some(path) = args.output.as_ref().filter(|path| *path != Path::new("-")) {
        Target::new(context, path, args.force)?;
    }
    let opened = context.open_to_read()?;
    let tip = opened.ledger.tip_id()?;
    let tip = tip.ok_or_else(|| compare::absent(&opened))?;
    let pinned = opened.settings.fingerprint;
    let (verdict, _) = super::verify::judge_from(&opened, pinned, None, tip, None)?;
    let comparison = match &args.remotes {
        None => None,
        Some(names) => {
            let (remotes, marks) = (mirror::remotes(&opened, names)?, opened.marks());
            let survey = mirror::survey(context, &opened, &marks, args.timeout)?;
            Some(survey.compare(&remotes)?)
        }
    };
    let mut history = gather::history(&opened, tip, &verdict)?;
    let (from, to) = history.range(from, to)?;
    let tip_name = verdict.tip.as_ref();
    let tip_name =
        tip_name.map_or_else(|| tip.to_string(), |tip| format!("sha256:{}", hex(&tip.1)));
    let seed = args.seed.clone();
    let seed = seed.unwrap_or_else(|| model::default_seed(&tip_name, from, to));
    let size = usize::try_from(args.sample).unwrap_or(audit::SAMPLE);
    let gathered = history.gather(&opened, (from, to), &seed, size);
    let profiles: Vec<Profile> = args
        .profile
        .iter()
        .filter_map(|word| Profile::of(word))
        .collect();
    let unasked = compare::unasked(&opened, comparison.as_ref());
    let Gathered {
        collected,
        bundle,
        first_time,
    } = &gathered;
    let model = model::model(&model::Parts {
        now,
        program: PROGRAM,
        build: BUILD,
        title: args.title.as_deref(),
        reference: opened.ledger.reference(),
        asked: (args.from.as_deref(), args.to.as_deref()),
        first_time: *first_time,
        profiles: &profiles,
        seed: (&seed, args.seed.is_some()),
        size,
        verdict: &verdict,
        comparison: comparison.as_ref(),
        unasked: &unasked,
        collected,
        bundle: bundle.as_ref().map_err(Clone::clone),
    });
    if let Err(why) = model.check() {
        return Err(Failure::cannot(format!(
            "the report cannot be written down: {why}"
        )));
    }
    let text = audit::render(&model, form);
    write(context, args, form, (from, to), &text)?;
    let copies = comparison.map_or(Answer::Sound, |comparison| comparison.answer());
    let answer = verdict.answer().max(copies);
    if answer != Answer::Sound {
        terminal::tell(&format!("{}: the report says why", answer.word()));
    }
    Ok(answer.into())
}

fn form(args: &Args) -> Form {
    match (args.pdf_ready, args.md, args.json) {
        (true, ..) => Form::Print,
        (_, true, _) => Form::Markdown,
        (.., true) => Form::Json,
        _ => Form::Html,
    }
}

fn bound(text: Option<&str>, now: u64, edge: Edge) -> Result<Bound, Failure> {
    let Some(text) = text else {
        return Ok(Bound::Open);
    };
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text
            .parse()
            .map(Bound::Number)
            .map_err(|_| Failure::usage(format!("'{text}' is no number of an entry")));
    }
    date::parse(text, now, edge).map(Bound::Time)
}

/// Writes it where it was asked to be, or where a user would look.
fn write(
    context: &Context,
    args: &Args,
    form: Form,
    (from, to): (u64, u64),
    text: &str,
) -> Result<(), Failure> {
    let page = matches!(form, Form::Html | Form::Print);
    let path = match &args.output {
        Some(path) => path.clone(),
        None if page => PathBuf::from(format!("ledger-report-{from}-{to}.html")),
        None => PathBuf::from("-"),
    };
    if path == Path::new("-") {
        return terminal::print(text);
    }
    let target = Target::new(context, &path, args.force)?;
    target.write_bytes(text.as_bytes())?;
    let shown = path.display().to_string();
    terminal::tell(&format!(
        "wrote {}, {} bytes: entries {from} to {to}",
        git_ledger::escape::printable(&shown),
        text.len()
    ));
    terminal::hint(&format!("check it with: git ledger report --check {shown}"));
    Ok(())
}
