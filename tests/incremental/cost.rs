//! What is read is what is new, however long the ledger is.

use std::collections::BTreeSet;

use super::*;

/// The objects of the ledger that the program opens.
fn opened(world: &World, words: &[&str]) -> usize {
    let trace = world.path("trace");
    let mut command = command(world, "strace");
    command
        .args(["-f", "-qq", "-e", "trace=openat,open", "-o"])
        .arg(&trace)
        .arg("git-ledger")
        .args(words);
    run(command, b"").code(0);
    let text = fs::read_to_string(&trace).expect("a trace");
    let mut objects = BTreeSet::new();
    for line in text.lines().filter(|line| !line.contains("ENOENT")) {
        if let Some((_, rest)) = line.split_once("/objects/")
            && let Some((id, _)) = rest.split_once('"')
            && id.len() == 41
        {
            objects.insert(id.to_owned());
        }
    }
    objects.len()
}

#[test]
fn the_cost_is_that_of_what_is_new() {
    let world = world(2);
    let mut counts = Vec::new();
    for (known, new) in [(20, 1), (40, 1), (40, 5)] {
        while entries(&world) < known {
            append(&world, "r", &format!("old-{}", entries(&world)));
        }
        at_once(&world, "r", &["verify"]).ok();
        let before = entries(&world);
        for _ in 0..new {
            append(&world, "r", &format!("new-{}", entries(&world)));
        }
        let all = opened(&world, &["verify", "--full", "--quiet"]);
        assert!(all >= before + new, "{all} of {before}");
        // the full one left a record too; what it knows is put back to what was known before
        world
            .git("r", &["update-ref", "refs/heads/kept", "ledger"])
            .ok();
        let back = format!("ledger~{new}");
        world
            .git("r", &["update-ref", "refs/heads/ledger", &back])
            .ok();
        at_once(&world, "r", &["mirror", "forget", "."]).ok();
        at_once(&world, "r", &["verify"]).ok();
        world
            .git("r", &["update-ref", "refs/heads/ledger", "kept"])
            .ok();
        counts.push(opened(&world, &["verify", "--incremental", "--quiet"]));
    }
    // the base, its tree and the policy part, and each new commit
    insta::assert_debug_snapshot!(counts, @r#"
    [
        6,
        6,
        10,
    ]
    "#);
}

fn entries(world: &World) -> usize {
    let said = world.git("r", &["rev-list", "--count", "ledger"]).ok();
    said.trim().parse().expect("a count")
}
