//! The filter language and the index: what they find, that both find the same, and what an index
//! that is wrong, foreign, broken or gone can do (nothing but cost time).

mod same;
mod trace;
mod words;
mod wrong;

use std::path::PathBuf;

use crate::world::World;

/// One event of each shape that keys look into, each an entry of its own.
pub const EVENTS: &[&str] = &[
    // 1: a push, as the hook writes it
    r#"{"id":"push-1","source":"https://forge.example/acme/payments.git","specversion":"1.0","type":"dev.git-ledger.push","subject":"refs/heads/main","data":{"refs":[{"ref":"refs/heads/main","old":"1111111111111111111111111111111111111111","new":"8a1f000000000000000000000000000000000001","kind":"update","forced":false}],"pusher":{"how":"ssh","user":"ann"}}}"#,
    // 2: a run of a pipeline that says where it ran
    r#"{"id":"run-1","source":"/ci","specversion":"1.0","type":"dev.cdevents.pipelinerun.finished.0.3.0","subject":"run/77","data":{"context":{},"subject":{"id":"run/77","content":{"outcome":"success"}},"customData":{"ci":{"actor":"bob","triggeredBy":"eve","ref":"refs/tags/v1","commit":"8a1f000000000000000000000000000000000001","repository":"acme/payments","run":{"id":"77","url":"https://ci.example/77"}}}}}"#,
    // 3: an artifact
    r#"{"id":"art-1","source":"/ci","specversion":"1.0","type":"dev.cdevents.artifact.published.0.3.0","subject":"pkg:oci/payments@sha256%3A0b31000000000000000000000000000000000000000000000000000000000001","data":{"subject":{"content":{"user":"bob"}},"customData":{"ci":{"run":{"id":"77"}}}}}"#,
    // 4: a deployment
    r#"{"id":"dep-1","source":"/ci","specversion":"1.0","type":"dev.cdevents.service.deployed.0.3.0","subject":"payments","data":{"subject":{"id":"payments","content":{"artifactId":"pkg:oci/payments@sha256:0b31000000000000000000000000000000000000000000000000000000000001","environment":{"id":"prod"}}}}}"#,
    // 5: a webhook
    r#"{"id":"hook-1","source":"https://github.com/acme/payments","specversion":"1.0","type":"com.github.workflow_run.completed","subject":"acme/payments","data":{"repository":{"full_name":"acme/payments","id":1234},"sender":{"login":"carol"},"workflow_run":{"id":9001,"conclusion":"failure","head_branch":"hotfix/login","head_sha":"8a1f000000000000000000000000000000000002"}}}"#,
    // 6: words, in data of anybody's
    r#"{"id":"note-1","source":"/x","specversion":"1.0","type":"org.example.note","data":{"env":"production","text":"An urgent HotFix, for ÄRGER","list":["one","two three"],"key":"hmac-sha256:0b31000000000000000000000000000000000000000000000000000000000009"}}"#,
    // 7: nothing but what must be there
    r#"{"id":"bare","source":"/x","specversion":"1.0","type":"org.example.bare"}"#,
];

/// A ledger with [`EVENTS`] in entries 1 and up.
pub fn ledger() -> World {
    let world = World::new();
    world.repository("r");
    for event in EVENTS {
        world
            .ledger_with("r", &["append", "--batch", "-"], event.as_bytes())
            .ok();
    }
    world
}

/// The numbers of the entries that are shown, in order.
pub fn numbers(world: &World, arguments: &[&str]) -> String {
    let all = [&["log", "--format", "%(number)"], arguments].concat();
    let said = world.ledger("r", &all).ok();
    said.lines().collect::<Vec<_>>().join(" ")
}

/// The index of the ledger.
pub fn database(world: &World) -> PathBuf {
    let name = &git_ledger::merkle::hex(&git_ledger::merkle::sha256(b"refs/heads/ledger"))[..16];
    world.path(format!("r/.git/git-ledger/index/{name}.db"))
}

/// Asks with the index and without; both must say the same, to the byte.
#[track_caller]
pub fn log_both(world: &World, options: &[&str], words: &str) {
    let base = [&["log"], options].concat();
    let with = world.ledger("r", &[&base[..], &["--", words]].concat());
    let without = world.ledger("r", &[&base[..], &["--no-index", "--", words]].concat());
    assert!([0, 1].contains(&with.code), "{words}: {with}");
    assert_eq!(with.to_string(), without.to_string(), "{options:?} {words}");
}
