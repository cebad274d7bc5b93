//! A small ledger under construction: the people, the objects, the tip.

use std::sync::LazyLock;

use gix::hash::Kind as Format;
use gix::objs::Kind;
use sha2::{Digest as _, Sha256};

pub use super::drafts::{Commit, Draft, Event, event, push, replaced};
use super::keys::Key;
use super::policy_text::{Policy, Row};
use super::sshsig::Sshsig;

pub type Hash = [u8; 32];

pub const README: &str = include_str!("../../../ledger-spec/README.tree-1.md");
/// T of entry 0: 2026-01-01T00:00:00Z.
pub const START: u64 = 1_767_225_600;
pub const CREATED: &str = "dev.git-ledger.ledger.created";
pub const CHANGED: &str = "dev.git-ledger.policy.changed";
pub const PUSH: &str = "dev.git-ledger.push";
pub const REVIEW: &str = "dev.git-ledger.review";

/// Admins.
pub static ALICE: LazyLock<Key> = LazyLock::new(|| Key::ed25519("alice@acme.example", 1));
pub static BOB: LazyLock<Key> = LazyLock::new(|| Key::ed25519("bob@acme.example", 2));
/// The writer.
pub static CI: LazyLock<Key> = LazyLock::new(|| Key::ed25519("ci@acme.example", 3));
/// The auditor.
pub static DORA: LazyLock<Key> = LazyLock::new(|| Key::ed25519("dora@audit.example", 4));
/// In no policy.
pub static EVE: LazyLock<Key> = LazyLock::new(|| Key::ed25519("eve@evil.example", 5));
/// A third admin, and further keys, where a vector adds them.
pub static CAROL: LazyLock<Key> = LazyLock::new(|| Key::ed25519("carol@acme.example", 6));
pub static ALICE_2: LazyLock<Key> = LazyLock::new(|| Key::ed25519("alice@acme.example", 7));
pub static SK: LazyLock<Key> = LazyLock::new(|| Key::sk_ed25519("token@acme.example", 8));
pub static SK_P256: LazyLock<Key> = LazyLock::new(|| Key::sk_p256("oldtoken@acme.example", 9));
pub static P256: LazyLock<Key> = LazyLock::new(|| Key::p256("p256@acme.example", 10));
pub static P384: LazyLock<Key> = LazyLock::new(|| Key::p384("p384@acme.example", 11));
pub static RSA: LazyLock<Key> = LazyLock::new(|| Key::rsa("rsa@acme.example"));

/// alice and bob are admins, ci writes, dora audits.
pub fn acme() -> Policy {
    Policy {
        spec: 1,
        id: "0123456789abcdef0123456789abcdef".into(),
        name: "acme/payments".into(),
        threshold: 1,
        rows: vec![
            Row::new(&ALICE, &["admin"]),
            Row::new(&BOB, &["admin"]),
            Row::new(&CI, &["writer"]),
            Row::new(&DORA, &["auditor"]),
        ],
        compromised: Vec::new(),
        mirrors: Vec::new(),
        failures: Vec::new(),
    }
}

/// One object of a vector: the id the store answers to, and what it answers.
#[derive(Clone)]
pub struct Object {
    pub id: String,
    pub kind: Kind,
    pub bytes: Vec<u8>,
}

/// A ledger and the objects it stands on.
#[derive(Clone)]
pub struct Chain {
    pub format: Format,
    pub objects: Vec<Object>,
    /// The tree and policy that the next ordinary entry carries on.
    pub tree: String,
    pub policy: Hash,
    pub tip: Option<String>,
    pub number: u64,
    pub range: Vec<Hash>,
    pub time: u64,
    /// The digest of each entry.
    pub digests: Vec<Hash>,
    /// The id of each commit.
    pub commits: Vec<String>,
    /// What a vector says besides.
    pub fingerprint: Option<String>,
    pub shallow: Option<String>,
}

impl Chain {
    pub fn empty(format: Format) -> Chain {
        Chain {
            format,
            objects: Vec::new(),
            tree: String::new(),
            policy: [0; 32],
            tip: None,
            number: 0,
            range: Vec::new(),
            time: START,
            digests: Vec::new(),
            commits: Vec::new(),
            fingerprint: None,
            shallow: None,
        }
    }

