//! Who pushed, as the transport says it, and what they said along with the push.
//!
//! Variables are taken by name, never wholesale: some web servers hand a hook the pusher's
//! password. What the pusher can set through git (`GIT_AUTHOR_*`, `GIT_COMMITTER_*`) is no
//! identity and is not looked at.
//!
//! # Limits
//! Who pushes by a path runs the hook under an account of their own, with an environment of
//! their own, and can say anything here.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::escape::printable_bytes;
use crate::json::{Object, Value};
use crate::merkle;

/// Names under which servers hand on whom they let in, the surest first: gitolite and its kin,
/// Gitea and Forgejo, GitLab, and every web server.
const USER_VARIABLES: &[&str] = &[
    "GL_USER",
    "GITEA_PUSHER_NAME",
    "GL_USERNAME",
    "GL_ID",
    "REMOTE_USER",
];
/// The longest name that is recorded, in bytes.
const MAX_NAME: usize = 256;
/// The most push options that are looked for.
const MAX_OPTIONS: usize = 100_000;

/// Who pushed; each member only where the transport says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pusher {
    /// `ssh`, `http`, `git` (the unauthenticated daemon) or `local`.
    pub how: String,
    /// The authenticated name, else the account.
    pub user: Option<String>,
    /// Fingerprint of the SSH key that logged in.
    pub key: Option<String>,
    /// The peer's address.
    pub address: Option<String>,
}

impl Pusher {
    /// Reads what the server says. `account`: the account this process runs under; `login`: the
    /// content of the file that `SSH_USER_AUTH` names.
    pub fn of<'e>(
        variable: &dyn Fn(&str) -> Option<&'e OsStr>,
        account: Option<String>,
        login: Option<&[u8]>,
    ) -> Pusher {
        let is = |name: &str| variable(name).is_some();
        let protocol = variable("GL_PROTOCOL").map(OsStr::as_bytes);
        let by_ssh = is("SSH_CONNECTION") || is("SSH_ORIGINAL_COMMAND");
        let how = if is("GATEWAY_INTERFACE") || is("REQUEST_METHOD") {
            "http"
        } else if by_ssh || protocol == Some(b"ssh") {
            "ssh"
        } else if protocol.is_some() || is("GITEA_PUSHER_NAME") {
            "http"
        } else if is("REMOTE_ADDR") {
            "git"
        } else {
            "local"
        };
        let user = USER_VARIABLES
            .iter()
            .find_map(|name| variable(name))
            .map(|name| text(name.as_bytes()));
        // behind a web server or a daemon the account is the server's own
        let account = account.filter(|_| matches!(how, "ssh" | "local"));
        let address = variable("SSH_CONNECTION")
            .and_then(|words| words.as_bytes().split(|byte| *byte == b' ').next())
            .or_else(|| variable("REMOTE_ADDR").map(OsStr::as_bytes))
            .and_then(|address| std::str::from_utf8(address).ok())
            .and_then(|address| address.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        Pusher {
            how: how.to_owned(),
            user: user.or(account),
            key: login.and_then(login_key),
            address: address.map(|address| address.to_string()),
        }
    }

    /// The member `pusher` of the event.
    pub fn object(&self) -> Object {
        let mut object = Object::new().with("how", self.how.as_str());
        for (name, value) in [
            ("user", &self.user),
            ("key", &self.key),
            ("address", &self.address),
        ] {
            if let Some(value) = value {
                object.set(name, value.as_str());
            }
        }
        object
    }
}

/// The fingerprint of the last key in a file of lines `publickey <type> <base64>`.
fn login_key(file: &[u8]) -> Option<String> {
    let lines = std::str::from_utf8(file).ok()?.lines();
    let base64 = lines
        .filter_map(|line| line.strip_prefix("publickey ")?.split(' ').nth(1))
        .next_back()?;
    let blob = STANDARD.decode(base64).ok()?;
    Some(format!(
        "SHA256:{}",
        STANDARD_NO_PAD.encode(merkle::sha256(&blob))
    ))
}

/// The push options, in their order.
///
/// # Errors
/// When there are fewer than git says, or more than anybody sends.
pub fn options<'e>(
    variable: &dyn Fn(&str) -> Option<&'e OsStr>,
) -> Result<Vec<Vec<u8>>, &'static str> {
    let Some(count) = variable("GIT_PUSH_OPTION_COUNT").filter(|count| !count.is_empty()) else {
        return Ok(Vec::new());
    };
    let count: usize = count
        .to_str()
        .and_then(|count| count.parse().ok())
        .filter(|count| *count <= MAX_OPTIONS)
        .ok_or("GIT_PUSH_OPTION_COUNT is no count of push options")?;
    (0..count)
        .map(|at| {
            variable(&format!("GIT_PUSH_OPTION_{at}")).map(|option| option.as_bytes().to_vec())
        })
        .collect::<Option<_>>()
        .ok_or("a push option is missing")
}

