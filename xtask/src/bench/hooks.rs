//! What the hooks add to a push over ssh and over http.

use std::cell::Cell;
use std::process::Command;

use super::Stage;
use super::ledgers::Kind;
use super::rounds::{Side, alternate};
use super::row::{Bound, Reading, Row};
use super::servers::{Server, fresh, ssh_script, sshd, web};
use super::verify::check;
use super::world::{World, copy_dir, run as done, timed};

/// A bare repository with the ledger and its hooks, one with the settings the hooks bring and no
/// hooks, and one as git makes it.
const REPOSITORIES: [&str; 3] = ["work/hooked.git", "work/set.git", "work/plain.git"];

/// The rows of both ways.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    fresh(world, "work/source")?;
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let [hooked, set, plain] = REPOSITORIES;
    copy_dir(&made.path.join(".git"), &world.path(hooked))?;
    done(&mut world.git(hooked, &["config", "core.bare", "true"]))?;
    done(&mut world.ledger(hooked, &["hook", "install"]))?;
    for other in [set, plain] {
        fresh(world, other)?;
        done(&mut world.git(other, &["init", "-q", "--bare"]))?;
    }
    // whatever the hooks' installation sets, but for the hooks themselves
    let list = ["config", "--local", "--get-regexp", "^(receive|core.fsync)"];
    let settings = super::world::said(&mut world.git(hooked, &list))?;
    for line in settings.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        done(&mut world.git(set, &["config", key, value]))?;
    }
    source(world)?;
    let pushed = Cell::new(0_u64);
    let mut rows = Vec::new();
    let script = ssh_script(world)?;
    for way in ["ssh", "http"] {
        let server = match way {
            "ssh" => sshd(world)?,
            _ => web(world)?,
        };
        let push = |repository: &str| {
            let seconds = push(world, &server, repository, &script, pushed.get())?;
            pushed.set(pushed.get() + 1);
            Ok(seconds)
        };
        let sides: Vec<Side<'_>> = vec![
            Box::new(|| push(hooked)),
            Box::new(|| push(set)),
            Box::new(|| push(plain)),
        ];
        let series = alternate(stage.options.rounds(25), sides)?;
        let [with, same, stock] = series.as_slice() else {
            return Err("a side is missing".into());
        };
        let ours = (format!("git push over {way}, recorded by the hooks"), with);
        let row = |id: String, beside, series| {
            Row::timed(
                &id,
                entries,
                Reading::Added,
                (&ours.0, ours.1),
                (beside, series),
            )
        };
        rows.push(
            row(
                format!("hooks.{way}"),
                "the same push without hooks, same settings",
                same,
            )
            .aiming("≤ 15 %", Bound::AtMost(15.0)),
        );
        rows.push(row(
            format!("hooks.{way}-stock"),
            "the same push to a repository as git makes it: not durable",
            stock,
        ));
    }
    // one in three pushes was recorded
    check(world, &world.path(hooked), entries + pushed.get() / 3)?;
    for dir in REPOSITORIES.map(|name| world.path(name)) {
        std::fs::remove_dir_all(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    }
    Ok(rows)
}

/// A work tree with a few files, to push from.
fn source(world: &World) -> Result<(), String> {
    let place = "work/source";
    done(&mut world.git(place, &["init", "-q"]))?;
    for number in 0..20 {
        let file = world.path(place).join(format!("file-{number}"));
        let text: String = (0..100).map(|line| format!("{number} {line}\n")).collect();
        std::fs::write(file, text).map_err(|why| why.to_string())?;
    }
    done(&mut world.git(place, &["add", "."]))?;
    done(&mut world.git(place, &["commit", "-q", "-m", "begin"]))?;
    Ok(())
}

/// Seconds of one push of one new commit that changes a file.
fn push(
    world: &World,
    server: &Server,
    repository: &str,
    script: &std::path::Path,
    number: u64,
) -> Result<f64, String> {
    let place = "work/source";
    let file = world.path(place).join(format!("file-{}", number % 20));
    std::fs::write(file, format!("change {number}\n")).map_err(|why| why.to_string())?;
    let message = format!("change {number}");
    done(&mut world.git(place, &["commit", "-q", "-a", "-m", &message]))?;
    let url = format!("{}/{repository}", server.url);
    let mut push: Command = world.git(place, &["push", "-q", &url, "main"]);
    push.env("GIT_SSH", script).env("GIT_SSH_VARIANT", "ssh");
    Ok(timed(&mut push)?.0)
}
