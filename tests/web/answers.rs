//! What is answered: the same as the verbs say, and what is wrong with what was asked.

use serde_json::Value;

use super::{Site, numbers};
use crate::index::{EVENTS, ledger};

#[test]
fn the_api_says_what_the_verbs_say() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    let verb = |arguments: &[&str]| -> Vec<Value> {
        let said = world.ledger("r", arguments).ok();
        let lines = said.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    for words in [
        "",
        "env:prod*",
        "hotfix",
        "-type:dev.*",
        "2..5 has:data",
        "since:@1769860807",
        "until:@1769860807 has:data",
        "since:@1769860806 until:@1769860808",
        "since:2030-01-01",
        "until:2020-01-01 5..",
    ] {
        let query = words.replace(' ', "+");
        let page = site.api(&format!("/ledgers/r/entries?q={query}"));
        let said = verb(&["log", "--verify", "--json", "--", words]);
        assert_eq!(page["entries"].as_array(), Some(&said), "{words}");
        assert_eq!(page["older"], Value::Null);
    }
    let trace = site.api("/ledgers/r/trace?of=8a1f000000000000000000000000000000000001");
    let said = verb(&[
        "trace",
        "--verify",
        "--json",
        "8a1f000000000000000000000000000000000001",
    ]);
    assert_eq!(
        (&trace["steps"], &trace["gaps"]),
        (&said[0]["steps"], &said[0]["gaps"])
    );
    let stats = site.api("/ledgers/r/stats?q=has:data");
    let said = verb(&["stats", "--json", "has:data"]);
    for name in ["entries", "events", "types", "signers", "days", "outcomes"] {
        assert_eq!(stats[name], said[0][name], "{name}");
    }
    let policy = site.api("/ledgers/r/policy");
    let said = verb(&["policy", "log", "--json"]);
    let change = |all: &Value| all["changes"][0]["change"].clone();
    assert_eq!(change(&policy), change(&said[0]));
    let verdict = &site.api("/ledgers/r")["verdict"];
    let said = &verb(&["verify", "--json"])[0];
    for name in ["answer", "entries", "fingerprint", "findings", "name"] {
        assert_eq!(verdict[name], said[name], "{name}");
    }
    // what a page hands out proves what it says it proves
    let proof = site.get("/l/r/entry/3/proof");
    std::fs::write(world.path("r/3.proof"), &proof.body).expect("a proof");
    let fingerprint = verdict["fingerprint"].as_str().expect("a fingerprint");
    let judged = ["check-proof", "3.proof", "--fingerprint", fingerprint];
    assert!(world.ledger("r", &judged).ok().contains("proven: entry 3"));
    let name = proof.header("content-disposition").expect("a name");
    assert_eq!(name, "attachment; filename=\"r-entry-3.proof\"");
    let raw = site.get("/l/r/entry/3/raw");
    assert_eq!(raw.body, world.ledger("r", &["show", "--raw", "3"]).ok());
    assert_eq!(
        raw.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[test]
fn a_replay_is_the_state_as_of_an_entry() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    let before = site.api("/ledgers/r/replay?at=3");
    assert_eq!(before["deployments"], serde_json::json!([]));
    assert_eq!(before["entry"]["number"], 3);
    let after = site.api("/ledgers/r/replay?from=2&to=6&at=4");
    let range = [&after["from"], &after["at"], &after["to"]];
    assert_eq!(range, [2, 4, 6]);
    let deployed = &after["deployments"][0];
    assert_eq!(
        (&deployed["place"], &deployed["name"], &deployed["changed"]),
        (&"prod".into(), &"payments".into(), &true.into())
    );
    let main = &after["refs"][0];
    assert_eq!(main["name"], "refs/heads/main");
    assert_eq!(
        (&main["number"], &main["changed"]),
        (&1.into(), &false.into())
    );
    assert_eq!((&after["policy"], &after["since"]), (&0.into(), &0.into()));
    for wrong in ["at=8", "from=5&to=4", "from=2&to=3&at=4", "at=x", "on=1"] {
        assert_eq!(site.refused(&format!("/ledgers/r/replay?{wrong}")).0, 400);
    }
}

#[test]
fn pages_go_on_where_the_last_one_ended_with_an_index_and_without() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    let walk = |words: &str| {
        let (mut all, mut pages, mut before) = (Vec::new(), 0, String::new());
        loop {
            let page = site.api(&format!("/ledgers/r/entries?q={words}&limit=2{before}"));
            all.extend(numbers(&page));
            pages += 1;
            match page["older"].as_u64() {
                Some(older) => before = format!("&before={older}"),
                None => return (all, pages),
            }
        }
    };
    let without = [walk(""), walk("has:data"), walk("-type:dev.*+-hotfix")];
    assert_eq!(without[0].0, [7, 6, 5, 4, 3, 2, 1, 0]);
    world.ledger("r", &["index"]).ok();
    assert_eq!(
        [walk(""), walk("has:data"), walk("-type:dev.*+-hotfix")].map(|it| it.0),
        without.map(|it| it.0)
    );
    let page = site.api("/ledgers/r/entries?q=hotfix&before=6");
    assert_eq!(
        (numbers(&page), &page["by_index"]),
        (vec![5], &Value::Bool(true))
    );
    assert_eq!(numbers(&site.api("/ledgers/r/entries?before=0")), [0; 0]);
    assert_eq!(
        numbers(&site.api("/ledgers/r/entries?before=999&limit=1")),
        [7]
    );
}

