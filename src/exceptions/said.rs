//! What an event says of a change on its way: one table of the types that tell of one.

use crate::event::Event;
use crate::json::{Object, Value};
use crate::query::key::{at, is_hex};

use super::people::at_members;

/// Names of one event that are looked at.
const MOST: usize = 24;
/// The longest name, in bytes.
const LONGEST: usize = 1024;

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// These names are of one thing; who made it.
    Made(Vec<String>, Vec<String>),
    /// These names are of one thing now.
    Joined(Vec<String>),
    /// It was approved, by these.
    Approved(Vec<String>, Vec<String>),
    /// These approve no more.
    Withdrew(Vec<String>, Vec<String>),
    /// It goes, or went, somewhere.
    Deployed(Box<Deployment>),
}

/// A deployment, or news of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deployment {
    /// A name for it, where news of it may follow.
    pub name: Option<String>,
    /// Names of the artifact.
    pub artifact: Vec<String>,
    /// Names of the commit, the run and the change.
    pub commit: Vec<String>,
    /// Who deploys.
    pub who: Vec<String>,
    /// What, and where to, for people.
    pub what: String,
    /// How far it is.
    pub state: State,
}

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It was asked for.
    Asked,
    /// It is being done, or is done.
    Done,
    /// What was there before came back.
    RolledBack,
    /// It did not succeed.
    Failed,
}

/// What an event says of a change; nothing for most.
pub(super) fn of(event: &Event) -> Option<Said> {
    let kind = event.kind();
    if let Some(kind) = kind.strip_prefix("dev.cdevents.") {
        return cdevents(event, kind);
    }
    if let Some(kind) = kind.strip_prefix("com.github.") {
        return github(event, kind);
    }
    if let Some(kind) = kind.strip_prefix("com.gitlab.") {
        return gitlab(event, kind);
    }
    let kind = kind.strip_prefix("io.gitea.")?;
    gitea(event, kind)
}

fn cdevents(event: &Event, kind: &str) -> Option<Said> {
    let content = "data.subject.content.";
    let names = Names::new(event);
    let actors = [
        "data.customData.ci.triggeredBy",
        "data.customData.ci.actor",
        "data.actor",
        "actor",
    ];
    let mut parts = kind.split('.');
    let noun_and_verb = (parts.next()?, parts.next()?);
    Some(match noun_and_verb {
        ("service", verb @ ("deployed" | "upgraded" | "rolledback")) => {
            let artifact = Names::new(event).artifact(&format!("{content}artifactId"));
            let told = first(event, &[&format!("{content}artifactId")]);
            let to = first(event, &[&format!("{content}environment.id")]);
            let service = event.subject().unwrap_or_default();
            Said::Deployed(Box::new(Deployment {
                name: None,
                artifact: artifact.done(),
                commit: in_ci(names).done(),
                who: at_members(event, &actors),
                what: what(&[("", service), ("to", &to), ("artifact", &told)]),
                state: match verb {
                    "rolledback" => State::RolledBack,
                    _ => State::Done,
                },
            }))
        }
        ("approval", "updated" | "closed") => {
            let target = format!("{content}resourceTargetUrl");
            let names = names.things(&target).artifact(&target).things("subject");
            let names = names.done();
            let who = at_members(event, &[&format!("{content}responder")]);
            let status = first(
                event,
                &[&format!("{content}status"), &format!("{content}decision")],
            );
            match status.as_str() {
                "approved" => Said::Approved(names, who),
                _ => Said::Withdrew(names, who),
            }
        }
        ("approval", "created") => {
            let names = names.things(&format!("{content}resourceTargetUrl"));
            let who = at_members(event, &[&format!("{content}requestor")]);
            Said::Made(names.things("subject").done(), who)
        }
        ("change", "created" | "updated") => {
            let names = in_ci(names.things("subject")).done();
            let author = at_members(event, &["data.customData.ci.change.author"]);
            let who = if author.is_empty() {
                at_members(event, &actors)
            } else {
                author
            };
            Said::Made(names, who)
        }
        ("change", "merged") => Said::Joined(in_ci(names.things("subject")).done()),
        ("change", "reviewed") => {
            Said::Approved(names.things("subject").done(), at_members(event, &actors))
        }
        ("artifact", "packaged") => {
            let names = names
                .artifact("subject")
                .things(&format!("{content}change.id"));
            Said::Joined(in_ci(names).done())
        }
        ("build", "finished") => {
            let names = names.artifact(&format!("{content}artifactId"));
            Said::Joined(in_ci(names).done())
        }
        ("taskrun", "finished") => {
            let names = names.ids("data.customData.artifacts.digest");
            Said::Joined(in_ci(names).done())
        }
        ("pipelinerun" | "taskrun", _) => Said::Joined(in_ci(names).done()),
        _ => return None,
    })
}

