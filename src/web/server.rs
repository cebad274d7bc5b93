//! From a request to its answer: the guard, then the route, then the headers that all answers have.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use axum::routing::get;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use maud::Markup;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

use super::answers::{Book, Fault, Library, Problem, Site, Wanted};
use super::ask::{Ask, number};
use super::assets::{self, ASSETS};
use super::guard::{Door, HEALTH};
use super::routes::{API, Api, PAGES, Page, commit};
use super::{api, headers, pages, replay, tail};
use crate::listener::{self, Host, Seen};

/// Requests that read ledgers at a time; more wait.
const READERS: usize = 8;
/// How long a request waits for those before it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Whoever follows a ledger, at a time.
const TAILS: usize = 32;

/// A server of ledgers.
pub struct Server {
    router: Router,
    shared: Arc<Shared>,
    host: Arc<dyn Host>,
}

/// What all requests share.
pub struct Shared {
    pub library: Arc<dyn Library>,
    door: Door,
    readers: Arc<Semaphore>,
    pub tails: Arc<Semaphore>,
    /// Whether the server was told to stop.
    pub stopping: watch::Sender<bool>,
}

/// Who reads, if somebody says so.
#[derive(Debug, Clone)]
struct Reader(Option<String>);

/// What a request asks for once its path is known.
pub struct Asked {
    /// The name of the ledger.
    pub ledger: String,
    /// The number or commit in the path.
    pub what: String,
    /// The query.
    pub ask: Ask,
    reader: Option<String>,
}

