//! What an entry can be asked by name, and which members of its events answer.
//!
//! One table, read by the filter, the index and `trace` alike. The members are those of our own
//! events, of CDEvents, of what CI systems say of a run (`ci`), and of the webhooks of forges. All
//! of it is claims of whoever wrote the event.
//!
//! # Limits
//! Data that stands in an attachment is not looked into.
//!
//! Source: `ledger-spec/hook.md`, `capture.md`, `context.md`, `intake.md`; CDEvents 0.5.

use crate::commit::Link;
use crate::event::Event;
use crate::json::{Object, Value};

/// Something with values that a pattern can fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The event's type.
    Type,
    /// Its source.
    Source,
    /// What it happened to.
    Subject,
    /// Its id.
    Id,
    /// Who signed the entry: the principal, or the key's fingerprint (`SHA256:…`).
    Signer,
    /// Who did it, as the event says.
    Actor,
    /// The environment it is about.
    Env,
    /// The repository it is about.
    Repo,
    /// A ref, by its full name or without `refs/heads/` or `refs/tags/`.
    Ref,
    /// An object id anywhere in the event.
    Commit,
    /// A run of a pipeline, job or step.
    Run,
    /// How it ended.
    Outcome,
    /// A SHA-256 anywhere in the event.
    Digest,
    /// An artifact.
    Artifact,
}

/// What `has:` can ask beside the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// A value of this key.
    Key(Key),
    /// Data in an attachment.
    Attachment,
    /// Data in the event itself.
    Data,
    /// Approvals of admins.
    Approval,
}

/// Name, key, and the members of the event that answer: dots where they nest, every item of an
/// array, texts and integers. `ci.` stands for `data.ci.` and `data.customData.ci.`, `content.`
/// for `data.subject.content.`.
const TABLE: &[(&str, Key, &[&str])] = &[
    ("type", Key::Type, &["type"]),
    ("source", Key::Source, &["source"]),
    ("subject", Key::Subject, &["subject"]),
    ("id", Key::Id, &["id"]),
    ("signer", Key::Signer, &[]),
    (
        "actor",
        Key::Actor,
        &[
            "actor",
            "data.actor",
            "ci.actor",
            "ci.triggeredBy",
            "ci.oidc.claims.actor",
            "ci.oidc.claims.user_login",
            "data.pusher.user",
            "data.pusher.key",
            "data.certificate.signer",
            "content.user",
            "content.creator",
            "data.sender.login",
            "data.user.username",
            "data.user_username",
            "data.workflow_run.actor.login",
            "data.workflow_run.triggering_actor.login",
            "data.review.user.login",
        ],
    ),
    (
        "env",
        Key::Env,
        &[
            "data.env",
            "data.environment",
            "data.environment.id",
            "data.environment.name",
            "content.environment.id",
            "ci.environment",
            "data.deployment.environment",
        ],
    ),
    (
        "repo",
        Key::Repo,
        &[
            "data.repository",
            "data.repository.full_name",
            "data.repository.id",
            "data.project.path_with_namespace",
            "data.repo",
            "content.repository.id",
            "ci.repository",
        ],
    ),
    (
        "ref",
        Key::Ref,
        &[
            "data.ref",
            "data.refs.ref",
            "ci.ref",
            "data.base_ref",
            "data.workflow_run.head_branch",
            "data.object_attributes.ref",
            "data.deployment.ref",
        ],
    ),
    ("commit", Key::Commit, &[]),
    (
        "run",
        Key::Run,
        &[
            "ci.run.id",
            "ci.run.url",
            "content.pipelineRun.id",
            "content.uri",
            "data.customData.started",
            "data.workflow_run.id",
            "data.workflow_run.html_url",
            "data.check_run.id",
            "data.object_attributes.id",
            "data.run",
        ],
    ),
    (
        "outcome",
        Key::Outcome,
        &[
            "data.outcome",
            "content.outcome",
            "data.conclusion",
            "data.workflow_run.conclusion",
            "data.workflow_job.conclusion",
            "data.check_run.conclusion",
            "data.check_suite.conclusion",
            "data.deployment_status.state",
            "data.object_attributes.status",
            "data.status",
        ],
    ),
    ("digest", Key::Digest, &[]),
    (
        "artifact",
        Key::Artifact,
        &["content.artifactId", "data.artifactId", "data.artifact"],
    ),
];

/// Other words for some keys.
const ALIASES: &[(&str, Key)] = &[
    ("environment", Key::Env),
    ("repository", Key::Repo),
    ("branch", Key::Ref),
    ("sha", Key::Commit),
];

