//! One thread between all requests and the ledger: what waits is recorded together, in one
//! durable step, and each request is answered only then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::metrics::Metrics;
use super::{Host, Limits, Outcome, Recorder};
use super::{Level, Line};
use crate::continuity::{Continuity, Gap};
use crate::event::Pending;

/// How often what waits in the spool is tried again.
const DRAIN: Duration = Duration::from_secs(60);
/// How often gaps are looked for that have become due.
const LOOK: Duration = Duration::from_secs(1);
/// How long an answer holds to whether the ledger can be written: asking costs a write.
const TRIED: Duration = Duration::from_secs(1);
/// Entries of the ledger from which the counters are learnt, at the start.
pub const HISTORY: usize = 50_000;

/// What a request asks of the ledger.
enum Work {
    Record(Batch),
    /// Whether it could record now.
    Ready(oneshot::Sender<Result<(), String>>),
}

/// The events of one request.
struct Batch {
    route: &'static str,
    events: Vec<Pending>,
    answer: oneshot::Sender<Vec<Outcome>>,
}

/// The requests' side.
#[derive(Clone)]
pub struct Desk {
    queue: Sender<Work>,
    /// Requests that are under way and may come to the desk.
    coming: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

/// A request that may come to the desk, until it is dropped.
pub struct Coming(Arc<AtomicUsize>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The queue is full, or there is no more ledger behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Desk {
    /// Says that a request is under way: the ledger waits a moment for it.
    pub fn coming(&self) -> Coming {
        self.coming.fetch_add(1, Ordering::Relaxed);
        Coming(Arc::clone(&self.coming))
    }

    /// Hands over the events of one request; what becomes of each is told when it is durable.
    ///
    /// # Errors
    /// [`Full`]: nothing was handed over.
    pub fn record(
        &self,
        route: &'static str,
        events: Vec<Pending>,
    ) -> Result<oneshot::Receiver<Vec<Outcome>>, Full> {
        let (answer, told) = oneshot::channel();
        self.metrics.queue.inc();
        let batch = Batch {
            route,
            events,
            answer,
        };
        match self.queue.try_send(Work::Record(batch)) {
            Ok(()) => Ok(told),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.metrics.queue.dec();
                Err(Full)
            }
        }
    }

    /// Asks whether the ledger could record now.
    ///
    /// # Errors
    /// [`Full`]: it could not be asked.
    pub fn ready(&self) -> Result<oneshot::Receiver<Result<(), String>>, Full> {
        let (answer, told) = oneshot::channel();
        let sent = self.queue.try_send(Work::Ready(answer));
        sent.map(|()| told).map_err(|_| Full)
    }
}

/// The ledger's side.
pub struct Committer<'a> {
    queue: Receiver<Work>,
    coming: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    limits: Limits,
    host: Arc<dyn Host>,
    recorder: &'a mut dyn Recorder,
    continuity: Continuity,
    drained: Option<Instant>,
    looked: Instant,
    /// When it was tried last whether the ledger can be written, and what came of it.
    tried: Option<(Instant, Result<(), String>)>,
}

/// Both sides.
pub fn pair<'a>(
    limits: &Limits,
    host: Arc<dyn Host>,
    metrics: Arc<Metrics>,
    continuity: Continuity,
    recorder: &'a mut dyn Recorder,
) -> (Desk, Committer<'a>) {
    let (queue, receiver) = bounded(limits.queue.max(1));
    let coming = Arc::<AtomicUsize>::default();
    let desk = Desk {
        queue,
        coming: Arc::clone(&coming),
        metrics: Arc::clone(&metrics),
    };
    let committer = Committer {
        queue: receiver,
        coming,
        metrics,
        limits: limits.clone(),
        host,
        recorder,
        continuity,
        drained: None,
        looked: Instant::now(),
        tried: None,
    };
    (desk, committer)
}

