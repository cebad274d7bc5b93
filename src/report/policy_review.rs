//! A change of the policy as somebody sees it who is asked to agree, or who looks back.

use crate::commit::Link;
use crate::date::rfc3339;
use crate::escape::printable;
use crate::event::POLICY_CHANGED;
use crate::json::{Object, Value};
use crate::merkle::hex;
use crate::policy::{Compromised, Policy};
use crate::principal::Principal;
use crate::proposal::Base;
use crate::report::layout::{Ink, Look, fold};
use crate::report::policy_change;
use crate::report::verdict::{clean, number};
use crate::signature::Signature;
use crate::trust::Count;

/// Entries of a stolen key that people are shown; the rest is counted.
const MOST: usize = 200;

/// What is asked, of whom, and who agrees.
#[derive(Debug)]
pub struct Review<'a> {
    /// The policy in force.
    pub before: &'a Policy,
    /// The entry that set it.
    pub base: Base,
    /// The policy that may follow.
    pub after: &'a Policy,
    /// What is known besides what the two policies say.
    pub warnings: Vec<String>,
    /// What stolen keys signed, where the change says what of it is good.
    pub affected: Vec<Affected>,
    /// Who agrees.
    pub count: Count<'a>,
}

/// What a key signed that is called compromised.
#[derive(Debug)]
pub struct Affected {
    /// The row of the new policy.
    pub row: Compromised,
    /// The entries it signed from there on, the oldest first.
    pub signed: Vec<Link>,
    /// Policy entries from there on that hold an approval by it.
    pub resting: Vec<u64>,
}

impl Affected {
    fn text(&self) -> String {
        let mut out = format!(
            "signed by {} from entry {} on: {}\n",
            self.row.key.fingerprint(),
            self.row.since,
            self.signed.len()
        );
        for link in self.signed.iter().take(MOST) {
            let mark = if self.is_vouched(link) {
                "vouched for"
            } else {
                "in doubt   "
            };
            out += &format!("  {mark}  {}\n", printable(&link.entry.subject()));
        }
        if let Some(more) = self.signed.len().checked_sub(MOST).filter(|more| *more > 0) {
            out += &format!("  … and {more} more; --json lists them all\n");
        }
        let numbers = |numbers: Vec<u64>| -> String {
            let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
            words.join(", ")
        };
        let changes = self.changes();
        if !changes.is_empty() {
            out += &format!(
                "! it changed the policy in {}: 'git ledger policy log' tells which keys that let in\n",
                numbers(changes)
            );
        }
        if !self.resting.is_empty() {
            out += &format!(
                "! policy entries that rest on its approval, and are not judged again: {}; \
                 if one is the thief's, set a new policy\n",
                numbers(self.resting.clone())
            );
        }
        out
    }

    fn json(&self) -> Value {
        let signed = self.signed.iter().map(|link| {
            Value::from(
                Object::new()
                    .with("number", number(link.entry.number()))
                    .with("subject", link.entry.subject())
                    .with("vouched", self.is_vouched(link)),
            )
        });
        let list =
            |numbers: &[u64]| -> Vec<Value> { numbers.iter().copied().map(number).collect() };
        Object::new()
            .with("key", self.row.key.fingerprint())
            .with("since", number(self.row.since))
            .with("signed", signed.collect::<Vec<_>>())
            .with("policy_changes", list(&self.changes()))
            .with("approved", list(&self.resting))
            .into()
    }

    fn is_vouched(&self, link: &Link) -> bool {
        self.row.vouched.contains(&link.entry.number())
    }

    /// The policy entries among those it signed.
    fn changes(&self) -> Vec<u64> {
        let says = |link: &&Link| {
            let mut events = link.entry.events.iter();
            events.any(|event| event.kind() == POLICY_CHANGED)
        };
        let changes = self.signed.iter().filter(says);
        changes.map(|link| link.entry.number()).collect()
    }
}

