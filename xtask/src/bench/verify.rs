//! Full verification beside stock git, beside the curve alone, beside reading alone.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Stage;
use super::ledgers::{Kind, Made, allowed_signers};
use super::one_by_one::Signatures;
use super::rounds::{Series, Side, alternate, counted};
use super::row::{Bound, Figure, Reading, Row};
use super::world::{World, run as done, said, timed};

/// Shorter ledgers are mostly the start of a process: aims are held against longer ones.
const LONG: u64 = 100_000;

/// Commits of a ledger that `git log --show-signature` is timed on.
const SAMPLE: u64 = 200;

/// The rows of one length.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let signatures = Signatures::of(world, &made.path)?;
    let objects = objects(world, &made)?;
    let sample = sample(stage);
    let log = Log::of(world, &made, sample)?;
    let verified = |threads: Option<&str>| verified(world, &made, threads);
    let one_by_one = || {
        let began = Instant::now();
        signatures.verify()?;
        Ok(began.elapsed().as_secs_f64())
    };
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| verified(None)),
        Box::new(|| verified(Some("1"))),
        Box::new(|| log.show()),
        Box::new(one_by_one),
        Box::new(|| cat_file(world, &made, &objects)),
        Box::new(|| fsck(world, &made)),
    ];
    let series = match entries > LONG {
        true => counted(stage.options.rounds(3), sides)?,
        false => alternate(stage.options.rounds(5), sides)?,
    };
    let [whole, one_thread, shown, alone, cat, fsck] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    let scaled = |series: &Series, count: u64| series.divided(count as f64 / entries as f64);
    let log_series = scaled(shown, sample);
    let count = signatures.count() as u64;
    let alone = scaled(alone, count);
    let ours = ("verify", whole);
    let faster = |id: &str, beside: &str, series: &Series| {
        Row::timed(id, entries, Reading::Faster, ours, (beside, series))
    };
    let of_all = |count: u64| match count < entries {
        true => format!(
            "{beside} measured, × {}",
            entries / count.max(1),
            beside = count
        ),
        false => String::new(),
    };
    let mut rows = vec![
        faster("verify.log", "git log --show-signature", &log_series).noting(of_all(sample)),
        faster(
            "verify.one-by-one",
            "each Ed25519 signature alone, all cores",
            &alone,
        )
        .noting(of_all(count)),
        faster(
            "verify.cat-file",
            "git cat-file --batch of its commits",
            cat,
        ),
        faster("verify.fsck", "git fsck", fsck),
        Row::timed(
            "verify.threads",
            entries,
            Reading::Faster,
            ours,
            ("the same with --threads 1", one_thread),
        ),
        Row::alone(
            "verify.rate",
            entries,
            Figure::new("entries verified a second", "/s", &whole.rate(entries)),
        ),
    ];
    if entries >= LONG {
        aim(
            &mut rows,
            "verify.log",
            "≥ 1,000 ×",
            Bound::AtLeast(1_000.0),
        );
        aim(&mut rows, "verify.one-by-one", "> 1 ×", Bound::AtLeast(1.0));
    }
    rows.extend(memory(world, &made, entries)?);
    Ok(rows)
}

fn aim(rows: &mut [Row], id: &str, text: &str, bound: Bound) {
    for row in rows.iter_mut().filter(|row| row.id == id) {
        *row = row.clone().aiming(text, bound);
    }
}

/// Mixed kinds of keys beside stock git.
pub fn mixed(stage: &Stage, _: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let entries = if stage.options.quick { 50 } else { 1_000 };
    let made = stage.ledgers.get(Kind::Mixed, entries)?;
    let log = Log::of(world, &made, entries)?;
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| verified(world, &made, None)),
        Box::new(|| log.show()),
    ];
    let series = alternate(stage.options.rounds(3), sides)?;
    let [ours, stock] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    let row = Row::timed(
        "mixed.log",
        entries,
        Reading::Faster,
        ("verify, keys of four kinds", ours),
        ("git log --show-signature", stock),
    );
    Ok(vec![row.aiming("≥ 100 ×", Bound::AtLeast(100.0)).noting(
        "Ed25519, RSA-3072, ECDSA P-256 and P-384, in runs of 50",
    )])
}

/// How many commits stock git is timed on.
fn sample(stage: &Stage) -> u64 {
    match stage.options.quick {
        true => 10,
        false => SAMPLE,
    }
}

/// Seconds of `git ledger verify`; the answer must be sound, for the right number of entries.
pub fn verified(world: &World, made: &Made, threads: Option<&str>) -> Result<f64, String> {
    let mut command = world.ledger(&made.path, &["verify", "--json"]);
    if let Some(threads) = threads {
        command.args(["--threads", threads]);
    }
    let (seconds, output) = timed(&mut command)?;
    sound(&output.stdout, made.facts.entries)?;
    Ok(seconds)
}

