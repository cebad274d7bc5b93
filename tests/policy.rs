//! How the policy evolves: three admins in three clones who hand files to each other, keys that
//! come, go and are stolen, and everything that must not pass for agreement.

mod agree;
mod fail;
mod forge;
mod refuse;
mod survive;

use std::fs;

use crate::world::{Said, World};

/// Ann, bob and carl are admins, two of whom must agree; ci writes `dev.*`. Each admin has a clone
/// of their own; `hub` holds what they publish.
pub struct Company {
    pub world: World,
}

impl Company {
    /// Five entries: the founding, two admins, a writer, the threshold.
    pub fn new() -> Company {
        let world = World::new();
        world.git("", &["init", "--quiet", "--bare", "hub"]).ok();
        world.repository("ann");
        let company = Company { world };
        for name in ["bob", "carl"] {
            let (who, key) = (format!("{name}@acme.org"), company.world.public(name));
            company
                .ann(&["add-signer", &who, &key, "--role", "admin"])
                .ok();
        }
        let key = company.world.public("ci");
        let words = ["add-signer", "ci@acme.org", &key, "--role", "writer"];
        company
            .ann(&[&words[..], &["--type", "dev.*"]].concat())
            .ok();
        company.ann(&["threshold", "2"]).ok();
        let hub = company.world.path("hub").to_string_lossy().into_owned();
        let push = ["push", "--quiet", &hub, "refs/heads/ledger"];
        company.world.git("ann", &push).ok();
        for name in ["bob", "carl"] {
            company
                .world
                .git("", &["clone", "--quiet", "hub", name])
                .ok();
            company.pull(name);
            company.world.key(name);
            let key = company.path(&format!("keys/{name}"));
            company
                .world
                .git(name, &["config", "user.signingKey", &key])
                .ok();
        }
        company
    }

    /// Brings a clone's ledger up to what the hub holds.
    pub fn pull(&self, name: &str) {
        let hub = self.path("hub");
        let branch = "refs/heads/ledger:refs/heads/ledger";
        self.world
            .git(name, &["fetch", "--quiet", &hub, branch])
            .ok();
    }

    /// Ann publishes what she recorded, and the others take it.
    pub fn publish(&self, from: &str) {
        let hub = self.path("hub");
        self.world
            .git(from, &["push", "--quiet", &hub, "refs/heads/ledger"])
            .ok();
        for name in ["ann", "bob", "carl"].iter().filter(|name| **name != from) {
            self.pull(name);
        }
    }

    pub fn path(&self, path: &str) -> String {
        self.world.path(path).to_string_lossy().into_owned()
    }

    /// `git ledger policy …` in somebody's clone, with their key; nobody is at the terminal.
    pub fn policy(&self, who: &str, words: &[&str]) -> Said {
        self.world.ledger(who, &[&["policy"], words].concat())
    }

    pub fn ann(&self, words: &[&str]) -> Said {
        self.policy("ann", words)
    }

    pub fn bob(&self, words: &[&str]) -> Said {
        self.policy("bob", words)
    }

    pub fn carl(&self, words: &[&str]) -> Said {
        self.policy("carl", words)
    }

    /// Ann proposes a change, into a file in her clone.
    pub fn propose(&self, words: &[&str]) {
        self.ann(&[words, &["--propose", "change.json"]].concat())
            .ok();
    }

    /// The file goes from one clone to another, by mail, stick or pigeon.
    pub fn hand(&self, from: &str, to: &str) {
        let file = |name: &str| self.world.path(format!("{name}/change.json"));
        fs::copy(file(from), file(to)).expect("a file");
    }

    /// Somebody on the way changes the file.
    pub fn tamper(&self, at: &str, from: &str, to: &str) {
        let path = self.world.path(format!("{at}/change.json"));
        let text = fs::read_to_string(&path).expect("a file");
        let other = text.replace(from, to);
        assert_ne!(text, other, "nothing to tamper with: {from}");
        fs::write(&path, other).expect("a file");
    }

    /// Bob approves ann's change and sends the file back.
    pub fn bob_approves(&self) {
        self.hand("ann", "bob");
        self.bob(&["approve", "change.json", "--yes"]).ok();
        self.hand("bob", "ann");
    }

    /// What both verifiers say of a clone, the first line of each.
    pub fn verdict(&self, of: &str) -> String {
        let said = self.world.ledger(of, &["verify"]);
        said.out.lines().next().unwrap_or_default().to_owned()
    }

    /// How many entries ann's ledger has.
    pub fn entries(&self, of: &str) -> usize {
        let said = self
            .world
            .git(of, &["rev-list", "--count", "refs/heads/ledger"]);
        said.ok().trim().parse().expect("a number")
    }
}

/// Digests, keys and commits are other in other runs of the format, and are not the point here.
pub fn masked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| {
                let hex = word.strip_prefix("sha256:").unwrap_or(word);
                let hex = hex.trim_matches(['(', ')', ',', ';', ':']);
                let plain = hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
                match (plain, word.strip_prefix("SHA256:")) {
                    (true, _) => word.replace(hex, "<hex>"),
                    (_, Some(rest)) => {
                        let behind: String = rest.chars().skip(43).collect();
                        format!("<key>{behind}")
                    }
                    _ => word.to_owned(),
                }
            })
            .collect();
        out += &(words.join(" ") + "\n");
    }
    out
}

/// The same of a whole answer.
pub fn told(said: &Said) -> String {
    masked(&said.to_string())
}
