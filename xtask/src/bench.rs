//! `cargo xtask bench`: how fast, beside what, on which machine.
//!
//! It builds the program, makes ledgers with it, and runs what is measured and what it is measured
//! by in turns. Rows go to `target/bench/results.json`, each replaced by its newest run, and as
//! Markdown to standard output and, with `--write`, into `BENCHMARKS.md`. A yardstick that is
//! missing, or an answer that is wrong, is a failure and not a gap in the table.

mod append;
mod bulk;
mod compare;
mod contention;
mod events;
mod hooks;
mod incremental;
mod ledgers;
mod machine;
mod one_by_one;
mod options;
mod profile;
mod query;
mod results;
mod rounds;
mod row;
mod servers;
mod size;
mod start;
mod table;
mod verify;
pub mod world;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ledgers::Ledgers;
use machine::{Machine, Usage};
use options::Options;
use results::{Results, Run};
use row::Row;

/// Program to look for, and the Debian package that brings it.
const TOOLS: &[(&str, &str)] = &[
    ("git", "git"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
    ("nginx", "nginx-light"),
    ("fcgiwrap", "fcgiwrap"),
];

/// What a job needs.
pub struct Stage {
    /// Ledgers, and the world they live in.
    pub ledgers: Ledgers,
    /// What was asked for.
    pub options: Options,
}

/// At which lengths a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At each length that was asked for.
    Each,
    /// Once, at the longest.
    Longest,
    /// Once, at a thousand entries: its figures do not depend on length. Not in the long run.
    Short,
}

/// Rows that are measured together.
struct Job {
    name: &'static str,
    at: At,
    run: fn(&Stage, u64) -> Result<Vec<Row>, String>,
}

const JOBS: &[Job] = &[
    Job {
        name: "verify",
        at: At::Each,
        run: verify::run,
    },
    Job {
        name: "incremental",
        at: At::Longest,
        run: incremental::run,
    },
    Job {
        name: "mixed",
        at: At::Short,
        run: verify::mixed,
    },
    Job {
        name: "append",
        at: At::Short,
        run: append::run,
    },
    Job {
        name: "length",
        at: At::Longest,
        run: append::length,
    },
    Job {
        name: "bulk",
        at: At::Longest,
        run: bulk::run,
    },
    Job {
        name: "size",
        at: At::Longest,
        run: size::run,
    },
    Job {
        name: "singles",
        at: At::Short,
        run: size::singles,
    },
    Job {
        name: "start",
        at: At::Short,
        run: start::run,
    },
    Job {
        name: "tip",
        at: At::Each,
        run: start::tip,
    },
    Job {
        name: "query",
        at: At::Each,
        run: query::run,
    },
    Job {
        name: "compare",
        at: At::Longest,
        run: compare::run,
    },
    Job {
        name: "hooks",
        at: At::Short,
        run: hooks::run,
    },
    Job {
        name: "contention",
        at: At::Short,
        run: contention::run,
    },
    Job {
        name: "shared",
        at: At::Short,
        run: contention::shared,
    },
];

/// Runs the jobs that were asked for.
pub fn run(root: &Path, words: &[String]) -> Result<(), String> {
    if words.iter().any(|word| word == "--list") {
        for job in JOBS {
            println!("{}", job.name);
        }
        return Ok(());
    }
    let options = Options::parse(words)?;
    if let Some(unknown) = options.only.iter().find(|only| {
        let job = only.split('.').next().unwrap_or_default();
        JOBS.iter().all(|known| known.name != job)
    }) {
        return Err(format!("no job '{unknown}'; --list names them"));
    }
    crate::suite::install(TOOLS)?;
    if options.loops {
        return loops(root, &options);
    }
    if options.profiling {
        crate::suite::install(profile::TOOLS)?;
    }
    if !options.built {
        return build(root, &options, words);
    }
    let scratch = root.join("target/bench");
    let place = scratch.join(&options.profile);
    let _alone = alone(&place)?;
    let binary = program(root, &options.profile);
    let stage = Stage {
        ledgers: Ledgers::of(&place, &binary)?,
        options: options.clone(),
    };
    if options.profiling {
        let text = profile::run(&stage, options.entries)?;
        println!("{text}");
        return match options.write {
            true => profile::write(root, &text),
            false => Ok(()),
        };
    }
    measure(root, &scratch, &stage)
}

