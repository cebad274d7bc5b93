//! A report that somebody hands over: is it the page its data make, do its parts agree, do its
//! receipts prove what it says, and does a ledger say the same?
//!
//! Source: `ledger-spec/report.md`, "Checking a report".
//!
//! # Limits
//! When it was made, what it is called and what remotes showed then are the word of whoever made
//! it; nothing in the file proves them, and nothing here calls them checked.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, FindingId, Severity};
use crate::json::{Object, Value};
use crate::merkle::{Hash, hex};
use crate::proof::{Receipt, Statement};

use super::controls::{self, Profile};
use super::file::{self, Form};
use super::sample::{Sampled, rank};
use super::view::View;
use super::{FORMAT, model, proofs, render};

/// Differences that are named.
const MOST: usize = 25;
/// Characters shown of a value.
const LONGEST: usize = 60;
/// Parts that are the word of whoever made the report.
pub const CLAIMED: [&str; 4] = ["made", "remotes", "unasked", "scope.title"];

/// A file that was read.
#[derive(Debug)]
pub struct Reading {
    /// The model in it.
    pub model: Object,
    /// The form the file has, if its model makes it.
    pub form: Option<Form>,
    /// What is wrong with the page.
    pub findings: Vec<Finding>,
}

/// Reads a file and makes it again of its model. `build` is the name of these sources.
///
/// # Errors
/// When there is no model in it that could be looked at.
pub fn read(bytes: &[u8], build: &str) -> Result<Reading, Finding> {
    let malformed = |why: String| Finding::new(FindingId::ReportMalformed, why);
    if bytes.len() > file::MAX_BYTES {
        return Err(malformed(format!("more than {} bytes", file::MAX_BYTES)));
    }
    let text = std::str::from_utf8(bytes).map_err(|why| malformed(format!("not UTF-8: {why}")))?;
    let (model, forms) = file::extract(text).map_err(malformed)?;
    let format = model.get("format").and_then(Value::as_str);
    match format {
        Some(FORMAT) => {}
        Some(other) if other.starts_with("git-ledger report ") => {
            let why = format!("it says '{other}', and this program knows '{FORMAT}'");
            return Err(Finding::new(FindingId::ReportVersion, why));
        }
        _ => return Err(malformed("its data do not say what they are".to_owned())),
    }
    let made: Vec<(Form, String)> = forms
        .iter()
        .map(|form| (*form, render(&model, *form)))
        .collect();
    if let Some((form, _)) = made.iter().find(|(_, made)| made == text) {
        return Ok(Reading {
            model,
            form: Some(*form),
            findings: Vec::new(),
        });
    }
    // of two forms the one that agrees further is the one that was meant
    let agrees = |made: &String| common(made, text);
    let nearest = made.iter().max_by_key(|(_, made)| agrees(made));
    let place = nearest.map_or_else(String::new, |(form, made)| {
        difference(form.word(), made, text)
    });
    let other = (model.get("made").and_then(Value::as_object))
        .and_then(|made| made.get("build")?.as_str())
        .is_none_or(|other| other != build);
    let id = if other {
        FindingId::ReportVersion
    } else {
        FindingId::ReportMismatch
    };
    let findings = vec![Finding::new(id, place)];
    Ok(Reading {
        model,
        form: None,
        findings,
    })
}

fn common(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(one, other)| one == other).count()
}

/// Where two texts part, with what each has there.
fn difference(form: &str, made: &str, found: &str) -> String {
    let mut at = common(made, found);
    while !(made.is_char_boundary(at) && found.is_char_boundary(at)) {
        at -= 1;
    }
    let before = found.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let shown = |text: &str| {
        let rest = text.get(at..).unwrap_or_default();
        let short: String = rest.chars().take(LONGEST).collect();
        if rest.is_empty() {
            "ends".to_owned()
        } else {
            format!("has '{short}'")
        }
    };
    format!(
        "as {form}, first at line {line}, column {column}: the file {}, and its data make a page that {}",
        shown(found),
        shown(made)
    )
}

