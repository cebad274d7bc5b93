//! Makes receipts and evidence, and judges each before it is handed out.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::commit::Link;
use crate::finding::{Answer, Finding};
use crate::merkle::{self, Hash};
use crate::store::Read;

use super::fold::{Fold, Policies};
use super::judge::Judgement;
use super::{Claim, History, MAX_BYTES, Proof, Shown, SplitKind};

/// Keys of both sides for which an entry of each side is shown.
const MOST_KEYS: usize = 64;

/// Why no proof could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Something could not be read, or breaks a rule, so that nothing is proven by it.
    #[error("{}: {}", .0.id, .0.detail)]
    Broken(Finding),
    /// The entry to be proven is newer than the one it should be proven against.
    #[error("entry {entry} is not before entry {against}")]
    NotBefore {
        /// The entry.
        entry: u64,
        /// The one it should be proven against.
        against: u64,
    },
    /// The histories have no entry in common.
    #[error("the histories begin with different entries: these are two ledgers")]
    Unrelated,
    /// One history is the beginning of the other.
    #[error("one history continues the other: nothing was rewritten")]
    Continues,
    /// Too much would have to be shown.
    #[error("the file would have {0} bytes, more than {MAX_BYTES}")]
    TooLarge(usize),
}

impl From<Finding> for BuildError {
    fn from(finding: Finding) -> BuildError {
        BuildError::Broken(finding)
    }
}

/// A file that was made, with its judgement by the fingerprint of the history it was made from.
#[derive(Debug, Clone)]
pub struct Built {
    /// The file.
    pub proof: Proof,
    /// Proven, or unknown where a key is called compromised; never a breach.
    pub judgement: Judgement,
    /// On which side entries were left out because they break a rule: the first of them.
    pub left_out: Vec<(Which, Finding)>,
}

/// One of two histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first.
    Here,
    /// The second.
    There,
}

/// A receipt for an entry, against a later one or itself.
///
/// # Errors
/// When something that must be shown cannot be read or breaks a rule.
pub fn receipt<R: Read>(
    history: &mut History<R>,
    entry: u64,
    against: u64,
) -> Result<Built, BuildError> {
    if entry > against {
        return Err(BuildError::NotBefore { entry, against });
    }
    let mut numbers = with_changes(history, 0, against);
    numbers.extend([entry, against]);
    let mut policies = Named::default();
    let entries = show(history, &numbers, against, &mut policies)?;
    let claim = Claim::Receipt { entry, entries };
    finish(history, claim, policies, Vec::new())
}

/// The evidence of where two histories part.
///
/// # Errors
/// When they do not, or when something that must be shown cannot be read or breaks a rule.
pub fn split<R: Read>(here: &mut History<R>, there: &mut History<R>) -> Result<Built, BuildError> {
    let pairs = here.commits().iter().zip(there.commits());
    let shared = pairs.take_while(|(one, other)| one == other).count();
    if shared == here.commits().len() || shared == there.commits().len() {
        return Err(BuildError::Continues);
    }
    let at = shared as u64;
    let Some(last) = at.checked_sub(1) else {
        return Err(BuildError::Unrelated);
    };
    let mut base = with_changes(here, 0, last);
    base.insert(last);
    let mut fold = Fold::default();
    let mut policies = Policies::default();
    for number in &base {
        let link = here.link(*number)?;
        step(here, &mut fold, &mut policies, &link)?;
    }
    let ours = run(here, at, fold.clone(), &mut policies)?;
    let theirs = run(there, at, fold, &mut policies)?;
    let kind = if ours.newest > at && theirs.newest > at {
        SplitKind::Fork
    } else if here.link(at)?.payload() == there.link(at)?.payload() {
        SplitKind::Twin
    } else {
        SplitKind::Stray
    };
    let both = ours
        .signed
        .keys()
        .filter(|key| theirs.signed.contains_key(*key));
    let both: Vec<&Vec<u8>> = both.take(MOST_KEYS).collect();
    let numbers = |history: &History<R>, run: &Run| {
        let mut numbers = with_changes(history, at, run.newest);
        numbers.extend([at, run.newest]);
        numbers.extend(both.iter().filter_map(|key| run.signed.get(*key)));
        numbers
    };
    let (our_numbers, their_numbers) = (numbers(here, &ours), numbers(there, &theirs));
    let mut named = Named::default();
    let claim = Claim::Split {
        kind,
        common: show(here, &base, at, &mut named)?,
        here: show(here, &our_numbers, ours.newest, &mut named)?,
        there: show(there, &their_numbers, theirs.newest, &mut named)?,
    };
    let left_out = [(Which::Here, ours.ended), (Which::There, theirs.ended)]
        .into_iter()
        .filter_map(|(which, ended)| Some((which, ended?)))
        .collect();
    finish(here, claim, named, left_out)
}

