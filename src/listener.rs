//! Connections of a server over HTTP: how many at a time, how long, how many requests on each, and
//! how they end when the server is told to stop.
//!
//! Whatever is served is a [`Service`]; the bounds are the same for all of them. What a server says
//! of itself goes line by line to a [`Host`], which is also its clock.
//!
//! Source: RFC 9110 and RFC 9112.
//!
//! # Limits
//! No TLS: a proxy in front has the certificate. Who can send requests can keep all connections
//! busy for as long as [`Bounds`] allow.

mod log;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub use log::{Host, Level, Line, Quiet};

/// The shortest head a connection takes whole, in bytes: hyper reads no less at a time.
const LEAST_HEAD: usize = 8192;
/// How long to wait when no connection can be accepted, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);
/// What a connection is told that is one too many.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\n\
Content-Length: 0\r\nConnection: close\r\n\r\n";

/// How much anybody may take of the connections.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Bytes of a request's head; never less than 8 KiB.
    pub head: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Until the head of a request is there, and how long a connection may idle.
    pub head_time: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Requests on one connection.
    pub requests: u32,
    /// How long a connection may last.
    pub connection_time: Duration,
    /// How much longer what was asked last on it may take.
    pub last_time: Duration,
    /// How long what is under way may take when the server is told to stop.
    pub stop_time: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            head: 16 << 10,
            headers: 64,
            head_time: Duration::from_secs(10),
            connections: 256,
            requests: 1000,
            connection_time: Duration::from_secs(300),
            last_time: Duration::from_secs(50),
            stop_time: Duration::from_secs(30),
        }
    }
}

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    /// The body of its answers.
    type Body: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static;

    /// Answers one request.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// Where lines about connections go.
    fn host(&self) -> &dyn Host;

    /// Something happened to a connection.
    fn saw(&self, what: Seen) {
        // most services count nothing
        let _ = what;
    }
}

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// One was opened.
    Opened,
    /// One is over.
    Closed,
    /// One was one too many.
    TurnedAway,
    /// The server was told to stop: what is under way should come to an end.
    Stopping,
}

/// The threads of a server.
///
/// # Errors
/// When there are none.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// Serves on threads of its own until `stop` says so, and then until what was asked is answered or
/// its time is up.
///
/// # Errors
/// When there are no threads, or nothing can be heard there.
pub fn run<S: Service>(
    listener: std::net::TcpListener,
    bounds: &Bounds,
    service: &Arc<S>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let runtime = runtime()?;
    let stopped = async move {
        // a sender that is gone will never say so, and nobody else could
        stop.wait_for(|stop| *stop).await.ok();
    };
    let served = runtime.block_on(accept(listener, bounds, service, stopped));
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

/// Takes connections until `stop` is over, then waits for those that are open.
///
/// # Errors
/// When nothing can be heard there.
pub async fn accept<S: Service>(
    listener: std::net::TcpListener,
    bounds: &Bounds,
    service: &Arc<S>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let most = bounds.connections.max(1);
    let places = Arc::new(Semaphore::new(most));
    let stopping = watch::Sender::new(false);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.as_mut() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(why) => {
                let line = Line::new(Level::Warning, "cannot-accept");
                service.host().tell(&line.with("why", &why.to_string()));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let (service, stopping) = (Arc::clone(service), stopping.subscribe());
                tokio::spawn(converse(stream, bounds.clone(), service, stopping, place));
            }
            Err(_) => {
                service.saw(Seen::TurnedAway);
                // whoever does not read it is one too many all the same
                stream.try_write(TOO_MANY).ok();
            }
        }
    }
    drop(listener);
    service.saw(Seen::Stopping);
    stopping.send_replace(true);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let over = places.acquire_many(all);
    if tokio::time::timeout(bounds.stop_time, over).await.is_err() {
        service.host().tell(&Line::new(Level::Warning, "cut-off"));
    }
    Ok(())
}

/// One connection from its first byte to its last.
async fn converse<S: Service>(
    stream: TcpStream,
    bounds: Bounds,
    service: Arc<S>,
    mut stopping: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    // answers are small and wait for nothing
    stream.set_nodelay(true).ok();
    service.saw(Seen::Opened);
    let requests = AtomicU32::new(0);
    let served = service_fn(|request: Request<Incoming>| {
        let nth = requests.fetch_add(1, Ordering::Relaxed) + 1;
        let (service, last) = (Arc::clone(&service), nth >= bounds.requests);
        async move { Ok::<_, Infallible>(answer(request, &*service, last).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_time)
        .max_buf_size(bounds.head.max(LEAST_HEAD))
        .max_headers(bounds.headers)
        .serve_connection(TokioIo::new(stream), served);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::time::timeout(bounds.connection_time, async {
        tokio::select! {
            ended = connection.as_mut() => return ended.is_ok(),
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.as_mut().await.is_ok()
    })
    .await;
    if ended.is_err() {
        // what it asked last is answered, for a bounded time
        connection.as_mut().graceful_shutdown();
        tokio::time::timeout(bounds.last_time, connection)
            .await
            .ok();
    }
    service.saw(Seen::Closed);
    drop(place);
}

/// Answers one request, and says whether another may follow on its connection.
async fn answer<S: Service>(
    request: Request<Incoming>,
    service: &S,
    last: bool,
) -> Response<S::Body> {
    // two readers can differ on where such a body ends; so nothing may follow it
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = service.answer(request).await;
    let status = response.status();
    if chunked || last || status.is_client_error() || status.is_server_error() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
