//! Whether an event is one that was recorded before.

use crate::cdevents;
use crate::event::Event;
use crate::json::{Object, Value};

/// The member of the data that says which run recorded the event.
const RUN: &str = "ci";

/// Whether two events are one event recorded twice. A writer that gives no time gets the clock's,
/// and a job that is tried again is another run: a retry differs in both.
pub fn same(old: &Event, new: &Event) -> bool {
    bare(old) == bare(new)
}

/// An event without what a retry differs in: when, and the run that recorded it.
fn bare(event: &Event) -> Object {
    let mut object = event.object().clone();
    object.remove("recordedtime");
    object.remove("time");
    let Some(Value::Object(data)) = object.get("data") else {
        return object;
    };
    let mut data = data.clone();
    // without its run, data that held nothing else is as if it had not been there
    let mut alone = data.remove(RUN).is_some();
    if event.kind().starts_with(cdevents::PREFIX) {
        without(&mut data, "context", "timestamp");
        if without(&mut data, "customData", RUN)
            && data.get("customData") == Some(&Object::new().into())
        {
            data.remove("customData");
            data.remove("customDataContentType");
        }
    }
    alone &= data == Object::new();
    match alone {
        true => {
            object.remove("data");
        }
        false => object.set("data", data),
    }
    object
}

/// Takes a member of a member away; whether it was there.
fn without(data: &mut Object, outer: &str, inner: &str) -> bool {
    let Some(object) = data.get(outer).and_then(Value::as_object) else {
        return false;
    };
    let mut object = object.clone();
    let there = object.remove(inner).is_some();
    if there {
        data.set(outer, object);
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn event(kind: &str, more: &str) -> Event {
        let text = format!(
            r#"{{"id":"1","source":"/s","specversion":"1.0","type":"{kind}","time":"2026-01-31T12:00:00Z"{more}}}"#
        );
        Event::parse(text.as_bytes()).expect("an event")
    }

    #[test]
    fn another_run_is_no_other_event() {
        let plain = |more: &str| event("a.b", more);
        let run = plain(r#","data":{"ci":{"run":{"attempt":"1"}},"k":"v"}"#);
        let again = plain(r#","data":{"ci":{"run":{"attempt":"2"}},"k":"v"}"#);
        assert!(same(&run, &again));
        assert!(same(&run, &plain(r#","data":{"k":"v"}"#)));
        assert!(!same(&run, &plain(r#","data":{"ci":{},"k":"w"}"#)));
        assert!(same(&plain(r#","data":{"ci":{}}"#), &plain("")));
        assert!(!same(&plain(r#","data":{}"#), &plain("")));
        assert!(!same(&plain(r#","data":"a""#), &plain(r#","data":"b""#)));
        // only a CDEvent has its context in its data
        let context = |time: &str| {
            plain(&format!(
                r#","data":{{"context":{{"timestamp":"{time}"}}}}"#
            ))
        };
        assert!(!same(&context("1"), &context("2")));
    }

    #[test]
    fn a_cdevent_says_its_time_and_its_run_inside() {
        let kind = "dev.cdevents.build.queued.0.3.0";
        let at = |time: &str, custom: &str| {
            event(
                kind,
                &format!(
                    r#","data":{{"context":{{"id":"1","timestamp":"{time}"}},"subject":{{"id":"s"}}{custom}}}"#
                ),
            )
        };
        let run = r#","customData":{"ci":{"system":"github"}},"customDataContentType":"application/json""#;
        let more = r#","customData":{"ci":{},"x":"1"},"customDataContentType":"application/json""#;
        assert!(same(&at("1", run), &at("2", "")));
        assert!(!same(&at("1", run), &at("1", more)));
        let other = event(
            kind,
            r#","data":{"context":{"id":"2"},"subject":{"id":"s"}}"#,
        );
        assert!(!same(&at("1", ""), &other));
    }
}
