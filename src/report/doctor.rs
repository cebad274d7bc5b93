//! Diagnoses, for people and for scripts.

use crate::doctor::{Check, Diagnosis, Place, State, overall};
use crate::escape::printable;
use crate::json::{Object, Value};

use super::verdict::clean;

/// Whether colour may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal.
    Shown,
    /// Everywhere else.
    None,
}

/// All checks by group, a line each; what is not in order also says why it matters and what to do.
/// What does not apply comes last, by its reason, so that the rest can be read.
pub fn text(subject: &str, place: Place, diagnoses: &[Diagnosis], colour: Colour) -> String {
    let width = Check::ALL
        .iter()
        .map(|check| check.name().len())
        .max()
        .unwrap_or_default();
    let mut out = String::new();
    let mut group = None;
    let applies = |one: &&Diagnosis| one.state != State::NotApplicable;
    for diagnosis in diagnoses.iter().filter(applies) {
        let check = diagnosis.check;
        if group != Some(check.group()) {
            group = Some(check.group());
            out += &format!("{}\n", check.group().title());
        }
        out += &format!(
            "  {} {:width$} {}\n",
            word(diagnosis.state, colour),
            check.name(),
            printable(&diagnosis.detail)
        );
        if matches!(diagnosis.state, State::Off | State::Unknown) {
            let margin = " ".repeat(width + 11);
            out += &format!("{margin}why:  {}\n", check.why());
            out += &format!("{margin}mend: {}\n", printable(&diagnosis.mend));
        }
    }
    out += &left_out(diagnoses);
    let [ok, off, unknown, not_applicable] = counts(diagnoses);
    out + &format!(
        "{} {}: {ok} ok, {off} off, {unknown} unknown, {not_applicable} not applicable\n",
        place.word(),
        printable(subject)
    )
}

/// The checks that do not apply, below each reason in the order in which it is first met.
fn left_out(diagnoses: &[Diagnosis]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    let left_out = |one: &&Diagnosis| one.state == State::NotApplicable;
    for diagnosis in diagnoses.iter().filter(left_out) {
        let name = diagnosis.check.name();
        match reasons
            .iter_mut()
            .find(|(reason, _)| *reason == diagnosis.detail)
        {
            Some((_, checks)) => checks.push(name),
            None => reasons.push((&diagnosis.detail, vec![name])),
        }
    }
    let heading = if reasons.is_empty() {
        ""
    } else {
        "not applicable\n"
    };
    let mut out = heading.to_owned();
    for (reason, checks) in reasons {
        out += &format!("  {}: {}\n", printable(reason), checks.join(" "));
    }
    out
}

/// The same as one JSON object.
pub fn json(subject: &str, place: Place, diagnoses: &[Diagnosis], changed: &[String]) -> Object {
    let checks: Vec<Value> = diagnoses
        .iter()
        .map(|diagnosis| {
            Object::new()
                .with("check", diagnosis.check.name())
                .with("group", diagnosis.check.group().title())
                .with("state", name(diagnosis.state))
                .with("detail", clean(&diagnosis.detail))
                .with("wants", diagnosis.check.wants())
                .with("why", diagnosis.check.why())
                .with("mend", clean(&diagnosis.mend))
                .with("fixable", !diagnosis.fixes.is_empty())
                .into()
        })
        .collect();
    let changed: Vec<Value> = changed.iter().map(|line| clean(line)).collect();
    let [ok, off, unknown, not_applicable] =
        counts(diagnoses).map(|count| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
    Object::new()
        .with("repository", clean(subject))
        .with("place", place.word())
        .with("state", name(overall(diagnoses)))
        .with("checks", checks)
        .with("changed", changed)
        .with("ok", ok)
        .with("off", off)
        .with("unknown", unknown)
        .with("not_applicable", not_applicable)
}

/// Every check with how it should be, for the long help and the manual page.
pub fn table() -> String {
    let mut out = String::from("Checks:\n");
    let mut group = None;
    for check in Check::ALL {
        if group != Some(check.group()) {
            group = Some(check.group());
            out += &format!("\n  {}\n", check.group().title());
        }
        out += &format!("    {:<26}{}\n", check.name(), check.wants());
    }
    out
}

fn name(state: State) -> &'static str {
    match state {
        State::NotApplicable => "not_applicable",
        other => other.word(),
    }
}

fn counts(diagnoses: &[Diagnosis]) -> [usize; 4] {
    [State::Ok, State::Off, State::Unknown, State::NotApplicable]
        .map(|state| diagnoses.iter().filter(|one| one.state == state).count())
}

fn word(state: State, colour: Colour) -> String {
    let word = format!("{:7}", state.word());
    let code = match state {
        State::Ok => "32",
        State::Off => "31",
        State::Unknown => "33",
        State::NotApplicable => "2",
    };
    match colour {
        Colour::Shown => format!("\u{1b}[{code}m{word}\u{1b}[m"),
        Colour::None => word,
    }
}
