//! Webhooks of the forges: the signature over the raw body first, then whose repository it is, and
//! only then what it says.

use hyper::body::Incoming;
use hyper::{HeaderMap, StatusCode};

use super::answer::Answer;
use super::body::{self, Held};
use super::connection::Shared;
use super::route::{Guard, Route};
use super::{Keep, allowed, headers};
use super::{Level, Line};
use crate::event::Pending;
use crate::intake::{self, Delivery, Source};
use crate::json::{Object, Value, foreign};
use crate::merkle;
use crate::webhook::{self, Headers, Scheme};

/// What a forge calls its deliveries.
struct Names {
    source: Source,
    /// The header that names the event.
    kind: &'static str,
    /// The header that names the delivery.
    delivery: &'static str,
}

impl Route {
    fn names(self) -> Names {
        let names = |source, kind, delivery| Names {
            source,
            kind,
            delivery,
        };
        match self {
            Route::Gitlab => names(Source::Gitlab, "x-gitlab-event", "x-gitlab-event-uuid"),
            Route::Gitea => names(Source::Gitea, "x-gitea-event", "x-gitea-delivery"),
            Route::Forgejo => names(Source::Gitea, "x-forgejo-event", "x-forgejo-delivery"),
            Route::Github | Route::Events => {
                names(Source::GithubWebhook, "x-github-event", "x-github-delivery")
            }
        }
    }
}

/// Receives a delivery, and what it says.
///
/// # Errors
/// What to answer instead; nothing is recorded then.
pub async fn receive(
    route: Route,
    guard: &Guard,
    head: &HeaderMap,
    body: Incoming,
    shared: &Shared,
) -> Result<(Vec<Pending>, Held), Answer> {
    json_only(head)?;
    let limits = &shared.settings.limits;
    let held = body::receive(body, limits.body, limits.body_time, &shared.room).await?;
    believe(route, guard, head, &held.bytes, shared)?;
    let names = route.names();
    let kind = headers::plain(head, names.kind).ok_or_else(|| {
        Answer::refused(
            StatusCode::BAD_REQUEST,
            "the header that names the event is missing or malformed",
        )
    })?;
    let delivery = Delivery {
        source: names.source,
        kind: Some(kind),
        base: None,
        body: &held.bytes,
    };
    let payload = foreign::read(&held.bytes).map_err(|_| no_json())?;
    let Value::Object(payload) = payload else {
        return Err(no_json());
    };
    let repository = repository(route, &payload);
    if !shared.settings.repositories.is_empty()
        && !repository.is_some_and(|name| allowed(&shared.settings.repositories, &name))
    {
        return Err(Answer::refused(
            StatusCode::FORBIDDEN,
            "this server does not take deliveries of this repository",
        ));
    }
    let events = intake::read(&delivery).map_err(|why| {
        let line = Line::new(Level::Warning, "malformed").with("route", route.name());
        shared.mention(&line.with("why", &why.to_string()));
        Answer::refused(
            StatusCode::BAD_REQUEST,
            "the body is no delivery of this kind",
        )
    })?;
    let mut pending = Vec::new();
    for event in events {
        let kept = match shared.settings.keep {
            Keep::Reduced => None,
            Keep::Payload => Some(intake::kept(&event, &held.bytes).map_err(|_| too_large())?),
        };
        pending.push(Pending::new(event).map_err(|_| too_large())?);
        pending.extend(kept);
    }
    if let Some(id) = headers::plain(head, names.delivery) {
        conflict(route, id, &held.bytes, shared);
    }
    Ok((pending, held))
}

fn too_large() -> Answer {
    Answer::refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "what it says is too large for an entry",
    )
}

fn no_json() -> Answer {
    Answer::refused(
        StatusCode::BAD_REQUEST,
        "the body is no JSON object that is taken here",
    )
}

/// Forms would need a second parser in front of the first, for nothing.
fn json_only(head: &HeaderMap) -> Result<(), Answer> {
    match headers::media_type(head).as_deref() {
        Some("application/json") => Ok(()),
        Some("application/x-www-form-urlencoded") => Err(Answer::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "forms are not taken",
        )
        .hint("set the webhook's content type to application/json")),
        _ => Err(Answer::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content type is not application/json",
        )),
    }
}

fn believe(
    route: Route,
    guard: &Guard,
    head: &HeaderMap,
    bytes: &[u8],
    shared: &Shared,
) -> Result<(), Answer> {
    let all: Headers<'_> = head
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let Guard::Secrets { tokens, keys } = guard else {
        return Ok(());
    };
    let (scheme, secrets) = match route {
        Route::Gitlab if all.has("webhook-signature") => (Scheme::StandardWebhooks, keys),
        Route::Gitlab => (Scheme::GitlabToken, tokens),
        Route::Gitea => (Scheme::GiteaHmac, tokens),
        Route::Forgejo => (Scheme::ForgejoHmac, tokens),
        Route::Github | Route::Events => (Scheme::GithubHmac, tokens),
    };
    match webhook::check(scheme, &all, bytes, secrets, shared.host.now()) {
        Ok(_) => Ok(()),
        Err(why) => Err(disbelieved(route, &why, shared)),
    }
}

/// What is said to somebody who is not believed; which rule it was is for the log.
pub fn disbelieved(route: Route, why: &webhook::Refusal, shared: &Shared) -> Answer {
    let line = Line::new(Level::Warning, "not-believed").with("route", route.name());
    shared.mention(&line.with("why", &why.to_string()));
    let mut answer = Answer::refused(
        StatusCode::UNAUTHORIZED,
        "the delivery bears no signature or token that is good here",
    );
    answer.body.set("reason", why.word());
    answer
}

/// Whose repository a payload is about: `owner/name`; `owner/` where it is about all of them.
fn repository(route: Route, payload: &Object) -> Option<String> {
    let text = |of: &str, member: &str| {
        let object = payload.get(of)?.as_object()?;
        Some(object.get(member)?.as_str()?.to_owned())
    };
    match route {
        Route::Gitlab => {
            let top = |member| payload.get(member).and_then(Value::as_str);
            text("project", "path_with_namespace")
                .or_else(|| top("path_with_namespace").map(str::to_owned))
                .or_else(|| top("full_path").map(|group| format!("{group}/")))
        }
        _ => text("repository", "full_name")
            .or_else(|| text("organization", "login").map(|owner| format!("{owner}/"))),
    }
}

/// Tells of a delivery that came before under its id with another body.
fn conflict(route: Route, id: &str, body: &[u8], shared: &Shared) {
    let digest = merkle::sha256(body);
    let conflicts = match shared.deliveries.lock() {
        Ok(mut deliveries) => deliveries.conflicts(route.name(), id, digest),
        // whoever held it died; nothing but this warning hangs on it
        Err(_) => false,
    };
    if conflicts {
        shared.metrics.conflict(route.name());
        let line = Line::new(Level::Warning, "delivery-conflict").with("route", route.name());
        shared.host.tell(&line.with("delivery", id));
    }
}
