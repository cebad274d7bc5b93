//! Every byte of every file of a small repository: flipped, and all from it on cut away; every
//! file emptied and removed. What the repository tells afterwards is read from its bytes.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use git_ledger::json::{Object, Value};

use super::Effort;
use super::changes::Change;
use super::reading::{Reading, Told, read};
use super::stage::{Form, Stage};

/// How long one reading may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Byte(Change),
    Emptied,
    Removed,
}

/// What a reading amounts to beside that of the untouched repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Breach.
    Breach,
    /// Unknown.
    Unknown,
    /// Nothing can be said.
    CannotRun,
    /// Sound, and the answer says that it is not pinned.
    Unpinned,
    /// Sound, and everything means the same.
    Same,
    /// The entries are the same, and a file of this program's own is refused.
    Refused,
    /// The entries are the same; this program's own files say something else, and are believed.
    Believed,
    /// Sound, and other entries.
    Undetected,
}

/// What became of the files of one kind.
#[derive(Debug, Default)]
pub struct Row {
    pub bytes: usize,
    pub harmed: usize,
    pub classes: BTreeMap<Class, usize>,
}

/// What was found out about one repository.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By kind of file.
    pub rows: BTreeMap<String, Row>,
    /// What must not be.
    pub wrong: Vec<String>,
    /// What this program's own files were believed.
    pub believed: Vec<String>,
    /// How many readings the program itself was asked to repeat.
    pub repeated: usize,
    /// The longest reading.
    pub slowest: Duration,
}

impl Class {
    const ALL: [(Class, &'static str); 8] = [
        (Class::Breach, "breach"),
        (Class::Unknown, "unknown"),
        (Class::CannotRun, "cannotrun"),
        (Class::Unpinned, "unpinned"),
        (Class::Refused, "refused"),
        (Class::Same, "same"),
        (Class::Believed, "believed"),
        (Class::Undetected, "undetected"),
    ];
}

impl Outcome {
    fn of(&self, class: Class) -> usize {
        let counts = self.rows.values().filter_map(|row| row.classes.get(&class));
        counts.sum()
    }

    /// For people.
    pub fn table(&self) -> Vec<String> {
        let head = Class::ALL.map(|(_, word)| format!("{word:>10}"));
        let mut lines = vec![format!(
            "{:<36} {:>6} {:>7}{}",
            "file",
            "bytes",
            "harmed",
            head.concat()
        )];
        for (name, row) in &self.rows {
            let counts = Class::ALL.map(|(class, _)| {
                let count = row.classes.get(&class).copied().unwrap_or_default();
                format!("{count:>10}")
            });
            let counts = counts.concat();
            lines.push(format!(
                "{name:<36} {:>6} {:>7}{counts}",
                row.bytes, row.harmed
            ));
        }
        lines.push(format!(
            "the program ended as read {} times; the longest reading took {} ms",
            self.repeated,
            self.slowest.as_millis()
        ));
        let believed = self
            .believed
            .iter()
            .take(5)
            .map(|what| format!("believed: {what}"));
        lines.extend(believed);
        lines
    }

