//! sshd, as many servers have it: one account, one key a person.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::world::World;

use super::{Running, Server, free_port, listens};

/// A running sshd.
pub struct Sshd {
    _running: Running,
    port: u16,
}

impl Sshd {
    /// Lets in `ann`, whose name the server knows, and `bob`, whose key alone it knows.
    pub fn start(world: &World) -> Sshd {
        let dir = world.path("sshd");
        fs::create_dir_all(dir.join("home")).expect("a directory");
        // sshd run as root wants this for its unprivileged child
        fs::create_dir_all("/run/sshd").ok();
        let host = world.key("host");
        let keys = format!(
            "environment=\"GL_USER=ann\" {}\n{}\n",
            world.public("ann"),
            world.public("bob")
        );
        fs::write(dir.join("authorized_keys"), keys).expect("keys");
        let port = free_port();
        let command = world.command("", "git");
        let path = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, value)| value)
            .expect("PATH")
            .to_str()
            .expect("PATH");
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nStrictModes no\n\
             AuthorizedKeysFile {dir}/authorized_keys\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
             PermitUserEnvironment GL_*\nExposeAuthInfo yes\nAcceptEnv GIT_PROTOCOL\n\
             SetEnv PATH={path} HOME={dir}/home GIT_CONFIG_NOSYSTEM=1\nMaxStartups 100\n",
            host.display(),
            dir = dir.display(),
        );
        fs::write(dir.join("config"), config).expect("configuration");
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-e", "-f"]).arg(dir.join("config"));
        Sshd {
            _running: Running::start(sshd, &dir.join("log"), || listens(port)),
            port,
        }
    }

    /// The address of a server's repository.
    pub fn url(&self, server: &Server<'_>) -> String {
        format!("ssh://127.0.0.1:{}{}", self.port, server.path().display())
    }

    /// Makes a command connect with this key.
    pub fn as_user(world: &World, command: &mut Command, key: &str) {
        let script = world.path(format!("ssh-{key}"));
        if !script.exists() {
            let text = format!(
                "#!/bin/sh\nexec ssh -F /dev/null -i '{}' -o IdentitiesOnly=yes -o BatchMode=yes \
                 -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR \"$@\"\n",
                world.key(key).display()
            );
            write_script(&script, &text);
        }
        command.env("GIT_SSH", script).env("GIT_SSH_VARIANT", "ssh");
    }
}

/// An executable file.
pub fn write_script(path: &Path, text: &str) {
    fs::write(path, text).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}
