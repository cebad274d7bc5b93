//! `cargo xtask town`: a ledger as a company would have it after half a year, to look at.
//!
//! Ten services, eleven people, a bot, one bad night: events made from chance that is the same
//! every time, recorded by the real program under the keys of those who would record them, with two
//! mirrors, of which one is behind, and a policy that changed on the way. Beside it a small ledger,
//! and the same small one with an entry that was rewritten. Only ids and keys are new each time.

mod chance;
mod days;
mod events;
mod incident;

use std::fs;
use std::path::Path;

use crate::bench::world::{World, run as done};
use days::{DAY, Town};
use events::{Recorder, Told};

/// Seconds since 1970 at which the last day begins: Tuesday, 2026-06-30.
const LAST_DAY: u64 = 1_782_777_600;
/// Days in all.
const DAYS: u64 = 180;
/// Events that are wanted when nobody says how many.
pub const EVENTS: usize = 12_000;

const USAGE: &str = "usage: cargo xtask town DIR [--events N]";

/// Makes the town in a directory that is not there, or empty.
pub fn run(root: &Path, words: &[String]) -> Result<(), String> {
    let (place, events) = match words {
        [place] => (place, EVENTS),
        [place, flag, number] if flag == "--events" => (
            place,
            number
                .parse()
                .map_err(|_| format!("'{number}' is no number"))?,
        ),
        _ => return Err(USAGE.into()),
    };
    let program = crate::suite::program(root)?;
    let place = std::path::absolute(place).map_err(|why| why.to_string())?;
    build(&place, &program, events)?;
    println!(
        "{0}/acme.git is the ledger, {0}/website.git a small one, {0}/rewritten.git the same after \
         somebody rewrote it",
        place.display()
    );
    println!("its user's configuration: HOME={}/home", place.display());
    Ok(())
}

/// The town, by a program that is there.
pub fn build(place: &Path, program: &Path, events: usize) -> Result<(), String> {
    if fs::read_dir(place).is_ok_and(|mut files| files.next().is_some()) {
        return Err(format!("'{}' is not empty", place.display()));
    }
    let world = World::at(place, program)?;
    let first_day = LAST_DAY - (DAYS - 1) * DAY;
    let site = Site::begin(&world, "acme.git", "acme/delivery", first_day)?;
    for mirror in ["backup", "auditor"] {
        site.git("", &["init", "--quiet", "--bare", &format!("{mirror}.git")])?;
        let url = format!("../{mirror}.git");
        site.ledger(
            first_day + 60,
            &["mirror", "add", mirror, &url, "--independent"],
        )?;
    }
    let told = half_a_year(first_day, events);
    site.record(&told, &changes(first_day))?;
    small(&world, first_day)
}

/// Everything that is told, in order.
fn half_a_year(first_day: u64, events: usize) -> Vec<Told> {
    let mut town = Town::new(7);
    let days = || (0..DAYS).map(|day| first_day + day * DAY);
    let working = days().filter(|begin| days::works(*begin)).count();
    let mut worked = 0;
    for begin in days() {
        worked += usize::from(days::works(begin));
        town.day(begin, events * worked / working);
    }
    let mut told = town.told;
    told.extend(incident::night(first_day + BAD_DAY * DAY));
    told.extend(incident::alone(first_day + (BAD_DAY - 30) * DAY));
    told.sort_by_key(|told| told.time);
    // nobody records what is yet to come
    told.retain(|told| told.time < LAST_DAY + 17 * 3600);
    told
}

/// The day of the bad night, counted from the first.
const BAD_DAY: u64 = 133;

/// What else happens: seconds since 1970, and the words for the program.
type Change = (u64, Vec<String>);

