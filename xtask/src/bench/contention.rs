//! Many writers at once: processes at one repository, build machines at one remote, and the same
//! through one process that commits what waits together.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::Stage;
use super::events::{self, Names};
use super::ledgers::begin;
use super::rounds::Series;
use super::row::{Figure, Row};
use super::servers::{Running, free_port, fresh, listens};
use super::verify::check;
use super::world::{World, run as done, said};

/// How many write at once.
const WRITERS: [u64; 3] = [1, 8, 32];

/// What a writer does for its event of a number.
type Write<'a> = Box<dyn FnMut(u64) -> Result<(), String> + Send + 'a>;

/// One way to write at once: so many writers, so many events in all.
type Way = fn(&World, u64, u64) -> Result<Row, String>;

/// Processes at one repository, build machines at one remote, clients of one `serve`.
pub fn run(stage: &Stage, _: u64) -> Result<Vec<Row>, String> {
    let ways: [Way; 4] = [
        local,
        |world, writers, all| remote(world, writers, all, Machines::Apart),
        |world, writers, all| serve(world, writers, all, None),
        |world, writers, all| serve(world, writers, all, Some("origin")),
    ];
    each(stage, &ways)
}

/// Processes that share a clone and push to one remote.
pub fn shared(stage: &Stage, _: u64) -> Result<Vec<Row>, String> {
    each(
        stage,
        &[|world, writers, all| remote(world, writers, all, Machines::One)],
    )
}

/// Each way, with each number of writers.
fn each(stage: &Stage, ways: &[Way]) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let (writers, all): (&[u64], u64) = match stage.options.quick {
        true => (&[1, 2], 4),
        false => (&WRITERS, 96),
    };
    let mut rows = Vec::new();
    for way in ways {
        for count in writers {
            rows.push(way(world, *count, all)?);
            eprint!(".");
        }
    }
    eprintln!();
    Ok(rows)
}

/// How long all of it took, and the longest that one event waited.
struct Waited {
    seconds: f64,
    longest: f64,
}

