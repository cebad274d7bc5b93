//! Who may write what: `ledger.toml`, its one spelling, and how one policy may follow another.
//!
//! A policy is a value. Which policy is in force for an entry is not known here: that follows
//! from the chain. Everything that stands beside `ledger.toml` in the tree (`allowed_signers`,
//! `README.md`) is derived from it here.
//!
//! Source: `ledger-spec/policy.md`.

mod document;
mod fail;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::event;
use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::principal::Principal;
use crate::signature::PublicKey;

use document::malformed;
pub use fail::{DEPLOYMENTS, Decided, FailClass, FailMode, REFS, Relaxed, Word, relaxed};

/// The newest level of the specification this program knows.
pub const SPEC: u64 = 1;
/// The largest `ledger.toml`, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// `README.md` of the tree at level 1: constant.
pub const README: &str = include_str!("../ledger-spec/README.tree-1.md");

/// What a signer is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Records events.
    Writer,
    /// Changes the policy, and may do all that the others may.
    Admin,
    /// Records reviews, findings and checkpoints.
    Auditor,
}

impl Role {
    /// The word in `ledger.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Role::Writer => "writer",
            Role::Admin => "admin",
            Role::Auditor => "auditor",
        }
    }
}

/// One key that signs, or signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Whose key it is; one principal may have several.
    pub principal: Principal,
    /// The key; no other row has it.
    pub key: PublicKey,
    /// At least one, in the order writer, admin, auditor.
    pub roles: Vec<Role>,
    /// Event types it may record, exact or with a final `*`; empty: no restriction.
    pub types: Vec<String>,
    /// Signs nothing from the next entry on.
    pub retired: bool,
}

impl Signer {
    /// Whether this row has the role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the row's `types` let this event type through.
    pub fn allows_type(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|pattern| fits(pattern, kind))
    }
}

/// Whether an event type fits a pattern: equals it, or begins with what stands before its `*`.
pub fn fits(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => kind == pattern,
    }
}

/// A key that somebody else had, from an entry on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compromised {
    /// The key of a retired row.
    pub key: PublicKey,
    /// Number of the first entry that is in doubt.
    pub since: u64,
    /// Numbers of the entries in doubt that admins stand for, ascending.
    pub vouched: Vec<u64>,
}

/// Where a copy should be; advice only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// A name for it, unique in the policy.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// A policy that was read from, or can be written as, a canonical `ledger.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// 32 hex digits; never changes.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// How many distinct admin principals must agree to a change.
    pub threshold: u64,
    /// Every key there ever was, in the order of arrival.
    pub signers: Vec<Signer>,
    /// Keys somebody else had.
    pub compromised: Vec<Compromised>,
    /// Where copies should be.
    pub mirrors: Vec<Mirror>,
    /// What becomes of events that cannot be recorded; the first row that fits decides.
    pub failures: Vec<FailClass>,
}
impl Policy {
    /// Reads `ledger.toml` in its canonical spelling and checks every rule that needs no other
    /// policy to be seen.
    ///
    /// # Errors
    /// The first finding, without a position. A level above [`SPEC`] is
    /// [`FindingId::SpecUnsupported`].
    pub fn parse(bytes: &[u8]) -> Result<Policy, Finding> {
        let policy = Policy::parse_any_spelling(bytes)?;
        if policy.to_toml().as_bytes() == bytes {
            Ok(policy)
        } else {
            let wanted = policy.to_toml();
            let found = String::from_utf8_lossy(bytes);
            let line = wanted
                .lines()
                .zip(found.lines())
                .take_while(|(a, b)| a == b)
                .count()
                + 1;
            Err(Finding::new(
                FindingId::PolicyNonCanonical,
                format!("line {line} is not spelled canonically"),
            ))
        }
    }

    /// Reads a policy a person wrote: any spelling TOML allows, comments included.
    ///
    /// # Errors
    /// As [`Policy::parse`], save the spelling.
    pub fn parse_any_spelling(bytes: &[u8]) -> Result<Policy, Finding> {
        if bytes.len() > MAX_BYTES {
            return Err(malformed(format!(
                "{} bytes, more than {MAX_BYTES}",
                bytes.len()
            )));
        }
        let text =
            std::str::from_utf8(bytes).map_err(|why| malformed(format!("not UTF-8: {why}")))?;
        let table: toml::Table = text
            .parse()
            .map_err(|why: toml::de::Error| malformed(why.message()))?;
        if let Some(spec) = table.get("spec").and_then(toml::Value::as_integer) {
            let id = match spec.cmp(&(SPEC as i64)) {
                Ordering::Less => Some(FindingId::PolicySpecLowered),
                Ordering::Equal => None,
                Ordering::Greater => Some(FindingId::SpecUnsupported),
            };
            if let Some(id) = id {
                let detail = format!("level {spec}; this program knows level {SPEC}");
                return Err(Finding::new(id, detail));
            }
        }
        document::read(table)
    }
    /// The principals that may agree to a change: those with an unretired admin row.
    pub fn admins(&self) -> BTreeSet<&Principal> {
        self.signers
            .iter()
            .filter(|row| row.has(Role::Admin) && !row.retired)
            .map(|row| &row.principal)
            .collect()
    }

    /// The row of a key and its index.
    pub fn row(&self, key: &PublicKey) -> Option<(usize, &Signer)> {
        self.signers
            .iter()
            .enumerate()
            .find(|(_, row)| row.key == *key)
    }