/// The policies that entries name, in the order in which they first do.
#[derive(Default)]
struct Named {
    known: HashSet<Hash>,
    tomls: Vec<String>,
}

/// Entry 0 if it is in the span, every entry of the span that sets a policy, and the one before
/// each of them.
fn with_changes<R: Read>(history: &History<R>, first: u64, last: u64) -> BTreeSet<u64> {
    let within = |number: &u64| (first..=last).contains(number);
    let changes = history.changes().iter().copied().filter(within);
    changes
        .flat_map(|number| [number.saturating_sub(1), number])
        .filter(within)
        .collect()
}

fn show<R: Read>(
    history: &mut History<R>,
    numbers: &BTreeSet<u64>,
    against: u64,
    policies: &mut Named,
) -> Result<Vec<Shown>, BuildError> {
    let mut shown = Vec::with_capacity(numbers.len());
    for number in numbers {
        let link = history.link(*number)?;
        if policies.known.insert(link.entry.policy) {
            let toml = history.policy(&link)?;
            let text = String::from_utf8_lossy(&toml).into_owned();
            policies.tomls.push(text);
        }
        shown.push(Shown {
            // an entry that was read is UTF-8; were it not, the judgement would say so
            commit: String::from_utf8_lossy(link.raw()).into_owned(),
            path: history.path(*number, against)?,
        });
    }
    Ok(shown)
}

fn finish<R: Read>(
    history: &mut History<R>,
    claim: Claim,
    policies: Named,
    left_out: Vec<(Which, Finding)>,
) -> Result<Built, BuildError> {
    let first = history.link(0)?;
    let proof = Proof {
        format: first.id.kind(),
        policies: policies.tomls,
        claim,
    };
    let size = proof.to_bytes().len();
    if size > MAX_BYTES {
        return Err(BuildError::TooLarge(size));
    }
    let judgement = proof.judge(Some(first.digest()));
    match judgement.finding {
        Some(finding) if Answer::of([&finding]) == Answer::Breach => Err(finding.into()),
        Some(finding) if judgement.statement.is_none() => Err(finding.into()),
        _ => Ok(Built {
            proof,
            judgement,
            left_out,
        }),
    }
}

/// One side of a split, followed as far as it keeps the rules.
struct Run {
    newest: u64,
    /// The first entry that each key signed.
    signed: BTreeMap<Vec<u8>, u64>,
    /// Why it ends before the newest entry, if it does.
    ended: Option<Finding>,
}

fn run<R: Read>(
    history: &mut History<R>,
    first: u64,
    mut fold: Fold,
    policies: &mut Policies,
) -> Result<Run, BuildError> {
    let mut run = Run {
        newest: first,
        signed: BTreeMap::new(),
        ended: None,
    };
    for number in first..=history.newest() {
        let judged = history
            .link(number)
            .and_then(|link| step(history, &mut fold, policies, &link).map(|()| link));
        match judged {
            Ok(link) => {
                let key = link.signature.key().blob().to_vec();
                run.signed.entry(key).or_insert(number);
                run.newest = number;
            }
            // what nobody may have signed proves nothing
            Err(finding) if number == first => return Err(finding.into()),
            Err(finding) => {
                run.ended = Some(finding);
                break;
            }
        }
    }
    Ok(run)
}

fn step<R: Read>(
    history: &mut History<R>,
    fold: &mut Fold,
    policies: &mut Policies,
    link: &Link,
) -> Result<(), Finding> {
    if !policies.holds(&link.entry.policy) {
        let toml = history.policy(link)?;
        if merkle::sha256(&toml) == link.entry.policy {
            policies.add(&toml);
        }
    }
    fold.step(link, policies)
}