#[test]
fn faults_in_words_are_pointed_at() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    let (status, problem) = site.refused("/ledgers/r/entries?q=type:a+evn:prod");
    assert_eq!(status, 400);
    assert_eq!(problem["at"], serde_json::json!([7, 10]));
    assert_eq!(problem["hint"], "did you mean 'env:'?");
    assert_eq!(problem["type"], "urn:git-ledger:problem:asked");
    assert_eq!(site.refused("/ledgers/r/stats?q=n:x").0, 400);
    assert_eq!(site.refused("/ledgers/r/trace").0, 400);
    assert_eq!(site.refused("/ledgers/r/trace?of=commit:xyz").0, 400);
    assert_eq!(site.refused("/ledgers/r/tail?q=evn:x").0, 400);
    let page = site.get("/l/r/log?q=type:a+evn:prod");
    assert_eq!(page.status, 400);
    assert!(page.body.contains("did you mean"), "{}", page.body);
    let page = site.get("/l/r/trace?of=commit:xyz");
    assert_eq!(page.status, 400);
}

#[test]
fn assets_are_kept_by_their_tag() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    let style = site.get("/assets/style.css");
    let tag = style.header("etag").expect("a tag").to_owned();
    assert_eq!(style.header("cache-control"), Some("no-cache"));
    let again = site.get_with("/assets/style.css", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let other = site.get_with("/assets/style.css", "If-None-Match: \"x\"\r\n");
    assert_eq!((other.status, other.body), (200, style.body));
}

#[test]
fn foreign_words_stay_words() {
    let world = ledger();
    let hostile = r#"{"id":"evil","source":"/<script>alert(1)</script>","specversion":"1.0","type":"org.example.\"onload=alert(1)","subject":"\u202egnp.exe<img src=x onerror=alert(1)>","data":{"</script><script>alert(2)</script>":"\u2066x"}}"#;
    world
        .ledger_with("r", &["append", "--batch", "-"], hostile.as_bytes())
        .ok();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    for path in [
        "/",
        "/l/r/",
        "/l/r/log",
        "/l/r/entry/8",
        "/l/r/log?q=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE",
        "/l/r/log?q=evn:%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE",
        "/l/r/trace?of=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE",
        "/l/r/exceptions",
    ] {
        let page = site.get(path);
        assert!(page.status == 200 || page.status == 400, "{path}: {page:?}");
        for wrong in [
            "<script>alert",
            "<img src=x",
            "\u{202e}",
            "\u{2066}",
            "\"onload",
        ] {
            // what was typed stands in its field as it was typed
            let fields = page.body.split("<input").enumerate().map(|(at, part)| {
                let behind = part.find('>').filter(|_| at > 0).unwrap_or(0);
                part.get(behind..).unwrap_or_default()
            });
            let shown: String = fields.collect();
            assert!(!shown.contains(wrong), "{path} {wrong}: {}", page.body);
        }
    }
    let entry = site.get("/api/v1/ledgers/r/entries/8").body;
    assert!(
        !entry.contains('\u{202e}') && entry.contains("\\u202e"),
        "{entry}"
    );
    assert_eq!(EVENTS.len(), 7);
}
