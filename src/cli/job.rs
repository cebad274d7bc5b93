//! One append with its surroundings: the key, the primary, the further remotes, the answer.

use git_ledger::append::{AppendError, Appender, Next, Primary, Recorded, Repeats};
use git_ledger::commit::Link;
use git_ledger::escape::printable;
use git_ledger::finding::FindingId;
use git_ledger::git::FileLock;
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Ledger;
use git_ledger::marks::Mark;
use git_ledger::merkle::hex;
use git_ledger::mirror::{self, Delivery, Toward};
use git_ledger::report::mirrors::one_line;
use git_ledger::report::verdict::number;

use super::context::{Context, Opened, deadline};
use super::failure::{Exit, Failure};
use super::{summary, terminal};

/// One append with its surroundings.
pub struct Job<'a> {
    pub context: &'a Context,
    pub opened: &'a Opened,
    pub key: Option<&'a str>,
    pub timeout: u64,
    /// Remotes, the first of which decides; none: the local branch decides.
    pub push: &'a [String],
}

impl Job<'_> {
    /// Appends; what is returned is durable.
    pub fn append(&self, next: &Next<'_>, repeats: Repeats) -> Result<Vec<Recorded>, Failure> {
        // a misspelled remote is told before anything is recorded
        for name in self.push {
            self.opened.remote(name)?;
        }
        self.with(|appender, opened| {
            let recorded = appender.append(next, repeats)?;
            if let (Some(first), Some(last)) = (self.push.first(), recorded.last()) {
                let mark = Mark::of(&last.link, (appender.clock)());
                // the events are recorded, whatever becomes of the mark
                if let Err(why) = opened.marks().raise(Some(first), &mark) {
                    let why = printable(&why.to_string());
                    terminal::tell(&format!("warning: recorded, but {why}"));
                }
            }
            summary::recorded(self.context, &recorded);
            Ok(recorded)
        })
    }

    /// Looks back from where the next entry would stand; see [`Appender::look_back`].
    pub fn look_back<T>(
        &self,
        read: impl FnMut(&Ledger, &Link) -> Option<T>,
    ) -> Result<Option<(Link, T)>, Failure> {
        for name in self.push {
            self.opened.remote(name)?;
        }
        self.with(|appender, _| Ok(appender.look_back(read)?))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Appender<'_>, &Opened) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let opened = self.opened;
        let signer = self
            .context
            .signer(&opened.config, &opened.settings.name, self.key)?;
        let primary = self
            .push
            .first()
            .map(|name| opened.primary(name))
            .transpose()?;
        let (primary, ledger) = match primary {
            Some((primary, ledger)) => (Some(primary), ledger),
            None => (None, opened.ledger.clone()),
        };
        self.context.clock()?;
        let clock = || self.context.clock().unwrap_or_default();
        let deadline = deadline(self.timeout);
        let appender = Appender {
            ledger: &ledger,
            signer: &signer,
            primary: primary.as_ref(),
            clock: &clock,
            deadline,
        };
        work(&appender, opened)
    }

    /// Whether these could be recorded now: key, policy and tip, then the lock and the disk.
    pub fn try_out(&self, next: &Next<'_>) -> Result<(), Failure> {
        self.with(|appender, _| {
            match appender.rehearse(next) {
                // the key may record other types than this one
                Err(AppendError::Refused(finding)) if finding.id == FindingId::SignerType => {}
                rehearsed => {
                    rehearsed?;
                }
            }
            let state = appender.ledger.state_dir();
            git_ledger::durable::create_dir_all(&state)?;
            let _lock = FileLock::acquire(&state.join("lock"), appender.deadline)?;
            let trial = state.join("trial");
            git_ledger::durable::write(&trial, b"")?;
            Ok(git_ledger::durable::remove(&trial)?)
        })
    }

    /// Shows what would be written.
    pub fn rehearse(&self, next: &Next<'_>, json: bool) -> Result<Exit, Failure> {
        let links = self.with(|appender, _| Ok(appender.rehearse(next)?))?;
        let text: String = links
            .iter()
            .map(|link| {
                if json {
                    recorded_json(link, "dry-run").to_canonical() + "\n"
                } else {
                    format!(
                        "would record {}\n{}\n",
                        printable(&link.entry.subject()),
                        indent(&link.entry.message())
                    )
                }
            })
            .collect();
        terminal::answer(&text, Exit::Done)
    }

    /// What follows the answer: the new entries go to the remotes after the first, which has them,
    /// and loose ones into packs when it is time. The event is recorded whatever becomes of this: a
    /// remote that does not take it now is behind.
    pub fn mirror(&self, recorded: &[Recorded]) -> Result<Exit, Failure> {
        let mirrored = self.to_the_others(recorded);
        if let Some(newest) = recorded.last() {
            super::fold::after(self.opened, &newest.link);
        }
        mirrored
    }

    fn to_the_others(&self, recorded: &[Recorded]) -> Result<Exit, Failure> {
        let (Some(newest), Some((_, others))) = (recorded.last(), self.push.split_first()) else {
            return Ok(Exit::Done);
        };
        if others.is_empty() {
            return Ok(Exit::Done);
        }
        let pending = self.spread(others, &newest.link).unwrap_or_else(|failure| {
            let all = others
                .iter()
                .map(|name| (name.clone(), failure.message.clone()));
            all.collect()
        });
        let number = newest.link.entry.number();
        for (name, why) in &pending {
            terminal::tell(&format!(
                "warning: '{}' does not have entry {number} yet: {}",
                printable(name),
                printable(&one_line(why))
            ));
        }
        if !pending.is_empty() {
            let names: Vec<&str> = pending.iter().map(|(name, _)| name.as_str()).collect();
            terminal::hint(&format!(
                "the event is recorded; later: git ledger mirror push {}",
                printable(&names.join(" "))
            ));
        }
        Ok(Exit::Done)
    }

    /// The remotes that did not take the newest entry, and why.
    fn spread(&self, others: &[String], newest: &Link) -> Result<Vec<(String, String)>, Failure> {
        let mut pending: Vec<(String, String)> = Vec::new();
        if self.opened.ledger.tip_id()?.is_some() {
            let remotes = super::mirror::remotes(self.opened, others)?;
            let marks = self.opened.marks();
            let survey = super::mirror::survey(self.context, self.opened, &marks, self.timeout)?;
            for sent in mirror::push(&survey, &remotes, Toward::AsItIs)? {
                if !matches!(sent.delivery, Delivery::Had | Delivery::Took) {
                    let why = delivered(&sent.delivery, sent.after.state.word());
                    pending.push((sent.after.remote.name, why));
                }
            }
            return Ok(pending);
        }
        let primary = self.push.first().map(String::as_str).unwrap_or_default();
        let (primary, ledger) = self.opened.primary(primary)?;
        for name in others {
            if let Some(why) = self.send(&primary, &ledger, name, newest)? {
                pending.push((name.clone(), why));
            }
        }
        Ok(pending)
    }

    /// Sends one entry from a clone that holds only the newest; why it did not arrive.
    fn send(
        &self,
        primary: &Primary,
        ledger: &Ledger,
        name: &str,
        link: &Link,
    ) -> Result<Option<String>, Failure> {
        let url = self.opened.remote(name)?;
        let sent = mirror::deliver(
            &primary.transport,
            &url,
            link.id,
            ledger.reference(),
            deadline(self.timeout),
        );
        match sent {
            Ok(Delivery::Took) => {
                let mark = Mark::of(link, self.context.clock()?);
                let raised = self.opened.marks().raise(Some(name), &mark);
                raised.map_err(|why| Failure::cannot(why.to_string()))?;
                Ok(None)
            }
            Ok(other) => Ok(Some(delivered(&other, "it is not where it was left"))),
            Err(why) => Ok(Some(why.to_string())),
        }
    }
}

