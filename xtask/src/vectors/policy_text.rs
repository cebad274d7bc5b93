//! `ledger.toml` and what is derived from it, as values that may be as wrong as they like.

use super::keys::Key;

/// A row for a key.
#[derive(Clone)]
pub struct Row {
    pub principal: String,
    pub key: String,
    pub roles: Vec<&'static str>,
    pub types: Vec<&'static str>,
    pub state: Option<&'static str>,
}

/// A row for a key that somebody else had.
#[derive(Clone)]
pub struct Compromised {
    pub key: String,
    pub since: u64,
    pub vouched: Vec<u64>,
}

/// A policy.
#[derive(Clone)]
pub struct Policy {
    pub spec: u64,
    pub id: String,
    pub name: String,
    pub threshold: u64,
    pub rows: Vec<Row>,
    pub compromised: Vec<Compromised>,
    pub mirrors: Vec<(&'static str, &'static str)>,
    pub failures: Vec<(Vec<&'static str>, &'static str)>,
}

impl Row {
    pub fn new(key: &Key, roles: &[&'static str]) -> Row {
        Row {
            principal: key.principal.into(),
            key: key.text(),
            roles: roles.to_vec(),
            types: Vec::new(),
            state: None,
        }
    }

    pub fn typed(mut self, types: &[&'static str]) -> Row {
        self.types = types.to_vec();
        self
    }
}

impl Policy {
    /// The same policy with another row at the end.
    pub fn with(mut self, row: Row) -> Policy {
        self.rows.push(row);
        self
    }

    pub fn threshold(mut self, threshold: u64) -> Policy {
        self.threshold = threshold;
        self
    }

    /// The same policy with this key retired.
    pub fn retire(mut self, key: &Key) -> Policy {
        self.row(key).state = Some("retired");
        self
    }

    /// The same policy with this key retired and in doubt since an entry.
    pub fn compromise(self, key: &Key, since: u64, vouched: &[u64]) -> Policy {
        let mut policy = self.retire(key);
        policy.compromised.push(Compromised {
            key: key.text(),
            since,
            vouched: vouched.to_vec(),
        });
        policy
    }

    pub fn row(&mut self, key: &Key) -> &mut Row {
        let text = key.text();
        let mut rows = self.rows.iter_mut();
        rows.find(|row| row.key == text).expect("a row of this key")
    }

    pub fn toml(&self) -> String {
        let mut out = format!(
            "spec = {}\nid = \"{}\"\nname = \"{}\"\n[admin]\nthreshold = {}\n",
            self.spec, self.id, self.name, self.threshold
        );
        for row in &self.rows {
            out += &format!(
                "[[signer]]\nprincipal = \"{}\"\nkey = \"{}\"\nroles = {}\n",
                row.principal,
                row.key,
                quoted(&row.roles)
            );
            if !row.types.is_empty() {
                out += &format!("types = {}\n", quoted(&row.types));
            }
            if let Some(state) = row.state {
                out += &format!("state = \"{state}\"\n");
            }
        }
        for row in &self.compromised {
            out += &format!(
                "[[compromised]]\nkey = \"{}\"\nsince = {}\n",
                row.key, row.since
            );
            if !row.vouched.is_empty() {
                let numbers: Vec<String> = row.vouched.iter().map(u64::to_string).collect();
                out += &format!("vouched = [{}]\n", numbers.join(", "));
            }
        }
        for (name, url) in &self.mirrors {
            out += &format!("[[mirror]]\nname = \"{name}\"\nurl = \"{url}\"\n");
        }
        for (types, mode) in &self.failures {
            out += &format!(
                "[[failure]]\ntypes = {}\nmode = \"{mode}\"\n",
                quoted(types)
            );
        }
        out
    }

    pub fn allowed_signers(&self) -> String {
        let lines = self.rows.iter().map(|row| {
            format!(
                "{} namespaces=\"git,git-ledger-approval\" {}\n",
                row.principal, row.key
            )
        });
        lines.collect()
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("[{}]", words.join(", "))
}
