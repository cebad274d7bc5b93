//! Killed under load, again and again: what was answered with 2xx is in the ledger, once.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use git_ledger::merkle::{hex, sha256};
use rustix::process::Signal;

use super::{Serving, client, github, push};
use crate::recorded::{assert_both_agree, events, times};
use crate::servers::wait_until;
use crate::world::World;

const SENDERS: usize = 8;

/// What senders saw.
#[derive(Default)]
struct Seen {
    sent: AtomicU32,
    recorded: Mutex<BTreeSet<String>>,
    spooled: Mutex<BTreeSet<String>>,
}

/// Sends delivery after delivery until told to stop or nobody answers.
fn send_on(serving: &Serving, seen: &Seen, stop: &AtomicBool) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", serving.port)) else {
        return;
    };
    while !stop.load(Ordering::Relaxed) {
        let n = seen.sent.fetch_add(1, Ordering::Relaxed);
        let body = push(&format!("b{n}"), '1', '2');
        let request = github(&n.to_string(), "push", &body);
        let id = format!("sha256:{}", hex(&sha256(body.as_bytes())));
        match client::send(&mut stream, &request).status {
            200 | 201 => seen.recorded.lock().expect("a set").insert(id),
            202 => seen.spooled.lock().expect("a set").insert(id),
            0 => return,
            // it said no, and closed
            _ => return,
        };
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    let world = World::new();
    world.repository("r");
    let (kills, seen) = (times(6, 100), Seen::default());
    for round in 0..kills {
        let serving = Serving::start(&world, &["--on-failure", "spool", "--timeout", "1"]);
        let stop = AtomicBool::new(false);
        // now and then somebody else has the ledger, so that events go into the spool
        let lock = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o644)
            .open(world.path("r/.git/git-ledger/lock"))
            .expect("the lock");
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| send_on(&serving, &seen, &stop));
            }
            if round % 3 == 2 {
                rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)
                    .expect("the lock");
                std::thread::sleep(Duration::from_millis(1500));
                rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).expect("the lock");
            }
            // moments spread over the time that some groups take
            let share = round as u64 * 7919 % kills as u64;
            std::thread::sleep(Duration::from_millis(50 + 400 * share / kills as u64));
            serving.signal(Signal::KILL);
            stop.store(true, Ordering::Relaxed);
        });
    }
    let mut serving = Serving::start(&world, &[]);
    wait_until("the spool is empty", || {
        serving.metric("git_ledger_serve_spooled_events") == 0.0
    });
    assert_eq!(serving.stop(), Some(0), "{}", serving.log());
    let found = events(&world, "r");
    let recorded = seen.recorded.into_inner().expect("a set");
    let spooled = seen.spooled.into_inner().expect("a set");
    for id in recorded.union(&spooled) {
        let times: usize = found
            .iter()
            .filter(|((_, other), _)| other == id)
            .map(|(_, times)| *times)
            .sum();
        assert_eq!(times, 1, "{id}");
    }
    assert!(found.values().all(|times| *times == 1), "none twice");
    assert!(!recorded.is_empty() && (kills < 3 || !spooled.is_empty()));
    assert_both_agree(&world, "r");
    println!(
        "figures | serve under load | {} | {kills} | {} | 0 | 0 | 0",
        seen.sent.into_inner(),
        recorded.len() + spooled.len()
    );
}