/// Holds the verifier's answer to what it must be.
pub fn sound(json: &[u8], entries: u64) -> Result<(), String> {
    let said: serde_json::Value = serde_json::from_slice(json).map_err(|why| why.to_string())?;
    if said["answer"] == "sound" && said["entries"] == entries {
        return Ok(());
    }
    Err(format!(
        "the answer is {} for {} entries, not sound for {entries}",
        said["answer"], said["entries"]
    ))
}

/// The ids of all commits of the ledger, a line each.
fn objects(world: &World, made: &Made) -> Result<std::path::PathBuf, String> {
    let file = world.path("objects");
    let ids = said(&mut world.git(&made.path, &["rev-list", "ledger"]))?;
    fs::write(&file, ids + "\n").map_err(|why| why.to_string())?;
    Ok(file)
}

/// Seconds of reading every commit with git.
fn cat_file(world: &World, made: &Made, objects: &Path) -> Result<f64, String> {
    let mut cat = world.git(&made.path, &["cat-file", "--batch", "--buffer"]);
    let ids = fs::File::open(objects).map_err(|why| why.to_string())?;
    cat.stdin(ids).stdout(Stdio::null());
    Ok(timed(&mut cat)?.0)
}

fn fsck(world: &World, made: &Made) -> Result<f64, String> {
    Ok(timed(&mut world.git(&made.path, &["fsck", "--no-progress"]))?.0)
}

/// `git log --show-signature` over the newest commits.
struct Log<'a> {
    world: &'a World,
    made: &'a Made,
    count: u64,
    signers: std::path::PathBuf,
}

impl<'a> Log<'a> {
    fn of(world: &'a World, made: &'a Made, count: u64) -> Result<Log<'a>, String> {
        let signers = made.path.join(".git/allowed_signers");
        allowed_signers(world, &made.path, &signers)?;
        Ok(Log {
            world,
            made,
            count,
            signers,
        })
    }

    /// Seconds; each of them must be good.
    fn show(&self) -> Result<f64, String> {
        let setting = format!("gpg.ssh.allowedSignersFile={}", self.signers.display());
        let many = format!("-n{}", self.count);
        let log = ["log", "--show-signature", "--no-mailmap", &many, "ledger"];
        let mut git = self.world.git(&self.made.path, &["-c", &setting]);
        let (seconds, output) = timed(git.args(log))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let good = text.matches("Good \"git\" signature for ").count();
        match good as u64 == self.count {
            true => Ok(seconds),
            false => Err(format!(
                "git calls {good} of {} signatures good",
                self.count
            )),
        }
    }
}

/// The most memory of one verification, looked at every two milliseconds in /proc/PID/status.
fn memory(world: &World, made: &Made, entries: u64) -> Result<Vec<Row>, String> {
    let mut command = world.ledger(&made.path, &["verify", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let child = child.map_err(|why| format!("{command:?} cannot be run: {why}"))?;
    let status = format!("/proc/{}/status", child.id());
    let (done, watched) = std::sync::mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        let (mut own, mut all) = (0, 0);
        loop {
            let text = fs::read_to_string(&status).unwrap_or_default();
            own = own.max(kibibytes(&text, "RssAnon:"));
            all = all.max(kibibytes(&text, "VmHWM:"));
            match watched.recv_timeout(Duration::from_millis(2)) {
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                _ => return (own, all),
            }
        }
    });
    let output = child.wait_with_output().map_err(|why| why.to_string())?;
    drop(done);
    let (own, all) = watcher.join().map_err(|_| "nobody watched")?;
    sound(&output.stdout, entries)?;
    let megabytes = |kibibytes: u64| kibibytes as f64 * 1024.0 / 1e6;
    let own = Figure::count(
        "memory of a verify beyond mapped files",
        "MB",
        megabytes(own),
    );
    let all = Figure::count("the same with what is mapped", "MB", megabytes(all));
    let mut beyond = Row::alone("verify.memory", entries, own).noting("RssAnon, at its most");
    if entries >= 1_000_000 {
        beyond = beyond.aiming("≤ 200 MB", Bound::AtMost(200.0));
    }
    let whole = Row::alone("verify.memory-all", entries, all).noting("VmHWM");
    Ok(vec![beyond, whole])
}

fn kibibytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

/// A run that must be sound, not timed.
pub fn check(world: &World, dir: &Path, entries: u64) -> Result<(), String> {
    let output = done(&mut world.ledger(dir, &["verify", "--json"]))?;
    sound(&output.stdout, entries)
}
