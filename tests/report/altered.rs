//! Reports that somebody altered, and those that nobody did.

use super::*;

/// Replaces a piece of a report that must stand there.
fn edit(world: &World, from: &str, to: &str, old: &str, new: &str) {
    let text = fs::read_to_string(world.path(from)).expect("a report");
    assert!(text.contains(old), "{old}");
    fs::write(world.path(to), text.replacen(old, new, 1)).expect("a report");
}

#[test]
fn one_that_nobody_altered() {
    let world = world();
    for (name, words) in [
        ("r.html", &["--profile", "soc2", "--remotes"][..]),
        ("p.html", &["--pdf-ready", "--sample", "4"]),
        (
            "r.md",
            &["--md", "--from", "3", "--to", "7", "--profile", "gdpr"],
        ),
        ("r.json", &["--json", "--seed", "dice"]),
    ] {
        report(&world, name, words);
        let said = check(&world, "r", name, &[]).code(0);
        assert!(said.out.contains("byte for byte"), "{said}");
        assert!(said.out.contains("made anew are the same"), "{said}");
        // with the fingerprint alone the rest is unknown, and that is said
        let fingerprint = fingerprint(&world);
        let said = check(&world, "empty", name, &["--fingerprint", &fingerprint]).code(2);
        assert_eq!(found(&said), ["reportUnchecked"], "{said}");
        assert!(said.out.contains("no ledger is here"), "{said}");
        let said = check(&world, "empty", name, &[]).code(2);
        assert_eq!(
            found(&said),
            ["reportUnchecked", "reportUnchecked"],
            "{said}"
        );
    }
    let said = check(&world, "r", "r.html", &["--json"]).ok();
    let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(value["answer"], "sound");
    assert_eq!(value["page"], "HTML");
    assert_eq!(value["ledger"], "asked");
    // the ledger goes on
    append(
        &world,
        r#"{"specversion":"1.0","id":"more","source":"/ci","type":"dev.acme.noted"}"#,
    );
    let said = check(&world, "r", "r.html", &[]).code(0);
    assert_eq!(found(&said), ["reportOlder"], "{said}");
}

#[test]
fn a_page_that_was_edited() {
    let world = world();
    report(&world, "r.html", &["--profile", "soc2"]);
    report(&world, "r.md", &["--md"]);
    let edits = [
        // numbers, answers, people, digests
        ("r.html", "10 entries verified", "99 entries verified"),
        (
            "r.html",
            ">sound: The record holds.",
            ">sound: All is well.",
        ),
        ("r.html", "mallory", "carl"),
        ("r.html", "forced-push", "routine-push"),
        ("r.html", "badge doubt", "badge good"),
        // what is shown or hidden besides
        ("r.html", "</style>", "#exceptions{display:none}</style>"),
        (
            "r.html",
            "<section id=\"limits\">",
            "<section id=\"limits\" hidden>",
        ),
        ("r.html", "</main>", "<p>Audited and approved.</p></main>"),
        ("r.html", "default-src 'none'", "default-src *"),
        (
            "r.html",
            "<title>",
            "<script>document.body.innerHTML=''</script><title>",
        ),
        ("r.html", "</html>", "</html><!-- more -->"),
        ("r.html", "</html>", "</html>\n"),
        ("r.html", "<h1>", "<h1 >"),
        ("r.md", "**sound**", "**unknown**"),
        ("r.md", "## Limits\n", "## Limits\n\n- none\n"),
    ];
    for (file, old, new) in edits {
        edit(&world, file, "x", old, new);
        let said = check(&world, "r", "x", &[]).code(1);
        assert_eq!(found(&said), ["reportMismatch"], "{old}: {said}");
        assert!(said.out.contains("first at line"), "{said}");
    }
    // what is wrong is named with its place
    edit(
        &world,
        "r.html",
        "x",
        "The record holds.",
        "The record\u{202e} holds.",
    );
    let said = check(&world, "r", "x", &[]).code(1);
    assert!(said.out.contains("<U+202E>"), "{said}");
}