/// Each writer writes its share, all at once.
fn at_once(writers: Vec<Write<'_>>, all: u64) -> Result<Waited, String> {
    let share = all / writers.len() as u64;
    let began = Instant::now();
    let waits = std::thread::scope(|scope| {
        let threads: Vec<_> = writers
            .into_iter()
            .zip(0..)
            .map(|(mut write, writer): (Write<'_>, u64)| {
                scope.spawn(move || -> Result<f64, String> {
                    let mut longest: f64 = 0.0;
                    for number in writer * share..(writer + 1) * share {
                        let began = Instant::now();
                        write(number)?;
                        longest = longest.max(began.elapsed().as_secs_f64());
                    }
                    Ok(longest)
                })
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        let joined = joined.map(|one| one.map_err(|_| "a writer fell".to_owned())?);
        joined.collect::<Result<Vec<f64>, String>>()
    })?;
    Ok(Waited {
        seconds: began.elapsed().as_secs_f64(),
        longest: waits.into_iter().fold(0.0, f64::max),
    })
}

/// The row of one way; all events must be in the ledger, each once.
fn row(
    world: &World,
    way: &str,
    what: &str,
    (writers, all): (u64, u64),
    waited: &Waited,
    ledger: &Path,
) -> Result<Row, String> {
    let all = all / writers * writers;
    lost_none(world, ledger, all)?;
    let rate = Series(vec![waited.seconds]).rate(all);
    let rate = Figure::new(format!("{writers} × {what}"), "events/s", &rate);
    let longest = Figure::time("longest wait", &Series(vec![waited.longest]));
    Ok(Row {
        also: vec![longest, Figure::count("lost", "", 0.0)],
        ..Row::alone(&format!("{way}-{writers:02}"), all, rate)
    })
}

/// Holds the runs named by the events in a ledger to what was written.
fn lost_none(world: &World, ledger: &Path, all: u64) -> Result<(), String> {
    let log = said(&mut world.git(ledger, &["log", "--format=%b", "refs/heads/ledger"]))?;
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for part in log.split("/runs/").skip(1) {
        let number: String = part.chars().take_while(char::is_ascii_digit).collect();
        *found.entry(number).or_default() += 1;
    }
    let once = found.values().filter(|times| **times == 1).count() as u64;
    match once == all && found.len() as u64 == all {
        true => Ok(()),
        false => Err(format!(
            "{once} of {all} events are in the ledger once, and {} in all",
            found.len()
        )),
    }
}

/// Processes that append to one repository.
fn local(world: &World, writers: u64, all: u64) -> Result<Row, String> {
    let place = fresh(world, "work/contention")?;
    begin(world, "work/contention", &["ann"])?;
    let write = |_| -> Write<'_> {
        let place = &place;
        Box::new(move |number| {
            let arguments = super::append::arguments(number);
            done(world.ledger(place, &[]).args(arguments)).map(drop)
        })
    };
    let waited = at_once((0..writers).map(write).collect(), all)?;
    let entries = said(&mut world.git(&place, &["rev-list", "--count", "ledger"]))?;
    check(world, &place, entries.parse().map_err(|_| "no count")?)?;
    let what = "append at one repository";
    row(
        world,
        "contention.local",
        what,
        (writers, all),
        &waited,
        &place,
    )
}

/// A bare repository with a ledger, at `work/remote.git`.
fn bare(world: &World) -> Result<std::path::PathBuf, String> {
    fresh(world, "work/source")?;
    begin(world, "work/source", &["ann"])?;
    let commit = ["commit", "-q", "--allow-empty", "-m", "first"];
    done(&mut world.git("work/source", &commit))?;
    let bare = fresh(world, "work/remote.git")?;
    done(&mut world.git(&bare, &["init", "-q", "--bare"]))?;
    let url = bare.display().to_string();
    let push = ["push", "-q", &url, "main", "ledger"];
    done(&mut world.git("work/source", &push))?;
    Ok(bare)
}

/// A clone of one branch at depth 1, without the ledger, as a build machine makes it.
fn clone(world: &World, bare: &Path, name: &str) -> Result<std::path::PathBuf, String> {
    let place = fresh(world, name)?;
    let url = format!("file://{}", bare.display());
    let arguments = ["clone", "-q", "--depth=1", "--branch=main", &url];
    done(world.git("", &arguments).arg(&place))?;
    Ok(place)
}

/// Where the writers to one remote are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Machines {
    /// Each has a clone of its own.
    Apart,
    /// All share a clone.
    One,
}

/// Build machines that append at one remote.
fn remote(world: &World, writers: u64, all: u64, machines: Machines) -> Result<Row, String> {
    let bare = bare(world)?;
    let many = match machines {
        Machines::Apart => writers,
        Machines::One => 1,
    };
    let clones: Result<Vec<_>, String> = (0..many)
        .map(|writer| clone(world, &bare, &format!("work/clone-{writer}")))
        .collect();
    let clones = clones?;
    let trace = Trace::begin(world)?;
    let write = |place| -> Write<'_> {
        Box::new(move |number| {
            let arguments = super::append::arguments(number);
            let mut append = world.ledger(place, &[]);
            append
                .args(arguments)
                .args(["--push", "origin", "--timeout", "300"]);
            done(&mut append).map(drop)
        })
    };
    let places = clones.iter().cycle().take(writers as usize);
    let waited = at_once(places.map(write).collect(), all);
    let pushes = trace.end()?;
    let (way, what) = match machines {
        Machines::Apart => ("contention.remote", "append --push, a clone each"),
        Machines::One => ("shared.remote", "append --push in one clone"),
    };
    let mut row = row(world, way, what, (writers, all), &waited?, &bare)?;
    row.also.push(pushed(all, pushes));
    for place in &clones {
        fs::remove_dir_all(place).map_err(|why| format!("{}: {why}", place.display()))?;
    }
    Ok(row)
}

/// Pushes as git's trace counts them, by the events they carried.
fn pushed(all: u64, pushes: u64) -> Figure {
    Figure::count("pushes an event", "", pushes as f64 / all as f64)
}

