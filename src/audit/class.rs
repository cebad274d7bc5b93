//! What kinds of evidence there are, by the types of events.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::json::Value;

/// A class of events that answers questions of auditors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its name in the model.
    pub id: &'static str,
    /// What one is called, and what many are.
    pub nouns: (&'static str, &'static str),
    /// Beginnings of types that are of it.
    begins: &'static [&'static str],
    /// Words, one of which the type holds, where the beginnings alone do not tell.
    holds: &'static [&'static str],
}

const fn class(
    id: &'static str,
    one: &'static str,
    many: &'static str,
    begins: &'static [&'static str],
) -> Class {
    Class {
        id,
        nouns: (one, many),
        begins,
        holds: &[],
    }
}

/// All classes. An event may be of several.
pub(super) const CLASSES: &[Class] = &[
    class(
        "push",
        "push",
        "pushes",
        &[
            "dev.git-ledger.push",
            "com.github.push",
            "com.gitlab.push",
            "com.gitlab.tag_push",
            "io.gitea.push",
        ],
    ),
    class(
        "refs-moved",
        "move of a ref by an administrator",
        "moves of refs by administrators",
        &["dev.git-ledger.refs.changed"],
    ),
    class("gap", "gap", "gaps", &["dev.git-ledger.gap"]),
    class(
        "change",
        "event of a proposed change",
        "events of proposed changes",
        &[
            "com.github.pull_request",
            "com.gitlab.merge_request",
            "io.gitea.pull_request",
            "dev.cdevents.change.",
        ],
    ),
    Class {
        id: "approval",
        nouns: ("review or approval", "reviews and approvals"),
        begins: &["com.", "io.", "dev.cdevents.", "org.", "net."],
        holds: &["approv", "review"],
    },
    class(
        "run",
        "event of a build or run",
        "events of builds and runs",
        &[
            "dev.cdevents.pipelinerun.",
            "dev.cdevents.taskrun.",
            "dev.cdevents.build.",
            "com.github.workflow",
            "com.github.check_",
            "com.gitlab.pipeline",
            "com.gitlab.job",
            "io.gitea.workflow",
        ],
    ),
    class("test", "test event", "test events", &["dev.cdevents.test"]),
    class(
        "artifact",
        "event of an artifact",
        "events of artifacts",
        &[
            "dev.cdevents.artifact.",
            "com.github.release",
            "com.github.package",
            "com.github.registry_package",
            "com.gitlab.release",
            "io.gitea.release",
            "io.gitea.package",
        ],
    ),
    class(
        "deployment",
        "deployment event",
        "deployment events",
        &[
            "dev.cdevents.service.",
            "dev.cdevents.environment.",
            "com.github.deployment",
            "com.gitlab.deployment",
        ],
    ),
    class(
        "configuration",
        "record of configuration",
        "records of configuration",
        &[
            "dev.git-ledger.config.",
            "dev.git-ledger.env.",
            "dev.git-ledger.snapshot",
        ],
    ),
    class(
        "access",
        "change of who has access",
        "changes of who has access",
        &[
            "com.github.member",
            "com.github.team",
            "com.github.organization",
            "com.github.deploy_key",
            "com.github.installation",
            "com.github.personal_access_token",
            "com.github.audit.org.",
            "com.github.audit.team.",
            "com.github.audit.repo.add_member",
            "com.github.audit.repo.remove_member",
            "com.gitlab.user_",
            "com.gitlab.access_token",
            "com.gitlab.key_",
        ],
    ),
    class(
        "protection",
        "change of branch protection",
        "changes of branch protection",
        &[
            "com.github.branch_protection",
            "com.github.repository_ruleset",
            "com.github.audit.protected_branch",
            "com.github.audit.repository_ruleset",
        ],
    ),
    Class {
        id: "incident",
        nouns: ("incident or alert", "incidents and alerts"),
        begins: &["dev.cdevents.incident.", "dev.git-ledger.tamper.found"],
        holds: &["_alert", ".vulnerability"],
    },
    class(
        "policy-change",
        "change of the ledger's policy",
        "changes of the ledger's policy",
        &[
            "dev.git-ledger.policy.changed",
            "dev.git-ledger.ledger.created",
        ],
    ),
    class(
        "review",
        "signed review of the ledger",
        "signed reviews of the ledger",
        &["dev.git-ledger.review"],
    ),
    class(
        "checkpoint",
        "checkpoint of copies",
        "checkpoints of copies",
        &["dev.git-ledger.checkpoint"],
    ),
    class(
        "heartbeat",
        "sign of life",
        "signs of life",
        &["dev.git-ledger.heartbeat"],
    ),
    Class {
        id: "signed-push",
        nouns: ("push signed by who pushed", "pushes signed by who pushed"),
        begins: &[],
        holds: &[],
    },
];

impl Class {
    /// The class of this name.
    pub(super) fn of(id: &str) -> Option<&'static Class> {
        CLASSES.iter().find(|class| class.id == id)
    }

    fn has(&self, event: &Event) -> bool {
        if self.id == "signed-push" {
            return is_signed(event);
        }
        let kind = event.kind();
        let begins = self.begins.iter().any(|begin| kind.starts_with(begin));
        let holds = self.holds.iter().any(|word| kind.contains(word));
        match self.id {
            // everything that begins so, and says so
            "approval" => begins && holds,
            _ => begins || holds,
        }
    }
}

/// A push whose certificate held.
fn is_signed(event: &Event) -> bool {
    let status = || {
        let data = event.data()?.as_object()?;
        data.get("certificate")?
            .as_object()?
            .get("status")?
            .as_str()
    };
    event.kind() == crate::event::PUSH && status() == Some("good")
}

/// How many there are of a class, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub count: u64,
    pub first: u64,
    pub last: u64,
}

/// What was found of each class.
#[derive(Debug, Default)]
pub(super) struct Classes(pub BTreeMap<&'static str, Found>);

impl Classes {
    pub(super) fn add(&mut self, number: u64, event: &Event) {
        for class in CLASSES.iter().filter(|class| class.has(event)) {
            let found = self.0.entry(class.id).or_insert(Found {
                count: 0,
                first: number,
                last: number,
            });
            found.count += 1;
            found.last = number;
        }
    }

    pub(super) fn value(&self) -> Value {
        let mut object = crate::json::Object::new();
        for (id, found) in &self.0 {
            let number = crate::report::verdict::number;
            let one = crate::json::Object::new()
                .with("count", number(found.count))
                .with("first", number(found.first))
                .with("last", number(found.last));
            object.set(*id, one);
        }
        object.into()
    }
}
