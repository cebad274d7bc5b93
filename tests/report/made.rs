//! What a report says, where it goes, and what it is made of.

use super::*;

/// Without what differs from world to world.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut hex = String::new();
    let flush = |hex: &mut String, out: &mut String| {
        if hex.len() >= 32 && hex.bytes().any(|b| b.is_ascii_digit()) {
            out.push_str("HEX");
        } else if hex.len() == 16 {
            out.push_str("BUILD");
        } else {
            out.push_str(hex);
        }
        hex.clear();
    };
    for character in text.chars() {
        if character.is_ascii_digit() || ('a'..='f').contains(&character) {
            hex.push(character);
        } else {
            flush(&mut hex, &mut out);
            out.push(character);
        }
    }
    flush(&mut hex, &mut out);
    out
}

#[test]
fn it_reads_well() {
    let world = world();
    let words = ["report", "--md", "--profile", "soc2", "--remotes"];
    let said = world.ledger("r", &words).ok();
    let (page, data) = said.split_once("<!--").expect("data");
    insta::assert_snapshot!(plain(page));
    assert!(data.trim_end().ends_with("-->"), "{data}");
}

#[test]
fn it_is_a_file_that_needs_nothing_else() {
    let world = world();
    let said = world.ledger("r", &["report", "--profile", "pci", "--profile", "nist"]);
    assert!(said.err.contains("wrote ledger-report-0-9.html"), "{said}");
    let page = fs::read_to_string(world.path("r/ledger-report-0-9.html")).expect("a page");
    for outside in [
        "http-equiv=\"refresh",
        "src=",
        "@import",
        "url(",
        "href=\"h",
        "href=\"/",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    // the data are no script, and there is no other
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("<script type=\"application/json\" id=\"model\">{"));
    assert!(page.contains("default-src 'none'"));
    // never over what is there
    let said = world.ledger("r", &["report"]).code(128);
    assert!(said.err.contains("is there already"), "{said}");
    world.ledger("r", &["report", "--force"]).ok();
    // the same ledger at the same moment is the same file
    let print = report(&world, "p.html", &["--pdf-ready"]);
    let print = fs::read_to_string(print).expect("a page");
    assert!(print.contains("@page") && print.contains("counter(pages)"));
    assert_eq!(
        print.matches("<details").count(),
        print.matches("<details open").count()
    );
    let out = world.ledger("r", &["report", "-o", "-"]).ok();
    assert!(out.starts_with("<!DOCTYPE html>"));
}

#[test]
fn the_range_is_of_numbers_or_dates() {
    let world = world();
    let range = |words: &[&str]| {
        let all = [&["report", "--json"], words].concat();
        let said = world.ledger("r", &all);
        if said.code != 0 {
            return said.err.lines().next().unwrap_or_default().to_owned();
        }
        let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        let scope = &value["scope"];
        let sum = &value["counts"]["entries"];
        format!("{}..{} {sum}", scope["from"], scope["to"])
    };
    assert_eq!(range(&[]), "0..9 10");
    assert_eq!(range(&["--from", "3", "--to", "5"]), "3..5 3");
    assert_eq!(range(&["--from", "2026-01-31"]), "0..9 10");
    assert_eq!(range(&["--from", "2026-01-31T13:00:00Z"]), "9..9 1");
    assert_eq!(range(&["--to", "2026-01-31T13:00:00Z"]), "0..8 9");
    assert_eq!(
        range(&["--to", "2026-01-30"]),
        "error: no entry lies in this range"
    );
    assert_eq!(
        range(&["--from", "2027-01-01"]),
        "error: no entry lies in this range"
    );
    assert_eq!(range(&["--from", "10"]), "error: there is no entry 10");
    assert_eq!(
        range(&["--from", "5", "--to", "3"]),
        "error: no entry lies in this range"
    );
    assert_eq!(
        range(&["--from", "soon"]),
        "error: 'soon' is no date that is understood here"
    );
}

