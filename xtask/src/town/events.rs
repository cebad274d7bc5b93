//! What is told in a town, in the forms of those who tell it: the hook of a server, the webhooks of
//! a forge, a pipeline, whoever looks at configuration.

use git_ledger::cdevents::Kind;
use git_ledger::date::rfc3339;
use serde_json::{Value, json};

use super::chance::{digest, uuid};

/// Who records: each has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorder {
    /// The server's hook and its webhooks.
    Forge,
    /// The pipeline.
    Pipeline,
    /// Whoever looks after machines and configuration.
    Operations,
    /// The auditor.
    Auditor,
}

impl Recorder {
    /// All of them.
    pub const ALL: [Recorder; 4] = [
        Recorder::Forge,
        Recorder::Pipeline,
        Recorder::Operations,
        Recorder::Auditor,
    ];

    /// The name it signs under; its key's file is named like it.
    pub fn principal(self) -> &'static str {
        match self {
            Recorder::Forge => "forge@acme",
            Recorder::Pipeline => "pipeline@acme",
            Recorder::Operations => "operations@acme",
            Recorder::Auditor => "auditor@acme",
        }
    }
}

/// An event, and who records it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Seconds since 1970.
    pub time: u64,
    /// Who records it.
    pub by: Recorder,
    /// The event, one line of JSON.
    pub line: String,
}

/// A piece of software with a repository of its own.
#[derive(Debug, Clone, Copy)]
pub struct Service(pub &'static str);

impl Service {
    /// The address of its repository.
    pub fn source(self) -> String {
        format!("https://git.acme.example/acme/{}", self.0)
    }

    /// The name of its repository.
    pub fn repository(self) -> String {
        format!("acme/{}", self.0)
    }

    /// A build of it, as a package URL.
    pub fn artifact(self, version: &str) -> String {
        let digest = digest(&format!("image {} {version}", self.0));
        format!(
            "pkg:oci/{}@sha256%3A{digest}?tag={version}&repository_url=registry.acme.example/acme",
            self.0
        )
    }
}

fn told(time: u64, by: Recorder, mut event: Value) -> Told {
    event["specversion"] = "1.0".into();
    event["time"] = rfc3339(time).into();
    if event["id"].is_null() {
        event["id"] = uuid(&format!("{time} {event}")).into();
    }
    Told {
        time,
        by,
        line: event.to_string(),
    }
}

/// A push, as the hook of the server has it.
pub struct Push<'a> {
    /// What was pushed to.
    pub service: Service,
    /// The full name.
    pub reference: &'a str,
    /// The ids before and after; none where there is nothing.
    pub moved: (Option<&'a str>, Option<&'a str>),
    /// The account.
    pub user: &'a str,
    /// Whether history was lost.
    pub forced: bool,
    /// What was said with it.
    pub options: &'a [&'a str],
}

impl Push<'_> {
    /// Its event.
    pub fn at(&self, time: u64) -> Told {
        let zeros = "0".repeat(40);
        let (old, new) = self.moved;
        let kind = match (old, new) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "update",
        };
        let key = digest(self.user);
        let key = format!("SHA256:{}", key.get(..43).unwrap_or_default());
        let mut data = json!({
            "refs": [{
                "ref": self.reference,
                "old": old.unwrap_or(&zeros),
                "new": new.unwrap_or(&zeros),
                "kind": kind,
                "forced": self.forced,
            }],
            "pusher": {"how": "ssh", "user": self.user, "key": key},
        });
        if !self.options.is_empty() {
            data["options"] = self.options.into();
        }
        let event = json!({
            "type": "dev.git-ledger.push",
            "source": self.service.source(),
            "subject": self.reference,
            "data": data,
        });
        told(time, Recorder::Forge, event)
    }
}

