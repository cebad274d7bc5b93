//! What a server counts, in Prometheus' text format. Labels come from fixed lists: nobody who
//! sends requests can make more of them.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Outcome;

/// The type of what [`Metrics::text`] gives.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: &'static str,
    status: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Event {
    route: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct How {
    how: &'static str,
}

/// The counters of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    events: Family<Event, Counter>,
    conflicts: Family<Route, Counter>,
    gaps: Family<How, Counter>,
    turned_away: Counter,
    /// Connections that are open.
    pub connections: Gauge,
    /// Requests that wait for the ledger.
    pub queue: Gauge,
    /// Events that wait in the spool.
    pub spool: Gauge,
    started: Gauge,
    groups: Histogram,
    recording: Histogram,
    answering: Histogram,
}

impl Metrics {
    /// All at nothing; `started`: seconds since 1970.
    pub fn new(started: u64) -> Metrics {
        let seconds = || {
            Histogram::new([
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ])
        };
        let mut metrics = Metrics {
            registry: Registry::with_prefix("git_ledger_serve"),
            requests: Family::default(),
            events: Family::default(),
            conflicts: Family::default(),
            gaps: Family::default(),
            turned_away: Counter::default(),
            connections: Gauge::default(),
            queue: Gauge::default(),
            spool: Gauge::default(),
            started: Gauge::default(),
            groups: Histogram::new([
                1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
            ]),
            recording: seconds(),
            answering: seconds(),
        };
        metrics
            .started
            .set(i64::try_from(started).unwrap_or(i64::MAX));
        let registry = &mut metrics.registry;
        registry.register(
            "requests",
            "Requests by route and status",
            metrics.requests.clone(),
        );
        registry.register(
            "events",
            "Events by route and outcome",
            metrics.events.clone(),
        );
        registry.register(
            "delivery_conflicts",
            "Deliveries that came again under their id with another body",
            metrics.conflicts.clone(),
        );
        registry.register(
            "gaps",
            "Gaps that were recorded, by what counts",
            metrics.gaps.clone(),
        );
        registry.register(
            "turned_away",
            "Connections beyond what is allowed at a time",
            metrics.turned_away.clone(),
        );
        registry.register(
            "connections",
            "Connections that are open",
            metrics.connections.clone(),
        );
        registry.register(
            "queued_requests",
            "Requests that wait for the ledger",
            metrics.queue.clone(),
        );
        registry.register(
            "spooled_events",
            "Events that wait in the spool",
            metrics.spool.clone(),
        );
        registry.register_with_unit(
            "start_time",
            "When the server started, since 1970",
            Unit::Seconds,
            metrics.started.clone(),
        );
        registry.register(
            "group_events",
            "Events that were recorded together",
            metrics.groups.clone(),
        );
        registry.register_with_unit(
            "recording_duration",
            "How long it took to make a group durable",
            Unit::Seconds,
            metrics.recording.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From the head of a request to its answer",
            Unit::Seconds,
            metrics.answering.clone(),
        );
        metrics
    }

    /// A request was answered.
    pub fn answered(&self, route: &'static str, status: u16, took: Duration) {
        let status = u32::from(status);
        self.requests
            .get_or_create(&Request { route, status })
            .inc();
        self.answering.observe(took.as_secs_f64());
    }

    /// What became of an event.
    pub fn event(&self, route: &'static str, outcome: &Outcome) {
        let outcome = outcome.word();
        self.events.get_or_create(&Event { route, outcome }).inc();
    }

    /// A delivery came again under its id with another body.
    pub fn conflict(&self, route: &'static str) {
        self.conflicts.get_or_create(&Route { route }).inc();
    }

    /// A gap was recorded.
    pub fn gap(&self, how: &'static str) {
        self.gaps.get_or_create(&How { how }).inc();
    }

    /// A connection was turned away.
    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// So many events were made durable together.
    pub fn group(&self, events: usize, took: Duration) {
        self.groups.observe(events as f64);
        self.recording.observe(took.as_secs_f64());
    }

    /// All of it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // a string takes what it is given
        prometheus_text::encode(&mut text, &self.registry).ok();
        text
    }
}
