//! What must not happen, and what an auditor should find: a night on which somebody put a change of
//! their own into production alone, by force, and past the record; and smaller things.

use serde_json::json;

use super::chance::{commit, digest};
use super::days::DAY;
use super::events::{Push, Recorder, Run, Service, Told, other};

const PAYMENTS: Service = Service("payments");
const VERSION: &str = "1.99.0-hotfix";

/// The night: it begins at 22:00 of the day that begins at this second.
pub fn night(day: u64) -> Vec<Told> {
    let start = day + 22 * 3600;
    let (before, rewritten) = (commit("payments before"), commit("payments hotfix"));
    let push = Push {
        service: PAYMENTS,
        reference: "refs/heads/main",
        moved: (Some(&before), Some(&rewritten)),
        user: "dana",
        forced: true,
        options: &["ticket=none", "reason=hotfix"],
    };
    let run = Run {
        service: PAYMENTS,
        pipeline: "hotfix",
        number: 9001,
        commit: &rewritten,
        reference: "refs/heads/main",
        actor: "dana",
    };
    let artifact = PAYMENTS.artifact(VERSION);
    let trouble = json!({
        "environment": {"id": "production"},
        "service": {"id": "payments"},
        "artifactId": artifact,
        "description": "refunds are paid twice",
    });
    let incident = "payments/incident/night";
    let settings = "https://git.acme.example/acme/settings";
    let mac = |value: &str| json!({"mac": format!("hmac-sha256:{}", digest(value))});
    vec![
        push.at(start + 41 * 60),
        run.started(start + 42 * 60),
        // the build has no end: the machine went away, or was sent away
        run.task(start + 43 * 60, "build", None),
        run.say(
            start + 47 * 60,
            "artifact.packaged",
            &artifact,
            json!({"change": {"id": rewritten}}),
            "dana",
        ),
        run.deployed(
            start + 52 * 60,
            "service.deployed",
            "production",
            VERSION,
            "dana",
        ),
        other(
            start + 58 * 60,
            Recorder::Operations,
            "dev.git-ledger.env.changed",
            settings,
            Some("FRAUD_CHECK"),
            json!({
                "scope": "production", "change": "changed", "name": "FRAUD_CHECK",
                "snapshot": format!("snapshot/{}", digest("night")), "key": "3c5a8cdaacf2bac7",
                "old": mac("on"), "new": mac("off"),
            }),
        ),
        // the tag was moved on the server itself, where no hook sees it; a run finds it
        other(
            start + 5 * 3600,
            Recorder::Forge,
            "dev.git-ledger.gap",
            &PAYMENTS.source(),
            Some("refs/tags/v1.7.0"),
            json!({
                "how": "command",
                "refs": [{
                    "ref": "refs/tags/v1.7.0",
                    "recorded": before, "found": rewritten,
                    "kind": "update", "forced": true,
                }],
            }),
        ),
        // what the forge had to say of two runs never came
        other(
            start + 5 * 3600 + 60,
            Recorder::Forge,
            "dev.git-ledger.gap",
            &PAYMENTS.source(),
            None,
            json!({"how": "run_number", "counter": "hotfix", "missing": {"from": 212, "to": 213}}),
        ),
        run.say(
            start + 10 * 3600,
            "incident.detected",
            incident,
            trouble.clone(),
            "monitor",
        ),
        run.deployed(
            start + 10 * 3600 + 1300,
            "service.rolledback",
            "production",
            "1.3.0",
            "bob",
        ),
        run.say(
            start + 11 * 3600,
            "incident.resolved",
            incident,
            trouble,
            "bob",
        ),
    ]
}

/// On another day somebody is author, approver and deployer in one, and a push is refused after it
/// was recorded.
pub fn alone(day: u64) -> Vec<Told> {
    let service = Service("billing");
    let time = day + 17 * 3600;
    let (old, new) = (commit("billing before"), commit("billing alone"));
    let push = Push {
        service,
        reference: "refs/heads/main",
        moved: (Some(&old), Some(&new)),
        user: "gita",
        forced: false,
        options: &[],
    };
    let run = Run {
        service,
        pipeline: "deliver",
        number: 9100,
        commit: &new,
        reference: "refs/heads/main",
        actor: "gita",
    };
    let artifact = service.artifact("1.98.0");
    let refused = json!({
        "outcome": "refused",
        "of": super::chance::uuid("refused push"),
        "refs": [{
            "ref": "refs/heads/release", "old": old, "new": new, "kind": "update", "forced": true,
        }],
        "pusher": {"how": "ssh", "user": "gita"},
    });
    vec![
        push.at(time),
        run.started(time + 30),
        run.say(
            time + 300,
            "artifact.packaged",
            &artifact,
            json!({"change": {"id": new}}),
            "gita",
        ),
        run.approval_asked(time + 320, "gita", "1.98.0"),
        run.approval_given(time + 340, "gita", "1.98.0"),
        run.deployed(
            time + 400,
            "service.upgraded",
            "production",
            "1.98.0",
            "gita",
        ),
        run.finished(time + 410, "success", None),
        other(
            time + DAY / 24,
            Recorder::Forge,
            "dev.git-ledger.push",
            &service.source(),
            Some("refs/heads/release"),
            refused,
        ),
    ]
}
