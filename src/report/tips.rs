//! Tips that were seen elsewhere, and how they stand to the copy in hand.

use crate::escape::printable;
use crate::finding::{Answer, Finding};
use crate::json::{Object, Value};
use crate::merkle;
use crate::mirror::{Copy, Heard};
use crate::tip::Standing;

use super::verdict::{clean, finding_json, finding_line, number};

/// Sound, unknown or breach.
pub fn answer(heard: &[Heard], copies: &[Copy]) -> Answer {
    Answer::of(&findings(heard, copies))
}

/// What is wrong with them.
pub fn findings(heard: &[Heard], copies: &[Copy]) -> Vec<Finding> {
    let findings = heard.iter().filter_map(|heard| heard.finding(copies));
    findings.collect()
}

/// The number of the newest tip that stands here; nothing up to it was taken back.
pub fn held_to(heard: &[Heard]) -> Option<u64> {
    let same = |heard: &&Heard| matches!(heard.standing, Standing::Newest | Standing::Followed(_));
    heard
        .iter()
        .filter(same)
        .map(|heard| heard.tip.number)
        .max()
}

/// A line or two for each.
pub fn text(heard: &[Heard], copies: &[Copy]) -> String {
    let mut out = String::new();
    for heard in heard {
        let number = heard.tip.number;
        let (held, denied) = (names(&heard.held_by), names(&heard.denied_by));
        let words = match heard.standing {
            Standing::Newest => "same history: it is the newest entry here".to_owned(),
            Standing::Followed(more) => format!("same history: {more} entries follow it here"),
            Standing::Forked if held.is_empty() => "another entry stands here".to_owned(),
            Standing::Forked => format!("another entry stands here, and this one at {held}"),
            Standing::Unrelated => "of another ledger".to_owned(),
            Standing::Newer(more) if !denied.is_empty() => {
                format!("{more} entries newer than here; {denied} has another one there")
            }
            Standing::Newer(more) if !held.is_empty() => {
                format!("{more} entries newer than here; {held} holds it")
            }
            Standing::Newer(more) => format!("{more} entries newer than here"),
            Standing::CutOff => "older than the history here".to_owned(),
        };
        out += &format!("tip     entry {number}: {words}\n");
        if let Some(next) = heard.remedy(copies) {
            out += &format!("        {next}\n");
        }
    }
    out
}

/// What is wrong with them, a line for each.
pub fn finding_lines(heard: &[Heard], copies: &[Copy]) -> String {
    let findings = findings(heard, copies);
    let lines = findings.iter().map(|found| finding_line(found) + "\n");
    lines.collect()
}

fn names(all: &[String]) -> String {
    let names: Vec<String> = all.iter().map(|name| printable(name)).collect();
    names.join(", ")
}

/// As JSON, one object for each.
pub fn json(heard: &[Heard], copies: &[Copy]) -> Vec<Value> {
    let list = |names: &[String]| names.iter().map(|name| clean(name)).collect::<Vec<_>>();
    let one = |heard: &Heard| {
        Object::new()
            .with("number", number(heard.tip.number))
            .with(
                "digest",
                format!("sha256:{}", merkle::hex(&heard.tip.digest)),
            )
            .with("standing", heard.standing.word())
            .with("held_by", list(&heard.held_by))
            .with("denied_by", list(&heard.denied_by))
            .with(
                "finding",
                heard
                    .finding(copies)
                    .map_or(Value::Null, |found| finding_json(&found)),
            )
            .into()
    };
    heard.iter().map(one).collect()
}
