//! The rules that a forge keeps for the ledger branch, since it runs no hooks of ours.

use super::{Check, Diagnosis};

/// What the forge said.
#[derive(Debug, Clone, Default)]
pub enum Facts {
    /// The remotes are on no forge that is known here, and none was named.
    #[default]
    NoForge,
    /// It was not asked, or gave no answer; why, and what would help.
    NotAsked {
        /// Why.
        why: String,
        /// What would help.
        mend: String,
    },
    /// Its rules for the ledger branch.
    Rules(Rules),
}

/// What a forge allows on the ledger branch.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Which forge, repository and branch.
    pub subject: String,
    /// Whether force pushes are blocked.
    pub force_push: Rule,
    /// Whether deletion is blocked.
    pub deletion: Rule,
    /// Whether nobody may bypass these rules.
    pub bypass: Rule,
    /// Whether unsigned commits are refused.
    pub signatures: Rule,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rule {
    /// In force; by which rule.
    Holds(String),
    /// Not in force: what is missing, and the setting to make.
    Missing(String, String),
    /// Could not be told: why, and what would help.
    Unknown(String, String),
    /// The forge has no such rule; why that is no matter, or what stands in for it.
    #[default]
    NotOffered,
}

/// The checks of the forge.
pub fn examine(facts: &Facts) -> Vec<Diagnosis> {
    const ALL: [Check; 4] = [
        Check::ForgeForcePush,
        Check::ForgeDeletion,
        Check::ForgeBypass,
        Check::ForgeSignatures,
    ];
    match facts {
        Facts::NoForge => ALL
            .map(|check| {
                Diagnosis::not_applicable(
                    check,
                    "no remote is on a forge that is known; --forge names one",
                )
            })
            .into(),
        Facts::NotAsked { why, mend } => ALL
            .map(|check| Diagnosis::unknown(check, why.clone(), mend.clone()))
            .into(),
        Facts::Rules(rules) => vec![
            rule(ALL[0], &rules.subject, &rules.force_push),
            rule(ALL[1], &rules.subject, &rules.deletion),
            rule(ALL[2], &rules.subject, &rules.bypass),
            rule(ALL[3], &rules.subject, &rules.signatures),
        ],
    }
}

fn rule(check: Check, subject: &str, rule: &Rule) -> Diagnosis {
    match rule {
        Rule::Holds(by) => Diagnosis::ok(check, format!("{subject}: {by}")),
        Rule::Missing(what, setting) => {
            Diagnosis::off(check, format!("{subject}: {what}"), setting.clone())
        }
        Rule::Unknown(why, mend) => {
            Diagnosis::unknown(check, format!("{subject}: {why}"), mend.clone())
        }
        Rule::NotOffered => Diagnosis::not_applicable(check, "this forge has no such rule"),
    }
}
