//! The filter language, for the pages of the verbs that take its words; the keys and the members
//! they look into are those of the code.

use clap_mangen::roff::{Roff, bold, roman};

use git_ledger::query::key::Key;

/// What a key is about; the members follow by themselves.
fn meaning(key: Key) -> &'static str {
    match key {
        Key::Type => "The event's type.",
        Key::Source => "Its source.",
        Key::Subject => "What it happened to.",
        Key::Id => "Its id.",
        Key::Signer => {
            "Who signed the entry, as claimed: the principal, or the key's fingerprint (SHA256:…)."
        }
        Key::Actor => "Who did it, as the event says. In:",
        Key::Env => "The environment (also environment:). In:",
        Key::Repo => {
            "The repository (also repository:): the source, the path of a source that is a URL, and what stands in:"
        }
        Key::Ref => {
            "A ref (also branch:), by its full name or without refs/heads/ or refs/tags/. In:"
        }
        Key::Commit => {
            "An object id anywhere in the event (also sha:): 4 hex digits of its beginning or more."
        }
        Key::Run => {
            "A run of a pipeline, task, build or test: the subject of an event about one, and what stands in:"
        }
        Key::Outcome => "How it ended. In:",
        Key::Digest => {
            "A SHA-256 anywhere in the event: 4 hex digits of its beginning or more, with or without sha256:."
        }
        Key::Artifact => "An artifact: the subject of an event about one, and what stands in:",
    }
}

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
        let text = match (own, meaning(key)) {
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
