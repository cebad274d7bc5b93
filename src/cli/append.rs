//! `git ledger append` and `git ledger flush`: events into the chain, or into the spool.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use git_ledger::append::{Appender, Next, Primary, Recorded, Repeats, group};
use git_ledger::chain::MAX_AHEAD;
use git_ledger::commit::Link;
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::{Event, Pending};
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Ledger;
use git_ledger::marks::Mark;
use git_ledger::merkle::hex;
use git_ledger::mirror::{self, Delivery, Toward};
use git_ledger::report::mirrors::one_line;
use git_ledger::report::verdict::number;
use git_ledger::spool::Waiting;

use super::context::{Context, Opened, deadline, random_id};
use super::failure::{Exit, Failure};
use super::terminal;

/// The most input that is read at once, in bytes.
const MAX_INPUT: u64 = 1 << 30;
/// The most data of one event, in bytes; larger bodies do not belong into a ledger.
const MAX_DATA: usize = git_ledger::tree::MAX_ATTACHMENT;

/// What becomes of an event that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OnFailure {
    /// The command fails.
    Fail,
    /// The event waits in the spool.
    Spool,
}

/// Record events
///
/// Adds one signed entry after the newest one and prints its number, digest and commit. What was
/// printed is on disk and in the chain. With the same --source and --id an event is recorded
/// once, however often the command runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The event's type, such as dev.cdevents.service.deployed
    #[arg(
        value_name = "TYPE",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    kind: Option<String>,
    /// What it happened to
    #[arg(long, value_name = "S", conflicts_with = "batch")]
    subject: Option<String>,
    /// Where it happened, a URI [default: this repository]
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// The event's id, unique within its source [default: random]
    #[arg(long, value_name = "ID", conflicts_with = "batch")]
    id: Option<String>,
    /// When it happened, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "batch")]
    time: Option<String>,
    /// A member of the data; may be given several times
    #[arg(long, value_name = "K=V", conflicts_with_all = ["batch", "data_json"])]
    data: Vec<String>,
    /// The data, JSON from a file or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "batch")]
    data_json: Option<PathBuf>,
    /// Events as JSON Lines (CloudEvents; id, source, time may be left out) from a file or -
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    /// At most so many events in one entry
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        conflicts_with = "kind"
    )]
    events_per_entry: NonZeroUsize,
    /// Push to remotes, the first of which decides [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    push: Option<Vec<String>>,
    /// What becomes of an event that cannot be recorded now
    #[arg(long, value_enum, default_value_t = OnFailure::Fail)]
    on_failure: OnFailure,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Show the entry that would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object for each entry
    #[arg(long)]
    json: bool,
}