/// Whether the parts of a model agree, and its receipts prove what it says. Without a fingerprint
/// nothing is proven.
pub fn examine(model: &Object, fingerprint: Option<Hash>) -> Vec<Finding> {
    let value = Value::from(model.clone());
    let view = View(Some(&value));
    let mut findings = Vec::new();
    anchor(view, fingerprint, &mut findings);
    if (findings.iter()).any(|finding| finding.id == FindingId::ReportUnrelated) {
        // by a fingerprint that is not its own every receipt proves nothing
        return findings;
    }
    whole(view, &mut findings);
    receipts(view, fingerprint, &mut findings);
    tables(model, view, &mut findings);
    findings
}

fn anchor(view: View<'_>, fingerprint: Option<Hash>, findings: &mut Vec<Finding>) {
    let told = view.text("verdict.fingerprint");
    match fingerprint.map(|hash| format!("sha256:{}", hex(&hash))) {
        None => findings.push(Finding::new(
            FindingId::ReportUnchecked,
            format!(
                "no fingerprint was given, so anybody could have made this; it says it is of {told}"
            ),
        )),
        Some(wanted) if wanted != told => findings.push(Finding::new(
            FindingId::ReportUnrelated,
            format!("it is of '{told}', wanted is {wanted}"),
        )),
        Some(_) => {}
    }
}

fn contradiction(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::ReportContradiction, why)
}

/// Numbers that follow from each other.
fn whole(view: View<'_>, findings: &mut Vec<Finding>) {
    let (from, to) = (view.number("scope.from"), view.number("scope.to"));
    let tip = view.number("scope.tip.number");
    let ordered = from
        .zip(to)
        .is_some_and(|(from, to)| from <= to && tip.is_none_or(|tip| to <= tip));
    if !ordered {
        findings.push(contradiction("the range does not lie before the tip"));
        return;
    }
    let (from, to) = (from.unwrap_or(0), to.unwrap_or(0));
    let (read, broken) = (view.count("counts.entries"), view.count("counts.broken"));
    if read.saturating_add(broken) != (to - from).saturating_add(1) {
        findings.push(contradiction(format!(
            "entries {from} to {to} are not {read}, and {broken} that could not be read"
        )));
    }
    for name in ["days", "signers"] {
        let rows = view.list(&format!("counts.{name}.rows"));
        let sum = rows.fold(0u64, |sum, row| sum.saturating_add(row.count("count")));
        let sum = sum.saturating_add(view.count(&format!("counts.{name}.others")));
        if sum != read {
            findings.push(contradiction(format!(
                "the counts by {name} add up to {sum}, and {read} entries were counted"
            )));
        }
    }
    let severities = view
        .list("verdict.findings")
        .map(|one| one.text("severity"));
    let worst = severities.fold(Severity::Note, |worst, word| match word {
        "breach" => Severity::Breach,
        "unknown" => worst.max(Severity::Unknown),
        _ => worst,
    });
    let answer = match worst {
        Severity::Breach => "breach",
        Severity::Unknown => "unknown",
        Severity::Note => "sound",
    };
    let tip = view.text("scope.tip.digest");
    let seed = model::default_seed(tip, from, to);
    if !view.is("sample.seed_given") && !tip.is_empty() && view.text("sample.seed") != seed {
        findings.push(contradiction(format!(
            "nobody gave a seed, and it is not '{seed}'"
        )));
    }
    let worse = |word: &str| match word {
        "breach" => 2,
        "unknown" => 1,
        _ => 0,
    };
    let copies = view.text("remotes.answer");
    let all = [view.text("verdict.answer"), copies]
        .into_iter()
        .max_by_key(|word| worse(word));
    if all.is_none_or(|all| worse(all) != worse(view.text("answer"))) {
        findings.push(contradiction(format!(
            "the answer is '{}', where the verdict is '{}' and that of the copies '{copies}'",
            view.text("answer"),
            view.text("verdict.answer")
        )));
    }
    let told = view.text("verdict.answer");
    if told != answer && view.count("verdict.more_findings") == 0 {
        findings.push(contradiction(format!(
            "the verdict is '{told}', and its findings amount to '{answer}'"
        )));
    }
}