/// Keys come and go, and the copies are brought up to date, one of them not to the end.
fn changes(first_day: u64) -> Vec<Change> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut all = vec![
        (first_day + 40 * DAY, words("policy threshold 2")),
        (
            first_day + 70 * DAY,
            words("policy on-failure dev.git-ledger.push --mode closed"),
        ),
        // after the bad night the pipeline gets another key
        (
            first_day + (BAD_DAY + 1) * DAY + 11 * 3600,
            words("policy rotate pipeline@acme NEWKEY"),
        ),
    ];
    for week in 1..=DAYS / 7 {
        all.push((
            first_day + week * 7 * DAY,
            words("mirror push backup auditor"),
        ));
    }
    all.push((LAST_DAY + 12 * 3600, words("mirror push backup")));
    all.sort_by_key(|(time, _)| *time);
    all
}

/// A repository with a ledger in it.
struct Site<'a> {
    world: &'a World,
    name: &'a str,
}

impl Site<'_> {
    /// Two admins, and whoever records.
    fn begin<'a>(
        world: &'a World,
        name: &'a str,
        ledger: &str,
        time: u64,
    ) -> Result<Site<'a>, String> {
        let site = Site { world, name };
        site.git("", &["init", "--quiet", "--bare", name])?;
        site.ledger(time, &["init", "--name", ledger, "--principal", "ann@acme"])?;
        let bob = world.public("bob")?;
        site.ledger(
            time + 20,
            &[
                "policy",
                "add-signer",
                "bob@acme",
                &bob,
                "--role",
                "admin",
                "-y",
            ],
        )?;
        for (at, recorder) in Recorder::ALL.into_iter().enumerate() {
            let role = match recorder {
                Recorder::Auditor => "auditor",
                _ => "writer",
            };
            let types: &[&str] = match recorder {
                Recorder::Forge => &["dev.git-ledger.*", "com.github.*"],
                Recorder::Pipeline => &["dev.cdevents.*"],
                Recorder::Operations => &["dev.git-ledger.*"],
                Recorder::Auditor => &[],
            };
            let principal = recorder.principal();
            let public = site.key(principal)?;
            let mut words = vec!["policy", "add-signer", principal, &public];
            words.extend(["--role", role, "-y"]);
            for pattern in types {
                words.extend(["--type", pattern]);
            }
            site.ledger(time + 30 + at as u64, &words)?;
        }
        Ok(site)
    }

    fn git(&self, dir: &str, words: &[&str]) -> Result<(), String> {
        done(&mut self.world.git(dir, words)).map(drop)
    }

    /// Runs the program at a time.
    fn ledger(&self, time: u64, words: &[&str]) -> Result<(), String> {
        let mut command = self.world.ledger(self.name, words);
        command.env("GIT_COMMITTER_DATE", format!("@{time} +0000"));
        done(&mut command).map(drop)
    }

    /// Makes a key; its public half.
    fn key(&self, name: &str) -> Result<String, String> {
        let path = self.world.key(name);
        if !path.exists() {
            let mut make = self.world.command("", "ssh-keygen");
            make.args(["-q", "-N", "", "-t", "ed25519", "-C", name, "-f"]);
            done(make.arg(&path))?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(path.with_file_name(format!("{name}.pub")));
        let text = text.map_err(|why| why.to_string())?;
        let words: Vec<&str> = text.split_whitespace().take(2).collect();
        Ok(words.join(" "))
    }

    /// Records all of it in order; neighbours of one recorder go together.
    fn record(&self, told: &[Told], changes: &[Change]) -> Result<(), String> {
        let mut changes = changes.iter().peekable();
        let mut pipeline = Recorder::Pipeline.principal().to_owned();
        let groups = told.chunk_by(|one, next| {
            one.by == next.by
                && next.time - one.time < 3600
                && !changes_between(one.time, next.time)
        });
        for (at, group) in groups.enumerate() {
            let (Some(first), Some(last)) = (group.first(), group.last()) else {
                continue;
            };
            while let Some((time, words)) = changes.next_if(|(time, _)| *time <= first.time) {
                self.change(*time, words, &mut pipeline)?;
            }
            let lines: Vec<&str> = group.iter().map(|told| told.line.as_str()).collect();
            let file = self.world.path("batch.jsonl");
            fs::write(&file, lines.join("\n") + "\n").map_err(|why| why.to_string())?;
            let principal = match first.by {
                Recorder::Pipeline => pipeline.as_str(),
                other => other.principal(),
            };
            let key = self.world.key(principal).display().to_string();
            let file = file.display().to_string();
            let append = [
                "append",
                "--key",
                &key,
                "--events-per-entry",
                "1",
                "--batch",
                &file,
            ];
            self.ledger(last.time, &append)?;
            if at % 100 == 99 {
                eprint!(".");
            }
        }
        eprintln!();
        for (time, words) in changes {
            self.change(*time, words, &mut pipeline)?;
        }
        fs::remove_file(self.world.path("batch.jsonl")).map_err(|why| why.to_string())
    }

    /// One change of the policy, agreed to by both admins where it must be; or another command.
    fn change(&self, time: u64, words: &[String], pipeline: &mut String) -> Result<(), String> {
        let next = format!("{pipeline}-next");
        let mut words: Vec<String> = words.to_vec();
        if words.iter().any(|word| word == "NEWKEY") {
            let public = self.key(&next)?;
            for word in words.iter_mut().filter(|word| *word == "NEWKEY") {
                word.clone_from(&public);
            }
            *pipeline = next;
        }
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.first() != Some(&"policy") {
            return self.ledger(time, &words);
        }
        let file = self.world.path("change.json").display().to_string();
        let bob = self.world.key("bob").display().to_string();
        words.extend(["--propose", &file]);
        self.ledger(time, &words)?;
        self.ledger(
            time + 600,
            &["policy", "approve", &file, "--key", &bob, "-y"],
        )?;
        self.ledger(time + 900, &["policy", "apply", &file, "-y"])?;
        fs::remove_file(&file).map_err(|why| why.to_string())
    }
}

