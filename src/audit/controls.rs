//! Which questions of a standard this ledger holds evidence for, and which not.
//!
//! One table a profile, evidence as pure functions of the model. Titles are our own short words;
//! the standards themselves say what is asked. It is never said that a control is met.

mod gdpr;
mod hipaa;
mod iso27001;
mod nist;
mod pci;
mod soc2;

use crate::exceptions::Kind;
use crate::json::{Object, Value};

use super::class::Class;
use super::view::View;

/// A standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// SOC 2, the Trust Services Criteria.
    Soc2,
    /// HIPAA, the Security Rule.
    Hipaa,
    /// PCI DSS 4.0.1.
    Pci,
    /// ISO/IEC 27001:2022, Annex A.
    Iso27001,
    /// NIST SP 800-53 Rev. 5.
    Nist,
    /// The General Data Protection Regulation.
    Gdpr,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Profile; 6] = [
        Profile::Soc2,
        Profile::Hipaa,
        Profile::Pci,
        Profile::Iso27001,
        Profile::Nist,
        Profile::Gdpr,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Profile::Soc2 => "soc2",
            Profile::Hipaa => "hipaa",
            Profile::Pci => "pci",
            Profile::Iso27001 => "iso27001",
            Profile::Nist => "nist",
            Profile::Gdpr => "gdpr",
        }
    }

    /// The profile of this word.
    pub fn of(word: &str) -> Option<Profile> {
        Profile::ALL
            .into_iter()
            .find(|profile| profile.word() == word)
    }

    /// The standard's name.
    pub fn title(self) -> &'static str {
        match self {
            Profile::Soc2 => "SOC 2 (AICPA Trust Services Criteria 2017, revised 2022)",
            Profile::Hipaa => "HIPAA Security Rule (45 CFR Part 164, Subpart C)",
            Profile::Pci => "PCI DSS 4.0.1",
            Profile::Iso27001 => "ISO/IEC 27001:2022, Annex A",
            Profile::Nist => "NIST SP 800-53 Revision 5",
            Profile::Gdpr => "GDPR (Regulation (EU) 2016/679)",
        }
    }

    fn controls(self) -> &'static [Control] {
        match self {
            Profile::Soc2 => soc2::CONTROLS,
            Profile::Hipaa => hipaa::CONTROLS,
            Profile::Pci => pci::CONTROLS,
            Profile::Iso27001 => iso27001::CONTROLS,
            Profile::Nist => nist::CONTROLS,
            Profile::Gdpr => gdpr::CONTROLS,
        }
    }
}

/// How far a ledger can answer a control at best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// All that is asked for can stand in it.
    Whole,
    /// Something is always to be shown besides.
    Part,
    /// Nothing of it.
    None,
}

/// One control of a standard.
#[derive(Debug)]
struct Control {
    id: &'static str,
    title: &'static str,
    evidence: &'static [Evidence],
    reach: Reach,
    missing: &'static str,
}

const fn control(
    id: &'static str,
    title: &'static str,
    reach: Reach,
    evidence: &'static [Evidence],
    missing: &'static str,
) -> Control {
    Control {
        id,
        title,
        evidence,
        reach,
        missing,
    }
}

