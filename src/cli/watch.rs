//! `git ledger watch`: looks at the ledger and its copies again and again, and tells what is new.

mod channels;
mod keep;
mod look;
mod record;
mod serve;
mod tell;
mod unit;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use git_ledger::finding::Answer;
use git_ledger::watch::{Rules, Schedule, jittered};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::recording::remotes;
use super::{compare, date, mirror, terminal};
use channels::Channels;
use keep::Keeper;
use look::look;
use serve::Metrics;

/// Look at the ledger and its copies again and again, and tell what is new
///
/// Each look verifies what is new (everything once a day), asks the mirrors, judges how fresh it all
/// is and, with --reconcile, compares the refs with the record. What was not there at the last look
/// is told: on standard error, or through each --alert. It is told again after a day if it is still
/// there, and once more when it is gone. A remote that gives no answer is told when it has given
/// none for an hour. What is known between two looks is kept in your own state directory
/// ($XDG_STATE_HOME/git-ledger, else ~/.local/state/git-ledger), so that a restart neither repeats nor
/// forgets; an alert that could not be delivered is kept there and tried again.
///
/// Let it run on another machine than the one it watches, with a clone and a fingerprint of its own:
/// who owns a machine owns every watch on it.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Time between two looks, such as 90s or 1h [default: 5min]
    #[arg(long, value_name = "DURATION", value_parser = date::parse_span)]
    every: Option<u64>,
    /// Look once, for cron and timers; the exit status is the answer
    #[arg(long)]
    once: bool,
    /// Ask these remotes [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 1..)]
    remotes: Vec<String>,
    /// Ask no remote
    #[arg(long, conflicts_with = "remotes")]
    no_remotes: bool,
    /// Compare the refs with the record, too, and record what no hook saw
    #[arg(long)]
    reconcile: bool,
    /// Where to: stderr, command=PROGRAM ARGUMENTS…, webhook=URL, github or journald; may be given
    /// several times [default: ledger.<name>.alert of your own configuration, else stderr]
    #[arg(long, value_name = "CHANNEL")]
    alert: Vec<String>,
    /// Sign webhooks with the secret in this file, or env:NAME; whsec_ and base64, as 'git ledger serve'
    /// takes it [default: ledger.<name>.alertSecret of your own configuration]
    #[arg(long, value_name = "WHERE")]
    alert_secret: Option<String>,
    /// How long one delivery may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=600))]
    alert_timeout: u64,
    /// Tell again what is still there after so long
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = date::parse_span)]
    remind: u64,
    /// Tell of remotes without an answer, and of looks that could not be done, after so long
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = date::parse_span)]
    unknown_after: u64,
    /// Read everything again after so long, not only what is new
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = date::parse_span)]
    full_every: u64,
    #[command(flatten)]
    limits: compare::Asked,
    /// Record breaches at remotes as dev.git-ledger.tamper.found, with a key of an auditor or admin
    #[arg(long)]
    record: bool,
    /// Push what is recorded to remotes, the first of which decides
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    push: Option<Vec<String>>,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Serve /metrics (Prometheus) and /healthz here
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "once")]
    listen: Option<SocketAddr>,
    /// Listen on another interface than loopback, without TLS
    #[arg(long, requires = "listen")]
    public: bool,
    /// Write the metrics into this file after each look, for node_exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
    /// Wait for remotes this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Look once and tell what would be told; send, record and remember nothing
    #[arg(long)]
    dry_run: bool,
    /// Print a unit for systemd, its timer, or a line for cron, for this repository, and end
    #[arg(long, value_enum, value_name = "KIND")]
    print_unit: Option<unit::Kind>,
    /// Print one JSON object for each look
    #[arg(long)]
    json: bool,
    /// Print nothing about looks that found nothing new
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

const AFTER_HELP: &str = "\
Exit status with --once: 0 sound; 1 breach; 2 could not tell, or an alert could not be delivered; \
128 could not run, as when another watch of this ledger runs; 129 usage. Without --once it runs until \
SIGTERM or SIGINT, finishes the look that is under way, and ends with 0; a second signal ends it at \
once.

