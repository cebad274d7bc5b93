//! A judged receipt, or the judged evidence of a split, for people and for scripts.

use crate::commit::Link;
use crate::date::rfc3339;
use crate::escape::printable;
use crate::finding::{Answer, Finding};
use crate::json::{Object, Value};
use crate::merkle::hex;
use crate::proof::{Fate, Judgement, Receipt, Set, Side, Signer, Split, SplitKind, Statement};

use super::layout::counted;
use super::verdict::{finding_json, number};

/// The answer in the words of proofs.
pub fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Sound => "proven",
        Answer::Unknown => "unknown",
        Answer::Breach => "not proven",
    }
}

/// What a file is called.
pub fn kind(statement: &Statement) -> &'static str {
    match statement {
        Statement::Receipt(_) => "receipt",
        Statement::Split(split) => split.kind.word(),
    }
}

/// The judgement for people.
pub fn text(judgement: &Judgement) -> String {
    let answer = judgement.answer();
    let mut out = match &judgement.statement {
        None => format!("{}\n", word(answer)),
        Some(Statement::Receipt(receipt)) => receipt_text(receipt, answer),
        Some(Statement::Split(split)) => split_text(split, answer),
    };
    if let Some(finding) = &judgement.finding {
        out += &finding_text(finding);
    }
    out
}

fn finding_text(finding: &Finding) -> String {
    let place = finding
        .at
        .map_or_else(|| "file".to_owned(), |at| format!("entry {at}"));
    format!(
        "{:<8}{place}: {}: {}\n        {}\n",
        finding.severity().word(),
        finding.id,
        finding.id.sentence(),
        printable(&finding.detail)
    )
}

fn receipt_text(receipt: &Receipt, answer: Answer) -> String {
    let (entry, against) = (&receipt.entry, &receipt.against);
    let (at, head) = (entry.entry.number(), against.entry.number());
    let what = if at == head {
        format!("entry {at} is part of {}", ledger(&receipt.policies))
    } else {
        format!(
            "entry {at} is part of {} as entry {head} signs it",
            ledger(&receipt.policies)
        )
    };
    let mut out = heading(answer, &what);
    out += &row("ledger", &format!("sha256:{}", hex(&receipt.fingerprint)));
    out += &row("entry", &printable(&entry.entry.subject()));
    out += &entry_rows(entry);
    if at != head {
        out += &row("against", &printable(&against.entry.subject()));
        out += &entry_rows(against);
    }
    let (hashes, policies) = (receipt.hashes, receipt.policies.len());
    out += &row(
        "rests on",
        &format!(
            "{}, {}",
            counted(hashes, "hash", "hashes"),
            counted(policies, "policy", "policies")
        ),
    );
    for signer in &receipt.signers {
        for line in later(&signer.fate_here, "") {
            out += &row("note", &format!("the key of {} {line}", signer.principal));
        }
    }
    out += &format!(
        "It says nothing about what came after entry {head}, about entries that are not shown, nor about\n\
         attachments.\n"
    );
    out
}

fn split_text(split: &Split, answer: Answer) -> String {
    let at = split.here.first.entry.number();
    let name = ledger(&split.common_policies());
    let what = match split.kind {
        SplitKind::Fork => format!("two histories of {name} were signed; they part at entry {at}"),
        SplitKind::Stray => format!(
            "number {at} of {name} was given twice; one of the two leads nowhere, so this is no fork"
        ),
        SplitKind::Twin => {
            format!("entry {at} of {name} was signed twice with the same content; this is no fork")
        }
    };
    let mut out = heading(answer, &format!("{}: {what}", split.kind));
    out += &row("ledger", &format!("sha256:{}", hex(&split.fingerprint)));
    out += &row("common", &printable(&split.common.entry.subject()));
    out += &entry_rows(&split.common);
    for (word, side) in [("here", &split.here), ("there", &split.there)] {
        out += &row(word, &printable(&side.first.entry.subject()));
        out += &entry_rows(&side.first);
        if side.newest.entry.number() > at {
            let subject = printable(&side.newest.entry.subject());
            out += &row("", &format!("goes on to {subject}"));
            out += &entry_rows(&side.newest);
        }
    }
    for signer in &split.signers {
        out += &signer_text(signer);
    }
    out += match split.kind {
        SplitKind::Fork => {
            "It does not say which history is the true one. A key on both sides was used by its holder, by a\n\
             thief, or by a writer who was shown a false copy.\n"
        }
        SplitKind::Stray => {
            "A writer who lost a race leaves the same trace. Nothing here proves that history was rewritten.\n"
        }
        SplitKind::Twin => "Both say the same; no second history is told.\n",
    };
    out
}

/// What could not be told is not said as if it were a fact.
fn heading(answer: Answer, what: &str) -> String {
    match answer {
        Answer::Unknown => format!("{}; the file says: {what}\n", word(answer)),
        Answer::Sound | Answer::Breach => format!("{}: {what}\n", word(answer)),
    }
}

