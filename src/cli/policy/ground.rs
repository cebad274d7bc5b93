//! What a change of the policy builds on: the newest entry, the policy in force, the entry that
//! set it; and why a change or a proposal may not be made there.

use std::collections::BTreeSet;

use git_ledger::finding::{Finding, FindingId};
use git_ledger::ledger::{LedgerError, Tip};
use git_ledger::merkle::hex;
use git_ledger::policy::{Policy, Role, Signer as Row};
use git_ledger::principal::Principal;
use git_ledger::proposal::{Base, Objection, Proposal};
use git_ledger::report::policy_review::Review;
use git_ledger::signer::Signer;
use git_ledger::trust::count;

use super::super::context::{Context, Opened};
use super::super::failure::{Exit, Failure};

/// What the ledger is opened for: a proposal needs only a copy to read, wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Append,
    Read,
}

/// The ledger as a change finds it.
pub struct Ground {
    pub opened: Opened,
    pub tip: Tip,
    pub base: Base,
}

impl Ground {
    /// The ledger here, now.
    pub fn of(context: &Context, purpose: Purpose) -> Result<Ground, Failure> {
        let opened = match purpose {
            Purpose::Append => context.open()?,
            Purpose::Read => context.open_to_read()?,
        };
        let tip = opened.ledger.tip()?;
        // an approval is bound to the entry that set the policy, and thereby to that policy: what
        // is shown before it is signed must be the policy the entry names
        if tip.policy.digest() != tip.link.entry.policy {
            return Err(Failure::no(format!(
                "{}: ledger.toml of entry {} is not the policy it names",
                FindingId::PolicyDigestMismatch,
                tip.link.entry.number()
            ))
            .hint("'git ledger verify' tells all that is wrong"));
        }
        let setter = opened.ledger.policy_entry(&tip.link).map_err(|why| match why {
            LedgerError::Object { .. } => Failure::cannot(format!(
                "which entry set the policy in force cannot be told: {why}"
            ))
            .hint("if this repository is shallow: git fetch --unshallow; else 'git ledger verify' tells what is wrong"),
            other => other.into(),
        })?;
        let base = Base {
            number: setter.entry.number(),
            digest: setter.digest(),
        };
        Ok(Ground { opened, tip, base })
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.tip.policy
    }

    /// The number the next entry has, unless others are faster.
    pub fn next(&self) -> u64 {
        self.tip.link.entry.number().saturating_add(1)
    }

    /// Refuses a policy that breaks a rule, in itself or after the one in force.
    pub fn check(&self, policy: &Policy) -> Result<(), Failure> {
        if policy == self.policy() {
            return Err(Failure::no("the policy would stay as it is"));
        }
        Policy::parse(policy.to_toml().as_bytes()).map_err(|finding| fault(&finding))?;
        let broken = policy.follows(self.policy(), self.next());
        broken.first().map_or(Ok(()), |finding| Err(fault(finding)))
    }

    /// What the two policies do not tell: that this one was in force before.
    pub fn warnings(&self, policy: &Policy) -> Result<Vec<String>, Failure> {
        let now = self.policy();
        let retired = |policy: &Policy| -> Vec<bool> {
            policy.signers.iter().map(|row| row.retired).collect()
        };
        // rows only come and only retire, so a policy with more of either was never in force
        if retired(policy) != retired(now) || policy.compromised != now.compromised {
            return Ok(Vec::new());
        }
        let digest = policy.digest();
        for link in self.opened.ledger.links(self.tip.link.id)? {
            let Ok(link) = link else { break };
            if link.entry.policy == digest {
                return Ok(vec![format!(
                    "this is the policy that was in force up to entry {}, put back as it was",
                    link.entry.number()
                )]);
            }
        }
        Ok(Vec::new())
    }

