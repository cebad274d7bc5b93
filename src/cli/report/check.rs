//! `git ledger report --check`: a report that somebody hands over, held against itself, its
//! receipts, and the ledger.

use std::path::Path;

use git_ledger::audit::check::{self, CLAIMED, Reading};
use git_ledger::audit::{file, model, proofs};
use git_ledger::escape::printable;
use git_ledger::finding::{Answer, Finding, FindingId};
use git_ledger::json::{Object, Value};
use git_ledger::merkle::Hash;
use git_ledger::report::verdict::{clean, finding_json, number};
use gix::ObjectId;

use super::gather::{self, Gathered};
use super::{Args, BUILD, PROGRAM};
use crate::cli::context::{Context, Opened, parse_date};
use crate::cli::failure::{Exit, Failure};
use crate::cli::prove::Target;
use crate::cli::{check_proof, input, terminal, verify};

/// What a ledger that is here says of a report.
enum Here {
    /// There is none.
    None,
    /// It could not be asked.
    Unasked,
    /// It was asked.
    Asked,
}

/// Runs the check.
pub fn run(context: &Context, args: &Args, path: &Path) -> Result<Exit, Failure> {
    let bytes = input::read(context, path, file::MAX_BYTES)?;
    let fingerprint = check_proof::fingerprint(context, args.fingerprint.as_deref())?;
    let reading = match check::read(&bytes, BUILD) {
        Ok(reading) => reading,
        Err(finding) => return tell(args, None, &[finding], &Here::None),
    };
    if let Some(entry) = args.receipt {
        return receipt(context, args, &reading.model, entry);
    }
    let mut findings = reading.findings.clone();
    findings.extend(check::examine(&reading.model, fingerprint));
    let here = match context.open_to_read() {
        Ok(opened) if matches!(opened.ledger.tip_id(), Ok(Some(_))) => {
            if unrelated(&findings) {
                Here::Unasked
            } else {
                anew(&opened, &reading.model, fingerprint, &mut findings)?
            }
        }
        _ => Here::None,
    };
    if matches!(here, Here::None) {
        findings.push(Finding::new(
            FindingId::ReportUnchecked,
            "no ledger is here, so only the sample could be held against entries",
        ));
    }
    tell(args, Some(&reading), &findings, &here)
}

fn unrelated(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.id == FindingId::ReportUnrelated)
}

fn at<'a>(model: &'a Object, way: &str) -> Option<&'a Value> {
    let (first, rest) = way.split_once('.').unwrap_or((way, ""));
    let value = model.get(first)?;
    if rest.is_empty() {
        return Some(value);
    }
    at(value.as_object()?, rest)
}

fn text<'a>(model: &'a Object, way: &str) -> &'a str {
    at(model, way).and_then(Value::as_str).unwrap_or_default()
}

fn count(model: &Object, way: &str) -> Option<u64> {
    let number = at(model, way).and_then(Value::as_integer)?;
    u64::try_from(number).ok()
}

/// Makes the model anew of the ledger that is here, and compares.
fn anew(
    opened: &Opened,
    told: &Object,
    fingerprint: Option<Hash>,
    findings: &mut Vec<Finding>,
) -> Result<Here, Failure> {
    let unchecked = |why: String| Finding::new(FindingId::ReportUnchecked, why);
    let Some(newest) = opened.ledger.tip_id()? else {
        return Ok(Here::None);
    };
    let (Some(tip), Some(from), Some(to)) = (
        count(told, "scope.tip.number"),
        count(told, "scope.from"),
        count(told, "scope.to"),
    ) else {
        findings.push(unchecked(
            "the report names no tip and range to be made anew".into(),
        ));
        return Ok(Here::Unasked);
    };
    let boundary = opened.ledger.surroundings()?.boundary;
    let commits = gather::commits(opened, newest, &boundary);
    let Some(commits) = commits else {
        findings.push(unchecked(
            "the ledger here is not whole, so nothing could be made anew".into(),
        ));
        return Ok(Here::Unasked);
    };
    let own = (commits.len() as u64).saturating_sub(1);
    let place = usize::try_from(tip).ok().and_then(|at| commits.get(at));
    let Some(commit) = place.copied() else {
        let why = format!("the report ends with entry {tip}, and the ledger here with entry {own}");
        findings.push(unchecked(why));
        return Ok(Here::Unasked);
    };
    let named = text(told, "scope.tip.commit");
    if ObjectId::from_hex(named.as_bytes()).ok() != Some(commit) {
        findings.push(Finding::new(
            FindingId::ReportUnrelated,
            format!("entry {tip} is commit {named} in the report, and {commit} here"),
        ));
        return Ok(Here::Unasked);
    }
    if own > tip {
        let more = own - tip;
        let why = format!("the report ends with entry {tip}; {more} more are here now");
        findings.push(Finding::new(FindingId::ReportOlder, why));
    }
    if from > to || to > tip {
        // said already: the range does not lie before the tip
        return Ok(Here::Unasked);
    }
    let verdict = verify::judge_up_to(opened, fingerprint, commit, tip)?;
    let history = gather::history(opened, commit, &verdict)?;
    let seed = text(told, "sample.seed");
    let size = count(told, "sample.size").unwrap_or(0);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let Gathered {
        collected,
        bundle,
        first_time,
    } = &history.gather(opened, (from, to), seed, size);
    let model = model::model(&model::Parts {
        now: parse_date(text(told, "made.at")).unwrap_or(0),
        program: PROGRAM,
        build: BUILD,
        title: None,
        reference: opened.ledger.reference(),
        asked: (None, None),
        first_time: *first_time,
        profiles: &[],
        seed: (
            seed,
            at(told, "sample.seed_given") == Some(&Value::Bool(true)),
        ),
        size,
        verdict: &verdict,
        comparison: None,
        unasked: &[],
        collected,
        bundle: bundle.as_ref().map_err(Clone::clone),
    });
    let other_build = text(told, "made.build") != BUILD;
    findings.extend(check::compare(told, &model, other_build));
    Ok(Here::Asked)
}

