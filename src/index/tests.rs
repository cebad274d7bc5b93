//! How statements are carried out, what they are made of, and when the version must be raised.

use super::*;
use crate::database;
use crate::query::key::Key;
use crate::query::words;

fn plan(database: &Database, sql: &str, values: &[&dyn rusqlite::ToSql]) -> String {
    let mut statement = database
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let rows = statement
        .query_map(values, |row| row.get::<_, String>(3))
        .unwrap();
    rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn no_statement_reads_a_whole_table() {
    let dir = tempfile::tempdir().unwrap();
    let database = database::open(&dir.path().join("x.db"), KIND, VERSION, SCHEMA).unwrap();
    // M: by the words; the rest: from a row to a row, in order, without sorting
    let by_term = plan(&database, BY_TERM, &[&"\"a\"", &0, &9, &1]);
    assert!(
        by_term.contains("VIRTUAL TABLE INDEX") && by_term.contains(":M"),
        "{by_term}"
    );
    assert!(!by_term.contains("TEMP B-TREE"), "{by_term}");
    let by_position = plan(&database, BY_POSITION, &[&0, &9, &1]);
    assert!(
        by_position.contains("SEARCH entry USING INTEGER PRIMARY KEY"),
        "{by_position}"
    );
    for sql in [
        "SELECT time FROM entry WHERE position = ?1",
        "SELECT id FROM entry WHERE position = ?1",
    ] {
        let one = plan(&database, sql, &[&0]);
        assert!(
            one.contains("SEARCH entry USING INTEGER PRIMARY KEY"),
            "{one}"
        );
    }
}

#[test]
fn expressions_hold_nothing_but_quoted_terms() {
    let clock = |_: &str, _| Some(0);
    let of = |line: &str| {
        let filter = words::parse(line, &clock).unwrap();
        terms::expression(&filter).unwrap_or_default()
    };
    let shown = |line: &str| {
        of(line)
            .chars()
            .map(|c| match c as u32 {
                0xe000..=0xf8ff => format!("<{:x}>", c as u32),
                _ => c.to_string(),
            })
            .collect::<String>()
    };
    assert_eq!(shown("hotfix"), "((\"hotfix\"))");
    assert_eq!(shown("env:a env:b*"), "(\"<e016>a\" OR \"<e016>b\" *)");
    assert_eq!(shown("\"a b\" -c"), "(((\"a\" AND \"b\"))) NOT (\"c\")");
    assert_eq!(shown("-\"a b\""), "");
    assert_eq!(shown("-outcome:x"), "\"<e000>\" NOT (\"<e01b>x\")");
    assert_eq!(shown("since:x 1..2"), "");
    assert_eq!(
        shown("subject:\"a\\\" OR \\\"b\""),
        "(\"<e012>a<e122><e120><e14f><e152><e120><e122>b\")"
    );
    assert_eq!(
        shown("\"NEAR(a)\" \"x\\\" NOT y\""),
        "((\"near\" AND \"a\")) AND ((\"x\" AND \"not\" AND \"y\"))"
    );
}

/// Whoever changes which terms an event has must raise the version, or old indexes would hide
/// entries.
#[test]
fn terms_of_this_version() {
    let table: Vec<String> = Key::all()
        .map(|key| format!("{} {}", key.name(), key.members().join(" ")))
        .collect();
    let terms = terms::samples("https://x/Ä.git 17");
    let all = format!("{VERSION}\n{}\n{terms}", table.join("\n"));
    let digest = merkle::hex(&merkle::sha256(all.as_bytes()));
    assert_eq!(&digest[..16], "3e58df8a87426021", "{all}");
}