/// Whether the clock passes midnight: changes happen between groups.
fn changes_between(from: u64, to: u64) -> bool {
    from / DAY != to / DAY
}

/// A small ledger, and a copy of it in which history was written anew.
fn small(world: &World, first_day: u64) -> Result<(), String> {
    let site = Site::begin(world, "website.git", "acme/website", first_day)?;
    let told = half_a_year(first_day, 300);
    let told = told.get(..200).unwrap_or(&told);
    site.record(told, &[])?;
    // the copy remembers what the ledger held, and then holds less and other things
    site.git(
        "",
        &[
            "clone",
            "--quiet",
            "--mirror",
            "website.git",
            "rewritten.git",
        ],
    )?;
    let copy = Site {
        world,
        name: "rewritten.git",
    };
    copy.ledger(LAST_DAY, &["verify", "--quiet"])?;
    copy.git(
        "rewritten.git",
        &["update-ref", "refs/heads/ledger", "refs/heads/ledger~40"],
    )?;
    copy.record(told.get(190..).unwrap_or_default(), &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use git_ledger::cdevents::Kind;
    use git_ledger::event::Event;
    use git_ledger::json::Value;

    #[test]
    fn what_is_told_is_well_formed_and_told_once() {
        let told = half_a_year(LAST_DAY - (DAYS - 1) * DAY, EVENTS);
        assert!(told.len() >= 10_000, "{}", told.len());
        let mut ids = std::collections::BTreeSet::new();
        for told in &told {
            let event = Event::parse(told.line.as_bytes()).expect("an event");
            assert!(ids.insert(event.id().to_owned()), "{}", told.line);
            let Some(kind) = Kind::of(event.kind()) else {
                continue;
            };
            let subject = event.data().and_then(Value::as_object);
            let subject = subject.and_then(|data| data.get("subject"));
            let content = subject.and_then(|it| it.as_object()?.get("content")?.as_object());
            assert_eq!(
                kind.check(content.expect("content")),
                Ok(()),
                "{}",
                told.line
            );
        }
        let again = half_a_year(LAST_DAY - (DAYS - 1) * DAY, EVENTS);
        assert!(
            told.iter()
                .map(|t| &t.line)
                .eq(again.iter().map(|t| &t.line))
        );
    }
}