#[test]
fn the_sample_follows_from_the_seed() {
    let world = world();
    let sample = |words: &[&str]| -> Vec<u64> {
        let all = [&["report", "--json", "--sample", "3"], words].concat();
        let said = world.ledger("r", &all).ok();
        let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let entries = value["sample"]["entries"]
            .as_array()
            .expect("entries")
            .iter();
        entries
            .map(|one| one["number"].as_u64().expect("a number"))
            .collect()
    };
    assert_eq!(sample(&["--seed", "a"]), sample(&["--seed", "a"]));
    assert_eq!(sample(&[]).len(), 3);
    let all: Vec<Vec<u64>> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .map(|seed| sample(&["--seed", seed]))
        .collect();
    assert!(all.iter().any(|one| *one != all[0]), "{all:?}");
    assert!(sample(&["--seed", "a", "--from", "4", "--to", "5"]) == [4, 5]);
}

#[test]
fn a_receipt_of_the_sample_stands_alone() {
    let world = world();
    report(&world, "r.html", &[]);
    let words = ["--receipt", "7", "-o", "receipt.json"];
    check(&world, "empty", "r.html", &words).ok();
    let fingerprint = fingerprint(&world);
    let judge = ["check-proof", "receipt.json", "--fingerprint", &fingerprint];
    let said = world.ledger("empty", &judge).ok();
    assert!(said.contains("proven: entry 7"), "{said}");
    let said = check(&world, "empty", "r.html", &["--receipt", "70"]).code(1);
    assert!(said.err.contains("no receipt for entry 70"), "{said}");
}

#[test]
fn a_ledger_in_breach_has_a_report_that_says_so() {
    let world = world();
    // the newest entry is one that nobody signed
    let tree = world
        .git("r", &["rev-parse", &format!("{LEDGER}^{{tree}}")])
        .ok();
    let commit = ["commit-tree", tree.trim(), "-p", LEDGER, "-m", "10 dev.x y"];
    let forged = world.git("r", &commit).ok();
    world.git("r", &["update-ref", LEDGER, forged.trim()]).ok();
    let said = world.ledger("r", &["report", "--md"]).code(1);
    assert!(
        said.out.contains("**breach**: The record is broken."),
        "{said}"
    );
    assert!(
        said.out.contains("signatureMissing") || said.out.contains("header"),
        "{said}"
    );
    let said = world.ledger("r", &["report", "-o", "b.html"]).code(1);
    assert!(said.err.contains("breach: the report says why"), "{said}");
    check(&world, "r", "r/b.html", &[]).code(2);
}

#[test]
fn a_copy_that_is_cut_off_is_unknown() {
    let world = world();
    let url = format!("file://{}", world.path("r").display());
    let clone = [
        "clone",
        "--quiet",
        "--depth=2",
        "--branch=ledger",
        &url,
        "cut",
    ];
    world.git("", &clone).ok();
    let said = world.ledger("cut", &["report", "--md"]).code(2);
    assert!(said.out.contains("**unknown**"), "{said}");
    assert!(said.out.contains("Entries 8 to 9"), "{said}");
    assert!(said.out.contains("There are no receipts"), "{said}");
}

#[test]
fn foreign_text_is_text() {
    let world = world();
    let hostile = "</script></details><script>alert(1)</script><img src=x onerror=alert(1)> \u{202e}--> ]]> `|*_[x](javascript:1) &lt;";
    let subject = Value::from(hostile).to_canonical();
    append(
        &world,
        &format!(
            r#"{{"specversion":"1.0","id":"x","source":"/x","type":"com.github.push","subject":{subject},"data":{{"forced":true,"pusher":{{"name":{subject}}}}}}}"#
        ),
    );
    for words in [&["--html"][..], &["--pdf-ready"], &["--md"], &["--json"]] {
        let name = format!("h{}", words[0]);
        let path = report(
            &world,
            &name,
            &[words, &["--title", hostile, "--seed", hostile]].concat(),
        );
        let text = fs::read_to_string(path).expect("a file");
        if words[0] == "--json" {
            assert!(!text.contains('\u{202e}'));
        } else {
            assert!(
                !text.contains("<img") && !text.contains('\u{202e}'),
                "{words:?}"
            );
            assert!(text.matches("<script").count() <= 1, "{words:?}");
            assert!(text.matches("-->").count() <= 1, "{words:?}");
        }
        let said = check(&world, "r", &name, &[]).ok();
        assert!(said.contains("sound: "), "{said}");
    }
}
