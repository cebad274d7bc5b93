//! What the command line says of findings, and the note.

use std::path::Path;

use git_ledger::escape::printable;
use git_ledger::exceptions::{Exception, Kind};
use git_ledger::finding::{Finding, FindingId, Severity};
use git_ledger::json::forbidden_character;
use git_ledger::review::{
    By, Decision, LONGEST_NOTE, LONGEST_TICKET, MOST_FINDINGS, Outcome, Seen,
};

use super::super::events;
use super::super::failure::Failure;

/// The longest word for a finding of the reviewer's, in bytes.
const LONGEST_WORD: usize = 60;

/// What the review comes to.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Result {
    /// Nothing is wrong.
    Clean,
    /// Something needs an answer, and it is no incident.
    Findings,
    /// Something happened that must not.
    Incident,
}

impl From<Result> for Outcome {
    fn from(said: Result) -> Outcome {
        match said {
            Result::Clean => Outcome::Clean,
            Result::Findings => Outcome::Findings,
            Result::Incident => Outcome::Incident,
        }
    }
}

/// One `NAME[@ENTRY]=ok|incident`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    name: String,
    entry: Option<u64>,
    decision: Decision,
}

/// What was decided about which finding.
pub fn decisions(given: &[String]) -> std::result::Result<Vec<Decided>, Failure> {
    given.iter().map(|text| decided(text)).collect()
}

