//! What one event says of the state of things: one table of the types that say something.

use crate::event::{self, Event};
use crate::json::{Object, Value};
use crate::query::key::{at, is_run};

use super::{Kind, MOST_REFS, Name};

/// A change of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub kind: Kind,
    pub name: Name,
    pub now: Option<String>,
    pub was: Option<String>,
    pub how: &'static str,
}

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct Says<'a> {
    pub things: Vec<Told>,
    /// The id of a push that did not take place.
    pub of: Option<&'a str>,
    pub left_out: bool,
}

/// Reads an event.
pub(super) fn of(event: &Event) -> Says<'_> {
    let Some(data) = event.data().and_then(Value::as_object) else {
        return Says::default();
    };
    let one = |told: Option<Told>| Says {
        things: told.into_iter().collect(),
        ..Says::default()
    };
    match event.kind() {
        event::PUSH | event::REFS_CHANGED | event::GAP | event::BASELINE => refs(event, data),
        event::ENV_CHANGED | event::CONFIG_CHANGED => one(setting(data)),
        event::SNAPSHOT => snapshot(data),
        "com.github.push" | "com.gitlab.push" | "com.gitlab.tag_push" => one(forge_push(event)),
        kind if kind.starts_with("dev.cdevents.service.") => one(service(event)),
        kind if kind.starts_with("com.github.deployment_status") => one(github(event)),
        kind if kind.starts_with("com.gitlab.deployment.") => one(gitlab(event)),
        _ if is_run(event) => one(run(event)),
        _ => Says::default(),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// What stands at the first of these members that says something.
fn first(event: &Event, members: &[&str]) -> Option<String> {
    members.iter().find_map(|member| {
        let mut found = None;
        at(event.object(), member, &mut |text| {
            found = Some(text.to_owned());
            true
        });
        found
    })
}

/// An object id, unless it is the one that stands for nothing.
fn oid(text: Option<&str>) -> Option<String> {
    text.filter(|id| id.bytes().any(|byte| byte != b'0'))
        .map(str::to_owned)
}

fn refs<'a>(event: &'a Event, data: &'a Object) -> Says<'a> {
    if let (Some(of), Some(_)) = (text(data, "of"), text(data, "outcome")) {
        return Says {
            of: Some(of),
            ..Says::default()
        };
    }
    let all = data
        .get("refs")
        .and_then(Value::as_array)
        .unwrap_or_default();
    let gap = event.kind() == event::GAP;
    let things = all.iter().take(MOST_REFS).filter_map(|moved| {
        let moved = moved.as_object()?;
        let either = |one: &str, other: &str| oid(text(moved, one).or_else(|| text(moved, other)));
        let forced = moved.get("forced") == Some(&Value::Bool(true));
        Some(Told {
            kind: Kind::Ref,
            name: Name {
                place: event.source().to_owned(),
                own: text(moved, "ref").or(text(moved, "ref_base64"))?.to_owned(),
            },
            now: either("new", "found"),
            was: either("old", "recorded"),
            how: match (gap, forced) {
                (true, _) => "seen by no hook",
                (false, true) => "forced",
                (false, false) => "",
            },
        })
    });
    Says {
        things: things.collect(),
        of: None,
        left_out: all.len() > MOST_REFS,
    }
}

fn forge_push(event: &Event) -> Option<Told> {
    let forced = event
        .data()
        .and_then(Value::as_object)
        .and_then(|data| data.get("forced"))
        == Some(&Value::Bool(true));
    Some(Told {
        kind: Kind::Ref,
        name: Name {
            place: event.source().to_owned(),
            own: first(event, &["data.ref"])?,
        },
        now: oid(first(event, &["data.after"]).as_deref()),
        was: oid(first(event, &["data.before"]).as_deref()),
        how: if forced { "forced" } else { "" },
    })
}

/// A service of CDEvents: what runs of it in an environment.
fn service(event: &Event) -> Option<Told> {
    let verb = event.kind().split('.').nth(3)?;
    let content = "data.subject.content";
    let how = match verb {
        "deployed" | "upgraded" => "",
        "rolledback" => "rolled back",
        "removed" => "removed",
        _ => return None,
    };
    let artifact = first(event, &[&format!("{content}.artifactId")]);
    Some(Told {
        kind: Kind::Deployment,
        name: Name {
            place: first(
                event,
                &[
                    &format!("{content}.environment.id"),
                    &format!("{content}.environment.name"),
                ],
            )
            .unwrap_or_default(),
            own: event.subject()?.to_owned(),
        },
        now: (verb != "removed")
            .then(|| artifact.unwrap_or_else(|| "an artifact that is not named".to_owned())),
        was: None,
        how,
    })
}

fn github(event: &Event) -> Option<Told> {
    let done = first(event, &["data.deployment_status.state"])? == "success";
    let told = Told {
        kind: Kind::Deployment,
        name: Name {
            place: first(event, &["data.deployment.environment"])?,
            own: first(event, &["data.repository.full_name"])?,
        },
        now: first(event, &["data.deployment.sha", "data.deployment.ref"]),
        was: None,
        how: "",
    };
    done.then_some(told)
}

fn gitlab(event: &Event) -> Option<Told> {
    let done = event.kind() == "com.gitlab.deployment.success";
    let told = Told {
        kind: Kind::Deployment,
        name: Name {
            place: first(event, &["data.environment"])?,
            own: first(event, &["data.project.path_with_namespace"])?,
        },
        now: first(event, &["data.short_sha", "data.ref"]),
        was: None,
        how: "",
    };
    done.then_some(told)
}

/// A value where the record holds it, else its digest.
fn held(object: &Object) -> Option<String> {
    let what = text(object, "value")
        .or_else(|| text(object, "mac"))
        .or_else(|| text(object, "digest"))
        .or_else(|| text(object, "kind"));
    what.map(str::to_owned)
}

fn setting(data: &Object) -> Option<Told> {
    let side = |name: &str| held(data.get(name)?.as_object()?);
    Some(Told {
        kind: Kind::Setting,
        name: Name {
            place: text(data, "scope").unwrap_or_default().to_owned(),
            own: text(data, "name")
                .or_else(|| text(data, "path"))?
                .to_owned(),
        },
        now: side("new"),
        was: side("old"),
        how: match text(data, "change") {
            Some("leftOut") => "left out by ignore rules",
            _ => "",
        },
    })
}

/// The first snapshot of a scope: nothing told what was before it. Later ones follow the events of
/// what they found changed.
fn snapshot(data: &Object) -> Says<'_> {
    if data.get("previous").is_some() {
        return Says::default();
    }
    let state = data.get("state").and_then(Value::as_object);
    let list = |name: &str| {
        let list = state.and_then(|state| state.get(name)?.as_array());
        list.unwrap_or_default()
    };
    let scope = text(data, "scope").unwrap_or_default();
    let all = list("variables").iter().chain(list("files"));
    let things = all.take(MOST_REFS).filter_map(|one| {
        let one = one.as_object()?;
        Some(Told {
            kind: Kind::Setting,
            name: Name {
                place: scope.to_owned(),
                own: text(one, "name").or_else(|| text(one, "path"))?.to_owned(),
            },
            now: held(one),
            was: None,
            how: "",
        })
    });
    Says {
        things: things.collect(),
        of: None,
        left_out: list("variables").len() + list("files").len() > MOST_REFS,
    }
}

/// A run that begins or ends.
fn run(event: &Event) -> Option<Told> {
    let mut words = event.kind().split('.').skip(2);
    let (noun, verb) = (words.next()?, words.next()?);
    let now = match verb {
        "queued" | "started" => Some(verb.to_owned()),
        "finished" => None,
        _ => return None,
    };
    // an end is told of the run that began: as its subject, or by the id of the start
    let content = "data.subject.content";
    let name = first(
        event,
        &[
            &format!("{content}.pipelineName"),
            &format!("{content}.taskName"),
        ],
    );
    let outcome = first(event, &[&format!("{content}.outcome")]);
    Some(Told {
        kind: Kind::Run,
        name: Name {
            place: noun.to_owned(),
            own: event.subject()?.to_owned(),
        },
        was: (verb == "finished").then(|| outcome.unwrap_or_else(|| "ended".to_owned())),
        now: now.map(|verb| name.map_or(verb.clone(), |name| format!("{name}, {verb}"))),
        how: "",
    })
}
