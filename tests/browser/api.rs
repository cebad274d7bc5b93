//! The API against its own document: schemathesis asks what the document allows and what it does
//! not, and holds every answer against it.

use std::fs;

use super::honest;
use super::web::Web;
use crate::peers;
use crate::world::{World, run};

/// How many seconds are spent: a smoke test, unless the environment says otherwise
/// (`cargo xtask fuzz-api`).
fn seconds() -> u64 {
    let said = std::env::var("GIT_LEDGER_API_SECONDS").ok();
    said.map_or(20, |text| text.parse().expect("a number of seconds"))
}

#[test]
fn the_api_is_what_its_document_says() {
    let world = World::new();
    honest(&world);
    let web = Web::of(&world, &["r"]);
    let slug = web.judged().remove(0);
    // most made-up names are no ledger's: half of the time is for the one that is there, and then a
    // wrong name of a ledger is never asked for; that words of the filter language are wrong no
    // schema can say
    fs::write(world.path("any.toml"), "").expect("a file");
    let known = format!("[parameters]\n\"path.slug\" = \"{slug}\"\n");
    fs::write(world.path("known.toml"), known).expect("a file");
    for (config, not) in [
        ("any.toml", "positive_data_acceptance"),
        (
            "known.toml",
            "positive_data_acceptance,negative_data_rejection",
        ),
    ] {
        let mut command = world.command("", peers::program("schemathesis"));
        let time = (seconds() / 2).max(1).to_string();
        command
            .env_remove("GIT_COMMITTER_DATE")
            .args(["--config-file", config, "run", "--seed", "1", "--no-color"])
            .args(["--max-time", &time, "--checks", "all"])
            .args(["--exclude-checks", not])
            // what is followed does not end by itself, and has tests of its own
            .args(["--exclude-path-regex", "tail$"])
            .args([
                "--request-timeout",
                "20",
                "--workers",
                "2",
                "--warnings",
                "off",
            ])
            .args(["--suppress-health-check", "all"])
            .arg(format!("{}/api/v1/openapi.json", web.origin));
        run(command, b"").ok();
    }
}
