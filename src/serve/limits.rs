//! How much anybody may take of a server: bytes, seconds, connections.

use std::time::Duration;

use crate::listener::Bounds;

/// The bounds of one server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one body. GitHub sends no more than 25 MiB.
    pub body: usize,
    /// Bytes of all bodies that are being received or wait for the ledger.
    pub in_flight: usize,
    /// Bytes of a request's head; never less than 8 KiB.
    pub head: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Until the head of a request is there, and how long a connection may idle.
    pub head_time: Duration,
    /// Until the body of a request is there.
    pub body_time: Duration,
    /// How long a request waits for the ledger.
    pub record_time: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Requests on one connection.
    pub requests: u32,
    /// How long a connection may last.
    pub connection_time: Duration,
    /// How long what is under way may take when the server is told to stop.
    pub stop_time: Duration,
    /// Requests that wait for the ledger.
    pub queue: usize,
    /// Events of one request.
    pub events: usize,
    /// Events that are recorded together.
    pub group_events: usize,
    /// Bytes of events and attachments that are recorded together.
    pub group_bytes: usize,
    /// How long the ledger waits for requests that are under way, to record them together.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body: 25 << 20,
            in_flight: 256 << 20,
            head: 16 << 10,
            headers: 64,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(20),
            record_time: Duration::from_secs(30),
            connections: 256,
            requests: 1000,
            connection_time: Duration::from_secs(300),
            stop_time: Duration::from_secs(30),
            queue: 1024,
            events: 1000,
            group_events: 1000,
            group_bytes: 32 << 20,
            linger: Duration::from_millis(2),
        }
    }
}

impl Limits {
    /// Those of the connections.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            head: self.head,
            headers: self.headers,
            head_time: self.head_time,
            connections: self.connections,
            requests: self.requests,
            connection_time: self.connection_time,
            last_time: self.body_time + self.record_time,
            stop_time: self.stop_time,
        }
    }
}