    /// For programs: how many of each class.
    pub fn object(&self) -> Object {
        let count = |number: usize| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        Class::ALL
            .iter()
            .fold(Object::new(), |object, (class, word)| {
                object.with(*word, count(self.of(*class)))
            })
    }
}

/// Harms one repository in every way.
pub fn run(
    program: &Path,
    object_format: &str,
    form: Form,
    effort: Effort,
) -> Result<Outcome, String> {
    let stage = Stage::new(program, object_format, form)?;
    let honest = read(&stage);
    if honest.answer != Told::Sound || !honest.pinned || !honest.answer.exits(stage.verify()?) {
        return Err(format!("the untouched repository is not sound: {honest:?}"));
    }
    stage.restore_state()?;
    let mut harms: Vec<(PathBuf, Harm)> = Vec::new();
    for (name, (bytes, _)) in &stage.files {
        let all = harms_of(bytes, effort, is_read(name)).into_iter();
        harms.extend(all.map(|harm| (name.clone(), harm)));
    }
    let (next, outcome) = (AtomicUsize::new(0), Mutex::new(Outcome::default()));
    for (name, (bytes, _)) in &stage.files {
        let mut outcome = outcome.lock().map_err(|why| why.to_string())?;
        outcome.rows.entry(kind(name)).or_default().bytes += bytes.len();
    }
    // the program itself is a thousand times dearer than a reading
    let every = match effort {
        Effort::Quick => 401,
        Effort::Full => 23,
    };
    let (watch, running) = (Watch::default(), AtomicUsize::new(2));
    let worker = |stage: Stage| -> Result<(), String> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, harm)) = harms.get(at) else {
                return Ok(());
            };
            let what = format!("{} {harm:?}", name.display());
            let mut watched = watch.lock().map_err(|why| why.to_string())?;
            watched.insert(std::thread::current().id(), (Instant::now(), what));
            drop(watched);
            let case = Case {
                stage: &stage,
                honest: &honest,
                name,
                harm: *harm,
            };
            case.judge(at % every == 0, &outcome)?;
        }
    };
    let work = |stage| {
        let answer = catch_unwind(AssertUnwindSafe(|| worker(stage)));
        running.fetch_sub(1, Ordering::Relaxed);
        answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    };
    let work = &work;
    std::thread::scope(|scope| -> Result<(), String> {
        let stages = [stage.another()?, stage.another()?];
        let workers = stages.map(|stage| scope.spawn(move || work(stage)));
        scope.spawn(|| end_hanging(&watch, &running));
        workers.into_iter().try_for_each(|worker| {
            let answer = worker.join();
            answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    outcome.into_inner().map_err(|why| why.to_string())
}

/// What is read at the moment, by which thread, since when.
type Watch = Mutex<HashMap<std::thread::ThreadId, (Instant, String)>>;

/// Ends everything when a reading does not end: no thread can be stopped from outside. Returns
/// when nothing is read any more.
fn end_hanging(watch: &Watch, running: &AtomicUsize) {
    while running.load(Ordering::Relaxed) == 2 {
        std::thread::sleep(Duration::from_millis(200));
        let Ok(watched) = watch.lock() else {
            return;
        };
        // the program is started within the same time, and a busy machine is slow
        let late = watched
            .values()
            .find(|(since, _)| since.elapsed() > PATIENCE * 6);
        if let Some((_, what)) = late {
            eprintln!("error: a reading does not end: {what}");
            std::process::exit(1);
        }
    }
}

/// Whether the answer can rest on a file of this name. Of the others, one byte in sixteen is
/// harmed, to see that it does not.
fn is_read(name: &Path) -> bool {
    let text = name.to_string_lossy();
    let whole = ["HEAD", "config", "packed-refs"];
    let parts = [
        "objects/",
        "refs/",
        "git-ledger/marks/",
        "git-ledger/spool/",
    ];
    let unread = ["objects/info/", ".rev", ".bitmap", "/lock"];
    (whole.contains(&text.as_ref()) || parts.iter().any(|part| text.starts_with(part)))
        && !unread.iter().any(|part| text.contains(part))
}

fn harms_of(bytes: &[u8], effort: Effort, read: bool) -> Vec<Harm> {
    let mut harms = vec![Harm::Removed];
    if !bytes.is_empty() {
        harms.push(Harm::Emptied);
    }
    for (at, byte) in bytes.iter().enumerate() {
        if !read && !at.is_multiple_of(16) {
            continue;
        }
        match effort {
            Effort::Full if read => {
                harms.extend((0..8).map(|bit| Harm::Byte(Change::Value(at, byte ^ (1 << bit)))));
            }
            _ => harms.push(Harm::Byte(Change::flip(at, *byte))),
        }
        if at > 0 && (effort == Effort::Full || at.is_multiple_of(16)) {
            harms.push(Harm::Byte(Change::Truncate(at)));
        }
    }
    harms
}

/// One file, harmed once.
struct Case<'a> {
    stage: &'a Stage,
    honest: &'a Reading,
    name: &'a Path,
    harm: Harm,
}

impl Case<'_> {
    fn judge(&self, ask_program: bool, outcome: &Mutex<Outcome>) -> Result<(), String> {
        let known = self.stage.files.get(self.name);
        let bytes = known.map_or([].as_slice(), |(bytes, _)| bytes.as_slice());
        let harmed = match self.harm {
            Harm::Byte(change) => Some(change.of(bytes)),
            Harm::Emptied => Some(Vec::new()),
            Harm::Removed => None,
        };
        self.stage.put(self.name, harmed.as_deref())?;
        let started = Instant::now();
        let reading = catch_unwind(AssertUnwindSafe(|| read(self.stage)));
        let took = started.elapsed();
        let code = match ask_program {
            true => Some(self.stage.verify()?),
            false => None,
        };
        if ask_program {
            self.stage.restore_state()?;
        }
        self.stage.restore(self.name)?;

        let mut outcome = outcome.lock().map_err(|why| why.to_string())?;
        let what = format!("{} {:?}", self.name.display(), self.harm);
        outcome.slowest = outcome.slowest.max(took);
        if took > PATIENCE {
            outcome.wrong.push(format!("{what}: {} s", took.as_secs()));
        }
        let Ok(reading) = reading else {
            outcome.wrong.push(format!("{what}: panics"));
            return Ok(());
        };
        if let Some(code) = code {
            outcome.repeated += 1;
            if !reading.answer.exits(code) {
                let found = format!("{:?} ({})", reading.answer, reading.why);
                outcome.wrong.push(format!(
                    "{what}: {found} here, and the program exits with {code:?}"
                ));
            }
        }
        let class = self.class(&reading);
        match class {
            Class::Undetected => outcome.wrong.push(format!("{what}: undetected")),
            Class::Believed => outcome.believed.push(what),
            _ => {}
        }
        let row = outcome.rows.entry(kind(self.name)).or_default();
        row.harmed += 1;
        *row.classes.entry(class).or_default() += 1;
        Ok(())
    }

    fn class(&self, reading: &Reading) -> Class {
        match reading.answer {
            Told::Breach => return Class::Breach,
            Told::Unknown => return Class::Unknown,
            Told::CannotRun => return Class::CannotRun,
            Told::Sound => {}
        }
        if reading.entries != self.honest.entries {
            return Class::Undetected;
        }
        let refused = reading.state.iter().any(|line| line == "refused");
        match (reading.pinned, reading.state == self.honest.state) {
            (false, _) => Class::Unpinned,
            (true, true) => Class::Same,
            (true, false) if refused => Class::Refused,
            (true, false) => Class::Believed,
        }
    }
}

/// The kind of a file: its directory where it is one of many.
fn kind(name: &Path) -> String {
    let text = name.display().to_string();
    let ends = [".pack", ".idx", ".rev", ".bitmap", ".graph", ".mtimes"];
    if let Some(end) = ends.iter().find(|end| text.ends_with(*end)) {
        return format!("*{end}");
    }
    let mut parts = text.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("objects"), Some(two), Some(_)) if two.len() == 2 => "objects/??/*".into(),
        (Some("git-ledger"), Some(room), Some(_)) => format!("git-ledger/{room}/*"),
        (Some("hooks"), Some(_), _) => "hooks/*".into(),
        (Some("logs"), Some(_), _) => "logs/*".into(),
        _ => text,
    }
}
