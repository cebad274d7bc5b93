//! While others write, clean up and read.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{EVERY, FEW, counted};
use crate::recorded::{assert_both_agree, binary, ids, times};
use crate::world::{World, run};

const WRITERS: usize = 8;

/// Runs these until all is done, or they have run; how many have.
fn until(done: &AtomicBool, commands: Vec<Command>, judge: fn(crate::world::Said)) -> usize {
    let running = commands.into_iter();
    let running = running.take_while(|_| !done.load(Ordering::Relaxed));
    running.map(|command| judge(run(command, b""))).count()
}

/// Eight writers, so many entries that it is time twice, and git's housekeeping all the while.
#[test]
fn writers_and_housekeeping() {
    let each = times(6, 40);
    let world = World::new();
    super::repository(&world);
    let cleanings: [&[&str]; 3] = [
        &["repack", "-a", "-d", "--quiet"],
        &["gc", "--quiet", "--prune=now"],
        &["prune-packed", "--quiet"],
    ];
    let clean = |arguments: &&[&str]| {
        let mut git = world.command("r", "git");
        git.args(*arguments);
        git
    };
    let cleanings = cleanings.iter().cycle().take(1000).map(clean).collect();
    let writers: Vec<Vec<(Command, String)>> = (0..WRITERS)
        .map(|writer| {
            let from = (0..each).map(|round| (writer * each + round) * FEW);
            let batch = |from| super::batch(&world, "r", from..from + FEW);
            from.map(batch).collect()
        })
        .collect();
    let done = AtomicBool::new(false);
    let cleaned = std::thread::scope(|scope| {
        let cleaner = scope.spawn(|| until(&done, cleanings, drop));
        let write = |batches: Vec<(Command, String)>| {
            for (command, input) in batches {
                let said = run(command, input.as_bytes());
                assert!(said.err.is_empty(), "{said}");
                said.ok();
            }
        };
        let writers: Vec<_> = writers
            .into_iter()
            .map(|batches| scope.spawn(move || write(batches)))
            .collect();
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.expect("a writer"));
        cleaner.join().expect("a cleaner")
    });
    let all = WRITERS * each * FEW;
    assert_eq!(ids(&world, "r").len(), all);
    assert_both_agree(&world, "r");
    println!("{all} entries beside {cleaned} runs of git's housekeeping");
}

/// Whoever reads meanwhile misses nothing: entries move from file to pack to larger pack.
#[test]
fn readers() {
    let world = World::new();
    super::repository(&world);
    super::append_loose(&world, "r", 0, FEW);
    let read = |arguments: &[&str]| -> Vec<Command> {
        (0..1000).map(|_| binary(&world, "r", arguments)).collect()
    };
    let (verify, log) = (read(&["verify"]), read(&["log", "--json"]));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sound = |said: crate::world::Said| drop(said.ok());
        let readers = [verify, log].map(|all| {
            let done = &done;
            scope.spawn(move || until(done, all, sound))
        });
        super::append_loose(&world, "r", 100, 2 * EVERY);
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().expect("a reader") > 0);
        }
    });
    assert!(counted(&world, "r", "packs") > 0);
}
