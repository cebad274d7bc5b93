//! The metrics of a watch: over HTTP, and in a file.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use git_ledger::durable;
use git_ledger::listener::{self, Bounds, Host, Service};
use git_ledger::watch::{CONTENT_TYPE, Figures};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE as CONTENT_TYPE_HEADER, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::watch;

use super::{Args, Shared};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::listening::{Terminal, check_address};
use crate::cli::terminal;

/// What is told, and where.
pub struct Metrics {
    text: Shared,
    file: Option<PathBuf>,
    listen: Option<SocketAddr>,
    host: Arc<Terminal>,
}

/// A server that runs.
pub struct Server {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Ends it, and waits for what is under way.
    pub fn stop(self) {
        self.stop.send_replace(true);
        self.thread.join().ok();
    }
}

impl Metrics {
    pub fn new(context: &Context, args: &Args) -> Result<Metrics, Failure> {
        let host = Arc::new(Terminal::new(context, args.json)?);
        if let Some(address) = args.listen {
            check_address(address, args.public, &host)?;
        }
        Ok(Metrics {
            text: Arc::new(Mutex::new(String::new())),
            file: args
                .metrics_file
                .as_ref()
                .map(|file| context.directory.join(file)),
            listen: args.listen,
            host,
        })
    }

    /// Tells these from now on.
    pub fn set(&self, figures: &Figures) {
        let text = figures.text();
        if let Some(file) = &self.file
            && let Err(why) = durable::write_cache(file, text.as_bytes())
        {
            let file = git_ledger::escape::printable(&file.to_string_lossy());
            terminal::tell(&format!("warning: cannot write '{file}': {why}"));
        }
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// Listens, if that was asked for.
    pub fn serve(&self) -> Result<Option<Server>, Failure> {
        let Some(address) = self.listen else {
            return Ok(None);
        };
        let listener = TcpListener::bind(address)
            .map_err(|why| Failure::cannot(format!("cannot listen on {address}: {why}")))?;
        let address = listener.local_addr()?;
        terminal::tell(&format!("note: metrics at http://{address}/metrics"));
        let (stop, stopped) = watch::channel(false);
        let pages = Arc::new(Pages {
            text: Arc::clone(&self.text),
            host: Arc::clone(&self.host),
        });
        let bounds = Bounds {
            connections: 16,
            ..Bounds::default()
        };
        let thread = std::thread::spawn(move || {
            if let Err(why) = listener::run(listener, &bounds, &pages, stopped) {
                terminal::tell(&format!("warning: metrics are not served any more: {why}"));
            }
        });
        Ok(Some(Server { stop, thread }))
    }
}

struct Pages {
    text: Shared,
    host: Arc<Terminal>,
}

impl Service for Pages {
    type Body = String;

    async fn answer(&self, request: Request<Incoming>) -> Response<String> {
        let readable = matches!(*request.method(), Method::GET | Method::HEAD);
        let text = self
            .text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (status, kind, body) = match (readable, request.uri().path()) {
            (false, _) => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", String::new()),
            // before the first look there is nothing to tell
            (true, "/metrics") if text.is_empty() => {
                (StatusCode::SERVICE_UNAVAILABLE, "text/plain", String::new())
            }
            (true, "/metrics") => (StatusCode::OK, CONTENT_TYPE, text),
            (true, "/healthz") => (StatusCode::OK, "text/plain", "watching\n".to_owned()),
            (true, _) => (StatusCode::NOT_FOUND, "text/plain", String::new()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE_HEADER, HeaderValue::from_static(kind));
        headers.insert(
            "x-content-type-options",
            HeaderValue::from_static("nosniff"),
        );
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }
}
