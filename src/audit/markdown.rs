//! A model as Markdown, with the model in a comment at the end.
//!
//! What is foreign is spelled so that it is no markup: each character but letters, digits and a
//! few more as a number (CommonMark), and on one line.

use crate::escape::printable;
use crate::exceptions::Kind;
use crate::json::{Object, Value};

use super::file::{MARK_BEGIN, MARK_END, embedded};
use super::view::{View, standing};

/// Columns of bars.
const BAR: u64 = 40;

/// The text.
pub(super) fn markdown(model: &Object) -> String {
    let value = Value::from(model.clone());
    let view = View(Some(&value));
    let mut out = head(view);
    out += &verdict(view);
    out += &copies(view);
    out += &activity(view);
    out += &policy(view);
    out += &exceptions(view);
    out += &controls(view);
    out += &sample(view);
    out += &section("Limits");
    out += &list(view, "limits");
    out += &section("How to check this file");
    out += "    git ledger report --check FILE --fingerprint SHA256\n\n\
            The fingerprint must come from somebody you trust and never with this file. The page is made \
            again of the data below, and compared byte for byte; every receipt of the sample is judged \
            without the ledger; in a clone of the ledger the data are made anew, too.\n\n";
    out += &format!(
        "Made {} by {}, build {}, {}.\n\n",
        view.text("made.at"),
        foreign(view.text("made.by")),
        foreign(view.text("made.build")),
        foreign(view.text("format"))
    );
    out + MARK_BEGIN + &embedded(model) + "\n" + MARK_END
}

fn section(title: &str) -> String {
    format!("## {title}\n\n")
}

fn list(view: View<'_>, way: &str) -> String {
    let items = view.texts(way);
    let items: String = items
        .iter()
        .map(|text| format!("- {}\n", foreign(text)))
        .collect();
    items + "\n"
}

fn head(view: View<'_>) -> String {
    let mut out = format!("# Ledger {}\n\n", foreign(view.text("scope.ledger")));
    let title = view.text("scope.title");
    if !title.is_empty() {
        out += &format!("{}\n\n", foreign(title));
    }
    out += &format!(
        "Entries {} to {}, recorded {} to {}.\n\n**{}**: {} {} were verified, all from their bytes.\n\n",
        view.count("scope.from"),
        view.count("scope.to"),
        foreign(view.text("scope.from_time")),
        foreign(view.text("scope.to_time")),
        foreign(view.text("answer")),
        standing(view),
        counted(view.count("verdict.entries"), "entry", "entries")
    );
    let pinned = if view.is("verdict.pinned") {
        "pinned by whoever made this report"
    } else {
        "not pinned: compare it with the one you were given"
    };
    out += &format!(
        "- fingerprint {} ({pinned})\n- newest entry {}, {}, {}\n",
        foreign(view.text("verdict.fingerprint")),
        view.count("scope.tip.number"),
        foreign(view.text("scope.tip.time")),
        foreign(view.text("scope.tip.digest"))
    );
    for (name, words) in [
        ("scope.asked_from", "asked for from"),
        ("scope.asked_to", "asked for to"),
        ("scope.branch", "branch"),
    ] {
        if view.is_there(name) {
            out += &format!("- {words} {}\n", foreign(view.text(name)));
        }
    }
    out + "\n"
}

fn verdict(view: View<'_>) -> String {
    let mut out = section("Verdict, and what it rests on");
    out += "Checked:\n\n";
    out += &list(view, "checked");
    out += "Not checked:\n\n";
    out += &list(view, "not_checked");
    let findings = view.list("verdict.findings");
    if findings.len() == 0 {
        return out + "No findings.\n\n";
    }
    let rows = findings.map(|finding| {
        let entry = finding.number("entry");
        vec![
            format!(
                "{} {}",
                foreign(finding.text("severity")),
                foreign(finding.text("id"))
            ),
            entry.map_or_else(|| "–".to_owned(), |entry| entry.to_string()),
            foreign(finding.text("evidence")),
        ]
    });
    out += &table(&["Finding", "Entry", "Evidence"], rows);
    more(out, view.count("verdict.more_findings"))
}