/// What is looked for in a model.
#[derive(Debug, Clone, Copy)]
enum Evidence {
    /// That the record holds.
    Verified,
    /// That independent copies hold it.
    Copies,
    /// Who may write what.
    Signers,
    /// How that changed.
    PolicyChanges,
    /// Numbers and times of entries.
    Order,
    /// How far back it goes.
    Kept,
    /// Events of a class.
    Events(&'static str),
    /// What is to be explained; none of it is evidence too.
    Explain(&'static [Kind]),
    /// The sample with its receipts.
    Sample,
}

/// What a piece of evidence comes to.
enum Seen {
    /// It is there.
    There(String),
    /// There is none of it.
    Missing(String),
    /// It speaks against.
    Against(String),
    /// Something to explain, or that there is nothing.
    Explain(String),
}

/// The table of a profile, from a model without it.
pub(super) fn table(profile: Profile, model: &Object) -> Value {
    let model = Value::from(model.clone());
    let view = View(Some(&model));
    let rows = profile.controls().iter().map(|control| {
        let (mut there, mut missing, mut against) = (0, 0, 0);
        let (mut told, mut explain) = (Vec::new(), Vec::new());
        for evidence in control.evidence {
            match seen(*evidence, view) {
                Seen::There(text) => {
                    there += 1;
                    told.push(Value::from(text));
                }
                Seen::Missing(text) => {
                    missing += 1;
                    told.push(Value::from(text));
                }
                Seen::Against(text) => {
                    against += 1;
                    told.push(Value::from(text));
                }
                Seen::Explain(text) => explain.push(Value::from(text)),
            }
        }
        // what the record says counts as far as the record holds
        let holds = view.text("verdict.answer") == "sound";
        let answer = match control.reach {
            Reach::None => "not by this ledger",
            _ if there == 0 => "not by this ledger",
            Reach::Whole if holds && missing == 0 && against == 0 => "answered",
            Reach::Whole | Reach::Part => "partly",
        };
        Value::from(
            Object::new()
                .with("id", control.id)
                .with("title", control.title)
                .with("answer", answer)
                .with("evidence", told)
                .with("explain", explain)
                .with("missing", control.missing),
        )
    });
    let rows: Vec<Value> = rows.collect();
    Object::new()
        .with("profile", profile.word())
        .with("title", profile.title())
        .with("controls", rows)
        .into()
}

fn seen(evidence: Evidence, model: View<'_>) -> Seen {
    match evidence {
        Evidence::Verified => match model.text("verdict.answer") {
            "sound" => Seen::There(format!(
                "all {} verified: signatures, order, permissions",
                counted(model.count("verdict.entries"), "entry", "entries")
            )),
            "breach" => Seen::Against("the record is in breach, see the verdict".to_owned()),
            _ => Seen::Against("not everything could be verified, see the verdict".to_owned()),
        },
        Evidence::Copies if !model.is_there("remotes") => {
            Seen::Missing("no copies were asked for this report".to_owned())
        }
        Evidence::Copies => match model.number("remotes.window.entry") {
            Some(entry) => Seen::There(format!(
                "independent copies hold entries 0 to {entry}; newer ones could still be rewritten unseen"
            )),
            None => Seen::Missing("no entry is held by two independent copies".to_owned()),
        },
        Evidence::Signers => {
            let live = |row: &View<'_>| row.text("state") != "retired";
            let rows = model.list("policy.signers");
            let (live, all) = (rows.clone().filter(live).count() as u64, rows.len());
            if all == 0 {
                return Seen::Missing("the policy could not be read".to_owned());
            }
            let threshold = model.count("policy.threshold");
            Seen::There(format!(
                "{} may write, each for what its row allows; {} must agree to change that",
                counted(live, "key", "keys"),
                counted(threshold, "admin", "admins")
            ))
        }
        Evidence::PolicyChanges => {
            let count = model.list("policy.changes").len() as u64;
            let count = count + model.count("policy.more_changes");
            Seen::There(match count {
                0 => "no change of who may write in this range".to_owned(),
                count => format!(
                    "{} of who may write, each signed, with who agreed",
                    counted(count, "change", "changes")
                ),
            })
        }
        Evidence::Order => Seen::There(format!(
            "each entry has a number, a time and a signer; entries {} to {} without a gap in numbers",
            model.count("scope.from"),
            model.count("scope.to")
        )),
        Evidence::Kept => match model.text("scope.first_time") {
            "" => Seen::Missing("how far back it goes could not be read".to_owned()),
            first => Seen::There(format!(
                "kept whole since {}; what was removed would show",
                first.get(..10).unwrap_or(first)
            )),
        },
        Evidence::Events(id) => {
            let nouns = Class::of(id).map_or(("event", "events"), |class| class.nouns);
            let way = format!("classes.{id}");
            match model.number(&format!("{way}.count")) {
                None | Some(0) => Seen::Missing(format!("no {} in this range", nouns.0)),
                Some(count) => {
                    let (first, last) = (
                        model.count(&format!("{way}.first")),
                        model.count(&format!("{way}.last")),
                    );
                    let place = if first == last {
                        format!("entry {first}")
                    } else {
                        format!("entries {first} to {last}")
                    };
                    Seen::There(format!("{} ({place})", counted(count, nouns.0, nouns.1)))
                }
            }
        }
        Evidence::Explain(kinds) => {
            let count = |kind: &Kind| {
                let count = model.count(&format!("exceptions.counts.{}", kind.word()));
                (count > 0).then(|| format!("{count} {}", kind.word()))
            };
            let found: Vec<String> = kinds.iter().filter_map(count).collect();
            let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            Seen::Explain(if found.is_empty() {
                format!("none found: {}", words.join(", "))
            } else {
                format!("to explain: {}", found.join(", "))
            })
        }
        Evidence::Sample => match model.list("proofs.receipts").len() as u64 {
            0 => Seen::Missing("no receipts in this report".to_owned()),
            count => Seen::There(format!(
                "{} that can be checked without the ledger",
                counted(count, "receipt", "receipts")
            )),
        },
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_in_order() {
        for profile in Profile::ALL {
            assert_eq!(Profile::of(profile.word()), Some(profile));
            let mut seen = std::collections::BTreeSet::new();
            for control in profile.controls() {
                let Control { id, missing, .. } = control;
                assert!(seen.insert(*id), "{id} stands twice");
                assert!(!missing.is_empty(), "{id}: something is always missing");
                assert_eq!(
                    control.evidence.is_empty(),
                    control.reach == Reach::None,
                    "{id}"
                );
                for evidence in control.evidence {
                    if let Evidence::Events(class) = evidence {
                        assert!(Class::of(class).is_some(), "{id}: {class}");
                    }
                }
                let words = format!("{} {missing}", control.title).to_lowercase();
                assert!(!words.contains("complian"), "{id}");
            }
        }
    }

    #[test]
    fn an_empty_model_answers_nothing() {
        for profile in Profile::ALL {
            let table = table(profile, &Object::new());
            let view = View(Some(&table));
            assert!(
                view.list("controls")
                    .all(|row| row.text("answer") != "answered")
            );
        }
    }
}
