//! What a watch found, in the text format of Prometheus.
//!
//! Labels are names of remotes and of findings: a bounded number, and none that an entry chooses.

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

use crate::finding::Answer;

/// The type of what [`Figures::text`] gives.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// One remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Sound, unknown or breach.
    pub answer: Answer,
    /// The number of its newest entry.
    pub newest: Option<u64>,
    /// When it last showed an honest copy, in seconds since 1970.
    pub seen: Option<u64>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// What the ledger is called in the configuration.
    pub ledger: String,
    /// Sound, unknown or breach, all together.
    pub answer: Answer,
    /// How many entries there are here.
    pub entries: Option<u64>,
    /// T of the newest one, in seconds since 1970.
    pub newest: Option<u64>,
    /// T of the newest entry that two independent remotes hold.
    pub window: Option<u64>,
    /// Findings by name.
    pub findings: Vec<(&'static str, u64)>,
    /// The remotes that were asked.
    pub remotes: Vec<Remote>,
    /// When the last look was, in seconds since 1970.
    pub last: u64,
    /// When the last look was that could be done.
    pub last_done: Option<u64>,
    /// When everything was read for the last time.
    pub last_full: Option<u64>,
    /// How long the last look took, in seconds.
    pub took: f64,
    /// Looks so far.
    pub runs: u64,
    /// Alerts that were delivered.
    pub sent: u64,
    /// Deliveries that failed.
    pub failed: u64,
    /// Alerts that were dropped.
    pub dropped: u64,
    /// Alerts that wait.
    pub waiting: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    finding: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    remote: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    answer: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateAt {
    remote: String,
    answer: &'static str,
}

const ANSWERS: [Answer; 3] = [Answer::Sound, Answer::Unknown, Answer::Breach];

impl Figures {
    /// The text.
    pub fn text(&self) -> String {
        let label = ("ledger".into(), self.ledger.clone().into());
        let mut registry = Registry::with_prefix_and_labels("git_ledger", [label].into_iter());
        self.ledger_in(&mut registry);
        self.remotes_in(&mut registry);
        self.watch_in(registry.sub_registry_with_prefix("watch"));
        let mut text = String::new();
        // writing into a string does not fail
        prometheus_text::encode(&mut text, &registry).ok();
        text
    }

    fn ledger_in(&self, registry: &mut Registry) {
        let answers = Family::<State, Gauge>::default();
        for answer in ANSWERS {
            let state = State {
                answer: answer.word(),
            };
            answers
                .get_or_create(&state)
                .set(i64::from(answer == self.answer));
        }
        registry.register("answer", "1 for the answer of the last look", answers);
        let findings = Family::<Named, Gauge>::default();
        for (finding, count) in &self.findings {
            findings.get_or_create(&Named { finding }).set(int(*count));
        }
        registry.register("findings", "Findings of the last look by name", findings);
        if let Some(entries) = self.entries {
            gauge(registry, "entries", "Entries here", int(entries));
        }
        for (name, help, time) in [
            (
                "newest_entry_time",
                "When the newest entry here is dated",
                self.newest,
            ),
            (
                "window_time",
                "When the newest entry is dated that two independent remotes hold",
                self.window,
            ),
        ] {
            if let Some(time) = time {
                seconds(registry, name, help, int(time));
            }
        }
    }

    fn remotes_in(&self, registry: &mut Registry) {
        let answers = Family::<StateAt, Gauge>::default();
        let newest = Family::<At, Gauge>::default();
        let seen = Family::<At, Gauge>::default();
        for remote in &self.remotes {
            let at = At {
                remote: crate::escape::printable(&remote.name),
            };
            for answer in ANSWERS {
                let state = StateAt {
                    remote: at.remote.clone(),
                    answer: answer.word(),
                };
                answers
                    .get_or_create(&state)
                    .set(i64::from(answer == remote.answer));
            }
            if let Some(number) = remote.newest {
                newest.get_or_create(&at).set(int(number));
            }
            if let Some(time) = remote.seen {
                seen.get_or_create(&at).set(int(time));
            }
        }
        registry.register(
            "remote_answer",
            "1 for the answer about each remote",
            answers,
        );
        registry.register(
            "remote_newest_entry",
            "The number of the newest entry at each remote",
            newest,
        );
        registry.register_with_unit(
            "remote_seen_time",
            "When each remote last showed an honest copy",
            Unit::Seconds,
            seen,
        );
    }

    fn watch_in(&self, registry: &mut Registry) {
        for (name, help, count) in [
            ("runs", "Looks at the ledger", self.runs),
            ("alerts_sent", "Alerts that were delivered", self.sent),
            ("alerts_failed", "Deliveries that failed", self.failed),
            ("alerts_dropped", "Alerts that were dropped", self.dropped),
        ] {
            registry.register(name, help, ConstCounter::new(count));
        }
        gauge(
            registry,
            "alerts_waiting",
            "Alerts that wait for delivery",
            int(self.waiting),
        );
        let times = [
            ("last_time", "When the last look was", Some(self.last)),
            (
                "last_success_time",
                "When the last look was that could be done",
                self.last_done,
            ),
            (
                "last_full_time",
                "When everything was read for the last time",
                self.last_full,
            ),
        ];
        for (name, help, time) in times {
            if let Some(time) = time {
                seconds(registry, name, help, int(time));
            }
        }
        registry.register_with_unit(
            "last_duration",
            "How long the last look took",
            Unit::Seconds,
            ConstGauge::new(self.took),
        );
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn seconds(registry: &mut Registry, name: &str, help: &str, value: i64) {
    registry.register_with_unit(name, help, Unit::Seconds, ConstGauge::new(value));
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