fn copies(view: View<'_>) -> String {
    let mut out = section("Copies and detection window");
    if !view.is_there("remotes") {
        out += "No other copy was asked.\n\n";
    } else {
        out += &match view.number("remotes.window.entry") {
            Some(entry) => format!("Two independent copies hold every entry up to {entry}.\n\n"),
            None => "No entry is held by two independent copies.\n\n".to_owned(),
        };
        let rows = view.list("remotes.remotes").map(|copy| {
            let number = copy.number("number");
            let newest = copy.number("newest.number");
            vec![
                foreign(copy.text("remote")),
                foreign(copy.text("state")) + &number.map_or_else(String::new, |n| format!(" {n}")),
                newest.map_or_else(|| "–".to_owned(), |newest| format!("entry {newest}")),
                foreign(copy.text("newest.time")),
                if copy.is("independent") {
                    "yes".to_owned()
                } else {
                    format!("no: {}", foreign(&copy.texts("tied_to").join(", ")))
                },
            ]
        });
        out += &table(
            &["Remote", "State", "Holds up to", "Dated", "Independent"],
            rows,
        );
        for copy in view.list("remotes.remotes") {
            let name = foreign(copy.text("remote"));
            for finding in copy.list("findings") {
                out += &format!(
                    "- {name}: {} {}: {}\n",
                    foreign(finding.text("severity")),
                    foreign(finding.text("id")),
                    foreign(finding.text("evidence"))
                );
            }
            for (side, where_) in [("split.here", "here"), ("split.there", "there")] {
                if copy.is_there(side) {
                    let one = copy.at(side);
                    out += &format!(
                        "- {name}: entry {} {where_}: {}, claimed by {}, {}\n",
                        one.count("number"),
                        foreign(one.text("digest")),
                        foreign(one.text("claimed_by")),
                        foreign(one.text("subject"))
                    );
                }
            }
        }
        out.push('\n');
    }
    for one in view.list("unasked") {
        out += &format!("- not asked: {}\n", foreign(one.text("remote")));
    }
    if view.list("unasked").len() > 0 {
        out.push('\n');
    }
    out
}

fn activity(view: View<'_>) -> String {
    let mut out = section("Activity");
    out += &format!(
        "{} with {}.\n\n",
        counted(view.count("counts.entries"), "entry", "entries"),
        counted(view.count("counts.events"), "event", "events")
    );
    for (name, title) in [
        ("days", "Day"),
        ("types", "Type"),
        ("signers", "Signer"),
        ("outcomes", "Outcome"),
    ] {
        let rows = view.list(&format!("counts.{name}.rows"));
        if rows.len() == 0 {
            continue;
        }
        let most = rows.clone().map(|row| row.count("count")).max();
        let most = most.unwrap_or(0).max(1);
        let rows = rows.map(|row| {
            let count = row.count("count");
            let long = (count.saturating_mul(BAR) / most).max(1);
            let long = usize::try_from(long).unwrap_or(1).min(BAR as usize);
            vec![
                foreign(row.text("value")),
                count.to_string(),
                "█".repeat(long),
            ]
        });
        out += &table(&[title, "Count", ""], rows);
        out = more(out, view.count(&format!("counts.{name}.others")));
    }
    out
}

fn policy(view: View<'_>) -> String {
    let mut out = section("Policy and keys");
    if view.is_there("policy.threshold") {
        out += &format!(
            "At entry {}: {} must agree to a change of this table.\n\n",
            view.count("scope.to"),
            counted(view.count("policy.threshold"), "admin", "admins")
        );
        let rows = view.list("policy.signers").map(|row| {
            let types = row.texts("types").join(", ");
            let types = if types.is_empty() {
                "every type".to_owned()
            } else {
                foreign(&types)
            };
            vec![
                foreign(row.text("principal")),
                foreign(row.text("key")),
                format!("{}: {types}", foreign(&row.texts("roles").join(", "))),
                foreign(row.text("state")),
                row.count("signed").to_string(),
            ]
        });
        out += &table(&["Who", "Key", "May write", "State", "Signed here"], rows);
    } else {
        out += "The policy at the end of the range could not be read.\n\n";
    }
    for change in view.list("policy.changes") {
        out += &format!(
            "Entry {}, {}, signed by {}",
            change.count("number"),
            foreign(change.text("time")),
            foreign(change.text("signer"))
        );
        let approvals = change.texts("approvals").join(", ");
        if !approvals.is_empty() {
            out += &format!(", with the agreement of {}", foreign(&approvals));
        }
        out += ":\n\n";
        if change.is_there("unread") {
            out += &format!("- could not be read: {}\n", foreign(change.text("unread")));
        }
        out += &list(change, "lines");
    }
    more(out, view.count("policy.more_changes"))
}