/// Types whose own subject is a run.
const RUNS: &[&str] = &[
    "dev.cdevents.pipelinerun.",
    "dev.cdevents.taskrun.",
    "dev.cdevents.build.",
    "dev.cdevents.testsuiterun.",
    "dev.cdevents.testcaserun.",
];

/// Whether whoever looks has seen enough.
pub type Enough = bool;

impl Key {
    /// Every key.
    pub fn all() -> impl Iterator<Item = Key> {
        TABLE.iter().map(|(_, key, _)| *key)
    }

    /// The key of this name.
    pub fn of(name: &str) -> Option<Key> {
        let named = TABLE.iter().find(|(known, ..)| *known == name);
        let alias = || ALIASES.iter().find(|(known, _)| *known == name);
        named
            .map(|(_, key, _)| *key)
            .or_else(|| alias().map(|(_, key)| *key))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let row = TABLE.iter().find(|(_, key, _)| *key == self);
        row.map_or("", |(name, ..)| name)
    }

    /// What a key is about, for people; the members follow by themselves.
    pub fn meaning(self) -> &'static str {
        match self {
            Key::Type => "The event's type.",
            Key::Source => "Its source.",
            Key::Subject => "What it happened to.",
            Key::Id => "Its id.",
            Key::Signer => {
                "Who signed the entry, as claimed: the principal, or the key's fingerprint (SHA256:…)."
            }
            Key::Actor => "Who did it, as the event says. In:",
            Key::Env => "The environment (also environment:). In:",
            Key::Repo => {
                "The repository (also repository:): the source, the path of a source that is a URL, and what stands in:"
            }
            Key::Ref => {
                "A ref (also branch:), by its full name or without refs/heads/ or refs/tags/. In:"
            }
            Key::Commit => {
                "An object id anywhere in the event (also sha:): 4 hex digits of its beginning or more."
            }
            Key::Run => {
                "A run of a pipeline, task, build or test: the subject of an event about one, and what stands in:"
            }
            Key::Outcome => "How it ended. In:",
            Key::Digest => {
                "A SHA-256 anywhere in the event: 4 hex digits of its beginning or more, with or without sha256:."
            }
            Key::Artifact => "An artifact: the subject of an event about one, and what stands in:",
        }
    }

    /// The names a key can be called by.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let aliases = ALIASES.iter().map(|(name, _)| *name);
        TABLE.iter().map(|(name, ..)| *name).chain(aliases)
    }

    /// The members that answer, as the table has them; none where the rule is another.
    pub fn members(self) -> &'static [&'static str] {
        let row = TABLE.iter().find(|(_, key, _)| *key == self);
        row.map_or(&[], |(.., members)| members)
    }

    /// Shows every value the key has in an event of an entry, until one is enough. Returns whether
    /// one was. A value may be shown twice.
    pub fn values(
        self,
        link: &Link,
        event: &Event,
        look: &mut dyn FnMut(&str) -> Enough,
    ) -> Enough {
        match self {
            Key::Type => look(event.kind()),
            Key::Source => look(event.source()),
            Key::Id => look(event.id()),
            Key::Subject => event.subject().is_some_and(look),
            Key::Signer => {
                look(link.principal.as_str()) || look(&link.signature.key().fingerprint())
            }
            Key::Commit => strings(event, &mut |text| is_object_id(text) && look(text)),
            Key::Digest => strings(event, &mut |text| digests(text, look)),
            Key::Ref => self.told(event, &mut |text| {
                let short = ["refs/heads/", "refs/tags/"];
                let mut short = short.iter().filter_map(|head| text.strip_prefix(head));
                look(text) || short.any(&mut *look)
            }),
            Key::Repo => {
                self.told(event, look)
                    || look(event.source())
                    || path(event.source()).is_some_and(look)
            }
            Key::Run => {
                self.told(event, look) || (is_run(event) && event.subject().is_some_and(look))
            }
            Key::Artifact => {
                let own = event.kind().starts_with("dev.cdevents.artifact.");
                self.told(event, look) || (own && event.subject().is_some_and(look))
            }
            Key::Actor | Key::Env | Key::Outcome => self.told(event, look),
        }
    }

    /// Shows what the members of the table say in an event, and nothing that another rule adds.
    pub fn told(self, event: &Event, look: &mut dyn FnMut(&str) -> Enough) -> Enough {
        let data = event.data().and_then(Value::as_object);
        self.members().iter().any(|member| {
            let (first, rest) = member.split_once('.').unwrap_or((member, ""));
            match first {
                "ci" => [&["ci"][..], &["customData", "ci"]]
                    .iter()
                    .any(|way| inside(data, way).is_some_and(|ci| at(ci, rest, look))),
                "content" => inside(data, &["subject", "content"])
                    .is_some_and(|content| at(content, rest, look)),
                _ => at(event.object(), member, look),
            }
        })
    }
}

