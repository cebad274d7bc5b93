//! What an append costs, counted in system calls, so that nobody adds one unawares: waits for the
//! disk, and bytes read, however long the ledger is.

use super::trace;
use crate::recorded::binary;
use crate::world::{World, run};

/// How often a command waits for the disk, and how many bytes it reads.
fn cost(world: &World, arguments: &[&str]) -> (usize, u64) {
    let text = trace(world, "r", arguments, ",fdatasync,read,pread64", &[]);
    let calls = |name: &str| {
        let name = format!(" {name}(");
        text.lines().filter(move |line| line.contains(&name))
    };
    let waits = calls("fsync").count() + calls("fdatasync").count();
    // libraries, and what the system tells of the process, are not the ledger's; a write-ahead log
    // is read whole and kept short, and how long it is just now is chance
    let ours = |line: &&str| line.contains("/r/.git/") && !line.contains("-wal>");
    let read = calls("read").chain(calls("pread64")).filter(ours);
    let bytes = read.filter_map(|line| line.rsplit(" = ").next()?.parse::<u64>().ok());
    (waits, bytes.sum())
}

fn append(world: &World, id: &str) {
    run(binary(world, "r", &["append", "a.b", "--id", id]), b"").ok();
}

/// The object, its directory and perhaps the one above, the reference, its log and its directory.
#[test]
fn an_append_waits_for_the_disk_no_more_than_it_must() {
    let world = World::new();
    world.repository("r");
    append(&world, "first");
    append(&world, "second");
    for arguments in [&["append", "a.b"][..], &["append", "a.b", "--id", "third"]] {
        let (waits, _) = cost(&world, arguments);
        assert!((5..=6).contains(&waits), "{arguments:?}: {waits}");
    }
}

#[test]
fn an_append_reads_no_more_of_a_longer_ledger() {
    let world = World::new();
    world.repository("r");
    let batch = |count: usize| {
        let lines: String = (0..count).map(|_| "{\"type\":\"a.b\"}\n").collect();
        let batch = ["append", "--batch", "-", "--events-per-entry", "1"];
        run(binary(&world, "r", &batch), lines.as_bytes()).ok();
    };
    let mut costs = Vec::new();
    for (round, count) in [100, 4000].into_iter().enumerate() {
        batch(count);
        // the first looks at what is new
        append(&world, &format!("{round}a"));
        append(&world, &format!("{round}b"));
        let (_, plain) = cost(&world, &["append", "a.b"]);
        let id = format!("{round}c");
        let (_, looked) = cost(&world, &["append", "a.b", "--id", &id]);
        costs.push((plain, looked));
    }
    let [(plain, looked), (longer, longer_looked)] = costs[..] else {
        panic!("{costs:?}");
    };
    assert!(longer <= plain + 512, "{costs:?}");
    // the cache is a page deeper, not thousands of records longer
    assert!(longer_looked <= looked + 48 * 1024, "{costs:?}");
}