    /// A ledger with entry 0, signed by alice.
    pub fn with_policy(policy: &Policy) -> Chain {
        Chain::founded_in(Format::Sha1, policy)
    }

    pub fn founded_in(format: Format, policy: &Policy) -> Chain {
        let mut chain = Chain::empty(format);
        let draft = chain.first(policy);
        chain.add(&draft, &ALICE);
        chain
    }

    /// The draft of entry 0.
    pub fn first(&mut self, policy: &Policy) -> Draft {
        self.set_policy(policy);
        self.draft(
            &ALICE,
            vec![event("created", CREATED).about("acme/payments")],
        )
    }

    /// A ledger of acme with entries 0 (alice) and 1 (ci).
    pub fn acme() -> Chain {
        Chain::acme_in(Format::Sha1)
    }

    pub fn acme_in(format: Format) -> Chain {
        let mut chain = Chain::founded_in(format, &acme());
        chain.add(&chain.next(), &CI);
        chain
    }

    /// The draft of an honest push event by ci.
    pub fn next(&self) -> Draft {
        self.draft(&CI, vec![push(&format!("p{}", self.number))])
    }

    pub fn next_by(&self, key: &Key) -> Draft {
        self.draft(key, vec![push(&format!("p{}", self.number))])
    }

    pub fn draft(&self, key: &Key, events: Vec<Event>) -> Draft {
        Draft {
            tree: self.tree.clone(),
            parent: self.tip.clone(),
            principal: key.principal.into(),
            time: self.time,
            number: self.number,
            policy: self.policy,
            range: self.range.clone(),
            approvals: Vec::new(),
            events,
        }
    }

    /// The draft of a policy entry; its files become those of the entries after it.
    pub fn change(&mut self, key: &Key, policy: &Policy) -> Draft {
        self.set_policy(policy);
        self.change_drafted(key)
    }

    /// The same, with any text in place of `ledger.toml`; the derived files are those of `like`.
    pub fn change_text(&mut self, key: &Key, toml: &str, like: &Policy) -> Draft {
        self.set_files(toml.as_bytes(), &like.allowed_signers(), README);
        self.change_drafted(key)
    }

    fn change_drafted(&self, key: &Key) -> Draft {
        let change = event(&format!("c{}", self.number), CHANGED).about("acme/payments");
        self.draft(key, vec![change])
    }

    pub fn set_policy(&mut self, policy: &Policy) {
        self.set_files(policy.toml().as_bytes(), &policy.allowed_signers(), README);
    }

    pub fn set_files(&mut self, toml: &[u8], signers: &str, readme: &str) {
        self.policy = Sha256::digest(toml).into();
        self.tree = self.files(toml, signers, readme, None);
    }

    /// Puts the three files, and perhaps a directory, into a tree.
    pub fn files(
        &mut self,
        toml: &[u8],
        signers: &str,
        readme: &str,
        attachments: Option<&str>,
    ) -> String {
        let toml = self.put(Kind::Blob, toml);
        let signers = self.put(Kind::Blob, signers.as_bytes());
        let readme = self.put(Kind::Blob, readme.as_bytes());
        let mut rows = vec![
            ("100644", "README.md", readme),
            ("100644", "allowed_signers", signers),
            ("100644", "ledger.toml", toml),
        ];
        if let Some(id) = attachments {
            rows.insert(2, ("40000", "attachments", id.to_owned()));
        }
        let rows: Vec<(&str, &str, &str)> = rows
            .iter()
            .map(|(m, n, id)| (*m, *n, id.as_str()))
            .collect();
        self.tree_of(&rows)
    }

    /// The tree of acme's policy with the directory `attachments` that holds these.
    pub fn files_with(&mut self, bodies: &[&[u8]]) -> String {
        let mut files: Vec<(String, String)> = bodies
            .iter()
            .map(|body| (hex(&Sha256::digest(body)), self.put(Kind::Blob, body)))
            .collect();
        files.sort();
        let rows: Vec<(&str, &str, &str)> = files
            .iter()
            .map(|(name, id)| ("100644", name.as_str(), id.as_str()))
            .collect();
        let directory = self.tree_of(&rows);
        let policy = acme();
        self.files(
            policy.toml().as_bytes(),
            &policy.allowed_signers(),
            README,
            Some(&directory),
        )
    }

