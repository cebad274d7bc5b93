//! Keys in a directory of their own, and an agent beside them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::signature::PublicKey;
use crate::signer::agent::Agent;
use crate::signer::{KeySettings, key_file};

/// A directory with keys, perhaps an agent beside it. Nothing of the machine's own keys is seen.
pub(super) struct World {
    room: tempfile::TempDir,
    agent: Option<Child>,
}

impl World {
    pub(super) fn new() -> Self {
        World {
            room: tempfile::tempdir().unwrap(),
            agent: None,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    pub(super) fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> String {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        self.name(name)
    }

    /// A program. Another process writes it: were it written here, a child forked by another test
    /// at that moment would hold it open, and nobody can run a file that is open for writing.
    pub(super) fn program(&self, name: &str, script: &str) -> String {
        let text = self.write(&format!("{name}.text"), script, 0o600);
        let target = self.name(name);
        let status = Command::new("install")
            .args(["-m", "700", &text, &target])
            .status()
            .unwrap();
        assert!(status.success());
        target
    }

    /// A new key made by ssh-keygen; a machine without it fails the test.
    pub(super) fn key(&self, name: &str, options: &[&str], passphrase: &str) -> String {
        let status = Command::new("ssh-keygen")
            .args(["-q", "-C", "test", "-N", passphrase, "-f"])
            .arg(self.path(name))
            .args(options)
            .stdin(Stdio::null())
            .status()
            .expect("ssh-keygen must be installed");
        assert!(status.success());
        self.name(name)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path("agent")
    }

    pub(super) fn start_agent(&mut self) {
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(self.socket())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ssh-agent must be installed");
        self.agent = Some(child);
        let patience = Instant::now() + Duration::from_secs(10);
        while Agent::connect(&self.socket()).is_err() {
            assert!(Instant::now() < patience);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lends a key to the agent, telling it the passphrase.
    pub(super) fn add(&self, key: &str, passphrase: &str) {
        let ask = self.program("ask", &format!("#!/bin/sh\necho '{passphrase}'\n"));
        let status = Command::new("ssh-add")
            .args(["-q", key])
            .env("SSH_AUTH_SOCK", self.socket())
            .env("SSH_ASKPASS", ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("ssh-add must be installed");
        assert!(status.success());
    }

    pub(super) fn settings(&self, key: &str) -> KeySettings {
        KeySettings {
            signing_key: Some(key.to_owned()),
            agent_socket: self.agent.as_ref().map(|_| self.socket()),
            home: Some(self.room.path().to_owned()),
            ..KeySettings::default()
        }
    }

    pub(super) fn public(&self, key: &str) -> PublicKey {
        let text = fs::read_to_string(format!("{key}.pub")).unwrap();
        key_file::parse_line(&text).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }
}