    /// SHA-256 of the canonical `ledger.toml`.
    pub fn digest(&self) -> Hash {
        merkle::sha256(self.to_toml().as_bytes())
    }

    /// The canonical `ledger.toml`.
    pub fn to_toml(&self) -> String {
        let mut out = format!(
            "spec = {SPEC}\nid = \"{}\"\nname = \"{}\"\n[admin]\nthreshold = {}\n",
            self.id, self.name, self.threshold
        );
        for row in &self.signers {
            let roles: Vec<String> = row
                .roles
                .iter()
                .map(|role| format!("\"{}\"", role.word()))
                .collect();
            out += &format!(
                "[[signer]]\nprincipal = \"{}\"\nkey = \"{}\"\nroles = [{}]\n",
                row.principal,
                row.key.to_text(),
                roles.join(", ")
            );
            if !row.types.is_empty() {
                let types: Vec<String> =
                    row.types.iter().map(|kind| format!("\"{kind}\"")).collect();
                out += &format!("types = [{}]\n", types.join(", "));
            }
            if row.retired {
                out += "state = \"retired\"\n";
            }
        }
        for row in &self.compromised {
            out += &format!(
                "[[compromised]]\nkey = \"{}\"\nsince = {}\n",
                row.key.to_text(),
                row.since
            );
            if !row.vouched.is_empty() {
                let vouched: Vec<String> = row.vouched.iter().map(u64::to_string).collect();
                out += &format!("vouched = [{}]\n", vouched.join(", "));
            }
        }
        for row in &self.mirrors {
            out += &format!(
                "[[mirror]]\nname = \"{}\"\nurl = \"{}\"\n",
                row.name, row.url
            );
        }
        for row in &self.failures {
            let types: Vec<String> = row.types.iter().map(|kind| format!("\"{kind}\"")).collect();
            out += &format!(
                "[[failure]]\ntypes = [{}]\nmode = \"{}\"\n",
                types.join(", "),
                row.mode.word()
            );
        }
        out
    }

    /// `allowed_signers` as stock git and ssh-keygen read it: it checks all history, for rows are
    /// never removed.
    pub fn allowed_signers(&self) -> String {
        self.signers.iter().fold(String::new(), |out, row| {
            out + &format!(
                "{} namespaces=\"git,git-ledger-approval\" {}\n",
                row.principal,
                row.key.to_text()
            )
        })
    }

    /// Whether this policy may follow `before` by entry `number`; one finding for each broken
    /// rule. Who must agree is another question ([`Policy::agreement`]).
    pub fn follows(&self, before: &Policy, number: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.id != before.id {
            findings.push(Finding::new(
                FindingId::PolicyIdChanged,
                format!("{} became {}", before.id, self.id),
            ));
        }
        for (at, old) in before.signers.iter().enumerate() {
            match self.signers.get(at) {
                Some(new) if new.principal == old.principal && new.key == old.key => {
                    if old.retired && !new.retired {
                        let detail = format!("row {} ({})", at + 1, old.principal);
                        findings.push(Finding::new(FindingId::PolicyUnretired, detail));
                    }
                }
                _ => {
                    let detail = format!(
                        "row {} was {} {}",
                        at + 1,
                        old.principal,
                        old.key.fingerprint()
                    );
                    findings.push(Finding::new(FindingId::PolicyRowChanged, detail));
                    break;
                }
            }
        }
        findings.extend(self.follows_compromised(before, number));
        findings
    }

    fn follows_compromised(&self, before: &Policy, number: u64) -> Option<Finding> {
        let fault = |why: String| Some(Finding::new(FindingId::PolicyCompromised, why));
        for (at, old) in before.compromised.iter().enumerate() {
            let name = old.key.fingerprint();
            match self.compromised.get(at) {
                Some(new) if new.key == old.key => {
                    if new.since > old.since {
                        return fault(format!(
                            "since of {name} rose from {} to {}",
                            old.since, new.since
                        ));
                    }
                    if !old.vouched.iter().all(|entry| new.vouched.contains(entry)) {
                        return fault(format!("an entry of {name} is vouched for no more"));
                    }
                }
                _ => {
                    return fault(format!(
                        "compromised row {} ({name}) was removed or moved",
                        at + 1
                    ));
                }
            }
        }
        self.compromised
            .iter()
            .find(|row| row.since > number || row.vouched.last().is_some_and(|last| *last > number))
            .and_then(|row| {
                fault(format!(
                    "the row of {} names entries after {number}",
                    row.key.fingerprint()
                ))
            })
    }

    /// The admins whose agreement does not count when `self` gives way to `next`: those whose own
    /// key's compromised row is new or changed.
    pub fn barred<'a>(&'a self, next: &'a Policy) -> BTreeSet<&'a Principal> {
        next.compromised
            .iter()
            .filter(|row| self.compromised.iter().all(|old| old != *row))
            .filter_map(|row| next.row(&row.key))
            .filter(|(at, row)| {
                row.has(Role::Admin)
                    || self
                        .signers
                        .get(*at)
                        .is_some_and(|old| old.has(Role::Admin))
            })
            .map(|(_, row)| &row.principal)
            .collect()
    }
}
/// The roles that may record this event type.
pub fn roles_for(kind: &str) -> &'static [Role] {
    match kind {
        event::POLICY_CHANGED | event::LEDGER_CREATED => &[Role::Admin],
        event::REVIEW | event::TAMPER_FOUND | event::CHECKPOINT => &[Role::Admin, Role::Auditor],
        _ => &[Role::Writer, Role::Admin],
    }
}