/// Record what waits in the spool
#[derive(Debug, clap::Args)]
pub struct FlushArgs {
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Show what waits, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object for each entry
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger append`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let (pending, repeats) = events(context, &opened, &args)?;
    let push = match &args.push {
        None => Vec::new(),
        Some(names) if names.is_empty() => mirrors(&opened)?,
        Some(names) => names.clone(),
    };
    let next = Next::Events(group(pending.clone(), args.events_per_entry.get()));
    let job = Job {
        context,
        opened: &opened,
        key: args.key.as_deref(),
        timeout: args.timeout,
        push: &push,
    };
    if args.dry_run {
        return job.rehearse(&next, args.json);
    }
    match job.append(&next, repeats) {
        Ok(recorded) => {
            // whoever cannot be told may run it again, and must know what that would do
            show(&recorded, args.json).map_err(|failure| {
                failure.hint("the event is recorded all the same; 'git ledger log' shows it")
            })?;
            warn_if_ahead(&recorded, context.clock()?);
            job.mirror(&recorded)
        }
        Err(failure)
            if args.on_failure == OnFailure::Spool
                && failure.exit != Exit::No
                && failure.exit != Exit::Usage =>
        {
            spool(&opened, &pending, &push, &failure, args.json)
        }
        Err(failure) => Err(failure),
    }
}

/// Runs `git ledger flush`.
pub fn flush(context: &Context, args: FlushArgs) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let (mut groups, mut broken) = (BTreeMap::<Vec<String>, Vec<_>>::new(), 0);
    for waiting in opened.spool().list()? {
        match waiting {
            Ok(waiting) => groups
                .entry(waiting.push.clone())
                .or_default()
                .push(waiting),
            Err(error) => {
                terminal::tell(&format!("warning: {error}; it stays where it is"));
                broken += 1;
            }
        }
    }
    if groups.is_empty() && broken == 0 {
        terminal::tell("the spool is empty");
    }
    let mut exit = if broken > 0 {
        Exit::Unknown
    } else {
        Exit::Done
    };
    let mut failures = Vec::new();
    for (push, all) in groups {
        let job = Job {
            context,
            opened: &opened,
            key: args.key.as_deref(),
            timeout: args.timeout,
            push: &push,
        };
        if args.dry_run {
            job.rehearse(&waiting_next(&all), args.json)?;
            continue;
        }
        // where the ledger says no to one of them, the others need not wait for it
        let together = match job.drain(&all, args.json) {
            Err(failure) if failure.exit == Exit::No && all.len() > 1 => None,
            drained => Some(drained),
        };
        let drained = match together {
            Some(drained) => vec![drained],
            None => all.chunks(1).map(|one| job.drain(one, args.json)).collect(),
        };
        for drained in drained {
            match drained {
                Ok(Exit::Done) => {}
                Ok(_) => exit = Exit::Unknown,
                Err(failure) => failures.push(failure),
            }
        }
    }
    match failures.pop() {
        None => Ok(exit),
        Some(last) => {
            for failure in failures {
                terminal::tell(failure.to_string().trim_end());
            }
            Err(last.hint("what could not be recorded waits on"))
        }
    }
}

fn waiting_next(all: &[Waiting]) -> Next {
    let pending = all.iter().map(|waiting| waiting.pending.clone()).collect();
    Next::Events(group(pending, usize::MAX))
}

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
    /// Records what waits, and forgets it. Killed in between, the next time finds it recorded.
    fn drain(&self, all: &[Waiting], json: bool) -> Result<Exit, Failure> {
        let recorded = self.append(&waiting_next(all), Repeats::LeaveOut)?;
        show(&recorded, json)?;
        let mut exit = self.mirror(&recorded)?;
        for waiting in all {
            if let Err(why) = self.opened.spool().remove(waiting) {
                let path = waiting.path.display();
                terminal::tell(&format!(
                    "warning: recorded, but '{path}' cannot be removed: {why}"
                ));
                exit = Exit::Unknown;
            }
        }
        Ok(exit)
    }

    /// Appends; what is returned is durable.
    pub fn append(&self, next: &Next, repeats: Repeats) -> Result<Vec<Recorded>, Failure> {
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
            Ok(recorded)
        })
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

    /// Shows what would be written.
    fn rehearse(&self, next: &Next, json: bool) -> Result<Exit, Failure> {
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

    /// Brings the new entries to the remotes after the first, which has them. The event is
    /// recorded whatever becomes of this: a remote that does not take it now is behind.
    fn mirror(&self, recorded: &[Recorded]) -> Result<Exit, Failure> {
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

/// The mirrors the ledger is configured with.
fn mirrors(opened: &Opened) -> Result<Vec<String>, Failure> {
    if opened.settings.mirrors.is_empty() {
        return Err(
            Failure::usage("--push needs a remote: the ledger has no mirrors")
                .hint("git ledger mirror add NAME URL, or --push NAME"),
        );
    }
    Ok(opened.settings.mirrors.clone())
}

fn show(recorded: &[Recorded], json: bool) -> Result<(), Failure> {
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

fn spool(
    opened: &Opened,
    pending: &[Pending],
    push: &[String],
    failure: &Failure,
    json: bool,
) -> Result<Exit, Failure> {
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let mut text = String::new();
    for (at, event) in pending.iter().enumerate() {
        let put = opened.spool().put(event, push, clock + at as u128);
        let path = put.map_err(|why| {
            // what is spooled already stays there, under the ids it has
            terminal::print(&text).ok();
            Failure::cannot(format!(
                "{} could be neither recorded ({}) nor spooled: {why}",
                match pending.len() - at {
                    1 => "the event".to_owned(),
                    left => format!("{left} events"),
                },
                failure.message.lines().next().unwrap_or_default()
            ))
            .hint("run the command again when one of both is mended")
        })?;
        let event = &event.event;
        if json {
            let object = Object::new()
                .with("status", "spooled")
                .with("file", path.to_string_lossy().into_owned())
                .with("source", event.source())
                .with("id", event.id());
            text += &(Value::from(object).to_canonical() + "\n");
        } else {
            text += &format!(
                "spooled {} {} in {}\n",
                printable(event.kind()),
                printable(event.id()),
                path.display()
            );
        }
    }
    terminal::tell(&format!(
        "warning: not recorded yet: {}",
        printable(failure.message.lines().next().unwrap_or_default())
    ));
    terminal::hint("'git ledger flush' records what waits");
    terminal::answer(&text, Exit::Done)
}

/// The events the arguments describe, checked, and whether they may have been recorded before:
/// not if all ids are made up here.
fn events(
    context: &Context,
    opened: &Opened,
    args: &Args,
) -> Result<(Vec<Pending>, Repeats), Failure> {
    let source = args
        .source
        .clone()
        .unwrap_or_else(|| default_source(opened));
    let now = rfc3339(context.clock()?);
    match &args.batch {
        Some(path) => batch(&read(path)?, &source, &now),
        None => {
            not_ahead(args.time.as_deref(), context.clock()?)?;
            let repeats = match args.id {
                Some(_) => Repeats::LeaveOut,
                None => Repeats::Impossible,
            };
            Ok((vec![single(args, &source, &now)?], repeats))
        }
    }
}

/// Refuses an event that is said to happen later; a batch may come from elsewhere, where clocks
/// were wrong, and is recorded as it is.
fn not_ahead(time: Option<&str>, clock: u64) -> Result<(), Failure> {
    let Some(time) = time else { return Ok(()) };
    let claimed = super::context::parse_date(time);
    if claimed.is_some_and(|claimed| claimed > clock.saturating_add(MAX_AHEAD)) {
        return Err(Failure::usage(format!(
            "the time '{time}' is in the future; the clock here says {}",
            rfc3339(clock)
        ))
        .hint("record an event when it has happened; if it has, mend the clock"));
    }
    Ok(())
}

/// Warns that the chain is dated ahead of the clock here: each entry after it is dated so, too.
fn warn_if_ahead(recorded: &[Recorded], clock: u64) {
    let newest = recorded.last().map_or(0, |recorded| recorded.link.time);
    if newest > clock.saturating_add(MAX_AHEAD) {
        terminal::tell(&format!(
            "warning: the entry is dated {}, as the one before it; the clock here says {}",
            rfc3339(newest),
            rfc3339(clock)
        ));
        terminal::hint("dates never go back in a ledger: find out which machine's clock is wrong");
    }
}

/// A name for this repository as a URI: where it came from, or where it is.
fn default_source(opened: &Opened) -> String {
    let url = opened
        .config
        .remote_url("origin", git_ledger::git::Direction::Fetch);
    let base = opened
        .repository
        .work_tree()
        .unwrap_or(opened.repository.git_dir());
    let url = url.and_then(|text| git_ledger::git::RemoteUrl::parse(&text, base).ok());
    match url {
        Some(url) if url.local_path().is_none() => url.redacted(),
        _ => format!(
            "/{}",
            base.file_name()
                .map(|name| name.to_string_lossy())
                .unwrap_or_default()
        ),
    }
}

fn single(args: &Args, source: &str, now: &str) -> Result<Pending, Failure> {
    let mut object = Object::new()
        .with("specversion", "1.0")
        .with("type", args.kind.clone().unwrap_or_default())
        .with("source", source)
        .with(
            "id",
            match &args.id {
                Some(id) => id.clone(),
                None => random_id()?,
            },
        )
        .with("time", args.time.as_deref().unwrap_or(now));
    if let Some(subject) = &args.subject {
        object.set("subject", subject.as_str());
    }
    let mut data = Object::new();
    for pair in &args.data {
        let (name, value) = pair
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                Failure::usage(format!("--data takes K=V, not '{pair}'"))
                    .hint("nothing was recorded; write --data name=value")
            })?;
        if data.get(name).is_some() {
            return Err(Failure::usage(format!("--data names '{name}' twice")));
        }
        data.set(name, value);
    }
    if !args.data.is_empty() {
        object.set("data", data);
    }
    if let Some(path) = &args.data_json {
        let value = Value::parse(&read(path)?).map_err(|why| {
            Failure::usage(format!(
                "the data in '{}' is no JSON that a ledger takes: {why}",
                path.display()
            ))
            .hint("nothing was recorded")
        })?;
        object.set("data", value);
    }
    checked(object).map_err(|why| Failure::usage(why).hint("nothing was recorded"))
}

/// The fault of one line, which the reader of JSON took for the first.
fn place(why: &git_ledger::json::JsonFault) -> String {
    why.to_string().replace(" at line 1 column ", " at column ")
}

/// JSON Lines; what a line leaves out is filled in.
fn batch(text: &[u8], source: &str, now: &str) -> Result<(Vec<Pending>, Repeats), Failure> {
    let (mut all, mut repeats) = (Vec::new(), Repeats::Impossible);
    for (at, line) in text.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let fault = |why: String| {
            Failure::usage(format!("line {}: {why}", at + 1)).hint("nothing was recorded")
        };
        let value = Value::parse(line).map_err(|why| {
            fault(format!(
                "it is no JSON that a ledger takes: {}",
                place(&why)
            ))
        })?;
        let Value::Object(mut object) = value else {
            return Err(fault("an event is a JSON object".into()));
        };
        for (name, value) in [("specversion", "1.0"), ("source", source), ("time", now)] {
            if object.get(name).is_none() {
                object.set(name, value);
            }
        }
        match object.get("id") {
            None => object.set("id", random_id()?),
            Some(_) => repeats = Repeats::LeaveOut,
        }
        all.push(checked(object).map_err(fault)?);
    }
    if all.is_empty() {
        return Err(Failure::usage("the batch holds no event")
            .hint("give one JSON object a line, in a file or with - on standard input"));
    }
    Ok((all, repeats))
}

/// What a writer must hold to beyond the rules of the record, and larger data put aside.
fn checked(object: Object) -> Result<Pending, String> {
    let event = Event::from_object(object).map_err(|why| format!("not an event: {why}"))?;
    if event.kind().chars().any(|c| !c.is_ascii_graphic()) {
        return Err(format!(
            "the type '{}' has other characters than printable ASCII",
            event.kind()
        ));
    }
    if event
        .source()
        .chars()
        .any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(format!("the source '{}' is no URI", event.source()));
    }
    if let Some(time) = event.attribute("time")
        && chrono::DateTime::parse_from_rfc3339(time).is_err()
    {
        return Err(format!(
            "the time '{time}' is not RFC 3339, as 2026-01-31T12:00:00Z"
        ));
    }
    if event.attachment().is_some() {
        return Err("dataref is set by the ledger itself; give the data".into());
    }
    let pending = Pending::new(event).map_err(|why| format!("the event is too large: {why}"))?;
    if pending
        .body
        .as_ref()
        .is_some_and(|body| body.len() > MAX_DATA)
    {
        return Err(format!(
            "the data is larger than {MAX_DATA} bytes; record its digest instead"
        ));
    }
    Ok(pending)
}

/// A file, or standard input for `-`.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let name = match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => format!("'{}'", path.display()),
    };
    let cannot = |why: std::io::Error| {
        Failure::cannot(format!("cannot read {name}: {why}")).hint("nothing was recorded")
    };
    let input: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).map_err(cannot)?)
    };
    input
        .take(MAX_INPUT + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(
            Failure::usage(format!("{name} is larger than {MAX_INPUT} bytes"))
                .hint("nothing was recorded; give it in several parts"),
        );
    }
    Ok(bytes)
}
