//! Servers on the loopback interface to push to: sshd, and nginx with git http-backend.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::world::{World, said};

/// A program that runs until this is dropped, with all it started.
pub struct Running(Child);

impl Running {
    /// Starts it and waits until it is ready.
    pub fn start(
        mut command: Command,
        log: &Path,
        ready: impl Fn() -> bool,
    ) -> Result<Running, String> {
        let file = |why: std::io::Error| format!("{}: {why}", log.display());
        let out = File::create(log).map_err(file)?;
        let again = out.try_clone().map_err(file)?;
        command
            .stdin(Stdio::null())
            .stdout(again)
            .stderr(out)
            .process_group(0);
        let child = command.spawn();
        let child = child.map_err(|why| format!("{command:?} cannot be run: {why}"))?;
        let mut running = Running(child);
        let until = Instant::now() + Duration::from_secs(20);
        while !ready() {
            let ended = running.0.try_wait().map_err(|why| why.to_string())?;
            if ended.is_some() || Instant::now() > until {
                let text = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{command:?} did not come up: {text}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it may have ended by itself
        let group = i32::try_from(self.0.id()).ok();
        if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        self.0.wait().ok();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|why| why.to_string())?;
    let address = listener.local_addr().map_err(|why| why.to_string())?;
    Ok(address.port())
}

/// Whether somebody listens there.
pub fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A server, and the beginning of its repositories' addresses.
pub struct Server {
    _running: Vec<Running>,
    /// An address up to the path in the world.
    pub url: String,
}

/// sshd with one account and one key.
pub fn sshd(world: &World) -> Result<Server, String> {
    let dir = fresh(world, "work/sshd")?;
    // sshd that is run by root wants this for its unprivileged child
    fs::create_dir_all("/run/sshd").ok();
    let keys = format!("environment=\"GL_USER=ann\" {}\n", world.public("ann")?);
    write(&dir.join("authorized_keys"), &keys)?;
    let port = free_port()?;
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nStrictModes no\n\
         AuthorizedKeysFile {dir}/authorized_keys\nUsePAM no\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
         PermitUserEnvironment GL_*\nAcceptEnv GIT_PROTOCOL\n\
         SetEnv PATH={} HOME={} GIT_CONFIG_NOSYSTEM=1\nMaxStartups 100\n",
        world.key("release").display(),
        world.search_path().to_string_lossy(),
        world.path("home").display(),
        dir = dir.display(),
    );
    write(&dir.join("config"), &config)?;
    let mut command = Command::new("/usr/sbin/sshd");
    command.args(["-D", "-e", "-f"]).arg(dir.join("config"));
    Ok(Server {
        _running: vec![Running::start(command, &dir.join("log"), || listens(port))?],
        url: format!("ssh://127.0.0.1:{port}{}", world.root.display()),
    })
}

/// What `GIT_SSH` names: ssh with ann's key and no configuration.
pub fn ssh_script(world: &World) -> Result<std::path::PathBuf, String> {
    let script = world.path("work/ssh");
    let text = format!(
        "#!/bin/sh\nexec ssh -F /dev/null -i '{}' -o IdentitiesOnly=yes -o BatchMode=yes \
         -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR \"$@\"\n",
        world.key("ann").display()
    );
    write(&script, &text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
        .map_err(|why| format!("{}: {why}", script.display()))?;
    Ok(script)
}

/// nginx, fcgiwrap and git http-backend, with a password.
pub fn web(world: &World) -> Result<Server, String> {
    let dir = fresh(world, "work/web")?;
    let socket = dir.join("socket");
    let mut wrap = Command::new("/usr/sbin/fcgiwrap");
    wrap.args(["-f", "-c", "4", "-s"])
        .arg(format!("unix:{}", socket.display()));
    let wrap = Running::start(wrap, &dir.join("wrap.log"), || socket.exists())?;
    write(&dir.join("passwords"), "ann:{PLAIN}open\n")?;
    let backend = said(&mut world.git("", &["--exec-path"]))?;
    let port = free_port()?;
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {}/{what};\n", dir.display()))
        .concat();
    let root = said(Command::new("id").arg("-u"))? == "0";
    let config = format!(
        "daemon off; pid {dir}/pid; error_log {dir}/error.log; worker_processes 1; {user}\n\
         events {{}}\nhttp {{ access_log off; client_max_body_size 0; {temporary}\n\
         server {{ listen 127.0.0.1:{port};\n location ~ ^/git(/.*)$ {{\n\
         auth_basic git; auth_basic_user_file {dir}/passwords;\n\
         fastcgi_pass unix:{socket}; fastcgi_read_timeout 60;\n\
         fastcgi_param SCRIPT_FILENAME {backend}/git-http-backend;\n\
         fastcgi_param GIT_PROJECT_ROOT {place}; fastcgi_param GIT_HTTP_EXPORT_ALL 1;\n\
         fastcgi_param PATH_INFO $1; fastcgi_param REMOTE_USER $remote_user;\n\
         fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param REQUEST_METHOD $request_method;\n\
         fastcgi_param QUERY_STRING $query_string; fastcgi_param CONTENT_TYPE $content_type;\n\
         fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param GATEWAY_INTERFACE CGI/1.1;\n\
         fastcgi_param SERVER_PROTOCOL $server_protocol; fastcgi_param HOME {home};\n\
         fastcgi_param GIT_PROTOCOL $http_git_protocol; fastcgi_param PATH {path};\n\
         fastcgi_param GIT_CONFIG_NOSYSTEM 1; }} }} }}\n",
        dir = dir.display(),
        user = if root { "user root;" } else { "" },
        socket = socket.display(),
        place = world.root.display(),
        home = world.path("home").display(),
        path = world.search_path().to_string_lossy(),
    );
    write(&dir.join("nginx.conf"), &config)?;
    let mut nginx = Command::new("/usr/sbin/nginx");
    nginx
        .arg("-p")
        .arg(&dir)
        .arg("-e")
        .arg(dir.join("error.log"))
        .arg("-c")
        .arg(dir.join("nginx.conf"))
        .args(["-g", "master_process off;"]);
    Ok(Server {
        _running: vec![
            Running::start(nginx, &dir.join("log"), || listens(port))?,
            wrap,
        ],
        url: format!("http://ann:open@127.0.0.1:{port}/git"),
    })
}

/// An empty directory.
pub fn fresh(world: &World, name: &str) -> Result<std::path::PathBuf, String> {
    let dir = world.path(name);
    let gone = match dir.exists() {
        true => fs::remove_dir_all(&dir),
        false => Ok(()),
    };
    gone.and_then(|()| fs::create_dir_all(&dir))
        .map_err(|why| format!("{}: {why}", dir.display()))?;
    Ok(dir)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|why| format!("{}: {why}", path.display()))
}
