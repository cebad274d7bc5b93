//! `cargo xtask fuzz [TARGET …] [--seconds N] [--smoke | --keep]`: the targets of `tests/fuzz`
//! under libFuzzer.
//!
//! The targets are one set of plain functions. `--smoke` replays their corpora, and some bent
//! inputs, in the ordinary test binary, as the suite does. Without it they are built once more
//! with coverage counters (LLVM's inline 8-bit ones, which stable rustc can emit; no sanitizer)
//! under `target/fuzz`, which takes minutes, and run one after the other for N seconds each.
//! What was found stays in `target/fuzz/corpus`; `--keep` reduces it to what adds coverage and
//! puts that into `tests/fuzz/corpus`.

mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Coverage as libFuzzer wants it.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    --cfg fuzzing";
/// An input may take so many seconds, the process so many MB, and none larger is made, in bytes.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=8192"];
/// Each target runs so many seconds unless told otherwise.
const SECONDS: u64 = 60;

/// What to do with the targets.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Smoke,
    Run,
    Keep,
}

/// Where everything is.
struct Place {
    root: PathBuf,
    binary: PathBuf,
    /// For the files that targets write; in memory where there is such a place.
    scratch: tempfile::TempDir,
}

/// Runs the targets named, or all.
pub fn run(root: &Path, words: &[String]) -> Result<(), String> {
    let (mut task, mut seconds, mut wanted) = (Task::Run, SECONDS, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--smoke" => task = Task::Smoke,
            "--keep" => task = Task::Keep,
            "--seconds" => {
                let number = words.next().and_then(|word| word.parse().ok());
                seconds = number.ok_or("--seconds takes a number")?;
            }
            name => wanted.push(name.to_owned()),
        }
    }
    if task == Task::Smoke {
        let arguments = ["test", "--locked", "--test", "main", "fuzz::"];
        return crate::suite::cargo(root, &arguments);
    }
    let known = names(root)?;
    if let Some(stranger) = wanted.iter().find(|name| !known.contains(name)) {
        return Err(format!(
            "no target {stranger}; there are {}",
            known.join(" ")
        ));
    }
    let targets = if wanted.is_empty() { known } else { wanted };
    let place = Place::build(root)?;
    seeds::write(root, &place.root.join("seeds"))?;
    if task == Task::Keep {
        return targets.iter().try_for_each(|name| place.keep(root, name));
    }
    println!("target         executions  seconds  coverage  features  corpus");
    let mut failed = Vec::new();
    for name in &targets {
        let figures = place.run(root, name, seconds)?;
        println!("{name:<12} {figures}");
        if figures.crashed {
            failed.push(name.as_str());
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        names => Err(format!(
            "inputs that fail are in {}: {}",
            place.root.join("crashes").display(),
            names.join(" ")
        )),
    }
}

/// The targets, which each have a corpus.
fn names(root: &Path) -> Result<Vec<String>, String> {
    let corpora = root.join("tests/fuzz/corpus");
    let listed = fs::read_dir(&corpora).map_err(|why| format!("{}: {why}", corpora.display()))?;
    let mut names: Vec<String> = listed
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

impl Place {
    fn build(root: &Path) -> Result<Place, String> {
        crate::suite::install(&[("g++", "g++")])?;
        let told = Command::new("rustc").arg("-vV").output();
        let told = told.map_err(|why| format!("rustc: {why}"))?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let triple = told.lines().find_map(|line| line.strip_prefix("host: "));
        let triple = triple.ok_or("rustc does not say what machine this is")?;
        let place = root.join("target/fuzz");
        println!("== building with coverage under target/fuzz");
        // with a triple named, build scripts and macros are not instrumented
        crate::suite::step(
            Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .current_dir(root.join("tests/fuzz"))
                .args(["build", "--release", "--target", triple])
                .env("CARGO_TARGET_DIR", &place)
                .env("RUSTFLAGS", FLAGS),
        )?;
        let memory = Path::new("/dev/shm");
        let scratch = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        Ok(Place {
            binary: place.join(triple).join("release/fuzz"),
            root: place,
            scratch: scratch.map_err(|why| why.to_string())?,
        })
    }

    /// A directory of this target under `target/fuzz`.
    fn dir(&self, kind: &str, name: &str) -> Result<PathBuf, String> {
        let dir = self.root.join(kind).join(name);
        fs::create_dir_all(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
        Ok(dir)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(LIMITS)
            .env("GIT_LEDGER_FUZZ_TARGET", name)
            .env("TMPDIR", self.scratch.path());
        command
    }

    fn run(&self, root: &Path, name: &str, seconds: u64) -> Result<Figures, String> {
        let crashes = self.root.join("crashes");
        fs::create_dir_all(&crashes).map_err(|why| why.to_string())?;
        let output = self
            .command(name)
            .arg(format!("-max_total_time={seconds}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/{name}-", crashes.display()))
            .arg(self.dir("corpus", name)?)
            .arg(root.join("tests/fuzz/corpus").join(name))
            .arg(self.dir("seeds", name)?)
            .stdout(Stdio::null())
            .output()
            .map_err(|why| format!("{}: {why}", self.binary.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let figures = Figures::read(&said, !output.status.success());
        if figures.crashed {
            let lines: Vec<&str> = said.lines().collect();
            let from = lines.len().saturating_sub(40);
            eprintln!("{}", lines.get(from..).unwrap_or_default().join("\n"));
        }
        Ok(figures)
    }

    /// Puts into the repository as few inputs as cover what all of them do.
    fn keep(&self, root: &Path, name: &str) -> Result<(), String> {
        let kept = root.join("tests/fuzz/corpus").join(name);
        let merged = self.dir("merged", name)?;
        fs::remove_dir_all(&merged).map_err(|why| why.to_string())?;
        fs::create_dir_all(&merged).map_err(|why| why.to_string())?;
        let mut command = self.command(name);
        let words = ["-set_cover_merge=1", "-use_counters=0"];
        command.args(words).arg(&merged).arg(&kept);
        command.args([self.dir("corpus", name)?, self.dir("seeds", name)?]);
        crate::suite::step(command.stderr(Stdio::null()))?;
        let mut count = 0;
        for entry in fs::read_dir(&merged).map_err(|why| why.to_string())? {
            let from = entry.map_err(|why| why.to_string())?.path();
            let to = from.file_name().map(|file| kept.join(file));
            let to = to.ok_or("a file without a name")?;
            fs::copy(&from, to).map_err(|why| format!("{}: {why}", from.display()))?;
            count += 1;
        }
        println!("{name:<12} {count} inputs");
        Ok(())
    }
}

/// What libFuzzer says at the end.
struct Figures {
    executions: String,
    seconds: String,
    coverage: String,
    features: String,
    corpus: String,
    crashed: bool,
}

impl Figures {
    fn read(said: &str, crashed: bool) -> Figures {
        let after = |line: &str, word: &str| -> Option<String> {
            let mut words = line.split_whitespace().skip_while(|other| *other != word);
            words.nth(1).map(str::to_owned)
        };
        // the last line that tells a figure
        let last = |word: &str| -> String {
            let found = said.lines().rev().find_map(|line| after(line, word));
            found.unwrap_or_else(|| "?".into())
        };
        Figures {
            executions: last("stat::number_of_executed_units:"),
            seconds: last("in"),
            coverage: last("cov:"),
            features: last("ft:"),
            corpus: last("corp:"),
            crashed,
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>12} {:>8} {:>9} {:>9}  {}{}",
            self.executions,
            self.seconds,
            self.coverage,
            self.features,
            self.corpus,
            if self.crashed { "  CRASHED" } else { "" }
        )
    }
}