/// A change that waits to be merged.
pub struct Request<'a> {
    /// Where.
    pub service: Service,
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: &'a str,
    /// Who proposes it.
    pub author: &'a str,
    /// The branch it stands on.
    pub branch: &'a str,
    /// Its newest commit.
    pub head: &'a str,
}

impl Request<'_> {
    fn data(&self, action: &str, sender: &str) -> Value {
        let url = format!("{}/pull/{}", self.service.source(), self.number);
        json!({
            "action": action,
            "number": self.number,
            "repository": {"full_name": self.service.repository()},
            "sender": account(sender),
            "pull_request": {
                "number": self.number,
                "title": self.title,
                "html_url": url,
                "state": "open",
                "user": account(self.author),
                "head": {"ref": self.branch, "sha": self.head},
                "base": {"ref": "main"},
            },
        })
    }

    fn told(&self, time: u64, kind: &str, data: Value) -> Told {
        let event = json!({
            "type": format!("com.github.{kind}"),
            "source": self.service.source(),
            "subject": format!("#{}", self.number),
            "data": data,
        });
        told(time, Recorder::Forge, event)
    }

    /// It was proposed.
    pub fn opened(&self, time: u64) -> Told {
        self.told(
            time,
            "pull_request.opened",
            self.data("opened", self.author),
        )
    }

    /// It has a new commit.
    pub fn synchronized(&self, time: u64) -> Told {
        let data = self.data("synchronize", self.author);
        self.told(time, "pull_request.synchronize", data)
    }

    /// Somebody looked at it.
    pub fn reviewed(&self, time: u64, by: &str, state: &str) -> Told {
        let mut data = self.data("submitted", by);
        data["review"] = json!({
            "state": state,
            "commit_id": self.head,
            "user": account(by),
            "submitted_at": rfc3339(time),
        });
        self.told(time, "pull_request_review.submitted", data)
    }

    /// It became a commit of `main`.
    pub fn merged(&self, time: u64, by: &str, commit: &str) -> Told {
        let mut data = self.data("closed", by);
        let request = &mut data["pull_request"];
        request["state"] = "closed".into();
        request["merged"] = true.into();
        request["merged_by"] = account(by);
        request["merge_commit_sha"] = commit.into();
        self.told(time, "pull_request.closed", data)
    }
}

fn account(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") {
        "Bot"
    } else {
        "User"
    };
    json!({"login": login, "type": kind})
}

/// A run of a pipeline, and what it says of itself.
pub struct Run<'a> {
    /// Whose pipeline.
    pub service: Service,
    /// What it is called.
    pub pipeline: &'a str,
    /// Its number.
    pub number: u64,
    /// What it works on.
    pub commit: &'a str,
    /// The full name.
    pub reference: &'a str,
    /// Who started it.
    pub actor: &'a str,
}