    /// The change to `after`, with those who agree.
    pub fn review<'a>(
        &'a self,
        after: &'a Policy,
        agreed: BTreeSet<&'a Principal>,
    ) -> Result<Review<'a>, Failure> {
        Ok(Review {
            before: self.policy(),
            base: self.base,
            after,
            warnings: self.warnings(after)?,
            affected: super::compromise::affected(self, after)?,
            count: count(self.policy(), Some(after), agreed),
        })
    }

    /// The key that would sign, and its row.
    pub fn me(
        &self,
        context: &Context,
        key: Option<&str>,
    ) -> Result<(Signer, Option<&Row>), Failure> {
        let opened = &self.opened;
        let signer = context.signer(&opened.config, &opened.settings.name, key)?;
        let row = self.policy().row(signer.public_key()).map(|(_, row)| row);
        Ok((signer, row))
    }

    /// The key that would sign, and its row, which must be one that may agree to changes.
    pub fn admin(&self, context: &Context, key: Option<&str>) -> Result<(Signer, &Row), Failure> {
        let (signer, row) = self.me(context, key)?;
        let fingerprint = signer.public_key().fingerprint();
        let refused = |what: String| {
            Err(Failure::no(what)
                .hint("only admins of the policy in force agree to a change of it")
                .hint("sign with another key: --key PATH"))
        };
        match row {
            None => refused(format!(
                "the key {fingerprint} has no row in the policy in force"
            )),
            Some(row) if row.retired => refused(format!(
                "the key {fingerprint} of {} is retired",
                row.principal
            )),
            Some(row) if !row.has(Role::Admin) => refused(format!("{} is no admin", row.principal)),
            Some(row) => Ok((signer, row)),
        }
    }

    /// Refuses a proposal that does not fit here; `file` names it.
    pub fn admit(&self, proposal: &Proposal, file: &str) -> Result<(), Failure> {
        let objections = proposal.objections(self.policy(), &self.base, self.next());
        match objections.first() {
            None => Ok(()),
            Some(objection) => Err(self.refuse(proposal, objection, file)),
        }
    }

    fn refuse(&self, proposal: &Proposal, objection: &Objection, file: &str) -> Failure {
        let failure = Failure::no(format!("{file} is refused: {objection}"));
        match objection {
            Objection::OtherLedger { .. } => {
                failure.hint("run it in the ledger it was made for, or name that one with --ledger")
            }
            Objection::OtherBase(base) => self.elsewhere(proposal, base, file),
            Objection::NoChange => failure.hint("there is nothing left to agree to"),
            Objection::OtherEvent => failure
                .hint("the file was altered on its way; get it again from whoever proposed it"),
            Objection::Rule(finding) => advice(finding)
                .into_iter()
                .fold(failure, Failure::hint),
            Objection::Approval(finding) => match finding.id {
                FindingId::ApprovalSigner => failure
                    .hint("only unretired admin keys of the policy in force agree, each for its own principal"),
                _ => failure.hint(
                    "the file was altered after that admin agreed, or the approval is of another proposal; \
                     get it again from them",
                ),
            },
        }
    }

    /// A proposal that builds on another entry than the one that set the policy in force: stale,
    /// ahead of this copy, or of another history.
    fn elsewhere(&self, proposal: &Proposal, base: &Base, file: &str) -> Failure {
        let newest = self.tip.link.entry.number();
        if base.digest == self.base.digest {
            return Failure::no(format!(
                "{file} calls entry {} entry {}",
                self.base.number, base.number
            ))
            .hint("the file was altered on its way; get it again from whoever proposed it");
        }
        if base.number > newest {
            let failure = Failure::no(format!(
                "{file} builds on entry {}, and this copy ends at entry {newest}",
                base.number
            ));
            return Failure {
                exit: Exit::Unknown,
                ..failure
            }
            .hint("bring this copy up to date first: git ledger mirror pull");
        }
        let Ok(links) = self.opened.ledger.links(self.tip.link.id) else {
            return Failure::cannot("the object store cannot be opened");
        };
        for link in links {
            let link = match link {
                Ok(link) => link,
                Err(why) => {
                    let what = format!(
                        "{file} builds on entry {}, which cannot be looked up here: {why}",
                        base.number
                    );
                    return Failure {
                        exit: Exit::Unknown,
                        ..Failure::no(what)
                    }
                    .hint("'git ledger verify' tells what is wrong with this copy");
                }
            };
            if link.entry.number() > base.number {
                continue;
            }
            let digest = link.digest();
            if digest != base.digest {
                return Failure::no(format!(
                    "{file} was made on another history of this ledger: entry {} is sha256:{} there and sha256:{} here",
                    base.number,
                    hex(&base.digest),
                    hex(&digest)
                ))
                .hint("keep the file, and find out which copy was rewritten: git ledger compare");
            }
            break;
        }
        if self.policy().digest() == proposal.policy.digest() {
            return Failure::no(format!(
                "{file} was applied already: entry {} set its policy",
                self.base.number
            ))
            .hint("there is nothing left to do");
        }
        Failure::no(format!(
            "{file} is stale: it builds on the policy that entry {} set, and entry {} has set another",
            base.number, self.base.number
        ))
        .hint("look at 'git ledger policy log', and propose the change again; approvals of the old one do not count")
    }
}

/// A policy that breaks a rule.
pub fn fault(finding: &Finding) -> Failure {
    let failure = Failure::no(format!(
        "the policy breaks a rule: {}: {}",
        finding.id, finding.detail
    ));
    let hints = advice(finding);
    hints
        .into_iter()
        .chain(["nothing was changed"])
        .fold(failure, Failure::hint)
}

/// What to do about a policy that breaks a rule.
fn advice(finding: &Finding) -> Option<&'static str> {
    match finding.id {
        FindingId::PolicyLockout => Some(
            "nobody could ever change the policy again; let another admin in first, or lower the threshold in the same change",
        ),
        FindingId::PolicyRowChanged => {
            Some("rows stay for ever, in their order: retire one, or add one at the end")
        }
        FindingId::PolicyUnretired => Some("a retired key never signs again; let a new key in"),
        FindingId::PolicyDuplicateKey => Some("a key stands in one row for ever; make a new one"),
        FindingId::PolicyKey => {
            Some("use an Ed25519, ECDSA P-256/P-384, security-key or RSA (3072 bits or more) key")
        }
        FindingId::PolicyIdChanged => Some("the id is the ledger's own and never changes"),
        FindingId::PolicyCompromised => Some(
            "the key's row must be retired; since never rises, and entries vouched for stay so",
        ),
        FindingId::SpecUnsupported => Some("a newer git-ledger knows that level"),
        _ => None,
    }
}
