//! The filter language, for the pages of the verbs that take its words; the keys and the members
//! they look into are those of the code.

use clap_mangen::roff::{Roff, bold, roman};

use git_ledger::query::key::Key;

/// The section.
pub fn section() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["FILTER LANGUAGE"]);
    roff.text([roman(
        "A filter is words with spaces between them, in one argument or several. A word is \
         KEY:VALUE, a range of numbers, or a text to look for. A value is exact, or goes up to a \
         final *. Of several values for one key one must fit; different keys, and every text, must \
         all fit, and one event must fit all of it. A - in front turns a word round: it must not fit. \
         (Where a - would be taken for an option, write --not WORD, or put -- before the words.)",
    )]);
    roff.control("PP", []);
    roff.text([roman(
        "A text is found where its letters and digits follow each other as whole words in one text \
         of the event, whatever their case; a final * lets the last one go on. Not looked into: \
         names of members, times, and data in attachments. Quotes (\"two words\", with \\\" and \\\\) \
         hold a text together and take every meaning from what is inside; the shell takes quotes \
         of its own, so write '\"two words\"'.",
    )]);
    roff.control("PP", []);
    roff.text([roman(
        "An entry that cannot be read passes every filter but a range. All of it is what events and \
         entries claim.",
    )]);
    let mut item = |name: &str, text: &str| {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(text)]);
    };
    for key in Key::all() {
        let members = key.members().join(", ");
        let own = key.members().is_empty() || key.members() == [key.name()];
        let text = match (own, key.meaning()) {
            (true, meaning) => meaning.to_owned(),
            (false, meaning) => format!("{meaning} {members}."),
        };
        item(&format!("{}:", key.name()), &text);
    }
    item(
        "n:17, 10..20",
        "The entry's number, or a range (also number:). A range stands for itself; to look for digits \
         write text:17.",
    );
    item(
        "since:, until:",
        "Recorded at this time or later, or earlier, as with --since and --until (also after:, before:).",
    );
    item(
        "has:",
        "attachment, data, approval, or any key: the event has a value of it.",
    );
    item(
        "text:",
        "A text, where it could be taken for something else.",
    );
    roff.control("PP", []);
    roff.text([roman(
        "ci. stands for data.ci. and data.customData.ci., content. for data.subject.content.; of an \
         array every item is looked at.",
    )]);
    roff
}