fn github(event: &Event, kind: &str) -> Option<Said> {
    let (name, action) = kind.split_once('.').unwrap_or((kind, ""));
    let repository = "data.repository.full_name";
    let names = Names::new(event);
    Some(match (name, action) {
        ("pull_request", "closed") if is_true(event, "pull_request", "merged") => {
            let names = names
                .ids("data.pull_request.head.sha")
                .ids("data.pull_request.merge_commit_sha");
            Said::Joined(
                names
                    .changes(repository, "data.pull_request.number")
                    .things("data.pull_request.html_url")
                    .done(),
            )
        }
        ("pull_request", _) => {
            let names = names.ids("data.pull_request.head.sha");
            let who = at_members(event, &["data.pull_request.user.login"]);
            Said::Made(
                names.changes(repository, "data.pull_request.number").done(),
                who,
            )
        }
        ("pull_request_review", action) => {
            let names = names.ids("data.review.commit_id").done();
            let who = at_members(event, &["data.review.user.login"]);
            let state = first(event, &["data.review.state"]).to_ascii_lowercase();
            match (action, state.as_str()) {
                ("submitted" | "edited", "approved") => Said::Approved(names, who),
                ("dismissed", _) | (_, "changes_requested") => Said::Withdrew(names, who),
                _ => return None,
            }
        }
        ("deployment_review", action) => {
            let names = names.runs(repository, "data.workflow_run.id").done();
            let who = at_members(event, &["data.approver.login"]);
            match action {
                "approved" => Said::Approved(names, who),
                "rejected" => Said::Withdrew(names, who),
                _ => return None,
            }
        }
        ("workflow_run", _) => Said::Joined(
            names
                .runs(repository, "data.workflow_run.id")
                .ids("data.workflow_run.head_sha")
                .done(),
        ),
        ("deployment", "created") => Said::Deployed(Box::new(github_deployment(event)?)),
        ("deployment_status", _) => {
            let state = match first(event, &["data.deployment_status.state"]).as_str() {
                "success" | "in_progress" => State::Done,
                "failure" | "error" => State::Failed,
                _ => return None,
            };
            let deployment = github_deployment(event)?;
            Said::Deployed(Box::new(Deployment {
                state,
                ..deployment
            }))
        }
        _ => return None,
    })
}

fn github_deployment(event: &Event) -> Option<Deployment> {
    let repository = "data.repository.full_name";
    let id = Names::new(event).scoped("deployment", repository, "data.deployment.id");
    let names = Names::new(event)
        .ids("data.deployment.sha")
        .runs(repository, "data.workflow_run.id");
    let (place, of) = (
        first(event, &["data.deployment.environment"]),
        first(event, &[repository]),
    );
    let commit = first(event, &["data.deployment.sha"]);
    Some(Deployment {
        name: Some(id.done().pop()?),
        artifact: Vec::new(),
        commit: names.done(),
        who: at_members(
            event,
            &[
                "data.workflow_run.triggering_actor.login",
                "data.deployment.creator.login",
            ],
        ),
        what: what(&[("", &of), ("to", &place), ("commit", short(&commit))]),
        state: State::Asked,
    })
}

fn gitlab(event: &Event, kind: &str) -> Option<Said> {
    let project = "data.project.path_with_namespace";
    let names = Names::new(event);
    let who = at_members(event, &["data.user.username", "data.user_username"]);
    Some(match kind {
        "merge_request.merge" => {
            let names = names
                .ids("data.object_attributes.last_commit.id")
                .ids("data.object_attributes.merge_commit_sha")
                .ids("data.object_attributes.squash_commit_sha")
                .changes(project, "data.object_attributes.iid")
                .things("data.object_attributes.url");
            let mut names = names.done();
            // its deployments name commits by their first digits
            names.extend(beginnings(&names));
            Said::Joined(names)
        }
        "merge_request.approved" | "merge_request.approval" => Said::Approved(
            names.ids("data.object_attributes.last_commit.id").done(),
            who,
        ),
        "merge_request.unapproved" | "merge_request.unapproval" => Said::Withdrew(
            names.ids("data.object_attributes.last_commit.id").done(),
            who,
        ),
        "merge_request.open" | "merge_request.reopen" | "merge_request.update" => Said::Made(
            names
                .ids("data.object_attributes.last_commit.id")
                .changes(project, "data.object_attributes.iid")
                .done(),
            // whoever updates it is not always who made it
            if kind.ends_with("open") {
                who
            } else {
                Vec::new()
            },
        ),
        "deployment.success" | "deployment.failed" | "deployment.running" => {
            let id = Names::new(event).scoped("deployment", project, "data.deployment_id");
            let (place, of) = (
                first(event, &["data.environment"]),
                first(event, &[project]),
            );
            let commit = first(event, &["data.short_sha"]);
            Said::Deployed(Box::new(Deployment {
                name: id.done().pop(),
                artifact: Vec::new(),
                commit: names.beginnings("data.short_sha").done(),
                who,
                what: what(&[("", &of), ("to", &place), ("commit", &commit)]),
                state: match kind {
                    "deployment.failed" => State::Failed,
                    _ => State::Done,
                },
            }))
        }
        _ => return None,
    })
}