fn decided(text: &str) -> std::result::Result<Decided, Failure> {
    let wrong = || {
        Failure::usage(format!("'{}' is no finding and decision", printable(text)))
            .hint("write NAME=ok, NAME@ENTRY=ok or NAME@ENTRY=incident, as in forced-push@17=ok")
    };
    let (what, decision) = text.split_once('=').ok_or_else(wrong)?;
    let decision = Decision::of(decision)
        .filter(|decision| *decision != Decision::Open)
        .ok_or_else(wrong)?;
    let (name, entry) = match what.split_once('@') {
        None => (what, None),
        Some((name, entry)) => {
            let plain = entry.len() <= 18 && entry.bytes().all(|b| b.is_ascii_digit());
            let entry = entry.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
            (name, Some(entry))
        }
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.is_empty() || name.len() > LONGEST_WORD || !name.bytes().all(plain) {
        return Err(wrong());
    }
    Ok(Decided {
        name: name.to_owned(),
        entry,
        decision,
    })
}

/// What was found in the range or about no entry, with the decisions, and what only the reviewer
/// says. Exceptions nobody decided about one by one stand there by their kind.
pub fn findings(
    found: &[Finding],
    exceptions: &[Exception],
    (from, to): (u64, u64),
    decided: &[Decided],
) -> std::result::Result<Vec<Seen>, Failure> {
    let mut used = vec![false; decided.len()];
    let mut all: Vec<Seen> = Vec::new();
    // what decides nothing is no question: grafts that were ignored, objects that are borrowed
    let matters = |finding: &&Finding| {
        finding.severity() > Severity::Note
            || matches!(
                finding.id,
                FindingId::EventConflict | FindingId::EventRepeated
            )
    };
    let inside = |finding: &&Finding| finding.at.is_none_or(|at| (from..=to).contains(&at));
    for finding in found.iter().filter(matters).filter(inside) {
        let name = finding.id.name();
        let mut decision = match finding.severity() {
            Severity::Note => Decision::Fine,
            Severity::Unknown | Severity::Breach => Decision::Open,
        };
        for (said, used) in decided.iter().zip(&mut used) {
            if said.name == name && (said.entry.is_none() || said.entry == finding.at) {
                (*used, decision) = (true, said.decision);
            }
        }
        all.push(Seen {
            id: name.to_owned(),
            entry: finding.at,
            count: 1,
            by: By::Verify,
            decision,
        });
    }
    all.extend(explained(exceptions, decided, &mut used));
    for (said, _) in decided.iter().zip(&used).filter(|(_, used)| !**used) {
        if said.entry.is_some_and(|at| !(from..=to).contains(&at)) {
            return Err(Failure::usage(format!(
                "'{}' is about an entry that is not in {from}..{to}",
                said.name
            ))
            .hint("a review is about the entries of its range"));
        }
        let known = FindingId::ALL.iter().any(|id| id.name() == said.name)
            || Kind::all().any(|kind| kind.word() == said.name);
        if known {
            return Err(Failure::usage(format!("there is no {} there", said.name))
                .hint("decide about what it shows, or use a word of your own"));
        }
        all.push(Seen {
            id: said.name.clone(),
            entry: said.entry,
            count: 1,
            by: By::Reviewer,
            decision: said.decision,
        });
    }
    if all.len() > MOST_FINDINGS {
        return Err(Failure::no(format!(
            "{} findings are more than one review can name ({MOST_FINDINGS})",
            all.len()
        ))
        .hint("review a shorter range"));
    }
    Ok(all)
}

/// The exceptions with the decisions: those that were named by their entry, then the rest of each
/// kind together.
fn explained(exceptions: &[Exception], decided: &[Decided], used: &mut [bool]) -> Vec<Seen> {
    let mut all = Vec::new();
    for kind in Kind::all() {
        let mut rest = 0u64;
        for found in exceptions.iter().filter(|found| found.kind == kind) {
            let one = decided
                .iter()
                .position(|said| said.name == kind.word() && said.entry == Some(found.number));
            let Some(at) = one else {
                rest += 1;
                continue;
            };
            if let (Some(used), Some(said)) = (used.get_mut(at), decided.get(at)) {
                // several of one kind in one entry are one
                if !std::mem::replace(used, true) {
                    all.push(seen(kind, said.entry, 1, said.decision));
                }
            }
        }
        if rest == 0 {
            continue;
        }
        let general = decided
            .iter()
            .zip(used.iter_mut())
            .find(|(said, _)| said.name == kind.word() && said.entry.is_none());
        let decision = general.map_or(Decision::Open, |(said, used)| {
            *used = true;
            said.decision
        });
        all.push(seen(kind, None, rest, decision));
    }
    all
}

fn seen(kind: Kind, entry: Option<u64>, count: u64, decision: Decision) -> Seen {
    Seen {
        id: kind.word().to_owned(),
        entry,
        count,
        by: By::Exceptions,
        decision,
    }
}

/// The note, from wherever it was given.
pub fn note(
    text: Option<&str>,
    file: Option<&Path>,
) -> std::result::Result<Option<String>, Failure> {
    let text = match (text, file) {
        (Some(text), _) => text.to_owned(),
        (None, Some(file)) => String::from_utf8(events::read(file)?)
            .map_err(|_| Failure::usage("the note is not UTF-8"))?,
        (None, None) => return Ok(None),
    };
    short("note", text.trim_end(), LONGEST_NOTE).map(Some)
}

/// The ticket.
pub fn ticket(text: &str) -> std::result::Result<String, Failure> {
    short("ticket", text, LONGEST_TICKET)
}

fn short(what: &str, text: &str, most: usize) -> std::result::Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::usage(format!("the {what} is empty")).hint("leave it out"));
    }
    if text.len() > most {
        return Err(
            Failure::usage(format!("the {what} is longer than {most} bytes"))
                .hint("write it down elsewhere and name the place with --ticket"),
        );
    }
    if let Some(bad) = forbidden_character(text) {
        return Err(Failure::usage(format!(
            "the {what} holds U+{:04X}, which no event may hold",
            bad as u32
        )));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_read() {
        let read = |text: &str| decided(text).ok();
        let want = Decided {
            name: "forced-push".into(),
            entry: Some(17),
            decision: Decision::Fine,
        };
        assert_eq!(read("forced-push@17=ok"), Some(want));
        assert!(read("mirrorForked=incident").is_some());
        for wrong in [
            "", "a", "a=", "a=open", "=ok", "a@=ok", "a@x=ok", "a b=ok", "a@-1=ok",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_finding_needs_a_decision_and_each_decision_a_finding() {
        let mut repeated = Finding::new(FindingId::EventConflict, "");
        repeated.at = Some(7);
        let mut bad = Finding::new(FindingId::SignatureBad, "");
        bad.at = Some(9);
        let found = [repeated, bad];
        let see = |span, said: &[&str]| {
            let said: Vec<String> = said.iter().map(|text| (*text).to_owned()).collect();
            findings(&found, &[], span, &decisions(&said).expect("decisions"))
        };
        let open = see((0, 20), &[]).expect("findings");
        assert_eq!(open[0].decision, Decision::Fine);
        assert_eq!(open[1].decision, Decision::Open);
        assert_eq!(see((0, 8), &[]).expect("findings").len(), 1);
        let said = see(
            (0, 20),
            &["signatureBad@9=incident", "eventConflict=incident"],
        );
        assert!(
            said.expect("findings")
                .iter()
                .all(|seen| seen.decision == Decision::Incident)
        );
        // what was not found cannot be decided about, and a word of one's own can be said
        assert!(see((0, 20), &["signatureBad@8=ok"]).is_err());
        assert!(see((0, 8), &["rebased@9=ok"]).is_err());
        assert_eq!(see((0, 8), &["rebased@3=ok"]).expect("findings").len(), 2);
    }

    #[test]
    fn exceptions_are_decided_one_by_one_or_by_their_kind() {
        let at = |kind, number| Exception {
            kind,
            number,
            commit: gix::ObjectId::null(gix::hash::Kind::Sha1),
            time: 0,
            what: String::new(),
            who: Vec::new(),
            why: String::new(),
        };
        let found = [
            at(Kind::ForcedPush, 3),
            at(Kind::ForcedPush, 5),
            at(Kind::ForcedPush, 7),
            at(Kind::Gap, 6),
        ];
        let see = |said: &[&str]| {
            let said: Vec<String> = said.iter().map(|text| (*text).to_owned()).collect();
            let all = findings(&[], &found, (0, 9), &decisions(&said).expect("decisions"));
            all.map(|all| {
                let told = all
                    .into_iter()
                    .map(|seen| (seen.id, seen.entry, seen.count, seen.decision.word()));
                told.collect::<Vec<_>>()
            })
            .ok()
        };
        let gap = |word| ("gap".to_owned(), None, 1, word);
        let push = |entry, count, word| ("forced-push".to_owned(), entry, count, word);
        assert_eq!(see(&[]), Some(vec![gap("open"), push(None, 3, "open")]));
        assert_eq!(
            see(&["forced-push=ok", "gap@6=incident"]),
            Some(vec![
                ("gap".to_owned(), Some(6), 1, "incident"),
                push(None, 3, "ok")
            ])
        );
        assert_eq!(
            see(&["forced-push@5=incident", "gap=ok"]),
            Some(vec![
                gap("ok"),
                push(Some(5), 1, "incident"),
                push(None, 2, "open")
            ])
        );
        assert_eq!(see(&["forced-push@4=ok"]), None);
        assert_eq!(see(&["one-person=ok"]), None);
    }
}