/// Two at once would disturb each other, and the second would throw away what the first made.
fn alone(place: &Path) -> Result<File, String> {
    let file = place.join("lock");
    let held = std::fs::create_dir_all(place).and_then(|()| File::create(&file));
    let held = held.map_err(|why| format!("{}: {why}", file.display()))?;
    match held.try_lock() {
        Ok(()) => Ok(held),
        Err(why) => Err(format!(
            "{}: another bench runs here ({why})",
            file.display()
        )),
    }
}

/// Builds the program and this very tool, and hands over to what was built: a yardstick that is
/// measured in here must not be slower than it is.
fn build(root: &Path, options: &Options, words: &[String]) -> Result<(), String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["build", "--quiet", "--workspace", "--locked", "--profile"])
        .arg(&options.profile)
        .stdout(Stdio::null());
    eprintln!("== building ({})", options.profile);
    crate::suite::step(&mut cargo)?;
    let own = program(root, &options.profile).with_file_name("xtask");
    let mut again = Command::new(own);
    again
        .current_dir(root)
        .arg("bench")
        .args(words)
        .arg("--built");
    match again.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("the bench is not whole".into()),
        Err(why) => Err(format!("{again:?} cannot be run: {why}")),
    }
}

/// The inner loops, as divan tells them.
fn loops(root: &Path, options: &Options) -> Result<(), String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["bench", "--quiet", "--locked", "--package", "xtask"]);
    let text = world::said(cargo.stderr(Stdio::inherit()))?;
    println!("{text}");
    match options.write {
        true => {
            let block = format!("```text\n{text}\n```");
            table::write(&root.join("BENCHMARKS.md"), "loops", &block)
        }
        false => Ok(()),
    }
}

/// Where cargo puts the program.
fn program(root: &Path, profile: &str) -> PathBuf {
    let dir = match profile {
        "dev" => "debug",
        other => other,
    };
    root.join("target").join(dir).join("git-ledger")
}

fn measure(root: &Path, scratch: &Path, stage: &Stage) -> Result<(), String> {
    let options = &stage.options;
    let file = match options.quick {
        true => scratch.join("quick.json"),
        false => scratch.join("results.json"),
    };
    let machine = Machine::look(scratch)?;
    let mut results = Results::open(&file, machine)?;
    let (began, load, before) = (Instant::now(), machine::load()?, Usage::now()?);
    let mut failed = Vec::new();
    for job in JOBS {
        let lengths = match job.at {
            At::Each => options.lengths(),
            At::Longest => vec![options.entries],
            At::Short if options.long => Vec::new(),
            At::Short => vec![options.short()],
        };
        if !options.wants(job.name) {
            continue;
        }
        for entries in lengths {
            eprintln!("== {} at {entries} entries", job.name);
            let (then, busy) = (Instant::now(), Usage::now()?);
            match (job.run)(stage, entries) {
                Err(why) => {
                    eprintln!("error: {}: {why}", job.name);
                    failed.push(format!("{} at {entries}", job.name));
                }
                Ok(mut rows) => {
                    // what is too short to show anything meets no aim and misses none
                    if options.quick {
                        rows.iter_mut().for_each(|row| row.aim = None);
                    }
                    let run = Run {
                        commit: machine::commit(root)?,
                        profile: options.profile.clone(),
                        when: now(),
                        seconds: then.elapsed().as_secs(),
                        others: Usage::now()?.others_since(busy),
                    };
                    results.replace(&rows, &run);
                    results.sort(|id| JOBS.iter().position(|job| job.name == id));
                    results.save(&file)?;
                }
            }
        }
    }
    let text = table::markdown(&results);
    println!("{text}");
    if options.write {
        table::write(&root.join("BENCHMARKS.md"), "table", &text)?;
    }
    eprintln!(
        "{} s; load {load:.2} before and {:.2} after; others took {} % of the machine",
        began.elapsed().as_secs(),
        machine::load()?,
        Usage::now()?.others_since(before)
    );
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("not measured: {}", failed.join(", "))),
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