fn gitea(event: &Event, kind: &str) -> Option<Said> {
    let names = Names::new(event).ids("data.pull_request.head.sha");
    let number = |names: Names| {
        names
            .changes("data.repository.full_name", "data.pull_request.number")
            .done()
    };
    Some(match kind {
        _ if kind.starts_with("pull_request_approved") => {
            Said::Approved(names.done(), at_members(event, &["data.sender.login"]))
        }
        _ if kind.starts_with("pull_request_rejected") => {
            Said::Withdrew(names.done(), at_members(event, &["data.sender.login"]))
        }
        "pull_request.closed" if is_true(event, "pull_request", "merged") => {
            Said::Joined(number(names.ids("data.pull_request.merge_commit_sha")))
        }
        _ if kind.starts_with("pull_request.") => Said::Made(
            number(names),
            at_members(event, &["data.pull_request.user.login"]),
        ),
        _ => return None,
    })
}

/// These, and those of the run that recorded the event, as its CI system says.
fn in_ci(names: Names<'_>) -> Names<'_> {
    names
        .ids("data.customData.ci.commit")
        .ids("data.customData.ci.change.headCommit")
        .things("data.customData.ci.change.url")
        .runs("data.customData.ci.repository", "data.customData.ci.run.id")
}

/// Names of one thing, gathered from an event. Each says what it is a name of, so that a number
/// of one thing is no name of another.
struct Names<'a> {
    event: &'a Event,
    names: Vec<String>,
}

impl<'a> Names<'a> {
    fn new(event: &'a Event) -> Names<'a> {
        let names = Vec::new();
        Names { event, names }
    }

    fn take(mut self, member: &str, name: impl Fn(&str) -> Option<String>) -> Self {
        at(self.event.object(), member, &mut |text| {
            let name = name(text).filter(|name| name.len() <= LONGEST);
            if let Some(name) = name
                && !self.names.contains(&name)
            {
                self.names.push(name);
            }
            self.names.len() >= MOST
        });
        self
    }

    /// Commits and digests.
    fn ids(self, member: &str) -> Self {
        self.take(member, id)
    }

    /// The first digits of a commit; a forge tells no more of it.
    fn beginnings(self, member: &str) -> Self {
        self.take(member, |text| {
            ((7..=64).contains(&text.len()) && is_hex(text)).then(|| beginning(text))
        })
    }

    /// What is named by its address or by a name that is no other's.
    fn things(self, member: &str) -> Self {
        self.take(member, |text| {
            id(text).or_else(|| (!text.is_empty()).then(|| format!("thing {text}")))
        })
    }

    /// An artifact, if its name says which one of that name it is.
    fn artifact(self, member: &str) -> Self {
        let names = self.take(member, |text| {
            let exact = !text.starts_with("pkg:") || text.contains('@');
            (exact && !text.is_empty()).then(|| format!("thing {text}"))
        });
        names.take(member, |text| {
            let plain = text.replace("%3A", ":").replace("%3a", ":");
            let mut words = plain.split(|c: char| !c.is_ascii_alphanumeric());
            words
                .find(|word| word.len() == 64 && is_hex(word))
                .map(|word| format!("id {word}"))
        })
    }

    fn changes(self, repository: &str, number: &str) -> Self {
        self.scoped("change", repository, number)
    }

    fn runs(self, repository: &str, number: &str) -> Self {
        self.scoped("run", repository, number)
    }

    /// A number that means something in one repository only.
    fn scoped(self, what: &str, repository: &str, number: &str) -> Self {
        let place = first(self.event, &[repository]);
        self.take(number, |number| {
            (!place.is_empty()).then(|| format!("{what} {place} {number}"))
        })
    }

    fn done(self) -> Vec<String> {
        self.names
    }
}

/// 40 or 64 hex digits, not all zeros, with or without `sha256:` before them.
fn id(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let fits = matches!(hex.len(), 40 | 64) && is_hex(hex) && hex.bytes().any(|b| b != b'0');
    fits.then(|| format!("id {hex}"))
}

/// The name under which a commit is known by its first digits.
fn beginning(hex: &str) -> String {
    format!("begins {}", hex.get(..7).unwrap_or(hex))
}

/// The names of commits among these, by their first digits.
fn beginnings(names: &[String]) -> Vec<String> {
    let ids = names.iter().filter_map(|name| name.strip_prefix("id "));
    ids.map(beginning).collect()
}

fn is_true(event: &Event, object: &str, member: &str) -> bool {
    let data = event.data().and_then(Value::as_object);
    let inner = data.and_then(|data: &Object| data.get(object)?.as_object());
    inner.and_then(|inner| inner.get(member)) == Some(&Value::Bool(true))
}

/// The first text at one of these members.
fn first(event: &Event, members: &[&str]) -> String {
    let mut found = String::new();
    for member in members {
        at(event.object(), member, &mut |text| {
            text.clone_into(&mut found);
            true
        });
        if !found.is_empty() {
            break;
        }
    }
    found
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// Words and what follows them, without those that are followed by nothing.
fn what(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().filter(|(_, text)| !text.is_empty());
    let parts = parts.map(|(word, text)| match *word {
        "" => (*text).to_owned(),
        word => format!("{word} {text}"),
    });
    parts.collect::<Vec<_>>().join(" ")
}