impl Review<'_> {
    /// Everything that should be thought about.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = policy_change::warnings(self.before, self.after);
        warnings.extend(self.warnings.iter().cloned());
        warnings
    }

    /// The change alone, and what to think about.
    pub fn change(&self) -> String {
        let mut out = String::new();
        for line in policy_change::lines(Some(self.before), self.after) {
            out += &format!("{line}\n");
        }
        for line in self.warnings() {
            out += &format!("! {line}\n");
        }
        self.affected.iter().fold(out, |out, key| out + &key.text())
    }

    /// Ledger, base, change, and who agrees.
    pub fn text(&self) -> String {
        let mut out = format!(
            "ledger     {} ({})\nbuilds on  entry {}, which set the policy in force\n           sha256:{}\n\
             proposes   sha256:{}\n",
            printable(&self.before.name),
            self.before.id,
            self.base.number,
            hex(&self.base.digest),
            hex(&self.after.digest()),
        );
        out += "change\n";
        for line in self.change().lines() {
            out += &format!("  {line}\n");
        }
        out + &self.agreement()
    }

    /// Who agrees, who is missing, who could still agree.
    pub fn agreement(&self) -> String {
        let count = &self.count;
        let agreed = if count.agreed.is_empty() {
            "nobody".to_owned()
        } else {
            names(&count.agreed)
        };
        let mut out = format!(
            "agreement  {} of {} needed, of {} admins: {agreed}\n",
            count.counted(),
            count.threshold,
            self.before.admins().len()
        );
        let not: Vec<&str> = count
            .agreed
            .intersection(&count.barred)
            .map(|name| name.as_str())
            .collect();
        if !not.is_empty() {
            out += &format!(
                "           not counted, for the change is about a key of theirs: {}\n",
                not.join(", ")
            );
        }
        if !count.open.is_empty() {
            out += &format!("           could still agree: {}\n", names(&count.open));
        }
        out
    }

    /// All of it for programs.
    pub fn json(&self) -> Object {
        let list =
            |names: Vec<&str>| -> Vec<Value> { names.into_iter().map(Value::from).collect() };
        let words = |lines: Vec<String>| -> Vec<Value> {
            lines.into_iter().map(|line| clean(&line)).collect()
        };
        let count = &self.count;
        Object::new()
            .with("ledger", self.before.id.as_str())
            .with(
                "base",
                Object::new()
                    .with("number", number(self.base.number))
                    .with("digest", format!("sha256:{}", hex(&self.base.digest))),
            )
            .with("policy", format!("sha256:{}", hex(&self.after.digest())))
            .with(
                "change",
                words(policy_change::lines(Some(self.before), self.after)),
            )
            .with("warnings", words(self.warnings()))
            .with(
                "affected",
                self.affected.iter().map(Affected::json).collect::<Vec<_>>(),
            )
            .with("threshold", number(count.threshold))
            .with(
                "agreed",
                list(count.agreed.iter().map(|n| n.as_str()).collect()),
            )
            .with(
                "not_counted",
                list(
                    count
                        .agreed
                        .intersection(&count.barred)
                        .map(|n| n.as_str())
                        .collect(),
                ),
            )
            .with("missing", number(count.missing()))
            .with(
                "could_agree",
                list(count.open.iter().map(|n| n.as_str()).collect()),
            )
    }
}

/// A policy entry of the past.
#[derive(Debug)]
pub struct Past<'a> {
    /// The entry; what it says is a claim unless somebody verified it.
    pub link: &'a Link,
    /// How its signer stands, in words.
    pub signer: String,
    /// The policy before it; none for the first entry, or when it cannot be read.
    pub before: Option<&'a Policy>,
    /// The policy it set; none when it cannot be read.
    pub after: Option<&'a Policy>,
}

impl Past<'_> {
    /// A block: number, time, signer and approvers, then what changed.
    pub fn text(&self, look: &Look) -> String {
        let link = self.link;
        let head = look.paint(Ink::Name, &format!("entry {}", link.entry.number()));
        let mut out = format!("{head}  {}  {}", rfc3339(link.time), self.signer);
        let approvals = &link.entry.approvals;
        if !approvals.is_empty() {
            let names: Vec<&str> = approvals.iter().map(|a| a.principal.as_str()).collect();
            out += &format!(", approved by {}", names.join(", "));
        }
        out.push('\n');
        match self.after {
            Some(_) if link.parent.is_some() && self.before.is_none() => {
                out += "    what it changed cannot be told: the policy before it cannot be read\n";
            }
            Some(after) => {
                for line in policy_change::lines(self.before, after) {
                    out += &fold(&line, 4, look.width);
                }
            }
            None => out += "    the policy it sets cannot be read\n",
        }
        out
    }

    /// The same for programs.
    pub fn json(&self) -> Object {
        let link = self.link;
        let approvals = link.entry.approvals.iter().map(|approval| {
            let key = Signature::from_blob(&approval.blob)
                .map_or(Value::Null, |made| made.key().fingerprint().into());
            Value::from(
                Object::new()
                    .with("principal", approval.principal.as_str())
                    .with("key", key),
            )
        });
        let change = match self.after {
            Some(after) if link.parent.is_none() || self.before.is_some() => {
                policy_change::lines(self.before, after)
                    .iter()
                    .map(|line| clean(line))
                    .collect::<Vec<_>>()
                    .into()
            }
            _ => Value::Null,
        };
        Object::new()
            .with("number", number(link.entry.number()))
            .with("digest", format!("sha256:{}", hex(&link.digest())))
            .with("commit", link.id.to_string())
            .with("time", rfc3339(link.time))
            .with("principal", link.principal.as_str())
            .with("key", link.signature.key().fingerprint())
            .with("approvals", approvals.collect::<Vec<_>>())
            .with("policy", format!("sha256:{}", hex(&link.entry.policy)))
            .with("change", change)
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a &'a Principal>) -> String {
    let names: Vec<&str> = names.into_iter().map(|name| name.as_str()).collect();
    names.join(", ")
}