A program is started without a shell, in /, with the alert as JSON on standard input and in its environment \
GIT_LEDGER_ALERT_ID, _KIND (found, still, gone, notice), _SEVERITY, _FINDING, _ENTRY and _SINCE. \
Programs, addresses and secrets are taken from the command line and your own configuration, never \
from the repository's. A webhook is a POST of a CloudEvent; 'git ledger serve' takes it at /events.";

/// Runs `git ledger watch`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    if let Some(kind) = args.print_unit {
        return unit::print(context, args, kind);
    }
    check(context, args)?;
    let channels = Channels::new(context, args)?;
    if args.dry_run {
        let mut watch = Watch::new(context, args, channels, Keeper::aside(context)?)?;
        return watch.look().map(|answer| watch.exit(answer));
    }
    let mut watch = Watch::new(context, args, channels, Keeper::open(context)?)?;
    if args.once {
        return watch.look().map(|answer| watch.exit(answer));
    }
    watch.run()
}

/// Refuses what would be wrong at every look: that is told now, and not as an alert in an hour.
fn check(context: &Context, args: &Args) -> Result<(), Failure> {
    let opened = context.open_to_read()?;
    if opened.ledger.tip_id()?.is_none() {
        let absent = compare::absent(&opened);
        // one that was seen here and is gone is the very thing to tell
        if absent.exit != Exit::No {
            return Err(absent);
        }
    }
    if !args.remotes.is_empty() {
        mirror::remotes(&opened, &args.remotes)?;
    }
    for name in remotes(&opened, args.push.as_deref())? {
        opened.remote(&name)?;
    }
    args.limits.limits(&opened).map(|_| ())
}

/// A watch of one ledger.
struct Watch<'a> {
    context: &'a Context,
    args: &'a Args,
    channels: Channels,
    keeper: Keeper,
    metrics: Metrics,
    schedule: Schedule,
    /// What the last look came to: only a change is told.
    before: Option<Answer>,
    /// Why what is known could not be kept.
    unkept: Option<String>,
}