#[test]
fn data_that_were_edited() {
    let world = world();
    let model = model(&world);
    let fingerprint = fingerprint(&world);
    let kinds = |said: &Said| {
        let mut ids = found(said);
        ids.sort();
        ids.dedup();
        ids.join(" ")
    };
    let look = |name: &str, forgery: &Object, offline: &[&str], here: &[&str]| {
        let sorted = |ids: &[&str]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.join(" ")
        };
        forged(&world, "x.html", forgery);
        let said = check(&world, "empty", "x.html", &["--fingerprint", &fingerprint]);
        assert_eq!(kinds(&said), sorted(offline), "{name}: {said}");
        let said = check(&world, "r", "x.html", &[]);
        assert_eq!(kinds(&said), sorted(here), "{name}: {said}");
        assert!(said.code != 0, "{name}: {said}");
    };
    // page and data together, so that the page is what its data make: without the ledger an
    // exception that was left out everywhere cannot be missed, and the answer is not "sound"
    let forgery = with(&model, "exceptions.counts.forced-push", 0);
    let forgery = with(&forgery, "exceptions.kinds", Object::new());
    look(
        "an exception left out",
        &with(&forgery, "controls", Vec::new()),
        &["reportUnchecked"],
        &["reportDiffers"],
    );
    look(
        "another verdict",
        &with(&model, "verdict.entries", 11),
        &["reportContradiction", "reportUnchecked"],
        &["reportContradiction", "reportDiffers"],
    );
    look(
        "other counts",
        &with(&model, "counts.entries", 100),
        &["reportContradiction", "reportUnchecked"],
        &["reportContradiction", "reportDiffers"],
    );
    look(
        "the threshold of the policy",
        &with(&model, "policy.threshold", 3),
        // the tables of controls tell of it too
        &["reportUnchecked", "reportContradiction"],
        &["reportContradiction", "reportDiffers"],
    );
    look(
        "an entry of the sample that says something else",
        &with(&model, "sample.entries", {
            let mut entries = list(&model, "sample.entries");
            let last = entries.pop().expect("an entry");
            let last = last.as_object().expect("an object");
            entries.push(with(last, "signer", "ann@acme.org").into());
            entries
        }),
        &["reportReceipt", "reportUnchecked"],
        &["reportReceipt", "reportDiffers"],
    );
    look(
        "a sample that leaves one out",
        &with(&model, "sample.entries", {
            let mut entries = list(&model, "sample.entries");
            entries.remove(7);
            entries
        }),
        &["reportContradiction", "reportUnchecked"],
        &["reportContradiction", "reportDiffers"],
    );
    look(
        "another seed, which nobody gave",
        &with(&model, "sample.seed", "mine"),
        &["reportContradiction", "reportReceipt", "reportUnchecked"],
        &["reportContradiction", "reportReceipt", "reportDiffers"],
    );
    look(
        "receipts that were dropped",
        &with(&model, "proofs.receipts", Vec::new()),
        &["reportReceipt", "reportUnchecked"],
        &["reportReceipt", "reportDiffers"],
    );
    look(
        "receipts that are said to be impossible",
        &with(&model, "proofs", Object::new().with("why_none", "lost")),
        &["reportUnchecked"],
        &["reportUnchecked", "reportDiffers"],
    );
    look(
        "a receipt whose entry was changed",
        &with(&model, "proofs.entries", {
            let mut entries = list(&model, "proofs.entries");
            let first = entries.remove(0);
            let first = first.as_object().expect("an object");
            let commit = first
                .get("commit")
                .and_then(Value::as_str)
                .expect("a commit");
            let other = commit.replace("acme/payments", "acme/fraud");
            entries.insert(0, with(first, "commit", other).into());
            entries
        }),
        &["reportReceipt", "reportUnchecked"],
        &["reportReceipt", "reportDiffers"],
    );
    look(
        "a control that is answered",
        &with(&model, "controls", {
            let mut tables = list(&model, "controls");
            let table = tables.remove(0);
            let text = table.to_canonical().replacen("partly", "answered", 1);
            vec![Value::parse(text.as_bytes()).expect("JSON")]
        }),
        &["reportContradiction", "reportUnchecked"],
        &["reportContradiction"],
    );
    look(
        "a tip that is not there",
        &with(&model, "scope.tip.commit", "ab".repeat(20)),
        &["reportUnchecked"],
        &["reportUnrelated"],
    );
    look(
        "another ledger",
        &with(
            &model,
            "verdict.fingerprint",
            format!("sha256:{}", "ab".repeat(32)),
        ),
        &["reportUnrelated", "reportUnchecked"],
        &["reportUnrelated"],
    );
    look(
        "another build, so that the page may be anything",
        &with(
            &with(&model, "made.build", "0000000000000000"),
            "policy.more_changes",
            5,
        ),
        &["reportContradiction", "reportUnchecked"],
        &["reportContradiction", "reportDiffers"],
    );
}

fn list(model: &Object, way: &str) -> Vec<Value> {
    let mut value = Some(Value::from(model.clone()));
    for name in way.split('.') {
        value = value.and_then(|value| value.as_object()?.get(name).cloned());
    }
    let list = value.and_then(|value| Some(value.as_array()?.to_vec()));
    list.expect("a list")
}

