//! An issuer of tokens on this machine: keys and signatures by openssl, answers over HTTP.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use git_ledger::json::{Object, Value};

use crate::world::{World, run};

/// Answers by path: everything after the status line's `HTTP/1.1 `.
type Answers = Arc<Mutex<BTreeMap<String, String>>>;

/// A server that plays an issuer.
pub struct Issuer<'a> {
    world: &'a World,
    /// Its address, and its name.
    pub url: String,
    answers: Answers,
    heard: Arc<Mutex<Vec<String>>>,
}

/// A key by openssl.
#[derive(Clone, Copy)]
pub enum Kind {
    Rsa,
    Curve,
}

pub fn json(body: &str) -> String {
    format!("200 OK\r\nContent-Type: application/json\r\n\r\n{body}")
}

/// Seconds since 1970, as the program reads them.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("a time").as_secs()).expect("a number")
}

impl<'a> Issuer<'a> {
    /// Starts one with a key of each kind, `rsa` and `curve`.
    pub fn start(world: &'a World) -> Issuer<'a> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Answers::default();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (told, hears) = (Arc::clone(&answers), Arc::clone(&heard));
        // ends with the process: it waits for a connection that never comes
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                    head.extend_from_slice(&byte);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
                hears.lock().expect("a lock").push(head);
                let answer = told.lock().expect("a lock").get(&path).cloned();
                let answer = answer.unwrap_or_else(|| "404 Not Found\r\n\r\n".into());
                write!(stream, "HTTP/1.1 {answer}").ok();
            }
        });
        let issuer = Issuer {
            world,
            url,
            answers,
            heard,
        };
        for (name, arguments) in [
            ("rsa", vec!["genrsa", "-out", "rsa.pem", "2048"]),
            (
                "curve",
                vec![
                    "ecparam",
                    "-name",
                    "prime256v1",
                    "-genkey",
                    "-noout",
                    "-out",
                    "curve.pem",
                ],
            ),
        ] {
            assert!(!world.path(format!("{name}.pem")).exists());
            issuer.openssl(&arguments, b"");
        }
        issuer.describe(&issuer.url, &format!("{}/keys", issuer.url));
        issuer.publish(&[
            issuer.jwk(Kind::Rsa, "rsa"),
            issuer.jwk(Kind::Curve, "curve"),
        ]);
        issuer
    }

    /// What is told at a path from now on.
    pub fn answer(&self, path: &str, answer: String) {
        let mut answers = self.answers.lock().expect("a lock");
        answers.insert(path.to_owned(), answer);
    }

    /// What it says that it is.
    pub fn describe(&self, issuer: &str, keys: &str) {
        let object = Object::new().with("issuer", issuer).with("jwks_uri", keys);
        let text = Value::from(object).to_canonical();
        self.answer("/.well-known/openid-configuration", json(&text));
    }

    /// The keys it shows.
    pub fn publish(&self, keys: &[Object]) {
        let keys: Vec<Value> = keys.iter().cloned().map(Value::from).collect();
        let text = Value::from(Object::new().with("keys", keys)).to_canonical();
        self.answer("/keys", json(&text));
    }

    /// The heads of all requests.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("a lock").clone()
    }

    fn openssl(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = self.world.command("", "openssl");
        command.args(arguments);
        // its signatures are no text
        let output = self.world.path("openssl.out");
        let out = std::fs::File::create(&output).expect("a file");
        let source = self.world.path("openssl.in");
        std::fs::write(&source, input).expect("a file");
        command
            .stdin(std::fs::File::open(source).expect("a file"))
            .stdout(out);
        let status = command.stderr(std::process::Stdio::null()).status();
        assert!(status.expect("openssl").success(), "{arguments:?}");
        std::fs::read(output).expect("a file")
    }

    /// The public key by this file.
    pub fn public(&self, name: &str) -> Vec<u8> {
        let file = format!("{name}.pem");
        self.openssl(&["pkey", "-in", &file, "-pubout"], b"")
    }

    /// The public key as an issuer shows it.
    pub fn jwk(&self, kind: Kind, name: &str) -> Object {
        let key = Object::new().with("kid", name).with("use", "sig");
        match kind {
            Kind::Rsa => {
                let file = format!("{name}.pem");
                let said = self.openssl(&["rsa", "-in", &file, "-noout", "-modulus"], b"");
                let said = String::from_utf8(said).expect("text");
                let hex = said.trim().strip_prefix("Modulus=").expect("a number");
                let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
                let number: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
                key.with("kty", "RSA")
                    .with("alg", "RS256")
                    .with("n", BASE64URL.encode(number))
                    .with("e", "AQAB")
            }
            Kind::Curve => {
                let file = format!("{name}.pem");
                let der = ["pkey", "-in", &file, "-pubout", "-outform", "DER"];
                let der = self.openssl(&der, b"");
                let point = &der[der.len() - 64..];
                key.with("kty", "EC")
                    .with("crv", "P-256")
                    .with("x", BASE64URL.encode(&point[..32]))
                    .with("y", BASE64URL.encode(&point[32..]))
            }
        }
    }

    /// A token with this header and these claims, signed with the key of this name.
    pub fn sign(&self, header: &str, claims: &str, kind: Kind, name: &str) -> String {
        let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
        let file = format!("{name}.pem");
        let signature = self.openssl(&["dgst", "-sha256", "-sign", &file], message.as_bytes());
        let signature = match kind {
            Kind::Rsa => signature,
            Kind::Curve => fixed(&signature),
        };
        format!("{message}.{}", BASE64URL.encode(signature))
    }

    /// A token that keeps all rules, with these claims beside the usual ones.
    pub fn token(&self, kind: Kind, more: &Object) -> String {
        let (name, algorithm) = match kind {
            Kind::Rsa => ("rsa", "RS256"),
            Kind::Curve => ("curve", "ES256"),
        };
        let header = format!(r#"{{"alg":"{algorithm}","kid":"{name}","typ":"JWT"}}"#);
        let claims = Value::from(self.claims(more)).to_canonical();
        self.sign(&header, &claims, kind, name)
    }

    /// The usual claims, and these.
    pub fn claims(&self, more: &Object) -> Object {
        let mut claims = Object::new()
            .with("iss", self.url.as_str())
            .with("aud", "git-ledger")
            .with("sub", "repo:acme/payments:ref:refs/heads/main")
            .with("iat", now() - 5)
            .with("nbf", now() - 5)
            .with("exp", now() + 300);
        for (name, value) in more.iter() {
            claims.set(name, value.clone());
        }
        claims
    }

    /// The HMAC of a token under what everybody knows: the public key.
    pub fn confused(&self, header: &str, claims: &str, name: &str) -> String {
        let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
        let hex = git_ledger::merkle::hex(&self.public(name));
        let key = format!("hexkey:{hex}");
        let arguments = [
            "dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary",
        ];
        let signature = self.openssl(&arguments, message.as_bytes());
        format!("{message}.{}", BASE64URL.encode(signature))
    }

    /// Believes this issuer, in the user's configuration.
    pub fn believe(&self) {
        let set = [
            "config",
            "--global",
            "--replace-all",
            "ledger.oidcIssuer",
            &self.url,
        ];
        let mut command = self.world.command("", "git");
        command.args(set);
        run(command, b"").ok();
    }
}

/// An ECDSA signature of openssl, `SEQUENCE { r, s }`, as a token has it: 32 bytes each.
fn fixed(der: &[u8]) -> Vec<u8> {
    let mut rest = &der[2..];
    let mut out = Vec::new();
    for _ in 0..2 {
        let length = usize::from(rest[1]);
        let number = &rest[2..2 + length];
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(length);
        let number = &number[start..];
        out.extend(std::iter::repeat_n(0, 32 - number.len()));
        out.extend_from_slice(number);
        rest = &rest[2 + length..];
    }
    out
}
