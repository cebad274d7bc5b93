//! Connections: how many at a time, how long, how many requests on each, and how they end when the
//! server is told to stop.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::body::Room;
use super::committer::Desk;
use super::deliveries::Deliveries;
use super::log::{Level, Line, Quiet};
use super::metrics::Metrics;
use super::{Host, Settings, route};

/// The shortest head a connection takes whole, in bytes: hyper reads no less at a time.
const LEAST_HEAD: usize = 8192;
/// How long to wait when no connection can be accepted, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);
/// What a connection is told that is one too many.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\n\
Content-Length: 0\r\nConnection: close\r\n\r\n";

/// What all requests share.
pub struct Shared {
    pub settings: Settings,
    pub host: Arc<dyn Host>,
    pub metrics: Arc<Metrics>,
    pub desk: Desk,
    pub room: Room,
    pub deliveries: Mutex<Deliveries>,
    quiet: Quiet,
    /// Whether the server was told to stop.
    pub stopping: watch::Sender<bool>,
}

impl Shared {
    pub fn new(
        settings: Settings,
        host: Arc<dyn Host>,
        metrics: Arc<Metrics>,
        desk: Desk,
    ) -> Arc<Shared> {
        Arc::new(Shared {
            room: Room::of(settings.limits.in_flight),
            settings,
            host,
            metrics,
            desk,
            deliveries: Mutex::default(),
            quiet: Quiet::default(),
            stopping: watch::Sender::new(false),
        })
    }

    /// Shows a line about something that anybody can send.
    pub fn mention(&self, line: &Line) {
        if self.quiet.allows(self.host.now()) {
            self.host.tell(line);
        }
    }
}

/// Takes connections until `stop` says so or the ledger's side is `gone`, then waits for those that
/// are open.
pub async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
    gone: oneshot::Receiver<()>,
) {
    let most = shared.settings.limits.connections.max(1);
    let places = Arc::new(Semaphore::new(most));
    let mut gone = std::pin::pin!(gone);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            _ = gone.as_mut() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(why) => {
                shared.host.tell(
                    &Line::new(Level::Warning, "cannot-accept").with("why", &why.to_string()),
                );
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                tokio::spawn(converse(stream, Arc::clone(&shared), place));
            }
            Err(_) => {
                shared.metrics.turned_away();
                // whoever does not read it is one too many all the same
                stream.try_write(TOO_MANY).ok();
            }
        }
    }
    drop(listener);
    shared.stopping.send_replace(true);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let over = places.acquire_many(all);
    if tokio::time::timeout(shared.settings.limits.stop_time, over)
        .await
        .is_err()
    {
        shared.host.tell(&Line::new(Level::Warning, "cut-off"));
    }
}

/// One connection from its first byte to its last.
async fn converse(stream: TcpStream, shared: Arc<Shared>, place: OwnedSemaphorePermit) {
    let limits = shared.settings.limits.clone();
    // answers are small and wait for nothing
    stream.set_nodelay(true).ok();
    shared.metrics.connections.inc();
    let requests = AtomicU32::new(0);
    let service = service_fn(|request: Request<Incoming>| {
        let nth = requests.fetch_add(1, Ordering::Relaxed) + 1;
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared, nth).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head.max(LEAST_HEAD))
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let mut stopping = shared.stopping.subscribe();
    let ended = tokio::time::timeout(limits.connection_time, async {
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
        let last = limits.body_time + limits.record_time;
        tokio::time::timeout(last, connection).await.ok();
    }
    shared.metrics.connections.dec();
    drop(place);
}

/// Answers one request, and says whether another may follow on its connection.
async fn answer(request: Request<Incoming>, shared: &Shared, nth: u32) -> Response<String> {
    let began = Instant::now();
    // two readers can differ on where such a body ends; so nothing may follow it
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let (label, answer) = route::answer(request, shared).await;
    shared
        .metrics
        .answered(label, answer.status.as_u16(), began.elapsed());
    let early = answer.status.is_client_error() || answer.status.is_server_error();
    let mut response = answer.response();
    if chunked || early || nth >= shared.settings.limits.requests {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
