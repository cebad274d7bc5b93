//! A gap as an event: which counter, what is missing.

use crate::date::rfc3339;
use crate::event::{Event, EventFault, GAP, Pending};
use crate::json::{Object, Value};
use crate::merkle;

use super::step::{Counter, What};

/// Something that did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// Numbers, from the first to the last.
    Numbers {
        /// What counts.
        counter: Counter,
        /// The first that is missing.
        from: i64,
        /// The last.
        to: i64,
    },
    /// One or more pushes.
    Link {
        /// Which ref.
        counter: Counter,
        /// Where the last push that came left it.
        left: String,
        /// Where the next one that came found it.
        found: String,
    },
}

impl Gap {
    pub(super) fn numbers(counter: Counter, from: i64, to: i64) -> Gap {
        Gap::Numbers { counter, from, to }
    }

    pub(super) fn link(counter: Counter, left: String, found: String) -> Gap {
        Gap::Link {
            counter,
            left,
            found,
        }
    }

    /// What counts: `sequence`, `run_number` or `push`.
    pub fn how(&self) -> &'static str {
        let (Gap::Numbers { counter, .. } | Gap::Link { counter, .. }) = self;
        counter.what.word()
    }

    /// The event that records it; `now`: seconds since 1970.
    ///
    /// # Errors
    /// When it cannot stand in the record.
    pub fn pending(&self, now: u64) -> Result<Pending, EventFault> {
        let (counter, missing, subject) = match self {
            Gap::Numbers { counter, from, to } => {
                let missing = Object::new().with("from", *from).with("to", *to);
                let of = match counter.what {
                    What::Sequence => "sequence".to_owned(),
                    What::Run | What::Push => format!("runs of {}", counter.name),
                };
                let numbers = match from == to {
                    true => from.to_string(),
                    false => format!("{from} to {to}"),
                };
                (counter, missing, format!("{of}: {numbers}"))
            }
            Gap::Link {
                counter,
                left,
                found,
            } => {
                let missing = Object::new()
                    .with("left", left.as_str())
                    .with("found", found.as_str());
                (counter, missing, counter.name.clone())
            }
        };
        let mut data = Object::new().with("how", counter.what.word());
        if !counter.name.is_empty() {
            data.set("counter", counter.name.as_str());
        }
        data.set("missing", missing);
        let mut named = data.clone();
        named.set("source", counter.source.as_str());
        let id = merkle::hex(&merkle::sha256(
            Value::from(named).to_canonical().as_bytes(),
        ));
        let object = Object::new()
            .with("specversion", "1.0")
            .with("type", GAP)
            .with("id", format!("gap/{id}"))
            .with("source", counter.source.as_str())
            .with("subject", subject)
            .with("time", rfc3339(now))
            .with("data", data);
        Pending::new(Event::from_object(object)?)
    }
}
