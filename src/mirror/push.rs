//! Sends the ledger to its mirrors: only what the copy in hand has, compared before and after,
//! never forced, and read back.

use std::time::Instant;

use gix::ObjectId;

use crate::finding::Answer;
use crate::git::{PushOutcome, RemoteUrl, Store, Transport, TransportError};
use crate::ledger::LedgerError;

use super::compare::State;
use super::{Copy, Named, Remote, Survey, in_parallel};

/// What to do about a remote that lost entries it was seen to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// Leave it as it is, so that somebody looks.
    AsItIs,
    /// Bring the entries back; only for a person who says so.
    Restored,
}

/// What became of sending to one remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It had everything.
    Had,
    /// It holds the newest entry now.
    Took,
    /// Its state forbids to send anything.
    Barred,
    /// It refused; in its words.
    Refused(String),
    /// It said that it took the entries, and does not show them.
    NotStored,
    /// It gave no answer that could be used.
    Unanswered(String),
}

impl Delivery {
    /// The word used in every output.
    pub fn word(&self) -> &'static str {
        match self {
            Delivery::Had => "up to date",
            Delivery::Took => "pushed",
            Delivery::Barred => "not pushed",
            Delivery::Refused(_) => "refused",
            Delivery::NotStored => "not stored",
            Delivery::Unanswered(_) => "silent",
        }
    }
}

/// What was sent to one remote.
#[derive(Debug, Clone)]
pub struct Sent {
    /// How the remote stood before.
    pub before: Copy,
    /// How it stands now; as before when nothing was sent.
    pub after: Copy,
    /// What became of it.
    pub delivery: Delivery,
}

impl Sent {
    /// Sound when the remote holds the newest entry, or more.
    pub fn answer(&self) -> Answer {
        let delivered = match self.delivery {
            Delivery::Had | Delivery::Took => Answer::Sound,
            Delivery::Unanswered(_) => Answer::Unknown,
            Delivery::Barred | Delivery::Refused(_) | Delivery::NotStored => Answer::Breach,
        };
        delivered.max(self.after.answer())
    }
}

/// Sends the copy in hand to all these remotes at once.
///
/// # Errors
/// When the copy in hand cannot be read, or there is none.
pub fn push(
    survey: &Survey<'_>,
    remotes: &[Remote],
    toward: Toward,
) -> Result<Vec<Sent>, LedgerError> {
    let here = survey
        .here()?
        .ok_or_else(|| LedgerError::Absent(survey.ledger.reference().to_owned()))?;
    Ok(in_parallel(remotes, |remote| {
        one(survey, remote, &here, toward)
    }))
}

fn one(survey: &Survey<'_>, remote: &Remote, here: &Named, toward: Toward) -> Sent {
    let url = &remote.push_url;
    let before = survey.ask(remote, url, Some(here));
    let lost = matches!(before.state, State::RolledBack(_) | State::Removed(_));
    let stop = match before.state {
        State::Level | State::Ahead(_) if before.is_honest() => Some(Delivery::Had),
        State::Behind(_) | State::Missing => None,
        _ if lost && toward == Toward::Restored => None,
        State::Silent => Some(Delivery::Unanswered(before.why.clone().unwrap_or_default())),
        _ => Some(Delivery::Barred),
    };
    if let Some(delivery) = stop {
        let after = before.clone();
        return Sent {
            before,
            after,
            delivery,
        };
    }
    let reference = survey.reference;
    let pushed = survey
        .ledger
        .repository()
        .transport(&survey.room(&remote.name).join("send"), Store::Main)
        .and_then(|transport| transport.push(url, here.commit, reference, survey.deadline));
    // whatever it said: only what it shows now counts
    let after = survey.ask(remote, url, Some(here));
    let newest = after.newest.as_ref().map(|newest| newest.commit);
    let holds = newest == Some(here.commit) || matches!(after.state, State::Ahead(_));
    let delivery = match (pushed, after.state) {
        _ if holds => Delivery::Took,
        (_, State::Forked(_) | State::Stray(_) | State::Twin(_) | State::Unrelated) => {
            Delivery::Barred
        }
        (Ok(PushOutcome::Done), State::Silent) => {
            let why = after.why.clone().unwrap_or_default();
            Delivery::Unanswered(format!("it says it took them, and then: {why}"))
        }
        (Ok(PushOutcome::Done), _) => Delivery::NotStored,
        (Ok(PushOutcome::Refused(words)), _) => Delivery::Refused(words),
        (Err(why), _) => Delivery::Unanswered(why.to_string()),
    };
    Sent {
        before,
        after,
        delivery,
    }
}

/// Sends one commit to a remote whose history cannot be compared here because this clone holds
/// only the newest entries. Git itself refuses whatever is no fast-forward.
///
/// # Errors
/// When the remote could not be asked or reached.
pub fn deliver(
    transport: &Transport,
    url: &RemoteUrl,
    commit: ObjectId,
    reference: &str,
    deadline: Instant,
) -> Result<Delivery, TransportError> {
    let pushed = transport.push(url, commit, reference, deadline);
    let shown = transport.ls_ref(url, reference, deadline)?;
    Ok(match pushed {
        _ if shown == Some(commit) => Delivery::Took,
        Ok(PushOutcome::Done) => Delivery::NotStored,
        Ok(PushOutcome::Refused(words)) => Delivery::Refused(words),
        Err(why) => Delivery::Unanswered(why.to_string()),
    })
}
