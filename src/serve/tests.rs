//! The server's core over real connections, with a recorder that does what the test wants.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::*;

const EVENT: &str = "application/cloudevents+json";

#[derive(Default)]
struct Quietly(Mutex<Vec<Line>>);

impl Host for Quietly {
    fn now(&self) -> u64 {
        1_000
    }

    fn tell(&self, line: &Line) {
        self.0.lock().unwrap().push(line.clone());
    }
}

/// Says what it is given, and answers what it is told to.
struct Told {
    groups: mpsc::Sender<Vec<String>>,
    answer: mpsc::Receiver<Outcome>,
}

impl Recorder for Told {
    fn record(&mut self, events: &[Pending]) -> Vec<Outcome> {
        let ids = events.iter().map(|pending| pending.event.id().to_owned());
        self.groups.send(ids.collect()).unwrap();
        let outcome = self.answer.recv().expect("the test's own panic");
        vec![outcome; events.len()]
    }

    fn ready(&mut self) -> Result<(), String> {
        Err("/a/path".to_owned())
    }

    fn drain(&mut self) -> Result<u64, String> {
        Ok(0)
    }

    fn waiting(&self) -> u64 {
        7
    }

    fn history(&self, _: usize, _: &mut dyn FnMut(Vec<Step>, u64)) -> Result<(), String> {
        Ok(())
    }
}

fn settings(limits: Limits) -> Settings {
    Settings {
        guards: Route::ALL
            .into_iter()
            .map(|route| (route, Guard::Anybody))
            .collect(),
        repositories: Vec::new(),
        sources: Vec::new(),
        keep: Keep::Reduced,
        gap_after: 600,
        limits,
    }
}

fn send(port: u16, id: &str) -> String {
    let body = format!(r#"{{"specversion":"1.0","type":"t","source":"/s","id":"{id}"}}"#);
    let request = format!(
        "POST /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {EVENT}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(port, &request)
}

fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

/// Runs a test against a server: its port, what the recorder is given, and what it shall answer.
fn with(
    limits: Limits,
    test: impl FnOnce(u16, &mpsc::Receiver<Vec<String>>, mpsc::Sender<Outcome>),
) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = watch::channel(false);
    let (groups, given) = mpsc::channel();
    let (say, answer) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let host: Arc<dyn Host> = Arc::new(Quietly::default());
        let mut told = Told { groups, answer };
        serve(listener, settings(limits), &host, &mut told, stopped)
    });
    test(port, &given, say);
    stop.send_replace(true);
    server.join().unwrap()
}

fn recorded(number: u64) -> Outcome {
    Outcome::Recorded(Place {
        number,
        digest: [0; 32],
    })
}

#[test]
fn what_comes_while_the_ledger_is_busy_is_recorded_together() {
    with(Limits::default(), |port, given, say| {
        std::thread::scope(|scope| {
            let first = scope.spawn(move || send(port, "first"));
            assert_eq!(given.recv().unwrap(), ["first"]);
            let rest: Vec<_> = (0..20)
                .map(|n| scope.spawn(move || send(port, &n.to_string())))
                .collect();
            // they are taken in while the first is being recorded, and none is answered
            let queued = || ask(port, "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
            while !queued().contains("git_ledger_serve_queued_requests 20\n") {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(rest.iter().all(|one| !one.is_finished()) && !first.is_finished());
            say.send(recorded(1)).unwrap();
            assert!(first.join().unwrap().starts_with("HTTP/1.1 201"));
            assert_eq!(given.recv().unwrap().len(), 20);
            say.send(recorded(2)).unwrap();
            for one in rest {
                assert!(one.join().unwrap().contains("\"number\":2"));
            }
        });
    })
    .unwrap();
}

#[test]
fn each_outcome_has_its_status() {
    with(Limits::default(), |port, given, say| {
        let place = Place {
            number: 3,
            digest: [1; 32],
        };
        for (outcome, status) in [
            (Outcome::Recorded(place), 201),
            (Outcome::Duplicate(place), 200),
            (Outcome::Spooled, 202),
            (Outcome::Conflict(place), 409),
            (Outcome::Refused("a secret path".into()), 422),
            (Outcome::Failed("a secret path".into()), 503),
        ] {
            say.send(outcome).unwrap();
            let said = send(port, "x");
            assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
            assert!(!said.contains("secret path"), "{said}");
            assert_eq!(said.contains("retry-after: "), status == 503, "{said}");
            given.recv().unwrap();
        }
        let ready = ask(port, "GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert!(
            ready.starts_with("HTTP/1.1 503 ") && !ready.contains("/a/path"),
            "{ready}"
        );
    })
    .unwrap();
}

#[test]
fn a_full_queue_and_a_slow_ledger_are_told_and_not_waited_for() {
    let limits = Limits {
        queue: 1,
        record_time: Duration::from_millis(200),
        ..Limits::default()
    };
    with(limits, |port, given, say| {
        std::thread::scope(|scope| {
            let slow = scope.spawn(move || send(port, "slow"));
            given.recv().unwrap();
            let waiting = scope.spawn(move || send(port, "waiting"));
            while !ask(port, "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n")
                .contains("queued_requests 1\n")
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            let full = send(port, "full");
            assert!(full.contains("too many requests wait"), "{full}");
            for one in [slow, waiting] {
                let said = one.join().unwrap();
                assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
            }
            say.send(recorded(1)).unwrap();
            say.send(recorded(2)).unwrap();
        });
    })
    .unwrap();
}

#[test]
fn bodies_share_the_room_there_is() {
    let limits = Limits {
        in_flight: 8 << 10,
        ..Limits::default()
    };
    with(limits, |port, _, _| {
        let head = |length: usize| {
            format!("POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: {EVENT}\r\nContent-Length: {length}\r\n\r\n")
        };
        let hold = || {
            let mut holder = TcpStream::connect(("127.0.0.1", port)).unwrap();
            holder.write_all(head(8000).as_bytes()).unwrap();
            holder.write_all(&[b' '; 7999]).unwrap();
            holder
        };
        let (mut holder, mut said) = (hold(), String::new());
        for round in 1.. {
            // until the holder's body is there
            said = ask(port, &(head(5000).replace("Host: x", "Connection: close") + &" ".repeat(5000)));
            if said.starts_with("HTTP/1.1 503 ") {
                break;
            }
            assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
            if round % 50 == 0 {
                // whoever asked may have been there first, and the holder was turned away
                holder = hold();
            }
        }
        drop(holder);
        while !said.starts_with("HTTP/1.1 400 ") {
            said = ask(port, &(head(5000).replace("Host: x", "Connection: close") + &" ".repeat(5000)));
        }
    })
    .unwrap();
}

#[test]
fn without_the_thread_that_records_the_server_ends() {
    let ended = with(Limits::default(), |port, _, say| {
        drop(say);
        let said = send(port, "x");
        assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    assert_eq!(ended, Err("the thread that records has died".to_owned()));
}
