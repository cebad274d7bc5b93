//! Events that are no JSON the record allows, no CloudEvents, or not canonical; and events that
//! bear the name of an earlier one.

use super::Vectors;
use super::world::*;

const MALFORMED: &str = "eventMalformed";
const SPELLING: &str = "eventNonCanonical";

/// Adds a ledger whose newest entry holds this event, signed by the writer.
fn held(to: &mut Vectors, name: &str, expect: &str, comment: &str, event: Event) {
    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![event]), &CI);
    to.add(&format!("event_{name}"), expect, comment, chain);
}

fn line(text: &str) -> Event {
    Event {
        line: text.into(),
        ..push("a")
    }
}

pub fn add(to: &mut Vectors) {
    json(to);
    strings(to);
    attributes(to);
    canonical(to);
    repeats(to);
}

fn json(to: &mut Vectors) {
    let whole = push("a").line;
    for (name, text, comment) in [
        ("array", "[1]".to_owned(), "an array"),
        ("string", "\"x\"".to_owned(), "a string"),
        ("not_json", "event".to_owned(), "no JSON"),
        ("cut", whole.replace('}', ""), "the object is not closed"),
        (
            "two_values",
            format!("{whole} {whole}"),
            "two objects on one line",
        ),
        ("trailing", format!("{whole},"), "a comma after the object"),
        ("comment", format!("{whole}//"), "a comment"),
        ("bom", format!("\u{feff}{whole}"), "a byte order mark"),
        (
            "trailing_comma",
            whole.replace('}', ",}"),
            "a comma before the brace",
        ),
        ("single_quotes", whole.replace('"', "'"), "single quotes"),
    ] {
        held(to, name, MALFORMED, comment, line(&text));
    }
    for (name, members, comment) in [
        ("duplicate", "\"data\":{\"a\":1,\"a\":2}", "a name twice"),
        (
            "duplicate_escaped",
            "\"data\":{\"a\":1,\"\\u0061\":2}",
            "a name twice, once escaped",
        ),
        ("duplicate_top", "\"a\":1,\"a\":1", "a top-level name twice"),
        ("fraction", "\"data\":1.5", "a fraction"),
        ("fraction_zero", "\"data\":1.0", "a fraction of zero"),
        ("exponent", "\"data\":1e0", "an exponent"),
        ("infinite", "\"data\":1e999", "a number beyond every float"),
        ("minus_zero", "\"data\":-0", "the number -0"),
        ("leading_zero", "\"data\":01", "a leading zero"),
        ("plus", "\"data\":+1", "a plus sign"),
        ("nan", "\"data\":NaN", "NaN"),
        ("above_2_53", "\"data\":9007199254740992", "the number 2^53"),
        (
            "below_2_53",
            "\"data\":-9007199254740992",
            "the number -2^53",
        ),
        (
            "above_2_64",
            "\"data\":18446744073709551616",
            "the number 2^64",
        ),
    ] {
        held(to, name, MALFORMED, comment, push("a").with(members));
    }
    let deep = format!("\"data\":{}1{}", "[".repeat(64), "]".repeat(64));
    held(
        to,
        "deep",
        MALFORMED,
        "nested 65 deep",
        push("a").with(&deep),
    );
}

fn strings(to: &mut Vectors) {
    for (name, text, comment) in [
        ("delete", "\u{7f}", "U+007F"),
        ("csi", "\u{9b}2J", "U+009B, a terminal command"),
        ("csi_escaped", "\\u009b", "U+009B, escaped"),
        ("surrogate", "\\ud800", "a lone surrogate"),
        ("surrogate_low", "\\udc00", "a lone low surrogate"),
        ("noncharacter", "\u{fffe}", "a noncharacter"),
        ("noncharacter_high", "\u{10ffff}", "the last noncharacter"),
        (
            "noncharacter_arabic",
            "\u{fdd0}",
            "a noncharacter of another block",
        ),
        ("raw_tab", "\t", "a raw tab in a string"),
        ("bad_escape", "\\x41", "an escape that does not exist"),
    ] {
        let members = format!("\"data\":\"{text}\"");
        held(
            to,
            &format!("string_{name}"),
            MALFORMED,
            comment,
            push("a").with(&members),
        );
    }
    let members = "\"data\":{\"\u{7f}\":1}";
    held(
        to,
        "name_delete",
        MALFORMED,
        "U+007F in a name",
        push("a").with(members),
    );
}

