//! Webhooks of GitHub: `com.github.<event>.<action>`, one event a delivery.
//!
//! The event's name stands in a header that no signature covers. So it is held against the body:
//! an event without the members it always has is refused. Where nobody says the name (a body that
//! was kept as a file), it is told from the members, if they fit exactly one event.
//!
//! Source: GitHub "Webhook events and payloads"; the GitHub adapter of CloudEvents for the names.

mod table;

use std::borrow::Cow;

use super::reduce::{self, filled, reduce, string};
use super::{Delivery, Fault, Reduced, action, payload, plain_name, raw, row, source, text};
use crate::event::Event;
use crate::json::Object;
use table::ROWS;

/// What is taken of them.
const KEEP: &str = "repository.full_name repository.id repository.private repository.visibility \
    organization.login organization.id enterprise.slug enterprise.id sender@ installation.id";

/// Where the forge is, when the payload does not say.
const GITHUB: &str = "https://github.com";

/// The event of a delivery.
pub(super) fn event(delivery: &Delivery<'_>) -> Result<Event, Fault> {
    let payload = payload(delivery.body)?;
    let name = match delivery.kind {
        Some(name) => plain_name(name)?,
        None => infer(&payload).ok_or(Fault::Nameless)?,
    };
    let row = ROWS.iter().find(|row| row.event == name);
    if let Some(missing) = row.and_then(|row| row.missing(&payload)) {
        return Err(Fault::Misnamed(format!(
            "it is said to be the event '{name}', and has no '{missing}'"
        )));
    }
    let action = string(&payload, "action").map(action);
    let kind = match &action {
        Some(action) => format!("com.github.{name}.{action}"),
        None => format!("com.github.{name}"),
    };
    let mut data = reduce(&payload, KEEP);
    if let Some(word) = string(&payload, "action") {
        data.set("action", text::name(word));
    }
    let (mut subject, mut time) = (None, None);
    if let Some(row) = row {
        for (name, value) in reduce(&payload, row.keep).iter() {
            data.set(name, value.clone());
        }
        subject = row
            .subject
            .split('|')
            .find_map(|pattern| filled(&payload, pattern));
        time = reduce::time(&payload, row.time);
    }
    Reduced {
        kind,
        source: place(&payload, delivery.base),
        id: None,
        subject: subject
            .or_else(|| filled(&payload, "{repository.full_name}"))
            .or_else(|| filled(&payload, "{organization.login}")),
        time,
        data,
        body: delivery.body,
    }
    .event()
}

/// Where it happened: the repository, else the organisation, as pages of the forge.
fn place(payload: &Object, base: Option<&str>) -> String {
    // an organisation's own page is not always named, but its API is
    let organization = string(payload, "organization.login").map(|login| {
        let api = string(payload, "organization.url").unwrap_or_default();
        let host = match api
            .split_once("/api/v3/")
            .or_else(|| api.split_once("/orgs/"))
        {
            Some((host, _)) if host != "https://api.github.com" => host.to_owned(),
            _ => GITHUB.to_owned(),
        };
        format!("{host}/{login}")
    });
    let candidates = [
        string(payload, "repository.html_url"),
        string(payload, "organization.html_url"),
        organization.as_deref(),
        string(payload, "enterprise.html_url"),
    ];
    source(base, &candidates, GITHUB)
}

/// The one event whose members these are.
pub fn infer(payload: &Object) -> Option<&'static str> {
    row::only(ROWS, payload)
}

/// One line of a file of deliveries: `{"event":…,"delivery":…,"payload":{…}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped<'a> {
    /// `event`.
    pub event: Option<String>,
    /// The body: `payload` as it stands in the line, or what `body`, a string, says.
    pub body: Cow<'a, [u8]>,
}

/// The delivery that a line holds, when it is one of a file of deliveries; a bare payload is none.
///
/// # Errors
/// When it has the members of one, and they are not of its form.
pub fn wrapped(line: &[u8]) -> Result<Option<Wrapped<'_>>, Fault> {
    let Some(members) = raw::members(line) else {
        return Ok(None);
    };
    let known = |name: &str| ["event", "delivery", "payload", "body"].contains(&name);
    let has = |wanted: &str| members.iter().any(|(name, _)| name == wanted);
    if !members.iter().all(|(name, _)| known(name)) || !(has("payload") || has("body")) {
        return Ok(None);
    }
    let wrong = |why: &str| Err(Fault::NotOfItsForm(format!("a delivery's {why}")));
    let (mut event, mut body) = (None, None);
    for (at, (name, value)) in members.iter().enumerate() {
        let value: &[u8] = value;
        if members.iter().take(at).any(|(earlier, _)| earlier == name) {
            return wrong(&format!("{name} stands there twice"));
        }
        let text = || serde_json::from_slice::<Option<String>>(value);
        match name.as_str() {
            "payload" if body.is_none() && value.starts_with(b"{") => {
                body = Some(Cow::Borrowed(value));
            }
            "body" if body.is_none() => match text() {
                Ok(Some(text)) => body = Some(Cow::Owned(text.into_bytes())),
                _ => return wrong("body is a string"),
            },
            "event" => match text() {
                Ok(name) => event = name,
                Err(_) => return wrong("event is its name, a string"),
            },
            "delivery" if text().is_ok() => {}
            "delivery" => return wrong("delivery is its id, a string"),
            _ => return wrong("payload is an object, or its body a string, and not both"),
        }
    }
    Ok(body.map(|body| Wrapped { event, body }))
}