#[test]
fn a_verdict_that_was_turned_round() {
    let world = world();
    // an entry that nobody may write, so that the ledger is in breach
    let tree = world
        .git("r", &["rev-parse", &format!("{LEDGER}^{{tree}}")])
        .ok();
    let words = ["commit-tree", tree.trim(), "-p", LEDGER, "-m", "10 dev.x y"];
    let forgery = world.git("r", &words).ok();
    let sound = model(&world);
    world.git("r", &["update-ref", LEDGER, forgery.trim()]).ok();
    let said = world.ledger("r", &["report", "--json"]).code(1);
    let bad = match Value::parse(said.out.trim_end().as_bytes()) {
        Ok(Value::Object(model)) => model,
        other => panic!("{other:?}"),
    };
    let flipped = with(&with(&bad, "verdict.answer", "sound"), "answer", "sound");
    forged(&world, "x.html", &flipped);
    let said = check(&world, "r", "x.html", &[]).code(1);
    assert!(
        found(&said).contains(&"reportContradiction".to_owned()),
        "{said}"
    );
    // one that was sound, of the entries before the breach, stays what it was
    forged(&world, "y.html", &sound);
    let said = check(&world, "r", "y.html", &[]).code(0);
    assert_eq!(found(&said), ["reportOlder"], "{said}");
}

#[test]
fn another_version_or_no_report_at_all() {
    let world = world();
    let model = model(&world);
    let page = render(&with(&model, "made.build", "0000000000000000"), Form::Html);
    let other = page.replace("<h1>", "<h1 class=\"new\">");
    fs::write(world.path("x"), other).expect("a file");
    let said = check(&world, "r", "x", &[]).code(2);
    assert_eq!(found(&said), ["reportVersion"], "{said}");
    assert!(said.out.contains("read the data, not the page"), "{said}");
    let later = page.replace("git-ledger report 1", "git-ledger report 2");
    fs::write(world.path("x"), later).expect("a file");
    check(&world, "r", "x", &[]).code(2);
    for (text, why) in [
        ("", "no data of a report"),
        ("<!DOCTYPE html><p>hello", "no data of a report"),
        ("{}", "do not say what they are"),
        ("{\"format\":", "cannot be read"),
        ("\u{0}\u{1}", "no data of a report"),
    ] {
        fs::write(world.path("x"), text).expect("a file");
        let said = check(&world, "r", "x", &[]).code(1);
        assert_eq!(found(&said), ["reportMalformed"], "{said}");
        assert!(said.out.contains(why), "{said}");
    }
    fs::write(world.path("x"), page.repeat(2)).expect("a file");
    check(&world, "r", "x", &[]).code(1);
    fs::write(world.path("x"), b"\xff\xfe").expect("a file");
    check(&world, "r", "x", &[]).code(1);
    check(&world, "r", "absent", &[]).code(2);
    // a model with nothing in it renders, and proves nothing
    forged(
        &world,
        "x",
        &Object::new().with("format", "git-ledger report 1"),
    );
    check(&world, "r", "x", &[]).code(1);
}

#[test]
fn the_report_of_another_ledger_and_of_a_rewritten_one() {
    let world = world();
    report(&world, "r.html", &[]);
    world.repository("other");
    let said = check(&world, "other", "r.html", &[]).code(1);
    assert_eq!(found(&said), ["reportUnrelated"], "{said}");
    // the ledger was taken back and went on another way, with valid signatures
    let mut command = world.command("", "cp");
    command.args(["-a", "r", "evil"]);
    run(command, b"").ok();
    fs::remove_dir_all(world.path("evil/.git/git-ledger")).ok();
    world
        .git("evil", &["update-ref", LEDGER, &format!("{LEDGER}~2")])
        .ok();
    let key = world.key("ci");
    let key = key.to_str().expect("a path");
    for subject in ["a", "b", "c"] {
        let words = ["append", "dev.x.y", "--subject", subject, "--key", key];
        world.ledger("evil", &words).ok();
    }
    let said = check(&world, "evil", "r.html", &[]).code(1);
    assert_eq!(found(&said), ["reportUnrelated"], "{said}");
    // a copy that is older than the report cannot tell
    world
        .git("evil", &["update-ref", LEDGER, &format!("{LEDGER}~3")])
        .ok();
    let said = check(&world, "evil", "r.html", &[]).code(2);
    assert_eq!(found(&said), ["reportUnchecked"], "{said}");
}