fn attributes(to: &mut Vectors) {
    let whole = push("a");
    let without = |member: &str| whole.clone().edit(member, "");
    held(to, "no_id", MALFORMED, "no id", without("\"id\":\"a\","));
    held(
        to,
        "no_source",
        MALFORMED,
        "no source",
        without("\"source\":\"https://git.acme.example\","),
    );
    held(
        to,
        "no_type",
        MALFORMED,
        "no type",
        without(",\"type\":\"dev.git-ledger.push\""),
    );
    held(
        to,
        "no_specversion",
        MALFORMED,
        "no specversion",
        without("\"specversion\":\"1.0\","),
    );
    for (name, from, by, comment) in [
        ("empty_id", "\"id\":\"a\"", "\"id\":\"\"", "an empty id"),
        (
            "number_id",
            "\"id\":\"a\"",
            "\"id\":1",
            "an id that is a number",
        ),
        (
            "null_id",
            "\"id\":\"a\"",
            "\"id\":null",
            "an id that is null",
        ),
        (
            "empty_source",
            "https://git.acme.example",
            "",
            "an empty source",
        ),
        ("empty_type", "dev.git-ledger.push", "", "an empty type"),
        (
            "specversion",
            "1.0",
            "0.3",
            "another version of CloudEvents",
        ),
        ("empty_subject", "refs/heads/main", "", "an empty subject"),
        (
            "number_subject",
            "\"refs/heads/main\"",
            "7",
            "a subject that is a number",
        ),
    ] {
        held(to, name, MALFORMED, comment, whole.clone().edit(from, by));
    }
    let hex = "a".repeat(64);
    for (name, members, comment) in [
        (
            "upper_name",
            "\"Foo\":1".to_owned(),
            "an attribute name in upper case",
        ),
        (
            "underscore_name",
            "\"a_b\":1".to_owned(),
            "an attribute name with an underscore",
        ),
        ("empty_name", "\"\":1".to_owned(), "an empty attribute name"),
        (
            "object_attribute",
            "\"ext\":{}".to_owned(),
            "an attribute that is an object",
        ),
        (
            "array_attribute",
            "\"ext\":[]".to_owned(),
            "an attribute that is an array",
        ),
        (
            "null_attribute",
            "\"ext\":null".to_owned(),
            "an attribute that is null",
        ),
        (
            "both_data",
            "\"data\":1,\"data_base64\":\"AA==\"".to_owned(),
            "data and data_base64",
        ),
        (
            "data_base64_number",
            "\"data_base64\":1".to_owned(),
            "data_base64 that is a number",
        ),
        (
            "data_base64_text",
            "\"data_base64\":\"?\"".to_owned(),
            "data_base64 that is no base64",
        ),
        (
            "data_base64_spare",
            "\"data_base64\":\"AB==\"".to_owned(),
            "data_base64 with spare bits",
        ),
        (
            "dataref_other",
            "\"dataref\":\"https://acme.example\"".to_owned(),
            "a dataref to somewhere else",
        ),
        (
            "dataref_upper",
            format!("\"dataref\":\"attachments/{}\"", hex.to_uppercase()),
            "a dataref in upper case",
        ),
        (
            "dataref_path",
            format!("\"dataref\":\"attachments/../{hex}\""),
            "a dataref with a path",
        ),
        (
            "dataref_number",
            "\"dataref\":1".to_owned(),
            "a dataref that is a number",
        ),
        (
            "dataref_data",
            format!("\"data\":1,\"dataref\":\"attachments/{hex}\""),
            "a dataref beside data",
        ),
    ] {
        held(to, name, MALFORMED, comment, push("a").with(&members));
    }
}