fn signer_text(signer: &Signer) -> String {
    let list = |numbers: &[u64]| {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        numbers.join(", ")
    };
    let signed = match (signer.here.is_empty(), signer.there.is_empty()) {
        (false, false) => format!(
            "on both sides: entries {} here, {} there",
            list(&signer.here),
            list(&signer.there)
        ),
        (false, true) => format!("here: entries {}", list(&signer.here)),
        _ => format!("there: entries {}", list(&signer.there)),
    };
    let mut out = row(
        "signed",
        &format!("{} {}", signer.principal, signer.key.fingerprint()),
    );
    out += &row("", &signed);
    for (fate, side) in [(&signer.fate_here, " here"), (&signer.fate_there, " there")] {
        for line in later(fate, side) {
            out += &row("", &format!("the key {line}"));
        }
    }
    out
}

/// What the policies say of a key that signed.
fn later(fate: &Fate, side: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if fate.admitted.is_none() {
        lines.push(format!("has no row in the policies{side}"));
    }
    if let Some(number) = fate.retired {
        lines.push(format!("was retired{side} by entry {number}"));
    }
    if let Some(row) = &fate.compromised {
        let vouched: Vec<String> = row.vouched.iter().map(u64::to_string).collect();
        let vouched = match vouched.as_slice() {
            [] => String::new(),
            some => format!(", entries {} vouched for", some.join(", ")),
        };
        lines.push(format!(
            "is called compromised{side} since entry {}{vouched}",
            row.since
        ));
    }
    lines
}

fn row(name: &str, value: &str) -> String {
    format!("  {name:<9}{value}\n")
}

fn entry_rows(link: &Link) -> String {
    let who = format!("{} {}", link.principal, link.signature.key().fingerprint());
    row("", &format!("sha256:{}", hex(&link.digest())))
        + &row("", &format!("commit {}", link.id))
        + &row(
            "",
            &format!("dated {}, signed by {who}", rfc3339(link.time)),
        )
}

/// The name in the newest policy.
fn ledger(sets: &[Set]) -> String {
    let name = sets.last().map_or("", |set| set.policy.name.as_str());
    format!("ledger {}", printable(name))
}

/// The judgement as one JSON object.
pub fn json(judgement: &Judgement) -> Value {
    let findings = judgement.finding.iter().map(finding_json);
    let object = Object::new()
        .with("answer", word(judgement.answer()))
        .with("findings", findings.collect::<Vec<_>>());
    match &judgement.statement {
        None => object.into(),
        Some(Statement::Receipt(receipt)) => {
            let events = receipt.entry.entry.events.iter();
            let events: Vec<Value> = events.map(|event| event.object().clone().into()).collect();
            object
                .with("kind", "receipt")
                .with("fingerprint", sha256(&receipt.fingerprint))
                .with("ledger", name(&receipt.policies))
                .with("entry", entry(&receipt.entry))
                .with("events", events)
                .with("against", entry(&receipt.against))
                .with("hashes", number(receipt.hashes as u64))
                .with("policies", number(receipt.policies.len() as u64))
                .with(
                    "signers",
                    receipt.signers.iter().map(signer_json).collect::<Vec<_>>(),
                )
                .into()
        }
        Some(Statement::Split(split)) => object
            .with("kind", split.kind.word())
            .with("fingerprint", sha256(&split.fingerprint))
            .with("ledger", name(&split.common_policies()))
            .with("split", number(split.here.first.entry.number()))
            .with("common", entry(&split.common))
            .with("here", side(&split.here))
            .with("there", side(&split.there))
            .with(
                "signers",
                split.signers.iter().map(signer_json).collect::<Vec<_>>(),
            )
            .into(),
    }
}

fn name(sets: &[Set]) -> &str {
    sets.last().map_or("", |set| set.policy.name.as_str())
}

fn sha256(digest: &[u8]) -> String {
    format!("sha256:{}", hex(digest))
}

fn entry(link: &Link) -> Value {
    Object::new()
        .with("number", number(link.entry.number()))
        .with("digest", sha256(&link.digest()))
        .with("commit", link.id.to_string())
        .with("subject", link.entry.subject())
        .with("time", rfc3339(link.time))
        .with("principal", link.principal.as_str())
        .with("key", link.signature.key().fingerprint())
        .into()
}

fn side(side: &Side) -> Value {
    Object::new()
        .with("first", entry(&side.first))
        .with("newest", entry(&side.newest))
        .with("hashes", number(side.hashes as u64))
        .into()
}

fn signer_json(signer: &Signer) -> Value {
    let list = |numbers: &[u64]| -> Vec<Value> { numbers.iter().copied().map(number).collect() };
    Object::new()
        .with("principal", signer.principal.as_str())
        .with("key", signer.key.fingerprint())
        .with("here", list(&signer.here))
        .with("there", list(&signer.there))
        .with("fate_here", fate(&signer.fate_here))
        .with("fate_there", fate(&signer.fate_there))
        .into()
}

fn fate(fate: &Fate) -> Value {
    let optional = |at: Option<u64>| at.map_or(Value::Null, number);
    let compromised = fate.compromised.as_ref().map(|row| row.since);
    Object::new()
        .with("admitted", optional(fate.admitted))
        .with("retired", optional(fate.retired))
        .with("compromised_since", optional(compromised))
        .into()
}
