//! CloudEvents over HTTP: one event in the headers and the body (binary), one in the body
//! (structured), or several (batch).
//!
//! A signature covers the body alone, so in binary mode, where the event's attributes are headers,
//! only a token is taken.
//!
//! Source: CloudEvents 1.0.2, HTTP protocol binding, section 3; JSON event format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::body::Incoming;
use hyper::{HeaderMap, StatusCode};

use super::answer::Answer;
use super::body::{self, Held};
use super::connection::Shared;
use super::route::{Guard, Route};
use super::webhooks::disbelieved;
use super::{Level, Line};
use super::{allowed, headers};
use crate::event::{Event, Pending};
use crate::intake::{self, Delivery, Fault, Source};
use crate::json::Object;
use crate::webhook::{self, Headers, Refusal, Scheme};

/// How an event is spread over a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Binary,
    Structured,
    Batch,
}

/// Receives the events of one request.
///
/// # Errors
/// What to answer instead; nothing is recorded then.
pub async fn receive(
    guard: &Guard,
    head: &HeaderMap,
    body: Incoming,
    shared: &Shared,
) -> Result<(Vec<Pending>, Held), Answer> {
    let mode = mode(head)?;
    let limits = &shared.settings.limits;
    let proven = token(guard, head, shared)?;
    let held = body::receive(body, limits.body, limits.body_time, &shared.room).await?;
    if !proven {
        signature(guard, head, &held.bytes, mode, shared)?;
    }
    let events = match mode {
        Mode::Binary => vec![binary(head, &held.bytes)?],
        Mode::Structured | Mode::Batch => {
            let begins = held.bytes.iter().find(|b| !b.is_ascii_whitespace());
            if (begins == Some(&b'[')) != (mode == Mode::Batch) {
                return Err(malformed("the body is not what its content type says"));
            }
            let delivery = Delivery {
                source: Source::Cloudevents,
                kind: None,
                base: None,
                body: &held.bytes,
            };
            intake::read(&delivery).map_err(|why| no_event(&why, shared))?
        }
    };
    if events.len() > limits.events {
        return Err(Answer::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the batch holds too many events",
        ));
    }
    let pending = events
        .into_iter()
        .map(|event| checked(event, shared))
        .collect::<Result<_, _>>()?;
    Ok((pending, held))
}

/// What a ledger does not take is told by its rule in the log; no word of it comes back.
fn no_event(why: &Fault, shared: &Shared) -> Answer {
    let line = Line::new(Level::Warning, "malformed").with("route", Route::Events.name());
    shared.mention(&line.with("why", &why.to_string()));
    malformed("it is no CloudEvents 1.0 event that a ledger takes").hint(
        "strings for id, source and type; no type, recordedtime or dataref of the ledger's own",
    )
}

fn malformed(why: &str) -> Answer {
    Answer::refused(StatusCode::BAD_REQUEST, why)
}

fn mode(head: &HeaderMap) -> Result<Mode, Answer> {
    match headers::media_type(head).as_deref() {
        Some("application/cloudevents+json") => Ok(Mode::Structured),
        Some("application/cloudevents-batch+json") => Ok(Mode::Batch),
        _ if head.contains_key("ce-specversion") => Ok(Mode::Binary),
        _ => Err(
            Answer::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this is no CloudEvent").hint(
                "application/cloudevents+json, application/cloudevents-batch+json, or ce- headers",
            ),
        ),
    }
}

/// Whether the token is good; false where the request has none and may be signed instead.
fn token(guard: &Guard, head: &HeaderMap, shared: &Shared) -> Result<bool, Answer> {
    let Guard::Secrets { tokens, keys } = guard else {
        return Ok(true);
    };
    let given = headers::bytes(head, "authorization");
    if given.is_none() && !keys.is_empty() {
        return Ok(false);
    }
    let all: Headers<'_> = given
        .map(|value| ("authorization", value))
        .into_iter()
        .collect();
    webhook::check(Scheme::Bearer, &all, b"", tokens, shared.host.now())
        .map(|_| true)
        .map_err(|why| disbelieved(Route::Events, &why, shared))
}

fn signature(
    guard: &Guard,
    head: &HeaderMap,
    bytes: &[u8],
    mode: Mode,
    shared: &Shared,
) -> Result<(), Answer> {
    let Guard::Secrets { keys, .. } = guard else {
        return Err(disbelieved(Route::Events, &Refusal::NoSecret, shared));
    };
    if mode == Mode::Binary {
        return Err(Answer::refused(
            StatusCode::UNAUTHORIZED,
            "a signature does not cover the ce- headers",
        )
        .hint("send a token, or the event as application/cloudevents+json"));
    }
    let all: Headers<'_> = head
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    webhook::check(
        Scheme::StandardWebhooks,
        &all,
        bytes,
        keys,
        shared.host.now(),
    )
    .map(|_| ())
    .map_err(|why| disbelieved(Route::Events, &why, shared))
}

/// The event that `ce-` headers and a body make up.
fn binary(head: &HeaderMap, bytes: &[u8]) -> Result<Event, Answer> {
    let mut event = Object::new();
    for (header, value) in head {
        let Some(name) = header.as_str().strip_prefix("ce-") else {
            continue;
        };
        if name.is_empty() || ["data", "data_base64", "datacontenttype", "dataref"].contains(&name)
        {
            return Err(malformed("an attribute has a name that is not its own"));
        }
        let text = decoded(value.as_bytes())
            .ok_or_else(|| malformed("a ce- header is not encoded as it must be"))?;
        event.set(name, text);
    }
    let admitted = |event: Object| {
        intake::admitted(event)
            .map_err(|_| malformed("it is no CloudEvents 1.0 event that a ledger takes"))
    };
    if bytes.is_empty() {
        return admitted(event);
    }
    let kind = headers::plain(head, "content-type")
        .filter(|kind| !kind.is_empty())
        .ok_or_else(|| malformed("the body has no content type"))?;
    event.set("datacontenttype", kind);
    let media = headers::media_type(head).unwrap_or_default();
    if media == "application/json" || media.ends_with("+json") {
        intake::carry(&mut event, bytes)
            .map_err(|_| malformed("the data is no JSON that is taken here"))?;
    } else {
        event.set("data_base64", BASE64.encode(bytes));
    }
    admitted(event)
}

/// The text of a header: visible ASCII and spaces, everything else as percent and two hex digits,
/// which together are UTF-8.
fn decoded(value: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |b: Option<&u8>| char::from(*b?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            b' '..=b'~' => bytes.push(*byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

fn checked(event: Event, shared: &Shared) -> Result<Pending, Answer> {
    let controls = |text: &str| text.contains(char::is_control);
    if event
        .object()
        .iter()
        .any(|(name, value)| name != "data" && value.as_str().is_some_and(controls))
    {
        return Err(malformed("an attribute holds a control character"));
    }
    if !shared.settings.sources.is_empty() && !allowed(&shared.settings.sources, event.source()) {
        return Err(Answer::refused(
            StatusCode::FORBIDDEN,
            "this server does not take events of this source",
        ));
    }
    Pending::new(event).map_err(|_| {
        Answer::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the attributes are too large for an entry",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn percent_encoding() {
        let text = |value: &str| decoded(value.as_bytes());
        assert_eq!(text("Euro%20%E2%82%AC"), Some("Euro \u{20ac}".to_owned()));
        assert_eq!(text("50%25"), Some("50%".to_owned()));
        for wrong in ["%", "%2", "%zz", "%ff", "\u{e9}", "a\tb", "%+1"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }
}
