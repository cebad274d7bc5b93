//! A pusher that speaks the protocol itself and says what no git client would.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::world::{Said, run};

use super::Server;

impl Server<'_> {
    /// Sends these lines (`<old> <new> <ref>`) to git receive-pack, with a pack of `objects`.
    pub fn push_raw(&self, lines: &[String], objects: &[&str]) -> Said {
        let work = self.name.trim_end_matches(".git");
        let mut pack = self.world.command(work, "git");
        pack.args(["pack-objects", "--stdout", "--revs", "-q"]);
        pack.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = pack.spawn().expect("git");
        let wanted: String = objects.iter().map(|id| format!("{id}\n")).collect();
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(wanted.as_bytes()).expect("a pipe");
        drop(stdin);
        let mut bytes = Vec::new();
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_to_end(&mut bytes).expect("a pack");
        child.wait().expect("an end");

        let mut input = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let capabilities = if at == 0 { "\0report-status" } else { "" };
            let payload = format!("{line}{capabilities}");
            input.extend_from_slice(format!("{:04x}{payload}", payload.len() + 4).as_bytes());
        }
        input.extend_from_slice(b"0000");
        input.extend_from_slice(&bytes);
        let mut receive = self.world.command("", "git");
        receive.arg("receive-pack").arg(self.path());
        run(receive, &input)
    }
}