impl Committer<'_> {
    /// Works until the last desk is gone and all that was handed over is answered.
    pub fn run(mut self) {
        loop {
            self.rounds();
            match self.queue.recv_timeout(LOOK) {
                Ok(work) => self.serve(work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.drain();
    }

    /// What is done now and then: the spool, and gaps that have become due.
    fn rounds(&mut self) {
        let due = self.drained.is_none_or(|at| at.elapsed() >= DRAIN);
        if due {
            self.drain();
        }
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            let gaps = self.continuity.due(self.host.now());
            if !gaps.is_empty() {
                self.gaps(&gaps);
            }
        }
    }

    fn drain(&mut self) {
        self.drained = Some(Instant::now());
        match self.recorder.drain() {
            Ok(0) => {}
            Ok(events) => self
                .host
                .tell(&Line::new(Level::Note, "drained").with("events", &events.to_string())),
            Err(why) => {
                self.host
                    .tell(&Line::new(Level::Warning, "spool-waits").with("why", &why));
            }
        }
        self.count_spool();
    }

    fn count_spool(&self) {
        let waiting = i64::try_from(self.recorder.waiting()).unwrap_or(i64::MAX);
        self.metrics.spool.set(waiting);
    }

    /// Takes what waits beside the first, up to the bounds of a group, and records it.
    fn serve(&mut self, first: Work) {
        let (mut group, mut asked) = (Vec::new(), Vec::new());
        let (mut events, mut bytes) = (0, 0);
        let until = Instant::now() + self.limits.linger;
        let mut next = Some(first);
        loop {
            match next.take() {
                Some(Work::Ready(answer)) => asked.push(answer),
                Some(Work::Record(batch)) => {
                    self.metrics.queue.dec();
                    events += batch.events.len();
                    bytes += batch.events.iter().map(size).sum::<usize>();
                    group.push(batch);
                }
                None => break,
            }
            if events >= self.limits.group_events || bytes >= self.limits.group_bytes {
                break;
            }
            next = self.queue.try_recv().ok();
            // those whose bodies are coming in may as well be in it
            if next.is_none() && self.coming.load(Ordering::Relaxed) > group.len() {
                let left = until.saturating_duration_since(Instant::now());
                next = self.queue.recv_timeout(left).ok();
            }
        }
        if !group.is_empty() {
            self.record(group);
        }
        if !asked.is_empty() {
            let ready = match &self.tried {
                Some((at, ready)) if at.elapsed() < TRIED => ready.clone(),
                _ => {
                    let ready = self.recorder.ready();
                    self.tried = Some((Instant::now(), ready.clone()));
                    ready
                }
            };
            for answer in asked {
                // who does not wait any more needs no answer
                answer.send(ready.clone()).ok();
            }
        }
    }

    fn record(&mut self, mut group: Vec<Batch>) {
        let counts: Vec<usize> = group.iter().map(|batch| batch.events.len()).collect();
        let events: Vec<Pending> = group
            .iter_mut()
            .flat_map(|batch| std::mem::take(&mut batch.events))
            .collect();
        let mut outcomes = self.commit(&events).into_iter();
        for (batch, count) in group.into_iter().zip(counts) {
            let missing = || Outcome::Failed("no answer from the ledger".to_owned());
            let mine: Vec<Outcome> = (0..count)
                .map(|_| outcomes.next().unwrap_or_else(missing))
                .collect();
            for outcome in &mine {
                self.metrics.event(batch.route, outcome);
            }
            batch.answer.send(mine).ok();
        }
    }

    /// Records events that came together, and learns from those that are new.
    fn commit(&mut self, events: &[Pending]) -> Vec<Outcome> {
        let began = Instant::now();
        let outcomes = self.recorder.record(events);
        self.metrics.group(events.len(), began.elapsed());
        let now = self.host.now();
        let mut told = None;
        for (pending, outcome) in events.iter().zip(&outcomes) {
            match outcome {
                Outcome::Recorded(_) => self.continuity.observe(&pending.event, now),
                Outcome::Failed(why) => told = Some(("not-recorded", why)),
                Outcome::Refused(why) => told = Some(("refused-by-ledger", why)),
                Outcome::Spooled | Outcome::Duplicate(_) | Outcome::Conflict(_) => {}
            }
        }
        if let Some((what, why)) = told {
            self.host
                .tell(&Line::new(Level::Warning, what).with("why", why));
        }
        if outcomes.contains(&Outcome::Spooled) {
            self.count_spool();
            self.host.tell(&Line::new(Level::Warning, "spooled"));
        }
        outcomes
    }

    fn gaps(&mut self, gaps: &[Gap]) {
        let now = self.host.now();
        let mut events = Vec::new();
        for gap in gaps {
            match gap.pending(now) {
                Ok(pending) => events.push((gap, pending)),
                Err(why) => self.host.tell(
                    &Line::new(Level::Warning, "gap-not-recorded").with("why", &why.to_string()),
                ),
            }
        }
        let pending: Vec<Pending> = events.iter().map(|(_, pending)| pending.clone()).collect();
        let outcomes = self.commit(&pending);
        for ((gap, pending), outcome) in events.iter().zip(&outcomes) {
            match outcome {
                Outcome::Failed(_) => self.continuity.again(gap),
                Outcome::Recorded(_) | Outcome::Spooled => {
                    self.metrics.gap(gap.how());
                    self.host.tell(
                        &Line::new(Level::Warning, "gap")
                            .with("source", pending.event.source())
                            .with("subject", pending.event.subject().unwrap_or_default()),
                    );
                }
                Outcome::Duplicate(_) | Outcome::Conflict(_) | Outcome::Refused(_) => {}
            }
            self.metrics.event("continuity", outcome);
        }
    }
}

fn size(pending: &Pending) -> usize {
    let body = pending.body.as_ref().map_or(0, Vec::len);
    body + pending.event.to_line().len()
}
