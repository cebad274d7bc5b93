//! Several ledgers and repositories in one place, and their remotes.

use super::Site;
use crate::index::ledger;

#[test]
fn ledgers_of_several_repositories_have_names_of_their_own() {
    let world = ledger();
    let second = ["init", "--name", "acme/second", "--branch", "second"];
    world.ledger("r", &second).ok();
    std::fs::create_dir(world.path("x")).expect("a directory");
    world
        .git("", &["clone", "--quiet", "--bare", "r", "x/r.git"])
        .ok();
    world.git("", &["init", "--quiet", "x/none"]).ok();
    let arguments = [
        "--repository",
        "r",
        "--repository",
        "x/r.git",
        "--repository",
        "r/.git",
        "--repository",
        "x/none",
    ];
    let site = Site::start(&world, "", &arguments);
    let all = site.api("/ledgers");
    let slugs: Vec<&str> = all["ledgers"]
        .as_array()
        .expect("ledgers")
        .iter()
        .map(|ledger| ledger["slug"].as_str().expect("a name"))
        .collect();
    assert_eq!(slugs, ["r.acme-payments", "r.acme-second", "r", "none"]);
    assert_eq!(site.settled("r.acme-second")["verdict"]["entries"], 1);
    assert_eq!(
        site.settled("r.acme-payments")["verdict"]["name"],
        "acme/payments"
    );
    let known = site.settled("r");
    assert_eq!(
        known["verdict"]["fingerprint"],
        site.api("/ledgers/r.acme-payments")["verdict"]["fingerprint"]
    );
    let none = site.until("/ledgers/none", |known| known["trouble"].is_string());
    assert_eq!(
        (&none["answer"], &none["newest"]),
        (&"unknown".into(), &serde_json::Value::Null)
    );
    let page = site.get("/").body;
    for slug in slugs {
        assert!(page.contains(&format!("/l/{slug}/")), "{slug}: {page}");
    }
    assert_eq!(site.get("/l/none/log").status, 503);
}

#[test]
fn mirrors_are_compared_unless_that_is_not_wanted() {
    let world = ledger();
    world.git("", &["init", "--quiet", "--bare", "m.git"]).ok();
    let url = world.path("m.git");
    let url = url.to_str().expect("a path");
    world.ledger("r", &["mirror", "add", "m", url]).ok();
    world.ledger("r", &["mirror", "push", "m"]).ok();
    let site = Site::start(&world, "r", &[]);
    let remotes = site.until("/ledgers/r/remotes", |remotes| remotes["asked"].is_string());
    let copy = &remotes["comparison"]["remotes"][0];
    assert_eq!(
        (&copy["remote"], &copy["state"]),
        (&"m".into(), &"level".into())
    );
    assert_eq!(remotes["every"], 300);
    assert_eq!(site.settled("r")["answer"], "sound");
    drop(site);
    let site = Site::start(&world, "r", &["--compare-every", "0"]);
    site.settled("r");
    let remotes = site.api("/ledgers/r/remotes");
    assert_eq!(
        (&remotes["asked"], &remotes["mirrors"]),
        (&serde_json::Value::Null, &1.into())
    );
}