/// The member `options` of the event.
pub fn options_value(options: &[Vec<u8>]) -> Value {
    let value = |option: &Vec<u8>| match string(option) {
        Some(text) => Value::from(text),
        None => Object::new().with("base64", STANDARD.encode(option)).into(),
    };
    options.iter().map(value).collect::<Vec<_>>().into()
}

/// Bytes as a string the record allows, if they are one.
pub fn string(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| crate::json::forbidden_character(text).is_none())
}

/// Spells the name of a ref in an object of the record: `ref`, or `ref_base64` where it is no
/// string the record allows.
pub fn set_ref(object: &mut Object, name: &[u8]) {
    match string(name) {
        Some(name) => object.set("ref", name),
        None => object.set("ref_base64", STANDARD.encode(name)),
    }
}

/// A name made fit to be recorded and shown.
fn text(bytes: &[u8]) -> String {
    let mut text = printable_bytes(bytes.get(..MAX_NAME).unwrap_or(bytes));
    text.retain(|c| crate::json::forbidden_character(c.encode_utf8(&mut [0; 4])).is_none());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn pusher(variables: &[(&str, &str)], login: Option<&[u8]>) -> Pusher {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        Pusher::of(
            &|name| variables.get(name).map(OsStr::new),
            Some("git".into()),
            login,
        )
    }

    #[test]
    fn says_what_the_transport_says_and_nothing_else() {
        let shown = |pusher: Pusher| Value::from(pusher.object()).to_canonical();
        assert_eq!(
            shown(pusher(
                &[("GIT_AUTHOR_NAME", "root"), ("USER", "root")],
                None
            )),
            r#"{"how":"local","user":"git"}"#
        );
        let login = b"password\npublickey ssh-ed25519 AAAA\n";
        assert_eq!(
            shown(pusher(
                &[("SSH_CONNECTION", "192.0.2.7 1 10.0.0.1 22"), ("GL_USER", "ann")],
                Some(login)
            )),
            r#"{"address":"192.0.2.7","how":"ssh","key":"SHA256:cJ6AyIFdppq4MgkHUVXdsoHg8SHgIfRoVBPtDhyQpV8","user":"ann"}"#
                .replace(
                    "cJ6AyIFdppq4MgkHUVXdsoHg8SHgIfRoVBPtDhyQpV8",
                    &STANDARD_NO_PAD.encode(merkle::sha256(&[0, 0, 0]))
                )
        );
        assert_eq!(
            shown(pusher(
                &[
                    ("REQUEST_METHOD", "POST"),
                    ("REMOTE_USER", "a\u{1b}\u{85}b"),
                    ("REMOTE_ADDR", "2001:db8::1"),
                    ("HTTP_AUTHORIZATION", "Basic c2VjcmV0"),
                ],
                None
            )),
            r#"{"address":"2001:db8::1","how":"http","user":"a<U+001B><U+0085>b"}"#
        );
        assert_eq!(
            shown(pusher(
                &[("REQUEST_METHOD", "POST"), ("REMOTE_ADDR", "x")],
                None
            )),
            r#"{"how":"http"}"#
        );
        assert_eq!(
            shown(pusher(&[("REMOTE_ADDR", "127.0.0.1")], None)),
            r#"{"address":"127.0.0.1","how":"git"}"#
        );
        assert_eq!(
            shown(pusher(&[("GL_ID", "key-7"), ("GL_PROTOCOL", "ssh")], None)),
            r#"{"how":"ssh","user":"key-7"}"#
        );
    }

    #[test]
    fn push_options_are_kept_byte_for_byte() {
        let of = |variables: &[(&str, &'static [u8])]| {
            let variables: HashMap<String, &'static [u8]> = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect();
            options(&|name: &str| variables.get(name).map(|v| OsStr::from_bytes(v)))
        };
        assert_eq!(of(&[]), Ok(vec![]));
        let two = of(&[
            ("GIT_PUSH_OPTION_COUNT", b"2"),
            ("GIT_PUSH_OPTION_0", b"x\ty"),
            ("GIT_PUSH_OPTION_1", b"\xff"),
        ])
        .unwrap();
        assert_eq!(
            options_value(&two).to_canonical(),
            r#"["x\ty",{"base64":"/w=="}]"#
        );
        assert!(of(&[("GIT_PUSH_OPTION_COUNT", b"1")]).is_err());
        assert!(of(&[("GIT_PUSH_OPTION_COUNT", b"999999999")]).is_err());
    }
}
