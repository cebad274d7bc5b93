//! nginx, fcgiwrap and git http-backend with passwords, as a self-hosted server has them.

use std::fs;
use std::process::Command;

use crate::world::World;

use super::{Running, Server, free_port, listens};

/// Ann's password; base64 of `ann:` and this is what HTTP_AUTHORIZATION holds.
pub const PASSWORD: &str = "open-sesame-7391";

/// A running web server.
pub struct Web {
    _nginx: Running,
    _wrap: Running,
    port: u16,
}

impl Web {
    /// Serves every repository of the world under `/git/`.
    pub fn start(world: &World) -> Web {
        let dir = world.path("web");
        fs::create_dir_all(dir.join("home")).expect("a directory");
        let socket = dir.join("socket");
        let mut wrap = Command::new("/usr/sbin/fcgiwrap");
        wrap.args(["-f", "-c", "4", "-s"])
            .arg(format!("unix:{}", socket.display()));
        let wrap = Running::start(wrap, &dir.join("wrap.log"), || socket.exists());
        fs::write(dir.join("passwords"), format!("ann:{{PLAIN}}{PASSWORD}\n")).expect("passwords");
        let git = world.command("", "git");
        let path = git
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, value)| value)
            .expect("PATH")
            .to_str()
            .expect("PATH")
            .to_owned();
        let backend = world.git("", &["--exec-path"]).ok();
        let port = free_port();
        let root = world.path("");
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {}/{what};\n", dir.display()))
            .concat();
        let config = format!(
            "daemon off; pid {dir}/pid; error_log {dir}/error.log; worker_processes 1; {user}\n\
             events {{}}\nhttp {{ access_log off; client_max_body_size 0; {temporary}\n\
             server {{ listen 127.0.0.1:{port};\n location ~ ^/git(/.*)$ {{\n\
             auth_basic git; auth_basic_user_file {dir}/passwords;\n\
             fastcgi_pass unix:{socket}; fastcgi_read_timeout 60;\n\
             fastcgi_param SCRIPT_FILENAME {backend}/git-http-backend;\n\
             fastcgi_param GIT_PROJECT_ROOT {root}; fastcgi_param GIT_HTTP_EXPORT_ALL 1;\n\
             fastcgi_param PATH_INFO $1; fastcgi_param REMOTE_USER $remote_user;\n\
             fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param REQUEST_METHOD $request_method;\n\
             fastcgi_param QUERY_STRING $query_string; fastcgi_param CONTENT_TYPE $content_type;\n\
             fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param GATEWAY_INTERFACE CGI/1.1;\n\
             fastcgi_param SERVER_PROTOCOL $server_protocol; fastcgi_param HOME {dir}/home;\n\
             fastcgi_param GIT_PROTOCOL $http_git_protocol; fastcgi_param PATH {path};\n\
             fastcgi_param GIT_CONFIG_NOSYSTEM 1; }} }} }}\n",
            dir = dir.display(),
            user = if rustix::process::getuid().is_root() {
                "user root;"
            } else {
                ""
            },
            socket = socket.display(),
            backend = backend.trim(),
            root = root.display(),
        );
        fs::write(dir.join("nginx.conf"), config).expect("configuration");
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx
            .arg("-p")
            .arg(&dir)
            .arg("-e")
            .arg(dir.join("error.log"))
            .arg("-c")
            .arg(dir.join("nginx.conf"))
            .args(["-g", "master_process off;"]);
        Web {
            _nginx: Running::start(nginx, &dir.join("log"), || listens(port)),
            _wrap: wrap,
            port,
        }
    }

    /// The address of a server's repository, with ann's password in it.
    pub fn url(&self, server: &Server<'_>) -> String {
        format!(
            "http://ann:{PASSWORD}@127.0.0.1:{}/git/{}",
            self.port, server.name
        )
    }
}
