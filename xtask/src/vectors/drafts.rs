//! Entries before they are signed: honest until somebody breaks them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::keys::Key;
use super::sshsig::Sshsig;
use super::world::{Hash, PUSH, acme, hex};

/// An event with what the subject line is made of.
#[derive(Clone)]
pub struct Event {
    pub line: String,
    pub kind: String,
    pub what: String,
}

/// A canonical event.
pub fn event(id: &str, kind: &str) -> Event {
    let what = "refs/heads/main";
    Event {
        line: format!(
            "{{\"id\":\"{id}\",\"source\":\"https://git.acme.example\",\"specversion\":\"1.0\",\"subject\":\"{what}\",\"type\":\"{kind}\"}}"
        ),
        kind: kind.into(),
        what: what.into(),
    }
}

pub fn push(id: &str) -> Event {
    event(id, PUSH)
}

impl Event {
    /// The same event with a piece of its text replaced.
    pub fn edit(mut self, from: &str, to: &str) -> Event {
        assert!(self.line.contains(from), "{from} is not in {}", self.line);
        self.line = self.line.replacen(from, to, 1);
        self
    }

    /// The same event with members before `id`.
    pub fn with(self, members: &str) -> Event {
        self.edit("{\"id\"", &format!("{{{members},\"id\""))
    }

    /// The same event with another subject.
    pub fn about(self, what: &str) -> Event {
        let mut event = self.edit("\"refs/heads/main\"", &format!("\"{what}\""));
        event.what = what.into();
        event
    }
}

/// A draft of one entry; every part may be changed before it is signed.
#[derive(Clone)]
pub struct Draft {
    pub tree: String,
    pub parent: Option<String>,
    pub principal: String,
    pub time: u64,
    pub number: u64,
    pub policy: Hash,
    pub range: Vec<Hash>,
    pub approvals: Vec<(String, Vec<u8>)>,
    pub events: Vec<Event>,
}

/// A commit without its signature.
#[derive(Clone)]
pub struct Commit {
    pub head: Vec<u8>,
    pub message: Vec<u8>,
}

impl Draft {
    pub fn subject(&self) -> String {
        let suffix = match self.events.len() {
            1 => String::new(),
            many => format!(" (+{})", many - 1),
        };
        let (kind, what) = (&self.events[0].kind, &self.events[0].what);
        let line: String = format!("{} {kind} {what}", self.number)
            .chars()
            .map(|c| if (' '..='~').contains(&c) { c } else { '?' })
            .take(72 - suffix.len())
            .collect();
        format!("{}{suffix}", line.trim_end_matches(' '))
    }

    pub fn commit(&self) -> Commit {
        let parent = self.parent.as_ref();
        let parent = parent.map_or_else(String::new, |id| format!("parent {id}\n"));
        let who = format!("{p} <{p}> {} +0000", self.time, p = self.principal);
        let head = format!(
            "tree {}\n{parent}author {who}\ncommitter {who}\n",
            self.tree
        );
        let lines: Vec<&str> = self
            .events
            .iter()
            .map(|event| event.line.as_str())
            .collect();
        let mut message = format!(
            "{}\n\n{}\n\nLedger-Seq: {}\nLedger-Policy: sha256:{}\n",
            self.subject(),
            lines.join("\n"),
            self.number,
            hex(&self.policy)
        );
        if !self.range.is_empty() {
            let hashes: Vec<String> = self.range.iter().map(|hash| BASE64.encode(hash)).collect();
            message += &format!("Ledger-Range: {}\n", hashes.join(" "));
        }
        for (principal, blob) in &self.approvals {
            message += &format!("Ledger-Approval: {principal} {}\n", BASE64.encode(blob));
        }
        Commit {
            head: head.into(),
            message: message.into(),
        }
    }

    /// The text an admin signs to agree to the policy of this draft.
    pub fn approval_text(&self, id: &str, set_by: &Hash) -> String {
        format!(
            "git-ledger approval 1\n{id}\n{}\n{}\n",
            hex(set_by),
            hex(&self.policy)
        )
    }

    /// Adds approvals, in this order.
    pub fn approved(mut self, set_by: &Hash, by: &[&Key]) -> Draft {
        let text = self.approval_text(&acme().id, set_by);
        for key in by {
            let made = Sshsig::make(key, "git-ledger-approval", text.as_bytes());
            self.approvals.push((key.principal.into(), made.blob()));
        }
        self
    }
}

impl Commit {
    /// Replaces a piece of the headers.
    pub fn head(mut self, from: &str, to: &str) -> Commit {
        self.head = replaced(&self.head, from.as_bytes(), to.as_bytes());
        self
    }

    /// Replaces a piece of the message.
    pub fn message(self, from: &str, to: &str) -> Commit {
        self.message_bytes(from.as_bytes(), to.as_bytes())
    }

    pub fn message_bytes(mut self, from: &[u8], to: &[u8]) -> Commit {
        self.message = replaced(&self.message, from, to);
        self
    }

    pub fn payload(&self) -> Vec<u8> {
        [self.head.as_slice(), b"\n", &self.message].concat()
    }

    pub fn sign(&self, key: &Key) -> Sshsig {
        Sshsig::make(key, "git", &self.payload())
    }

    /// The commit with this text (ending in LF) in this header.
    pub fn sealed(&self, header: &str, armour: &str) -> Vec<u8> {
        let folded = armour.strip_suffix('\n').expect("LF at the end");
        let header = format!("{header} {}\n", folded.replace('\n', "\n "));
        [
            self.head.as_slice(),
            header.as_bytes(),
            b"\n",
            &self.message,
        ]
        .concat()
    }
}

pub fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = text.windows(from.len()).position(|part| part == from);
    let at = at.unwrap_or_else(|| panic!("{:?} is not there", String::from_utf8_lossy(from)));
    [&text[..at], to, &text[at + from.len()..]].concat()
}
