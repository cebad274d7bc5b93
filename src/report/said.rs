//! What an event of a pipeline or a forge says, in a few words: the values that a filter can ask
//! for, and a few that only people want to know.

use crate::escape::printable;
use crate::event::Event;
use crate::query::key::{Key, at};

use super::layout::cut;

/// The longest value shown, in columns.
const LONGEST: usize = 48;

/// Types whose data is too deep to be told member by member.
const DEEP: &[&str] = &["dev.cdevents.", "com.github.", "com.gitlab.", "io.gitea."];

/// What people want to know of it beside what it can be asked.
const MORE: &[(&str, &[&str])] = &[
    (
        "title",
        &[
            "data.pull_request.title",
            "data.object_attributes.title",
            "data.issue.title",
            "data.release.name",
        ],
    ),
    (
        "status",
        &[
            "data.subject.content.status",
            "data.subject.content.decision",
            "data.review.state",
        ],
    ),
];

/// Outcome first, for it is looked for; then where, what, of what, by whom.
const KEYS: &[Key] = &[
    Key::Outcome,
    Key::Env,
    Key::Artifact,
    Key::Ref,
    Key::Actor,
    Key::Run,
    Key::Repo,
];

/// The summary; nothing for types whose data tells itself, and for data that tells none of this.
pub fn summary(event: &Event) -> Option<String> {
    if !DEEP.iter().any(|prefix| event.kind().starts_with(prefix)) {
        return None;
    }
    let mut words: Vec<(&str, String)> = Vec::new();
    let mut add = |name: &'static str, value: &str| {
        let known = words.iter().any(|(_, other)| other == value);
        let fresh = !known && !value.is_empty() && event.subject() != Some(value);
        // a run that is a part of another is named like it
        let own = event
            .subject()
            .is_some_and(|subject| subject.starts_with(value));
        if fresh && !own && event.source() != value {
            words.push((name, value.to_owned()));
        }
        fresh
    };
    for (name, members) in MORE {
        for member in *members {
            at(event.object(), member, &mut |value| add(name, value));
        }
    }
    for key in KEYS {
        key.told(event, &mut |value| add(key.name(), value));
    }
    let words: Vec<String> = words
        .iter()
        .map(|(name, value)| {
            let value = cut(&printable(value), LONGEST);
            if value.contains([' ', '"', '=']) {
                format!("{name}=\"{}\"", value.replace('"', "\\\""))
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str, rest: &str) -> Option<String> {
        let text =
            format!(r#"{{"id":"1","source":"/s","specversion":"1.0","type":"{kind}",{rest}}}"#);
        summary(&Event::parse(text.as_bytes()).expect("an event"))
    }

    #[test]
    fn what_matters_is_told_and_nothing_twice() {
        let deployed = r#""subject":"payments","data":{"context":{"id":"1"},"customData":{"ci":{"actor":"ann"}},"subject":{"id":"payments","content":{"artifactId":"pkg:oci/payments","environment":{"id":"production"}}}}"#;
        assert_eq!(
            told("dev.cdevents.service.deployed.0.3.0", deployed).as_deref(),
            Some("env=production artifact=pkg:oci/payments actor=ann")
        );
        let review = r##""subject":"#7","data":{"action":"submitted","review":{"state":"approved","user":{"login":"bob"}},"sender":{"login":"bob"},"pull_request":{"title":"Fix \"it\"\u001b"},"repository":{"full_name":"acme/pay"}}"##;
        assert_eq!(
            told("com.github.pull_request_review.submitted", review).as_deref(),
            Some(r#"title="Fix \"it\"<U+001B>" status=approved actor=bob repo=acme/pay"#)
        );
        assert_eq!(told("acme.own", deployed), None);
        assert_eq!(told("com.github.ping", r#""data":{}"#), None);
    }
}