/// The sample: what its receipts prove is what it says.
fn receipts(view: View<'_>, fingerprint: Option<Hash>, findings: &mut Vec<Finding>) {
    let bad = |why: String| Finding::new(FindingId::ReportReceipt, why);
    let unchecked = |why: String| Finding::new(FindingId::ReportUnchecked, why);
    let sampled = view.list("sample.entries");
    let (size, of) = (view.count("sample.size"), view.count("sample.of"));
    if sampled.len() as u64 != size.min(of) || of != view.count("counts.entries") {
        findings.push(contradiction(format!(
            "{} entries are sampled, where {size} of {of} were to be",
            sampled.len()
        )));
    }
    if view.is_there("proofs.why_none") {
        let why = view.text("proofs.why_none");
        findings.push(unchecked(format!("the sample has no receipts: {why}")));
        return;
    }
    let judged = match view.at("proofs").0 {
        Some(value) => proofs::judge(value, fingerprint),
        None => Err("there are no proofs".to_owned()),
    };
    let judged = match judged {
        Ok(judged) => judged,
        Err(why) => return findings.push(bad(why)),
    };
    let mut proven: BTreeMap<u64, Receipt> = BTreeMap::new();
    let mut refused = BTreeSet::new();
    for (entry, judgement) in judged {
        match (judgement.finding, judgement.statement) {
            (finding, Some(Statement::Receipt(receipt))) => {
                if let Some(finding) = finding
                    && finding.id != FindingId::ProofUnanchored
                {
                    findings.push(unchecked(told(entry, &finding)));
                }
                let tip = view.text("scope.tip.digest");
                let head = format!("sha256:{}", hex(&receipt.against.digest()));
                if head != tip {
                    findings.push(bad(format!(
                        "entry {entry} is proven against {head}, and the tip is '{tip}'"
                    )));
                }
                proven.insert(entry, *receipt);
            }
            (finding, _) => {
                refused.insert(entry);
                let why = finding.map_or_else(
                    || format!("entry {entry}: it is no receipt"),
                    |finding| told(entry, &finding),
                );
                findings.push(bad(why));
            }
        }
    }
    let missing: BTreeMap<u64, &str> = view
        .list("proofs.missing")
        .filter_map(|one| Some((one.number("entry")?, one.text("why"))))
        .collect();
    let (from, to) = (view.count("scope.from"), view.count("scope.to"));
    let mut last = None;
    for item in sampled {
        let number = item.count("number");
        if last.replace(number).is_some_and(|last| last >= number) || number < from || number > to {
            findings.push(contradiction(format!(
                "entry {number} of the sample is out of order or out of the range"
            )));
        }
        match (proven.remove(&number), missing.get(&number)) {
            (Some(receipt), _) => {
                let link = receipt.entry;
                let rank = rank(view.text("sample.seed"), &link.digest());
                let wanted = model::sampled(&Sampled { rank, link });
                if item.0.and_then(Value::as_object) != Some(&wanted) {
                    let place = first_difference(item.0, &Value::from(wanted));
                    findings.push(bad(format!(
                        "entry {number} is proven to be another than the sample shows: {place}"
                    )));
                }
            }
            (None, Some(why)) => findings.push(unchecked(format!(
                "entry {number} of the sample has no receipt: {why}"
            ))),
            (None, None) => {
                findings.push(bad(format!("entry {number} of the sample has no receipt")))
            }
        }
    }
    for number in proven.keys().take(MOST) {
        findings.push(contradiction(format!(
            "there is a receipt for entry {number}, which is not in the sample"
        )));
    }
}

