//! What stands between a token and whoever answers in the forge's place.

use crate::doctor::Seen;
use crate::servers::{Running, free_port, listens};
use crate::world::{World, run};

use super::{TOKEN, letters, place};

/// A forge behind TLS: nginx, with a certificate of an authority that only this test knows.
#[test]
fn tls_is_checked() {
    let world = World::new();
    let server = place(&world);
    let dir = world.path("tls");
    std::fs::create_dir(&dir).expect("a directory");
    let openssl = |arguments: &[&str]| {
        let mut command = world.command("tls", "openssl");
        command.args(arguments);
        run(command, b"").ok()
    };
    let curve = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let authority = [
        "req",
        "-x509",
        "-subj",
        "/CN=authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ];
    openssl(&[&authority[..], &curve].concat());
    let request = [
        "req",
        "-subj",
        "/CN=forge",
        "-keyout",
        "forge.key",
        "-out",
        "forge.csr",
    ];
    openssl(&[&request[..], &curve].concat());
    std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
    openssl(&[
        "x509",
        "-req",
        "-in",
        "forge.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "forge.pem",
    ]);
    let port = free_port();
    let shown = dir.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {shown}/{what};\n"))
        .concat();
    let rules = r#"[{"rule_name":"ledger","require_signed_commits":true,"apply_to_admins":true}]"#;
    let config = format!(
        "daemon off; master_process off; pid {shown}/pid; error_log {shown}/error.log; worker_processes 1;\n\
         events {{}}\nhttp {{ access_log {shown}/access.log; default_type application/json; {temporary}\n\
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {shown}/forge.pem; ssl_certificate_key {shown}/forge.key;\n\
         location = /api/v1/repos/acme/pay/branch_protections {{ return 200 '{rules}'; }} }} }}\n"
    );
    std::fs::write(dir.join("nginx.conf"), config).expect("configuration");
    let mut nginx = std::process::Command::new("/usr/sbin/nginx");
    nginx
        .args(["-e", &dir.join("error.log").display().to_string(), "-c"])
        .arg(dir.join("nginx.conf"));
    let _nginx = Running::start(nginx, &dir.join("nginx.log"), || listens(port));
    let ask = |host: &str, trust: Option<&str>| {
        let mut command = world.command(&server, env!("CARGO_BIN_EXE_git-ledger"));
        let url = format!("https://{host}:{port}");
        command
            .args(["doctor", "--json", "--remote", "hosted", "--timeout", "10"])
            .args([
                "--forge",
                "forgejo",
                "--forge-url",
                &url,
                "--token-env",
                "T",
            ])
            .env("T", TOKEN);
        if let Some(file) = trust {
            command.env("GIT_SSL_CAINFO", dir.join(file));
        }
        letters(&Seen::of(run(command, b"")))
    };
    assert_eq!(ask("127.0.0.1", Some("ca.pem")), "oooo");
    assert_eq!(ask("127.0.0.1", None), "????");
    assert_eq!(
        ask("localhost", Some("ca.pem")),
        "????",
        "the name is checked"
    );
    assert_eq!(ask("127.0.0.1", Some("ca.key")), "????");
    assert_eq!(ask("127.0.0.1", Some("absent")), "????");
    let asked = std::fs::read_to_string(dir.join("access.log")).unwrap_or_default();
    assert_eq!(
        asked.lines().filter(|line| line.contains(" 200 ")).count(),
        1,
        "{asked}"
    );
}