/// Writes one receipt of the sample as a file of its own.
fn receipt(context: &Context, args: &Args, model: &Object, entry: u64) -> Result<Exit, Failure> {
    let receipts = match model.get("proofs") {
        Some(value) => proofs::receipts(value).map_err(Failure::no)?,
        None => Vec::new(),
    };
    let found = receipts.into_iter().find(|(number, _)| *number == entry);
    let Some((_, proof)) = found else {
        return Err(
            Failure::no(format!("the report has no receipt for entry {entry}"))
                .hint("receipts are for the entries of the sample"),
        );
    };
    let path = args.output.as_deref().unwrap_or(Path::new("-"));
    let target = Target::new(context, path, args.force)?;
    target.write_bytes(&proof.to_bytes())?;
    terminal::hint("it proves nothing until it is judged: git ledger check-proof FILE");
    Ok(Exit::Done)
}

fn tell(
    args: &Args,
    reading: Option<&Reading>,
    findings: &[Finding],
    here: &Here,
) -> Result<Exit, Failure> {
    let answer = Answer::of(findings);
    let words = if args.json {
        json(reading, findings, here, answer)
    } else {
        words(reading, findings, here, answer)
    };
    terminal::print(&words)?;
    let without = |id| findings.iter().any(|finding| finding.id == id);
    if without(FindingId::ReportUnchecked) && args.fingerprint.is_none() {
        terminal::hint(
            "give the ledger's fingerprint with --fingerprint, and run this inside a clone of the ledger",
        );
    }
    if without(FindingId::ReportVersion) {
        terminal::hint("check it with the version that made it, or read its data: it says which");
    }
    Ok(answer.into())
}

fn words(reading: Option<&Reading>, findings: &[Finding], here: &Here, answer: Answer) -> String {
    let mut out = String::new();
    let mut row = |name: &str, text: String| out += &format!("{name:<12} {text}\n");
    if let Some(reading) = reading {
        let model = &reading.model;
        let shown = |way: &str| printable(text(model, way));
        let number = |way: &str| {
            count(model, way).map_or_else(|| "?".to_owned(), |number| number.to_string())
        };
        row(
            "report",
            format!(
                "of ledger {}, entries {} to {}, made {} by {}",
                shown("scope.ledger"),
                number("scope.from"),
                number("scope.to"),
                shown("made.at"),
                shown("made.by")
            ),
        );
        row(
            "page",
            match reading.form {
                Some(form) => format!("{}, byte for byte what its data make", form.word()),
                None => "not what its data make here: read the data, not the page".to_owned(),
            },
        );
        let bad = |id| findings.iter().any(|finding| finding.id == id);
        let sampled = at(model, "sample.entries").and_then(Value::as_array);
        let sampled = sampled.map_or(0, <[Value]>::len);
        row(
            "sample",
            if bad(FindingId::ReportReceipt) {
                "not proven, see below".to_owned()
            } else {
                format!("{sampled} entries, held against their receipts")
            },
        );
        row(
            "ledger",
            match here {
                Here::None => "not here, so not asked".to_owned(),
                Here::Unasked => "could not be asked, see below".to_owned(),
                Here::Asked if bad(FindingId::ReportDiffers) => "says something else".to_owned(),
                Here::Asked => "here, and its data made anew are the same".to_owned(),
            },
        );
        row(
            "claimed",
            "when it was made, its title, and what remotes showed then: nothing here checks that"
                .to_owned(),
        );
    }
    for finding in findings {
        out += &format!(
            "{:<8}{}: {}\n        {}\n",
            finding.severity().word(),
            finding.id,
            finding.id.sentence(),
            printable(&finding.detail)
        );
    }
    out += match answer {
        Answer::Sound => "sound: the report is intact, and the ledger says the same\n",
        Answer::Unknown => "unknown: what could be checked holds, and not everything could be\n",
        Answer::Breach => "breach: do not rely on this file\n",
    };
    out
}

fn json(reading: Option<&Reading>, findings: &[Finding], here: &Here, answer: Answer) -> String {
    let findings: Vec<Value> = findings.iter().map(finding_json).collect();
    let claimed: Vec<Value> = CLAIMED.iter().map(|part| Value::from(*part)).collect();
    let mut object = Object::new()
        .with("answer", answer.word())
        .with("findings", findings)
        .with("claimed", claimed)
        .with(
            "ledger",
            match here {
                Here::None => "absent",
                Here::Unasked => "not asked",
                Here::Asked => "asked",
            },
        );
    if let Some(reading) = reading {
        let model = &reading.model;
        let maybe = |way: &str| count(model, way).map_or(Value::Null, number);
        object = object
            .with(
                "page",
                reading
                    .form
                    .map_or(Value::Null, |form| Value::from(form.word())),
            )
            .with("name", clean(text(model, "scope.ledger")))
            .with("from", maybe("scope.from"))
            .with("to", maybe("scope.to"))
            .with("tip", maybe("scope.tip.number"))
            .with("made", clean(text(model, "made.at")))
            .with("by", clean(text(model, "made.by")));
    }
    git_ledger::report::entries::json_line(object)
}
