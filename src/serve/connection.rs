//! What all requests share, and how one is answered and counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Request, Response};

use crate::listener::{Quiet, Seen, Service};

use super::body::Room;
use super::committer::Desk;
use super::deliveries::Deliveries;
use super::metrics::Metrics;
use super::{Host, Line, Settings, route};

/// What all requests share.
pub struct Shared {
    pub settings: Settings,
    pub host: Arc<dyn Host>,
    pub metrics: Arc<Metrics>,
    pub desk: Desk,
    pub room: Room,
    pub deliveries: Mutex<Deliveries>,
    quiet: Quiet,
    stopping: AtomicBool,
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
            stopping: AtomicBool::new(false),
        })
    }

    /// Shows a line about something that anybody can send.
    pub fn mention(&self, line: &Line) {
        if self.quiet.allows(self.host.now()) {
            self.host.tell(line);
        }
    }

    /// Whether the server was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl Service for Shared {
    type Body = String;

    async fn answer(&self, request: Request<Incoming>) -> Response<String> {
        let began = Instant::now();
        let (label, answer) = route::answer(request, self).await;
        self.metrics
            .answered(label, answer.status.as_u16(), began.elapsed());
        answer.response()
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn saw(&self, what: Seen) {
        match what {
            Seen::Opened => {
                self.metrics.connections.inc();
            }
            Seen::Closed => {
                self.metrics.connections.dec();
            }
            Seen::TurnedAway => self.metrics.turned_away(),
            Seen::Stopping => self.stopping.store(true, Ordering::Relaxed),
        }
    }
}
