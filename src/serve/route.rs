//! Which request is for whom: paths, methods, who is believed where, and what the server says of
//! itself.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};

use super::answer::Answer;
use super::connection::Shared;
use super::{cloudevents, headers, metrics, webhooks};
use crate::webhook::Secret;

/// How long somebody who asks whether the ledger could record waits.
const READY: Duration = Duration::from_secs(5);

/// Where events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// GitHub's webhooks.
    Github,
    /// GitLab's webhooks, both schemes.
    Gitlab,
    /// Gitea's webhooks.
    Gitea,
    /// Forgejo's webhooks.
    Forgejo,
    /// CloudEvents.
    Events,
}

impl Route {
    /// All of them.
    pub const ALL: [Route; 5] = [
        Route::Github,
        Route::Gitlab,
        Route::Gitea,
        Route::Forgejo,
        Route::Events,
    ];

    /// Its name; its path is the same after a slash.
    pub fn name(self) -> &'static str {
        match self {
            Route::Github => "github",
            Route::Gitlab => "gitlab",
            Route::Gitea => "gitea",
            Route::Forgejo => "forgejo",
            Route::Events => "events",
        }
    }

    /// The route of this name.
    pub fn of(name: &str) -> Option<Route> {
        Route::ALL.into_iter().find(|route| route.name() == name)
    }
}

/// Who is believed on a route.
#[derive(Debug, Clone)]
pub enum Guard {
    /// Whoever holds one of these.
    Secrets {
        /// Tokens and keys of the forges' own schemes.
        tokens: Vec<Secret>,
        /// Keys of Standard Webhooks, `whsec_…`.
        keys: Vec<Secret>,
    },
    /// Anybody.
    Anybody,
}

/// Who is believed on each route; a route that is not there is off.
pub type Guards = BTreeMap<Route, Guard>;

/// Answers a request; the label under which it is counted.
pub async fn answer(request: Request<Incoming>, shared: &Shared) -> (&'static str, Answer) {
    let path = request.uri().path();
    let read = |answer: Answer| match *request.method() {
        Method::GET | Method::HEAD => answer,
        _ => not_allowed("GET, HEAD"),
    };
    match path {
        "/healthz" => ("healthz", read(Answer::of(StatusCode::OK, "live"))),
        "/metrics" => {
            let mut answer = Answer::of(StatusCode::OK, "");
            answer.text = Some((metrics::CONTENT_TYPE, shared.metrics.text()));
            ("metrics", read(answer))
        }
        "/readyz" => match *request.method() {
            Method::GET | Method::HEAD => ("readyz", ready(shared).await),
            _ => ("readyz", not_allowed("GET, HEAD")),
        },
        _ => match path.strip_prefix('/').and_then(Route::of) {
            None => ("none", not_found()),
            Some(route) => (route.name(), receive(route, request, shared).await),
        },
    }
}

fn not_found() -> Answer {
    Answer::refused(StatusCode::NOT_FOUND, "there is nothing at this path")
}

fn not_allowed(allow: &'static str) -> Answer {
    let mut answer = Answer::refused(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not know this method",
    );
    answer.allow = Some(allow);
    answer
}

async fn ready(shared: &Shared) -> Answer {
    if shared.is_stopping() {
        return Answer::later("the server is about to stop");
    }
    let Ok(told) = shared.desk.ready() else {
        return Answer::later("too many requests wait");
    };
    match tokio::time::timeout(READY, told).await {
        Ok(Ok(Ok(()))) => Answer::of(StatusCode::OK, "ready"),
        // why not is for the log: it may name paths
        Ok(Ok(Err(why))) => {
            let line = super::Line::new(super::Level::Warning, "not-ready");
            shared.host.tell(&line.with("why", &why));
            Answer::later("the ledger cannot be written now; the server's log says why")
        }
        Ok(Err(_)) | Err(_) => Answer::later("the ledger does not answer"),
    }
}

/// A request that brings events.
async fn receive(route: Route, request: Request<Incoming>, shared: &Shared) -> Answer {
    let Some(guard) = shared.settings.guards.get(&route) else {
        return not_found();
    };
    if request.method() != Method::POST {
        return not_allowed("POST");
    }
    let _coming = shared.desk.coming();
    let (head, body) = request.into_parts();
    if headers::doubled(&head.headers).is_some() {
        return Answer::refused(
            StatusCode::BAD_REQUEST,
            "a header that may stand once stands twice",
        );
    }
    if headers::bytes(&head.headers, "content-encoding").is_some_and(|kind| kind != b"identity") {
        return Answer::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "compressed bodies are not taken",
        );
    }
    let received = match route {
        Route::Events => cloudevents::receive(guard, &head.headers, body, shared).await,
        _ => webhooks::receive(route, guard, &head.headers, body, shared).await,
    };
    let (events, held) = match received {
        Ok(received) => received,
        Err(answer) => return answer,
    };
    let answer = record(route, events, shared).await;
    // the body has had its place until here: what is made of it is no larger
    drop(held);
    answer
}

/// Hands events to the ledger, and answers when they are durable.
async fn record(route: Route, events: Vec<crate::event::Pending>, shared: &Shared) -> Answer {
    let Ok(told) = shared.desk.record(route.name(), events) else {
        return Answer::later("too many requests wait");
    };
    match tokio::time::timeout(shared.settings.limits.record_time, told).await {
        Ok(Ok(outcomes)) => Answer::recorded(&outcomes),
        Ok(Err(_)) => Answer::later("the ledger does not answer"),
        // it may be recorded yet; sent again, it is recorded once
        Err(_) => Answer::later("it was not recorded in time; send it again"),
    }
}
