//! Events as the command line describes them: checked, completed, larger data put aside.

use std::io::Read as _;
use std::path::Path;

use git_ledger::append::Repeats;
use git_ledger::chain::MAX_AHEAD;
use git_ledger::date::rfc3339;
use git_ledger::event::{Event, Pending};
use git_ledger::json::{Object, Value};

use super::append::Args;
use super::cdevent::{self, Described};
use super::ci_context;
use super::context::{Context, Opened, random_id};
use super::failure::Failure;

/// The most input that is read at once, in bytes.
const MAX_INPUT: u64 = 1 << 30;
/// The most data of one event, in bytes; larger bodies do not belong into a ledger.
const MAX_DATA: usize = git_ledger::tree::MAX_ATTACHMENT;

/// The events the arguments describe, checked, and whether they may have been recorded before:
/// not if all ids are made up here.
pub fn events(
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
        Some(path) => {
            if args.context.asked() {
                return Err(Failure::usage(
                    "a batch holds events from elsewhere: the context here is not theirs",
                )
                .hint("nothing was recorded; leave the flags for the context out"));
            }
            batch(&read(path)?, &source, &now)
        }
        None => {
            not_ahead(args.time.as_deref(), context.clock()?)?;
            let repeats = match args.id {
                Some(_) => Repeats::LeaveOut,
                None => Repeats::Impossible,
            };
            let ci = ci_context::of(context, opened, &args.context)?;
            Ok((vec![single(args, &source, &now, ci)?], repeats))
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

/// A name for this repository as a URI: where it came from, or where it is.
pub fn default_source(opened: &Opened) -> String {
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

fn single(args: &Args, source: &str, now: &str, ci: Option<Object>) -> Result<Pending, Failure> {
    let id = match &args.id {
        Some(id) => id.clone(),
        None => random_id()?,
    };
    let time = args.time.as_deref().unwrap_or(now);
    let kind = args.kind.as_deref().unwrap_or_default();
    let pairs = pairs(&args.data)?;
    let json = args.data_json.as_deref().map(json).transpose()?;
    let object = if args.cdevent {
        let named = args.source.is_none().then(|| cdevent::reference(source));
        cdevent::object(Described {
            kind,
            id: &id,
            source: named.as_deref().unwrap_or(source),
            time,
            subject: args.subject.as_deref(),
            data: &pairs,
            json,
            context: ci,
        })?
    } else {
        let mut object = Object::new()
            .with("specversion", "1.0")
            .with("type", kind)
            .with("source", source)
            .with("id", id)
            .with("time", time);
        if let Some(subject) = &args.subject {
            object.set("subject", subject.as_str());
        }
        let data = json.or_else(|| members(&pairs));
        let data = match ci {
            Some(ci) => Some(ci_context::into_data(data, ci)?),
            None => data,
        };
        if let Some(data) = data {
            object.set("data", data);
        }
        object
    };
    checked(object).map_err(|why| Failure::usage(why).hint("nothing was recorded"))
}

/// What `--data` says, each name once.
fn pairs(given: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(given.len());
    for pair in given {
        let (name, value) = pair
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                Failure::usage(format!("--data takes K=V, not '{pair}'"))
                    .hint("nothing was recorded; write --data name=value")
            })?;
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(Failure::usage(format!("--data names '{name}' twice")));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn members(pairs: &[(&str, &str)]) -> Option<Value> {
    let mut data = Object::new();
    for (name, value) in pairs {
        data.set(*name, *value);
    }
    (!pairs.is_empty()).then(|| data.into())
}

fn json(path: &Path) -> Result<Value, Failure> {
    Value::parse(&read(path)?).map_err(|why| {
        Failure::usage(format!(
            "the data in '{}' is no JSON that a ledger takes: {why}",
            path.display()
        ))
        .hint("nothing was recorded")
    })
}

/// The fault of one line, which the reader of JSON took for the first.
fn place(why: &git_ledger::json::JsonFault) -> String {
    why.to_string().replace(" at line 1 column ", " at column ")
}

/// What a line of a batch gives: the event, and whether it brought its id.
type Read = Result<(Pending, bool), String>;

/// Fewer lines are read by one thread: to start more would take longer.
const FEW_LINES: usize = 256;

/// JSON Lines; what a line leaves out is filled in.
fn batch(text: &[u8], source: &str, now: &str) -> Result<(Vec<Pending>, Repeats), Failure> {
    let blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
    let lines: Vec<(usize, &[u8])> = text
        .split(|b| *b == b'\n')
        .enumerate()
        .filter(|(_, line)| !blank(line))
        .collect();
    let (mut all, mut repeats) = (Vec::with_capacity(lines.len()), Repeats::Impossible);
    let mut add = |(at, read): (usize, Read)| -> Result<(), Failure> {
        let (event, named) = read.map_err(|why| {
            Failure::usage(format!("line {}: {why}", at + 1)).hint("nothing was recorded")
        })?;
        if named {
            repeats = Repeats::LeaveOut;
        }
        all.push(event);
        Ok(())
    };
    let read = |(at, text): &(usize, &[u8])| (*at, line(text, source, now));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if lines.len() <= FEW_LINES || threads == 1 {
        lines.iter().map(read).try_for_each(&mut add)?;
    } else {
        let share = lines.len().div_ceil(threads);
        std::thread::scope(|scope| {
            let readers: Vec<_> = lines
                .chunks(share)
                .map(|lines| scope.spawn(move || lines.iter().map(read).collect::<Vec<_>>()))
                .collect();
            // all are waited for; the fault of the first line that has one is told
            readers
                .into_iter()
                .try_for_each(|reader| match reader.join() {
                    Ok(lines) => lines.into_iter().try_for_each(&mut add),
                    Err(panic) => std::panic::resume_unwind(panic),
                })
        })?;
    }
    if all.is_empty() {
        return Err(Failure::usage("the batch holds no event")
            .hint("give one JSON object a line, in a file or with - on standard input"));
    }
    Ok((all, repeats))
}

/// Reads one line of a batch.
fn line(text: &[u8], source: &str, now: &str) -> Read {
    let value = Value::parse(text)
        .map_err(|why| format!("it is no JSON that a ledger takes: {}", place(&why)))?;
    let Value::Object(mut object) = value else {
        return Err("an event is a JSON object".into());
    };
    for (name, value) in [("specversion", "1.0"), ("source", source), ("time", now)] {
        if object.get(name).is_none() {
            object.set(name, value);
        }
    }
    let named = object.get("id").is_some();
    if !named {
        object.set("id", random_id().map_err(|why| why.message)?);
    }
    Ok((checked(object)?, named))
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