/// What a page or the API comes to.
pub enum Answer {
    /// HTML.
    Page(Markup),
    /// HTML that says what is wrong with the words that were asked for.
    Corrected(Markup),
    /// Bytes of a type.
    Bytes(&'static str, Vec<u8>),
    /// Bytes that a browser keeps in a file of this name.
    File(&'static str, String, Vec<u8>),
    /// It is elsewhere on this server.
    At(String),
}

impl Server {
    /// A server of these ledgers, for whom the door lets in.
    pub fn new(library: Arc<dyn Library>, door: Door, host: Arc<dyn Host>) -> Server {
        let shared = Arc::new(Shared {
            library,
            door,
            readers: Arc::new(Semaphore::new(READERS)),
            tails: Arc::new(Semaphore::new(TAILS)),
            stopping: watch::Sender::new(false),
        });
        Server {
            router: router(&shared),
            shared,
            host,
        }
    }
}

impl listener::Service for Server {
    type Body = Body;

    async fn answer(&self, request: hyper::Request<Incoming>) -> Response {
        let (head, body) = request.into_parts();
        let mut response = match self.shared.door.lets(&head) {
            Err(problem) => refusal(&head, &self.shared, &problem, false),
            Ok(reader) => {
                let mut request = Request::from_parts(head, Body::new(body));
                request.extensions_mut().insert(Reader(reader));
                match self.router.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
        };
        headers::put(response.headers_mut());
        response
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn saw(&self, what: Seen) {
        if what == Seen::Stopping {
            self.shared.stopping.send_replace(true);
        }
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for (path, page) in PAGES {
        let page = *page;
        let handler = move |State(shared): State<Arc<Shared>>,
                            params: RawPathParams,
                            request: Request| async move {
            let (head, _) = request.into_parts();
            let asked = asked(&head, &params, page.asks());
            let answer = reading(&shared, asked, move |library, asked| {
                show(library, page, asked)
            });
            respond(&head, &shared, answer.await)
        };
        router = router.route(path, get(handler));
        // the same without the slash at the end, where there is one
        if let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) {
            let there = |request: Request| async move {
                let query = request.uri().query().map(|query| format!("?{query}"));
                let path = request.uri().path();
                at(&format!("{path}/{}", query.unwrap_or_default()))
            };
            router = router.route(bare, get(there));
        }
    }
    for (path, what) in API {
        let what = *what;
        let handler = move |State(shared): State<Arc<Shared>>,
                            params: RawPathParams,
                            request: Request| async move {
            let (head, _) = request.into_parts();
            let asked = asked(&head, &params, what.asks());
            if what == Api::Tail {
                return match asked {
                    Ok(asked) => tail::follow(&shared, &head, asked)
                        .await
                        .unwrap_or_else(|problem| refusal(&head, &shared, &problem, true)),
                    Err(problem) => refusal(&head, &shared, &problem, true),
                };
            }
            let answer = reading(&shared, asked, move |library, asked| {
                api::answer(library, what, asked)
            });
            respond(&head, &shared, answer.await)
        };
        router = router.route(path, get(handler));
    }
    for (path, kind, text) in ASSETS {
        let (kind, text) = (*kind, *text);
        let handler =
            move |request: Request| async move { assets::answer(kind, text, request.headers()) };
        router = router.route(path, get(handler));
    }
    let health = || async { bytes("text/plain; charset=utf-8", b"live\n".to_vec()) };
    let nothing = |State(shared): State<Arc<Shared>>, request: Request| async move {
        let (head, _) = request.into_parts();
        let problem = Problem::new(Fault::Absent, "there is nothing at this address");
        refusal(&head, &shared, &problem, true)
    };
    router
        .route(HEALTH, get(health))
        .fallback(nothing)
        .with_state(Arc::clone(shared))
}

/// What a request asks for.
fn asked(head: &Parts, params: &RawPathParams, names: &[&str]) -> Result<Asked, Problem> {
    let param = |wanted: &[&str]| {
        let found = params.iter().find(|(name, _)| wanted.contains(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let Reader(reader) = head.extensions.get().cloned().unwrap_or(Reader(None));
    Ok(Asked {
        ledger: param(&["slug"]),
        what: param(&["number", "commit"]),
        ask: Ask::read(head.uri.query(), names)?,
        reader,
    })
}

impl Asked {
    /// The ledger that is meant.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn book(&self, library: &dyn Library) -> Result<Arc<dyn Book>, Problem> {
        library.book(&self.ledger).ok_or_else(|| {
            Problem::new(Fault::Absent, "no ledger of this name is shown here")
                .hint("the first page lists all that are")
        })
    }

    /// The number in the path.
    ///
    /// # Errors
    /// When it is none.
    pub fn number(&self) -> Result<u64, Problem> {
        number(&self.what).ok_or_else(|| {
            Problem::new(Fault::Asked, "that is no number of an entry")
                .hint("numbers are digits alone, such as 17")
        })
    }
}

/// Does something that reads ledgers, on a thread that may wait for a disk.
pub async fn blocking<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&dyn Library) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let readers = Arc::clone(&shared.readers).acquire_owned();
    let Ok(Ok(held)) = tokio::time::timeout(PATIENCE, readers).await else {
        return Err(Problem::new(Fault::Later, "too many requests wait").hint("try again soon"));
    };
    let library = Arc::clone(&shared.library);
    let done = tokio::task::spawn_blocking(move || {
        let done = work(&*library);
        drop(held);
        done
    });
    done.await
        .unwrap_or_else(|_| Err(Problem::new(Fault::Here, "this program failed at it")))
}

async fn reading(
    shared: &Arc<Shared>,
    asked: Result<Asked, Problem>,
    work: impl FnOnce(&dyn Library, &Asked) -> Result<Answer, Problem> + Send + 'static,
) -> Result<Answer, Problem> {
    let asked = asked?;
    blocking(shared, move |library| work(library, &asked)).await
}

/// A page, or a file that pages hand out.
fn show(library: &dyn Library, page: Page, asked: &Asked) -> Result<Answer, Problem> {
    let mut site = Site {
        known: None,
        reader: asked.reader.clone(),
    };
    let ask = &asked.ask;
    match page {
        Page::Ledgers => {
            let all: Vec<_> = library.books().iter().map(|book| book.known()).collect();
            return Ok(Answer::Page(pages::ledgers(&site, &all)));
        }
        Page::Help => return Ok(Answer::Page(pages::help(&site))),
        _ => {}
    }
    let book = asked.book(library)?;
    let known = book.known();
    site.known = Some(known.clone());
    let number = || asked.number();
    let markup = match page {
        Page::Ledgers | Page::Help => pages::help(&site),
        Page::Overview => match book.page("", None, 10) {
            Ok(newest) => pages::overview(&site, &known, &newest),
            Err(problem) if known.newest.is_none() => return Err(problem),
            // what is known of before is better than nothing
            Err(_) => pages::overview(&site, &known, &super::answers::Page::default()),
        },
        Page::Timeline => {
            let (query, live) = (ask.text("q"), ask.flag("live")?);
            let found = book.page(query, ask.number("before")?, ask.count("n")?);
            if let Err(problem) = &found
                && problem.at.is_none()
            {
                return Err(problem.clone());
            }
            let markup = pages::timeline(&site, found.as_ref(), query, live);
            if found.is_err() {
                return Ok(Answer::Corrected(markup));
            }
            markup
        }
        Page::Entry => pages::entry(&site, &book.entry(&Wanted::Number(number()?))?),
        Page::Commit => {
            let wanted = commit(&asked.what).ok_or_else(|| {
                Problem::new(Fault::Asked, "that is no commit")
                    .hint("write 7 to 64 hex digits, the first of it or all")
            })?;
            let view = book.entry(&wanted)?;
            let place = view.position.ok_or_else(|| {
                Problem::new(Fault::Later, "where it stands is still being counted")
            })?;
            return Ok(Answer::At(format!("/l/{}/entry/{place}", book.slug())));
        }
        Page::Raw => {
            let view = book.entry(&Wanted::Number(number()?))?;
            let raw = view.raw.ok_or_else(|| {
                Problem::new(Fault::Broken, "the commit of this entry cannot be read")
            })?;
            return Ok(Answer::Bytes("text/plain; charset=utf-8", raw));
        }
        Page::Proof => return api::proof(&*book, number()?),
        Page::Trace => {
            let of = ask.text("of");
            let found = (!of.is_empty()).then(|| book.trace(of));
            if let Some(Err(problem)) = &found
                && problem.fault != Fault::Asked
            {
                return Err(problem.clone());
            }
            let markup = pages::trace(&site, of, found.as_ref().map(Result::as_ref));
            if let Some(Err(_)) = found {
                return Ok(Answer::Corrected(markup));
            }
            markup
        }
        Page::Replay => {
            let view = replay::view(&*book, ask);
            if let Err(problem) = &view
                && problem.fault != Fault::Asked
            {
                return Err(problem.clone());
            }
            let markup = pages::replay(&site, view.as_ref());
            if view.is_err() {
                return Ok(Answer::Corrected(markup));
            }
            markup
        }
        Page::Policy => pages::policy(&site, &book.policy()?),
        Page::PolicyChange => pages::policy_change(&site, &book.policy_change(number()?)?),
        Page::Findings => pages::findings(&site, &known),
        Page::Exceptions => pages::exceptions(&site, &known),
    };
    Ok(Answer::Page(markup))
}

fn respond(head: &Parts, shared: &Shared, answer: Result<Answer, Problem>) -> Response {
    match answer {
        Ok(Answer::Page(markup)) => html(markup),
        Ok(Answer::Corrected(markup)) => {
            let mut response = html(markup);
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
        Ok(Answer::Bytes(kind, content)) => bytes(kind, content),
        Ok(Answer::File(kind, name, content)) => {
            let mut response = bytes(kind, content);
            let value = format!("attachment; filename=\"{name}\"");
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(CONTENT_DISPOSITION, value);
            }
            response
        }
        Ok(Answer::At(path)) => at(&path),
        Err(problem) => refusal(head, shared, &problem, true),
    }
}

fn html(markup: Markup) -> Response {
    bytes(
        "text/html; charset=utf-8",
        markup.into_string().into_bytes(),
    )
}

fn bytes(kind: &'static str, content: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(content));
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Elsewhere on this server.
fn at(path: &str) -> Response {
    let mut response = Response::new(Body::empty());
    // which number a commit has holds only as long as the chain does
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

/// Why there is no answer: as JSON for programs, as a page for people. Who is not let in is told
/// nothing of what there is.
fn refusal(head: &Parts, shared: &Shared, problem: &Problem, inside: bool) -> Response {
    let mut response = if head.uri.path().starts_with("/api/") {
        bytes("application/problem+json", api::problem(problem))
    } else {
        let mut site = Site::default();
        if inside {
            let slug = head.uri.path().strip_prefix("/l/");
            let slug = slug.and_then(|rest| rest.split('/').next());
            let book = slug.and_then(|slug| shared.library.book(slug));
            site.known = book.map(|book| book.known());
            let reader = head.extensions.get::<Reader>().cloned();
            site.reader = reader.and_then(|Reader(reader)| reader);
        }
        html(pages::error(&site, problem))
    };
    let status = StatusCode::from_u16(problem.fault.status());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    headers::of_fault(response.headers_mut(), problem.fault);
    response
}