fn canonical(to: &mut Vectors) {
    let whole = push("a");
    for (name, from, by, comment) in [
        ("space", "\"id\":", "\"id\": ", "a space after a colon"),
        (
            "space_comma",
            ",\"source",
            ", \"source",
            "a space after a comma",
        ),
        (
            "escaped_slash",
            "refs/heads",
            "refs\\/heads",
            "an escaped slash",
        ),
        (
            "escaped_letter",
            "refs/heads",
            "\\u0072efs/heads",
            "an escaped letter",
        ),
        ("escaped_name", "\"id\"", "\"\\u0069d\"", "an escaped name"),
        (
            "leading_space",
            "{\"id",
            " {\"id",
            "a space before the object",
        ),
        ("trailing_space", "\"}", "\"} ", "a space after the object"),
        ("cr", "\"}", "\"}\r", "CR after the object"),
    ] {
        let edited = whole.clone().edit(from, by);
        held(to, &format!("spelling_{name}"), SPELLING, comment, edited);
    }
    let order = whole
        .clone()
        .edit("\"id\":\"a\",", "")
        .edit("\"}", "\",\"id\":\"a\"}");
    held(to, "spelling_order", SPELLING, "names out of order", order);
    for (name, members, comment) in [
        (
            "utf16_order",
            "\"data\":{\"\u{fb33}\":1,\"\u{1f600}\":2}",
            "names sorted by code points, not by UTF-16 units",
        ),
        (
            "long_escape",
            "\"data\":\"\\u000a\"",
            "a long escape where a short one exists",
        ),
        (
            "upper_escape",
            "\"data\":\"\\u001F\"",
            "an escape in upper-case hex",
        ),
        (
            "escaped_astral",
            "\"data\":\"\\ud83d\\ude00\"",
            "an escaped surrogate pair",
        ),
        (
            "escaped_del_neighbour",
            "\"data\":\"\\u00e9\"",
            "an escaped letter outside ASCII",
        ),
    ] {
        held(
            to,
            &format!("spelling_{name}"),
            SPELLING,
            comment,
            push("a").with(members),
        );
    }
}

fn repeats(to: &mut Vectors) {
    let timed = |time: &str| {
        push("same").edit(
            ",\"source",
            &format!(",\"recordedtime\":\"{time}\",\"source"),
        )
    };
    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![timed("2026-01-01T00:00:02Z")]), &CI);
    chain.add(&chain.draft(&CI, vec![timed("2026-01-01T00:00:03Z")]), &CI);
    to.add(
        "repeat_same",
        "eventRepeated",
        "one event recorded twice by one signer",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![push("same"), push("same")]), &CI);
    to.add(
        "repeat_within",
        "eventRepeated",
        "one event twice in one entry",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![push("same")]), &CI);
    chain.add(&chain.draft(&ALICE, vec![push("same")]), &ALICE);
    to.add(
        "repeat_other_signer",
        "eventConflict",
        "one event recorded by two signers",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![push("same")]), &CI);
    chain.add(
        &chain.draft(&CI, vec![push("same").about("refs/heads/evil")]),
        &CI,
    );
    to.add(
        "repeat_other_event",
        "eventConflict",
        "two events under one source and id",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![push("same")]), &CI);
    chain.add(
        &chain.draft(&CI, vec![push("same").with("\"data\":1")]),
        &CI,
    );
    chain.add(&chain.draft(&CI, vec![push("same")]), &CI);
    let comment = "each later event is compared with the first: one conflict, one repetition";
    to.add("repeat_both", "eventConflict eventRepeated", comment, chain);

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![push("same")]), &CI);
    let other = push("same").edit("git.acme.example", "hub.acme.example");
    chain.add(&chain.draft(&CI, vec![other]), &CI);
    to.add(
        "sound_same_id",
        "sound",
        "one id from two sources is two events",
        chain,
    );
}
