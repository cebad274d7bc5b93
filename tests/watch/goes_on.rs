//! A watch that goes on: its metrics, its end, and a second one beside it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::recorded::BINARY;
use crate::serve::client::{Answer, send};

/// A watch that goes on, by the machine's clock.
struct Watching {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Watching {
    fn start(world: &World, more: &[&str]) -> Watching {
        let mut command: Command = world.command("r", BINARY);
        command
            .env_remove("GIT_COMMITTER_DATE")
            .arg("watch")
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("a watch");
        let (sender, lines) = std::sync::mpsc::channel();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(out.expect("a pipe")),
            Box::new(err.expect("a pipe")),
        ];
        for stream in streams {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    sender.send(line).ok();
                }
            });
        }
        Watching { child, lines }
    }

    /// The next line that holds this.
    #[track_caller]
    fn until(&self, what: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        let mut seen = String::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no {what} in\n{seen}"));
            if line.contains(what) {
                return line;
            }
            seen += &(line + "\n");
        }
    }

    /// Asks it to end, and how it did.
    fn end(mut self) -> i32 {
        let id = i32::try_from(self.child.id()).expect("an id");
        let id = rustix::process::Pid::from_raw(id).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("a signal");
        self.child.wait().expect("an end").code().unwrap_or(-1)
    }
}

fn get(address: &str, method: &str, path: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    send(&mut stream, request.as_bytes())
}

#[test]
fn it_sees_what_happens_and_ends_when_told() {
    let world = world();
    let file = world.path("ledger.prom").display().to_string();
    let words = ["--listen", "127.0.0.1:0", "--metrics-file", &file];
    let watching = Watching::start(&world, &[&["--every", "1s"], &words[..]].concat());
    let line = watching.until("metrics at http://");
    let address = line.split('/').nth(2).expect("an address").to_owned();
    watching.until("sound: acme/payments");
    // a second one would tell everything twice
    let said = once(&world, &[]).code(128);
    assert!(
        said.err.contains("another watch of this ledger is running"),
        "{said}"
    );
    let sound = "git_ledger_answer{ledger=\"ledger\",answer=\"sound\"} 1";
    let ready = Instant::now() + Duration::from_secs(30);
    let mut text = String::new();
    while !text.contains("answer=\"sound\"} 1") && Instant::now() < ready {
        text = get(&address, "GET", "/metrics").body;
    }
    assert!(text.contains("answer=\"sound\"} 1"), "{sound} {text}");
    assert!(
        text.contains("remote=\"two\",answer=\"sound\"} 1"),
        "{text}"
    );
    assert!(
        text.ends_with("# EOF\n") || text.contains("_watch_runs_total"),
        "{text}"
    );
    assert_eq!(get(&address, "GET", "/healthz").status, 200);
    assert_eq!(get(&address, "POST", "/metrics").status, 405);
    assert_eq!(get(&address, "GET", "/../etc/passwd").status, 404);
    fork(&world);
    watching.until("breach acme/payments: mirrorForked");
    watching.until("breach: acme/payments");
    force(&world, "r", "one");
    watching.until("gone: mirrorForked");
    assert_eq!(watching.end(), 0);
    let text = fs::read_to_string(file).expect("metrics");
    assert!(
        text.contains("git_ledger_watch_alerts_sent_total"),
        "{text}"
    );
    // the lock went with it
    once(&world, &[]).code(0);
}

#[test]
fn what_was_not_taken_is_tried_again_without_a_look() {
    let world = world();
    fork(&world);
    let marker = world.path("ready").display().to_string();
    let out = world.path("kept").display().to_string();
    let text = format!("test -e '{marker}' || exit 1\ncat >>'{out}'");
    let channel = format!("command={}", script(&world, "late", &text));
    let words = ["--every", "1h", "--alert", &channel];
    let watching = Watching::start(&world, &words);
    watching.until("it is kept, and tried again");
    fs::write(&marker, b"").expect("a file");
    let until = Instant::now() + Duration::from_secs(90);
    while !world.path("kept").exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
    }
    let kept = fs::read_to_string(&out).expect("an alert");
    assert!(kept.contains("mirrorForked"), "{kept}");
    assert_eq!(watching.end(), 0);
}

#[test]
fn what_would_be_wrong_at_every_look_is_told_at_once() {
    let world = world();
    for (words, code) in [
        (&["--remotes", "three"][..], 129),
        (&["--push", "three"], 129),
        (&["--ledger", "other"], 128),
        (&["--every", "0s"], 129),
        (&["--alert-secret", "nowhere"], 129),
        (&["--once", "--listen", "127.0.0.1:0"], 129),
        (&["--no-remotes", "--remotes", "one"], 129),
    ] {
        let words = [&["watch"], words].concat();
        let said = world.ledger("r", &words);
        assert_eq!(said.code, code, "{words:?} {said}");
    }
}

#[test]
fn a_repository_that_is_gone_is_told_and_no_end() {
    let world = world();
    let words = ["--every", "1s", "--unknown-after", "1s"];
    let watching = Watching::start(&world, &words);
    watching.until("sound: acme/payments");
    fs::rename(world.path("r/.git"), world.path("away")).expect("moved");
    watching.until("watchFailed: the ledger could not be looked at");
    fs::rename(world.path("away"), world.path("r/.git")).expect("moved");
    watching.until("gone: watchFailed");
    assert_eq!(watching.end(), 0);
}

#[test]
fn another_interface_is_not_listened_on_unasked() {
    let world = world();
    let words = ["watch", "--listen", "0.0.0.0:0"];
    let said = world.ledger("r", &words).code(129);
    assert!(said.err.contains("--public"), "{said}");
}

#[test]
fn units_are_such_as_systemd_takes() {
    let world = world();
    let unit = |kind: &str, more: &[&str]| {
        let words = [&["watch", "--print-unit", kind], more].concat();
        world.ledger("r", &words).ok()
    };
    let place = world.path("r").display().to_string();
    let channel = "command=/usr/bin/logger -t 100% $HOME";
    let service = unit("service", &["--every", "10min", "--alert", channel]);
    assert!(
        service.contains(&format!("WorkingDirectory={place}\n")),
        "{service}"
    );
    assert!(
        service
            .contains(" watch --every 10min --alert \"command=/usr/bin/logger -t 100%% $$HOME\"\n"),
        "{service}"
    );
    let oneshot = unit("oneshot", &[]);
    assert!(
        oneshot.contains(" watch --once\n") && oneshot.contains("Type=oneshot\n"),
        "{oneshot}"
    );
    let cron = unit("cron", &["--alert", channel]);
    assert!(cron.starts_with("*/5 * * * *  "), "{cron}");
    assert!(
        cron.ends_with("--alert 'command=/usr/bin/logger -t 100\\% $HOME'\n"),
        "{cron}"
    );
    for (name, text) in [
        ("git-ledger-watch.service", &service),
        ("git-ledger-once.service", &oneshot),
        ("git-ledger-watch.timer", &unit("timer", &[])),
    ] {
        let path = world.path(name);
        fs::write(&path, text).expect("a unit");
        let mut command = world.command("", "systemd-analyze");
        command.args(["verify", "--man=no"]).arg(&path);
        let said = run(command, b"");
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{name} {said}");
    }
    assert!(service.contains("NoNewPrivileges=yes\n"));
}