fn exceptions(view: View<'_>) -> String {
    let mut out = section("Exceptions");
    let counts = view.at("exceptions.counts");
    let mut none = true;
    for kind in Kind::all() {
        let all = counts.count(kind.word());
        if all == 0 {
            continue;
        }
        none = false;
        out += &format!("### {} ({all})\n\n{}\n\n", kind.word(), kind.sentence());
        let rows = view.list(&format!("exceptions.kinds.{}", kind.word()));
        let shown = rows.len() as u64;
        let rows = rows.map(|row| {
            vec![
                row.count("number").to_string(),
                foreign(row.text("time")),
                foreign(row.text("what")),
                foreign(&row.texts("who").join(", ")),
                foreign(row.text("why")),
            ]
        });
        out += &table(&["Entry", "Recorded", "What", "Who", "Why"], rows);
        out = more(out, all.saturating_sub(shown));
    }
    if none {
        out += "Nothing to explain.\n\n";
    }
    if view.list("exceptions.limits").len() > 0 {
        out += &list(view, "exceptions.limits");
    }
    out
}

fn controls(view: View<'_>) -> String {
    let mut out = String::new();
    for profile in view.list("controls") {
        out += &section(&format!("Controls: {}", foreign(profile.text("title"))));
        out += "*Answered* means that what is asked for is recorded here, *partly* that something must be \
                shown besides. Neither says that a control is met.\n\n";
        let rows = profile.list("controls").map(|row| {
            let told = [row.texts("evidence"), row.texts("explain")].concat();
            vec![
                format!(
                    "**{}** {}",
                    foreign(row.text("id")),
                    foreign(row.text("title"))
                ),
                foreign(row.text("answer")),
                foreign(&told.join("; ")),
                foreign(row.text("missing")),
            ]
        });
        out += &table(&["Control", "Answer", "Evidence", "Missing here"], rows);
    }
    out
}

fn sample(view: View<'_>) -> String {
    let mut out = section("Sample");
    let given = if view.is("sample.seed_given") {
        "given"
    } else {
        "the newest entry's digest and the range, for nobody gave one"
    };
    out += &format!(
        "{} of {} entries: those with the lowest SHA-256 of seed and digest. The seed is {} ({given}).\n\n",
        view.list("sample.entries").len(),
        view.count("sample.of"),
        foreign(view.text("sample.seed"))
    );
    if view.is_there("proofs.why_none") {
        out += &format!(
            "There are no receipts: {}\n\n",
            foreign(view.text("proofs.why_none"))
        );
    }
    let rows = view.list("sample.entries").map(|entry| {
        let events = entry.texts("events");
        let first = events
            .first()
            .and_then(|line| Value::parse(line.as_bytes()).ok());
        let first = View(first.as_ref());
        let more = match events.len() {
            0 | 1 => String::new(),
            many => format!(" +{}", many - 1),
        };
        vec![
            entry.count("number").to_string(),
            foreign(entry.text("time")),
            foreign(&format!("{} {}", first.text("type"), first.text("subject"))) + &more,
            foreign(entry.text("signer")),
            foreign(entry.text("digest")),
        ]
    });
    out + &table(&["Entry", "Recorded", "What", "Signer", "Digest"], rows)
}

fn more(out: String, count: u64) -> String {
    if count > 0 {
        out + &format!("and {count} more\n\n")
    } else {
        out
    }
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = head.iter().map(|_| "---".to_owned()).collect();
    let rows: String = rows.map(|row| line(&row)).collect();
    line(&head) + &line(&rule) + &rows + "\n"
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Foreign text that shows as what it is.
fn foreign(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        let plain = character.is_alphanumeric() || " .,;:/@+=%()'?…–".contains(character);
        // within a word neither is markup
        let within = "-_".contains(character) && out.ends_with(char::is_alphanumeric);
        if plain || within {
            out.push(character);
        } else {
            out += &format!("&#{};", character as u32);
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_is_markup() {
        assert_eq!(
            foreign("a|b\n# <b>*x*</b> [l](u) `c` -->"),
            "a&#124;b&#60;U+000A&#62;&#35; &#60;b&#62;&#42;x&#42;&#60;/b&#62; &#91;l&#93;(u) &#96;c&#96; &#45;&#45;&#62;"
        );
        let text = markdown(&Object::new().with("limits", vec![Value::from("--> x")]));
        assert_eq!(text.matches("-->").count(), 1, "{text}");
    }
}