impl Feature {
    /// The feature of this name.
    pub fn of(name: &str) -> Option<Feature> {
        Some(match name {
            "attachment" => Feature::Attachment,
            "data" => Feature::Data,
            "approval" => Feature::Approval,
            name => Feature::Key(Key::of(name)?),
        })
    }

    /// The names that are no keys.
    pub fn names() -> [&'static str; 3] {
        ["attachment", "data", "approval"]
    }

    /// Whether an event of an entry has it.
    pub fn is_in(self, link: &Link, event: &Event) -> bool {
        match self {
            Feature::Key(key) => key.values(link, event, &mut |_| true),
            Feature::Attachment => event.attachment().is_some(),
            Feature::Data => event.data().is_some() || event.attribute("data_base64").is_some(),
            Feature::Approval => !link.entry.approvals.is_empty(),
        }
    }
}

/// Whether an event tells of a run that is its own subject.
pub fn is_run(event: &Event) -> bool {
    RUNS.iter().any(|prefix| event.kind().starts_with(prefix))
}

fn inside<'a>(object: Option<&'a Object>, way: &[&str]) -> Option<&'a Object> {
    way.iter()
        .try_fold(object?, |object, name| object.get(name)?.as_object())
}

/// Shows what stands at the end of a dotted way: every item of an array, texts and integers.
pub fn at(object: &Object, way: &str, look: &mut dyn FnMut(&str) -> Enough) -> Enough {
    let (name, rest) = way.split_once('.').unwrap_or((way, ""));
    object
        .get(name)
        .is_some_and(|value| ends(value, rest, look))
}

fn ends(value: &Value, rest: &str, look: &mut dyn FnMut(&str) -> Enough) -> Enough {
    match value {
        Value::Array(items) => items.iter().any(|item| ends(item, rest, look)),
        Value::Object(object) if !rest.is_empty() => at(object, rest, look),
        Value::String(text) if rest.is_empty() && !text.is_empty() => look(text),
        Value::Integer(number) if rest.is_empty() => look(&number.to_string()),
        _ => false,
    }
}

/// Shows every text of an event that says something: not how it is written, nor when, nor bytes
/// in base64; no names of members. Integers are shown as they are written.
pub fn strings(event: &Event, look: &mut dyn FnMut(&str) -> Enough) -> Enough {
    const SILENT: [&str; 6] = [
        "specversion",
        "time",
        "recordedtime",
        "data_base64",
        "datacontenttype",
        "dataschema",
    ];
    let mut members = event.object().iter();
    members.any(|(name, value)| !SILENT.contains(&name) && texts(value, look))
}

fn texts(value: &Value, look: &mut dyn FnMut(&str) -> Enough) -> Enough {
    match value {
        Value::String(text) => look(text),
        Value::Integer(number) => look(&number.to_string()),
        Value::Array(items) => items.iter().any(|item| texts(item, look)),
        Value::Object(object) => object.iter().any(|(_, value)| texts(value, look)),
        Value::Null | Value::Bool(_) => false,
    }
}

/// 40 or 64 lower-case hex digits that are not all zeros.
fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hex(text) && text.bytes().any(|b| b != b'0')
}

/// Whether these are lower-case hex digits.
pub fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The runs of 64 lower-case hex digits in a text, but for those that are no SHA-256 of anything
/// (`hmac-sha256:`). A colon may stand as `%3A`, as it does in package URLs.
fn digests(text: &str, look: &mut dyn FnMut(&str) -> Enough) -> Enough {
    if text.len() < 64 {
        return false;
    }
    let plain = text.replace("%3A", ":").replace("%3a", ":");
    let mut rest = plain.as_str();
    while let Some(begin) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, word) = rest.split_at(begin);
        let end = word
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let done = plain.len() - after.len() - word.len();
        let mac = before == ":"
            && plain
                .get(..done)
                .is_some_and(|p| p.ends_with("hmac-sha256:"));
        if word.len() == 64 && is_hex(word) && !mac && look(word) {
            return true;
        }
        rest = after;
    }
    false
}

/// The path of a URI without its first slash and `.git`: how a forge calls a repository.
fn path(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!path.is_empty()).then_some(path)
}
