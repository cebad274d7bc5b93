//! A server of this program at work, from the line that says where it listens to its end.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The process; it ends with its owner.
pub struct Listening {
    child: Child,
    pub port: u16,
    log: PathBuf,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // it may have ended by itself
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Listening {
    /// Starts it and waits until it listens; what it says goes into the file `log`.
    pub fn spawn(log: PathBuf, mut command: Command) -> Listening {
        let err = fs::File::create(&log).expect("a log");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(err);
        let child = command.spawn().expect("a server");
        let mut server = Listening {
            child,
            port: 0,
            log,
        };
        let until = Instant::now() + Duration::from_secs(20);
        while server.port == 0 {
            let said = server.log();
            let port = said.split("address=127.0.0.1:").nth(1);
            let port = port.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            server.port = port.unwrap_or(0);
            let ended = server.child.try_wait().expect("a server");
            assert!(ended.is_none() && Instant::now() < until, "{said}");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let long = Some(Duration::from_secs(30));
        stream.set_read_timeout(long).expect("a timeout");
        stream
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).expect("a process");
        let process = rustix::process::Pid::from_raw(id).expect("a process");
        rustix::process::kill_process(process, signal).expect("a signal");
    }

    /// Tells it to stop; its exit code, none when a signal ended it.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("an end").code()
    }
}