/// git's own record of what it was asked to do (trace2), a file a process.
struct Trace<'a> {
    world: &'a World,
    dir: std::path::PathBuf,
}

impl<'a> Trace<'a> {
    fn begin(world: &'a World) -> Result<Trace<'a>, String> {
        let dir = fresh(world, "work/trace")?;
        let target = ["config", "--global", "trace2.eventTarget"];
        done(world.git("", &target).arg(&dir))?;
        Ok(Trace { world, dir })
    }

    /// How many of them were pushes.
    fn end(self) -> Result<u64, String> {
        let unset = ["config", "--global", "--unset", "trace2.eventTarget"];
        done(&mut self.world.git("", &unset))?;
        let files = fs::read_dir(&self.dir).map_err(|why| why.to_string())?;
        let mut pushes = 0;
        for file in files {
            let path = file.map_err(|why| why.to_string())?.path();
            let text = fs::read_to_string(&path).map_err(|why| why.to_string())?;
            let named = |line: &str| {
                line.contains("\"event\":\"cmd_name\"") && line.contains("\"name\":\"push\"")
            };
            pushes += u64::from(text.lines().any(named));
        }
        Ok(pushes)
    }
}

/// Clients of one `git ledger serve`, each with a connection of its own and one event at a time.
fn serve(world: &World, writers: u64, all: u64, push: Option<&str>) -> Result<Row, String> {
    let remote = bare(world)?;
    let place = clone(world, &remote, "work/served")?;
    let fetch = ["fetch", "-q", "origin", "ledger:ledger"];
    done(&mut world.git(&place, &fetch))?;
    let port = free_port()?;
    let address = format!("127.0.0.1:{port}");
    let mut serve: Command = world.ledger(&place, &["serve", "--insecure-no-secret"]);
    serve.args(["--listen", &address, "--timeout", "60"]);
    if let Some(remote) = push {
        serve.args(["--push", remote]);
    }
    let log = world.path("work/serve.log");
    let trace = Trace::begin(world)?;
    let running = Running::start(serve, &log, || listens(port))?;
    let write = |_| -> Result<Write<'_>, String> {
        let mut client = Client::connect(&address)?;
        Ok(Box::new(move |number| client.post(number)))
    };
    let clients: Result<Vec<_>, String> = (0..writers).map(write).collect();
    let waited = at_once(clients?, all);
    drop(running);
    let pushes = trace.end()?;
    let ledger = if push.is_some() { &remote } else { &place };
    let (way, what) = match push {
        Some(_) => ("contention.serve-push", "client of one serve --push"),
        None => ("contention.serve", "client of one serve"),
    };
    let mut row = row(world, way, what, (writers, all), &waited?, ledger)?;
    if push.is_some() {
        row.also.push(pushed(all, pushes));
    }
    fs::remove_dir_all(&place).map_err(|why| format!("{}: {why}", place.display()))?;
    Ok(row)
}

/// One connection that stays open.
struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn connect(address: &str) -> Result<Client, String> {
        let stream = TcpStream::connect(address).map_err(|why| why.to_string())?;
        stream.set_nodelay(true).map_err(|why| why.to_string())?;
        Ok(Client {
            reader: BufReader::new(stream),
        })
    }

    /// Sends one event and waits until it is recorded.
    fn post(&mut self, number: u64) -> Result<(), String> {
        let body = events::line(number, Names::Given);
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Content-Type: application/cloudevents+json\r\n\r\n",
            body.len()
        );
        let said = |why: std::io::Error| format!("serve: {why}");
        let stream = self.reader.get_mut();
        stream
            .write_all(&[head, body].concat().into_bytes())
            .map_err(said)?;
        let (mut status, mut length) = (String::new(), 0);
        self.reader.read_line(&mut status).map_err(said)?;
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).map_err(said)?;
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.reader.read_exact(&mut answer).map_err(said)?;
        match status.contains(" 201 ") {
            true => Ok(()),
            false => Err(format!(
                "serve answered {status}{}",
                String::from_utf8_lossy(&answer)
            )),
        }
    }
}