impl<'a> Watch<'a> {
    fn new(
        context: &'a Context,
        args: &'a Args,
        channels: Channels,
        keeper: Keeper,
    ) -> Result<Watch<'a>, Failure> {
        Ok(Watch {
            context,
            args,
            channels,
            keeper,
            metrics: Metrics::new(context, args)?,
            schedule: Schedule {
                every: args.every.unwrap_or(300),
                full_every: args.full_every,
            },
            before: None,
            unkept: None,
        })
    }

    /// Looks until it is told to stop.
    fn run(&mut self) -> Result<Exit, Failure> {
        let (stop, stopped) = channel();
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        std::thread::spawn(move || {
            let mut came = signals.forever();
            if came.next().is_some() {
                stop.send(()).ok();
            }
            if let Some(second) = came.next() {
                // whoever asks twice does not want to wait
                signal_hook::low_level::emulate_default_handler(second).ok();
            }
        });
        let server = self.metrics.serve()?;
        loop {
            self.look()?;
            let mut random = [0; 8];
            getrandom::fill(&mut random).ok();
            let pause = jittered(self.schedule.every, u64::from_le_bytes(random));
            if self.rest(Duration::from_secs(pause), &stopped)? {
                break;
            }
        }
        if let Some(server) = server {
            server.stop();
        }
        terminal::tell("note: stopped");
        Ok(Exit::Done)
    }

    /// Waits for the next look, and tries again what could not be delivered; whether it is over.
    fn rest(&mut self, pause: Duration, stopped: &Receiver<()>) -> Result<bool, Failure> {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let now = self.context.clock()?;
            let keys = self.channels.keys();
            let ours = self.keeper.state.waiting.iter();
            let ours = ours.filter(|waits| keys.contains(&waits.channel));
            let due = ours
                .map(|waits| waits.next)
                .min()
                .map(|next| Duration::from_secs(next.saturating_sub(now).max(1)));
            match stopped.recv_timeout(due.map_or(left, |due| due.min(left))) {
                Err(RecvTimeoutError::Timeout) => {
                    if due.is_some_and(|due| due < left) {
                        self.deliver()?;
                    }
                }
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(true),
            }
        }
    }

    /// One look, and all that follows from it.
    fn look(&mut self) -> Result<Answer, Failure> {
        let began = Instant::now();
        let mut looked = look(self.context, self.args, &self.schedule, &self.keeper.state)?;
        if self.args.record && !self.args.dry_run {
            record::record(self.context, self.args, &mut looked);
        }
        let rules = Rules {
            patience: self.args.unknown_after,
            remind: self.args.remind,
        };
        // on a schedule of others only they know what was agreed
        let every = match self.args.once {
            true => self.args.every,
            false => Some(self.schedule.every),
        };
        looked.unkept(self.unkept.take());
        let lost = self.keeper.lost.take();
        let lost = lost.map(|why| git_ledger::watch::State::lost(&why, &looked.look));
        let mut alerts: Vec<_> = lost.into_iter().collect();
        let keys = self.channels.keys();
        let state = &mut self.keeper.state;
        state.adopt(&keys, &looked.look);
        alerts.extend(state.begin(&looked.look, every));
        looked.remember(state, &self.schedule);
        alerts.extend(state.learn(&looked.look, rules));
        let before = state.dropped;
        state.queue(&alerts);
        if state.dropped > before {
            let more = git_ledger::watch::State::dropped(state.dropped - before, &looked.look);
            state.queue(std::slice::from_ref(&more));
            alerts.push(more);
        }
        if self.args.dry_run {
            tell::would(&alerts, self.args)?;
        } else {
            // before anything is sent: after a crash it may be sent twice, and never not at all
            self.save();
            self.deliver()?;
        }
        let told = tell::Told {
            looked: &looked,
            alerts: &alerts,
            waiting: self.keeper.state.waiting_for(&keys),
            took: began.elapsed(),
            full: looked.full,
        };
        let once = self.args.once || self.args.dry_run;
        let shown = match (once || self.before != Some(looked.answer), self.args.json) {
            (true, _) => tell::look(&told, self.args),
            (false, true) => tell::json(&told),
            (false, false) => Ok(()),
        };
        match shown {
            Err(why) if once => return Err(why),
            // whoever reads it is gone or full; the watch goes on
            Err(why) => terminal::tell(&format!("warning: {}", why.message)),
            Ok(()) => {}
        }
        self.before = Some(looked.answer);
        let figures = looked.figures(&self.keeper.state, began.elapsed());
        if !self.args.dry_run {
            self.metrics.set(&figures);
        }
        Ok(looked.answer)
    }

    /// Writes what is known. Where that fails it is told at the next look, and whoever is to be told
    /// of the ledger is told all the same: better twice than never.
    fn save(&mut self) {
        if let Err(why) = self.keeper.save() {
            terminal::tell(&format!("warning: {}", why.message));
            self.unkept = Some(why.message);
        }
    }

    /// Sends what waits and is due.
    fn deliver(&mut self) -> Result<(), Failure> {
        let now = self.context.clock()?;
        let before = self.keeper.state.clone();
        let summary = self
            .channels
            .deliver(&mut self.keeper.state, now, self.args.json);
        if self.keeper.state != before {
            self.save();
        }
        for why in summary {
            terminal::tell(&format!("warning: {why}; it is kept, and tried again"));
        }
        Ok(())
    }

    /// The exit status of one look.
    fn exit(&self, answer: Answer) -> Exit {
        let waiting = self.keeper.state.waiting_for(&self.channels.keys());
        let undelivered = waiting > 0 && !self.args.dry_run;
        match answer {
            Answer::Sound if undelivered || self.unkept.is_some() => Exit::Unknown,
            answer => answer.into(),
        }
    }
}

/// The text of the metrics, as it is served.
type Shared = Arc<std::sync::Mutex<String>>;
