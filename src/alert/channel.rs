//! Where alerts go, and those that have not arrived yet.

use crate::json::{Object, Value};
use crate::merkle;

use super::{Alert, Program, Webhook};

/// The first pause after an alert was not taken, and the longest, in seconds.
const FIRST: u64 = 10;
const LONGEST: u64 = 3600;

/// A way to somebody.
#[derive(Debug, Clone)]
pub enum Channel {
    /// A line on standard error.
    Stderr,
    /// A program of the user's.
    Command(Program),
    /// A POST to an address.
    Webhook(Box<Webhook>),
    /// An annotation in the log of a workflow of GitHub's, and a line in its summary.
    Github,
    /// The journal of systemd.
    Journal,
}

impl Channel {
    /// The word used in every output.
    pub fn word(&self) -> &'static str {
        match self {
            Channel::Stderr => "stderr",
            Channel::Command(_) => "command",
            Channel::Webhook(_) => "webhook",
            Channel::Github => "github",
            Channel::Journal => "journald",
        }
    }

    /// What tells this channel from others, so that what waits for it finds it again. It holds
    /// nothing of an address, which may be a secret.
    pub fn key(&self) -> String {
        let what = match self {
            Channel::Command(program) => program.words().join("\0"),
            Channel::Webhook(webhook) => webhook.url(),
            Channel::Stderr | Channel::Github | Channel::Journal => return self.word().to_owned(),
        };
        let digest = merkle::hex(&merkle::sha256(what.as_bytes()));
        format!("{}-{}", self.word(), digest.get(..16).unwrap_or_default())
    }
}

/// An alert that a channel has not taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The alert.
    pub alert: Alert,
    /// [`Channel::key`] of the channel.
    pub channel: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again, in seconds since 1970.
    pub next: u64,
}

impl Undelivered {
    /// One that was not tried yet.
    pub fn new(alert: Alert, channel: String) -> Undelivered {
        Undelivered {
            alert,
            channel,
            tries: 0,
            next: 0,
        }
    }

    /// It was not taken at this time.
    pub fn failed(&mut self, now: u64) {
        let doubled = FIRST.saturating_mul(1u64.checked_shl(self.tries).unwrap_or(u64::MAX));
        self.tries = self.tries.saturating_add(1);
        self.next = now.saturating_add(doubled.min(LONGEST));
    }

    /// As it is kept.
    pub fn stored(&self) -> Object {
        Object::new()
            .with("alert", self.alert.stored())
            .with("channel", self.channel.as_str())
            .with("tries", i64::from(self.tries))
            .with("next", super::integer(self.next))
    }

    /// Reads what [`Undelivered::stored`] wrote; `name` as in [`Alert::from_stored`].
    pub fn from_stored(
        object: &Object,
        name: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Option<Undelivered> {
        let count = |member: &str| object.get(member).and_then(Value::as_integer);
        Some(Undelivered {
            alert: Alert::from_stored(object.get("alert")?.as_object()?, name)?,
            channel: object.get("channel")?.as_str()?.to_owned(),
            tries: count("tries").and_then(|tries| u32::try_from(tries).ok())?,
            next: count("next").and_then(|next| u64::try_from(next).ok())?,
        })
    }
}