fn told(entry: u64, finding: &Finding) -> String {
    format!("entry {entry}: {}: {}", finding.id, finding.detail)
}

/// The tables of controls follow from the rest.
fn tables(model: &Object, view: View<'_>, findings: &mut Vec<Finding>) {
    for table in view.list("controls") {
        let word = table.text("profile");
        let Some(profile) = Profile::of(word) else {
            findings.push(contradiction(format!("there is no profile '{word}'")));
            continue;
        };
        let wanted = controls::table(profile, model);
        if table.0 != Some(&wanted) {
            let place = first_difference(table.0, &wanted);
            findings.push(contradiction(format!(
                "the table of {word} does not follow from the rest: {place}"
            )));
        }
    }
}

fn first_difference(found: Option<&Value>, wanted: &Value) -> String {
    let mut differences = Vec::new();
    walk("", found, Some(wanted), &mut differences);
    differences
        .into_iter()
        .next()
        .map_or_else(String::new, |(place, found, wanted)| {
            format!("{place} is {found}, should be {wanted}")
        })
}

/// A model held against one that was made anew of the same entries. `other_build`: whether another
/// build made the report; then what programs count may differ, and is not called false.
pub fn compare(told: &Object, anew: &Object, other_build: bool) -> Vec<Finding> {
    const PARTS: [(&str, bool); 8] = [
        ("scope", true),
        ("verdict", true),
        ("policy", true),
        ("sample", true),
        ("proofs", true),
        ("counts", false),
        ("classes", false),
        ("exceptions", false),
    ];
    // who pinned what, and what a report is called, differs from copy to copy
    const OWN: [&str; 6] = [
        "verdict.about_this_copy",
        "scope.title",
        "scope.branch",
        "scope.asked_from",
        "scope.asked_to",
        "verdict.pinned",
    ];
    let of_copy = |model: &Object| {
        let value = Value::from(model.clone());
        View(Some(&value)).list("verdict.about_this_copy").len() > 0
    };
    let copies_differ = of_copy(told) || of_copy(anew);
    let own = |place: &str| {
        OWN.iter().any(|own| place.starts_with(own)) || copies_differ && place == "verdict.answer"
    };
    let mut findings = Vec::new();
    for (name, exact) in PARTS {
        let mut differences = Vec::new();
        walk(name, told.get(name), anew.get(name), &mut differences);
        let differences = differences.into_iter().filter(|(place, ..)| !own(place));
        for (place, found, wanted) in differences {
            let id = if exact || !other_build {
                FindingId::ReportDiffers
            } else {
                FindingId::ReportVersion
            };
            let text = format!("{place}: the report says {found}, the ledger {wanted}");
            findings.push(Finding::new(id, text));
        }
    }
    let more = findings.len().saturating_sub(MOST);
    findings.truncate(MOST);
    if more > 0 {
        let text = format!("{more} more differences");
        findings.push(Finding::new(FindingId::ReportDiffers, text));
    }
    findings
}

/// Where two values differ: the way there, and both.
fn walk(
    place: &str,
    found: Option<&Value>,
    wanted: Option<&Value>,
    out: &mut Vec<(String, String, String)>,
) {
    if found == wanted || out.len() > MOST {
        return;
    }
    let inner = |name: &str| {
        if place.is_empty() {
            name.to_owned()
        } else {
            format!("{place}.{name}")
        }
    };
    match (found, wanted) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            for (name, value) in one.iter() {
                walk(&inner(name), Some(value), other.get(name), out);
            }
            for (name, value) in other.iter() {
                if one.get(name).is_none() {
                    walk(&inner(name), None, Some(value), out);
                }
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for at in 0..one.len().max(other.len()) {
                walk(&inner(&at.to_string()), one.get(at), other.get(at), out);
            }
        }
        _ => out.push((place.to_owned(), brief(found), brief(wanted))),
    }
}

fn brief(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = value.to_canonical();
    let short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}