    /// A tree of exactly these rows.
    pub fn tree_of(&mut self, rows: &[(&str, &str, &str)]) -> String {
        let mut raw = Vec::new();
        for (mode, name, id) in rows {
            raw.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            raw.extend_from_slice(&unhex(id));
        }
        self.put(Kind::Tree, &raw)
    }

    /// The rows of a tree that was put before.
    pub fn rows(&self, tree: &str) -> Vec<(String, String, String)> {
        let mut raw = self.content(tree);
        let width = self.format.len_in_bytes();
        let mut rows = Vec::new();
        while let Some(end) = raw.iter().position(|byte| *byte == 0) {
            let name = String::from_utf8_lossy(&raw[..end]).into_owned();
            let (mode, name) = name.split_once(' ').expect("mode and name");
            let id = hex(&raw[end + 1..end + 1 + width]);
            rows.push((mode.to_owned(), name.to_owned(), id));
            raw = &raw[end + 1 + width..];
        }
        rows
    }

    pub fn content(&self, id: &str) -> &[u8] {
        let found = self.objects.iter().find(|object| object.id == id);
        &found.expect("an object of the vector").bytes
    }

    /// The id of the file of this name in the tree of the next entry.
    pub fn file(&self, name: &str) -> String {
        let rows = self.rows(&self.tree);
        let found = rows.into_iter().find(|(_, other, _)| other == name);
        found.expect("a file of the tree").2
    }

    /// Stores an object under its id.
    pub fn put(&mut self, kind: Kind, bytes: &[u8]) -> String {
        let id = gix::objs::compute_hash(self.format, kind, bytes).expect("no collision");
        let id = id.to_string();
        if self.objects.iter().all(|object| object.id != id) {
            self.objects.push(Object {
                id: id.clone(),
                kind,
                bytes: bytes.to_vec(),
            });
        }
        id
    }

    /// Takes an object out of the store.
    pub fn lose(&mut self, id: &str) {
        let before = self.objects.len();
        self.objects.retain(|object| object.id != id);
        assert!(self.objects.len() < before, "{id} was not there");
    }

    /// Lets the store answer with other bytes.
    pub fn corrupt(&mut self, id: &str, from: &[u8], to: &[u8]) {
        let mut objects = self.objects.iter_mut();
        let object = objects.find(|object| object.id == id).expect("an object");
        object.bytes = replaced(&object.bytes, from, to);
    }

    /// Signs a draft and makes it the tip.
    pub fn add(&mut self, draft: &Draft, key: &Key) {
        self.add_commit(&draft.commit(), key);
    }

    /// An honest policy entry without approvals.
    pub fn add_change(&mut self, key: &Key, policy: &Policy) {
        let draft = self.change(key, policy);
        self.add(&draft, key);
    }

    /// Signs a commit and makes it the tip.
    pub fn add_commit(&mut self, commit: &Commit, key: &Key) {
        self.add_signed(commit, &commit.sign(key));
    }

    pub fn add_signed(&mut self, commit: &Commit, signature: &Sshsig) {
        self.add_armoured(commit, &signature.armour());
    }

    pub fn add_armoured(&mut self, commit: &Commit, armour: &str) {
        self.add_raw(&commit.sealed(self.header(), armour));
    }

    /// The name of the signature header.
    pub fn header(&self) -> &'static str {
        match self.format {
            Format::Sha256 => "gpgsig-sha256",
            _ => "gpgsig",
        }
    }

    /// Makes these bytes the tip: the next draft follows them.
    pub fn add_raw(&mut self, raw: &[u8]) {
        let id = self.put(Kind::Commit, raw);
        let digest = leaf(raw);
        let (mut hash, mut size) = (digest, self.number);
        while size & 1 == 1 {
            let left = self.range.pop().expect("a hash for each bit");
            hash = node(&left, &hash);
            size >>= 1;
        }
        self.range.push(hash);
        self.digests.push(digest);
        self.commits.push(id.clone());
        self.tip = Some(id);
        self.number += 1;
        self.time += 1;
    }
}

pub fn leaf(data: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(data)
        .finalize()
        .into()
}

pub fn node(left: &Hash, right: &Hash) -> Hash {
    let hasher = Sha256::new().chain_update([1]).chain_update(left);
    hasher.chain_update(right).finalize().into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}
