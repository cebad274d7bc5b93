//! The rows as one Markdown table, and its place in `BENCHMARKS.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::results::{Kept, Results};
use super::row::{Figure, Ratio, Reading};

/// From this share of other processes on, in hundredths of the machine, a row says so.
const BUSY: u64 = 5;

/// The machine and the table.
pub fn markdown(results: &Results) -> String {
    let machine = &results.machine;
    let mut out = format!(
        "- machine: {}, {} cores, {} MiB of memory\n- kernel: {}; ledgers on {}\n- {}; {}; {}\n",
        machine.processor,
        machine.cores,
        machine.memory,
        machine.kernel,
        machine.file_system,
        machine.git,
        machine.openssh,
        machine.rustc,
    );
    let runs: BTreeSet<String> = results
        .rows
        .iter()
        .map(|kept| {
            let when = git_ledger::date::rfc3339(kept.run.when);
            let day = when.get(..10).unwrap_or_default();
            format!("{} ({}), {day}", kept.run.commit, kept.run.profile)
        })
        .collect();
    let runs: Vec<String> = runs.into_iter().collect();
    out += &format!("- commit: {}\n", runs.join("; "));
    let busiest = results.rows.iter().map(|kept| kept.run.others).max();
    let busiest = busiest.unwrap_or_default();
    if busiest >= BUSY {
        out += &format!(
            "- **warning: the machine was busy**: other processes took up to {busiest} % of it; \
             rows marked ° were measured beside more than {BUSY} %\n"
        );
    }
    out += "\n| row | entries | what | median (least–most, runs) | beside | median (least–most) | \
            ratio (least–most of a round) | aim | |\n|---|--:|---|---|---|---|---|---|---|\n";
    for kept in &results.rows {
        out += &line(kept);
    }
    out
}

fn line(kept: &Kept) -> String {
    let row = &kept.row;
    let busy = if kept.run.others >= BUSY { "°" } else { "" };
    let (aim, met) = match &row.aim {
        None => ("", ""),
        Some(aim) => (
            aim.text.as_str(),
            if aim.met { "met" } else { "**missed**" },
        ),
    };
    let (beside, yardstick) = match &row.yardstick {
        None => ("", String::new()),
        Some(figure) => (figure.of.as_str(), spread(figure)),
    };
    let also = row.also.iter().map(|figure| {
        let shown = number(figure.median, &figure.unit);
        format!("{}: {shown}", figure.of)
    });
    let note = Some(row.note.clone()).filter(|note| !note.is_empty());
    let notes: Vec<String> = also.chain(note).collect();
    let note = match notes.is_empty() {
        true => String::new(),
        false => format!(" ({})", notes.join("; ")),
    };
    let ours = match row.ours.rounds.len() {
        1 => number(row.ours.median, &row.ours.unit),
        many => format!("{}, {many} runs", spread(&row.ours)),
    };
    format!(
        "| {}{busy} | {} | {}{note} | {ours} | {beside} | {yardstick} | {} | {aim} | {met} |\n",
        row.id,
        grouped(row.entries),
        row.ours.of,
        row.ratio.as_ref().map_or_else(String::new, ratio),
    )
}

fn spread(figure: &Figure) -> String {
    let middle = number(figure.median, &figure.unit);
    if figure.rounds.len() < 2 {
        return middle;
    }
    let bare = |value: f64| {
        let text = number(value, &figure.unit);
        let end = text.find(' ').unwrap_or(text.len());
        text.get(..end).unwrap_or_default().to_owned()
    };
    format!("{middle} ({}–{})", bare(figure.least), bare(figure.most))
}

fn ratio(ratio: &Ratio) -> String {
    let times = |value: f64| format!("{} ×", digits(value));
    match ratio.reading {
        Reading::Faster | Reading::Share => format!(
            "**{}** ({}–{})",
            times(ratio.value),
            digits(ratio.least),
            digits(ratio.most)
        ),
        Reading::Added => format!(
            "**{:+.0} %** ({:+.0}–{:+.0})",
            ratio.value, ratio.least, ratio.most
        ),
    }
}

fn number(value: f64, unit: &str) -> String {
    match unit {
        "" => digits(value),
        unit => format!("{} {unit}", digits(value)),
    }
}

/// Three digits that count, thousands apart.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => grouped(value.round() as u64),
        size if size >= 10.0 => format!("{value:.1}"),
        0.0 => "0".into(),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Puts the text between the two marks of this name in a file; what stands around them stays.
pub fn write(file: &Path, name: &str, text: &str) -> Result<(), String> {
    let old = fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    let begin = format!("<!-- {name}, written by cargo xtask bench: -->");
    let end = format!("<!-- end of {name} -->");
    let parts = old
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) =
        parts.ok_or_else(|| format!("{}: no place for the {name}", file.display()))?;
    let new = format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim_end());
    fs::write(file, new).map_err(|why| format!("{}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0.0123, 0.25, 12.345, 123.6, 1_234_567.0].map(digits);
        assert_eq!(shown, ["0.012", "0.25", "12.3", "124", "1,234,567"]);
    }

    #[test]
    fn what_stands_around_the_table_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("B.md");
        let marked = |text: &str| {
            format!(
                "a\n<!-- table, written by cargo xtask bench: -->\n{text}\n<!-- end of table -->\nb\n"
            )
        };
        fs::write(&file, marked("old")).expect("a file");
        write(&file, "table", "new\n").expect("a place");
        let text = fs::read_to_string(&file).expect("a file");
        assert_eq!(text, marked("\nnew\n"));
        assert!(write(&file, "profile", "new").is_err());
    }
}