impl Run<'_> {
    /// Its address.
    pub fn url(&self) -> String {
        format!(
            "https://ci.acme.example/{}/runs/{}",
            self.service.0, self.number
        )
    }

    /// Its name in events.
    pub fn id(&self) -> String {
        format!("{}/{}", self.service.0, self.number)
    }

    fn ci(&self, actor: &str) -> Value {
        json!({
            "system": "github",
            "actor": actor,
            "commit": self.commit,
            "ref": self.reference,
            "repository": self.service.repository(),
            "workflow": self.pipeline,
            "run": {"id": self.id(), "number": self.number.to_string(), "attempt": "1", "url": self.url()},
        })
    }

    /// An event of CDEvents about a subject, told by this run for somebody.
    pub fn say(&self, time: u64, name: &str, subject: &str, content: Value, actor: &str) -> Told {
        cdevent(
            time,
            self.service,
            name,
            subject,
            content,
            json!({"ci": self.ci(actor)}),
        )
    }

    /// It began.
    pub fn started(&self, time: u64) -> Told {
        let content = json!({"pipelineName": self.pipeline, "uri": self.url()});
        self.say(time, "pipelinerun.started", &self.id(), content, self.actor)
    }

    /// It ended.
    pub fn finished(&self, time: u64, outcome: &str, errors: Option<&str>) -> Told {
        let mut content = json!({
            "pipelineName": self.pipeline, "uri": self.url(), "outcome": outcome,
        });
        if let Some(errors) = errors {
            content["errors"] = errors.into();
        }
        self.say(
            time,
            "pipelinerun.finished",
            &self.id(),
            content,
            self.actor,
        )
    }

    /// A step of it began or ended.
    pub fn task(&self, time: u64, step: &str, outcome: Option<&str>) -> Told {
        let mut content = json!({"taskName": step, "pipelineRun": {"id": self.id()}});
        let subject = format!("{}/{step}", self.id());
        match outcome {
            None => self.say(time, "taskrun.started", &subject, content, self.actor),
            Some(outcome) => {
                content["outcome"] = outcome.into();
                self.say(time, "taskrun.finished", &subject, content, self.actor)
            }
        }
    }

    /// Tests of it ran.
    pub fn tested(&self, time: u64, suite: &str, environment: &str, outcome: &str) -> Told {
        let content = json!({
            "environment": {"id": environment},
            "outcome": outcome,
            "testSuite": {"id": suite, "name": format!("{} {suite} tests", self.service.0)},
        });
        let subject = format!("{}/{suite}", self.id());
        self.say(time, "testsuiterun.finished", &subject, content, self.actor)
    }

    /// It put something where people use it.
    pub fn deployed(
        &self,
        time: u64,
        name: &str,
        environment: &str,
        version: &str,
        by: &str,
    ) -> Told {
        let content = json!({
            "environment": {"id": environment},
            "artifactId": self.service.artifact(version),
        });
        self.say(time, name, self.service.0, content, by)
    }

    /// Somebody asks for a decision about a deployment of this run.
    pub fn approval_asked(&self, time: u64, by: &str, version: &str) -> Told {
        let content = json!({
            "approvalDetailsUrl": format!("{}/approval", self.url()),
            "resourceTargetUrl": self.service.artifact(version),
            "requestor": format!("https://git.acme.example/{by}"),
        });
        let subject = format!("{}/approval", self.id());
        self.say(time, "approval.created", &subject, content, by)
    }

    /// The decision.
    pub fn approval_given(&self, time: u64, by: &str, version: &str) -> Told {
        let content = json!({
            "approvalDetailsUrl": format!("{}/approval", self.url()),
            "resourceTargetUrl": self.service.artifact(version),
            "responder": format!("https://git.acme.example/{by}"),
            "decision": "approved",
        });
        let subject = format!("{}/approval", self.id());
        self.say(time, "approval.updated", &subject, content, by)
    }
}

/// An event of CDEvents 0.5.
pub fn cdevent(
    time: u64,
    service: Service,
    name: &str,
    subject: &str,
    content: Value,
    custom: Value,
) -> Told {
    let kind = Kind::of(name).map(|kind| kind.full()).unwrap_or_default();
    let id = uuid(&format!("{kind} {subject} {time} {content}"));
    let event = json!({
        "type": kind,
        "id": id,
        "source": service.source(),
        "subject": subject,
        "data": {
            "context": {
                "specversion": git_ledger::cdevents::SPECIFICATION,
                "id": id,
                "source": service.source(),
                "type": kind,
                "timestamp": rfc3339(time),
            },
            "subject": {"id": subject, "content": content},
            "customData": custom,
            "customDataContentType": "application/json",
        },
    });
    told(time, Recorder::Pipeline, event)
}

/// Anything else, by whoever records it.
pub fn other(
    time: u64,
    by: Recorder,
    kind: &str,
    source: &str,
    subject: Option<&str>,
    data: Value,
) -> Told {
    let mut event = json!({"type": kind, "source": source, "data": data});
    if let Some(subject) = subject {
        event["subject"] = subject.into();
    }
    told(time, by, event)
}
