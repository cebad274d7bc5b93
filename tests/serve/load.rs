//! How many deliveries a second, each durable before its answer; figures, nothing is asserted of
//! them.

use std::time::{Duration, Instant};

use super::{Serving, client, github, push};
use crate::recorded::times;
use crate::world::World;

/// All deliveries of one run over so many connections, and how long each took.
fn run(serving: &Serving, connections: usize, each: usize) -> (Duration, Vec<Duration>) {
    let requests: Vec<Vec<Vec<u8>>> = (0..connections)
        .map(|c| {
            (0..each)
                .map(|n| {
                    github(
                        &format!("{c}-{n}"),
                        "push",
                        &push(&format!("{connections}/{c}/{n}"), '1', '2'),
                    )
                })
                .collect()
        })
        .collect();
    let began = Instant::now();
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let senders: Vec<_> = requests
            .iter()
            .map(|requests| {
                scope.spawn(|| {
                    let mut stream = serving.connect();
                    let send = |request: &Vec<u8>| {
                        let began = Instant::now();
                        let answer = client::send(&mut stream, request);
                        assert_eq!(answer.status, 201, "{answer:?}");
                        began.elapsed()
                    };
                    requests.iter().map(send).collect::<Vec<_>>()
                })
            })
            .collect();
        senders
            .into_iter()
            .flat_map(|sender| sender.join().expect("answers"))
            .collect()
    });
    let whole = began.elapsed();
    took.sort();
    (whole, took)
}

#[test]
fn deliveries_a_second() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let mut sent = 0;
    for (connections, each) in [
        (1, times(20, 500)),
        (8, times(10, 500)),
        (64, times(5, 200)),
    ] {
        let (whole, took) = run(&serving, connections, each);
        let percentile = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1000.0;
        sent += took.len();
        println!(
            "deliveries | {connections} | {} | {:.0} | {:.1} ms | {:.1} ms",
            took.len(),
            took.len() as f64 / whole.as_secs_f64(),
            percentile(50),
            percentile(99)
        );
    }
    assert_eq!(serving.recorded().len(), sent);
}