/// Why a remote did not take an entry.
fn delivered(delivery: &Delivery, state: &str) -> String {
    match delivery {
        Delivery::Refused(words) => format!("it refuses: {words}"),
        Delivery::Unanswered(why) => why.clone(),
        Delivery::NotStored => "it says it took it, and does not show it".to_owned(),
        Delivery::Barred | Delivery::Had | Delivery::Took => state.to_owned(),
    }
}

fn indent(message: &str) -> String {
    message
        .lines()
        .map(|line| format!("    {}\n", printable(line)))
        .collect()
}

/// Prints what was recorded.
pub fn show(recorded: &[Recorded], json: bool) -> Result<(), Failure> {
    let mut text = String::new();
    for Recorded { link, earlier } in recorded {
        if json {
            text += &(recorded_json(
                link,
                if *earlier {
                    "already-recorded"
                } else {
                    "recorded"
                },
            )
            .to_canonical()
                + "\n");
        } else {
            let what = if *earlier {
                "already recorded"
            } else {
                "recorded"
            };
            text += &format!("{what} {}\n", printable(&link.entry.subject()));
            text += &format!(
                "  digest sha256:{}\n  commit {}\n",
                hex(&link.digest()),
                link.id
            );
        }
    }
    terminal::print(&text)
}

fn recorded_json(link: &git_ledger::commit::Link, status: &str) -> Value {
    let events = link.entry.events.iter().map(|event| {
        Value::from(
            Object::new()
                .with("source", event.source())
                .with("id", event.id()),
        )
    });
    Object::new()
        .with("status", status)
        .with("number", number(link.entry.number()))
        .with("digest", format!("sha256:{}", hex(&link.digest())))
        .with("commit", link.id.to_string())
        .with("events", events.collect::<Vec<_>>())
        .into()
}
