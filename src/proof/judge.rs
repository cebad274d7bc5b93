//! Is what a file claims true? From its bytes and the fingerprint alone.

use gix::objs::Kind;

use crate::chain;
use crate::commit::Link;
use crate::finding::{Answer, Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::principal::Principal;
use crate::signature::PublicKey;

use super::fold::{Fate, Fold, Policies, Set};
use super::{Claim, Proof, Shown, SplitKind, path};

/// What a file amounts to.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The first thing that is wrong, or that could not be told.
    pub finding: Option<Finding>,
    /// What the file shows, unless a rule is broken or its level is not known.
    pub statement: Option<Statement>,
}

impl Judgement {
    /// Sound: what the file claims is proven. Breach: it is not. Unknown: it could not be told.
    pub fn answer(&self) -> Answer {
        Answer::of(&self.finding)
    }
}

/// What a file shows.
#[derive(Debug, Clone)]
pub enum Statement {
    /// An entry is part of a history.
    Receipt(Box<Receipt>),
    /// Two histories part.
    Split(Box<Split>),
}

/// An entry that is part of a history.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The digest of entry 0.
    pub fingerprint: Hash,
    /// The entry.
    pub entry: Link,
    /// The one whose range it was proven against; the same, when it is its own head.
    pub against: Link,
    /// How many hashes led from the one to the other.
    pub hashes: usize,
    /// Who signed the two, and what became of the keys up to the head.
    pub signers: Vec<Signer>,
    /// The policies up to the head, the oldest first.
    pub policies: Vec<Set>,
}

/// Two histories that are equal up to an entry, and differ from the next one on.
#[derive(Debug, Clone)]
pub struct Split {
    /// The digest of entry 0.
    pub fingerprint: Hash,
    /// What that amounts to.
    pub kind: SplitKind,
    /// The newest entry that both have.
    pub common: Link,
    /// The one side.
    pub here: Side,
    /// The other side.
    pub there: Side,
    /// Who signed the entries shown after the split.
    pub signers: Vec<Signer>,
}

impl Split {
    /// The policies of the history that both sides have in common.
    pub fn common_policies(&self) -> Vec<Set> {
        let at = self.here.first.entry.number();
        let sets = self.here.policies.iter();
        sets.take_while(|set| set.number < at).cloned().collect()
    }
}

/// One side of a split.
#[derive(Debug, Clone)]
pub struct Side {
    /// The first entry that differs.
    pub first: Link,
    /// The newest entry shown.
    pub newest: Link,
    /// How many hashes led from the first to the newest.
    pub hashes: usize,
    /// The policies of this side, the oldest first.
    pub policies: Vec<Set>,
}

/// A key that signed entries shown, with what became of it.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Who the entries say they are by.
    pub principal: Principal,
    /// The key.
    pub key: PublicKey,
    /// Numbers of the entries here (in a receipt: all).
    pub here: Vec<u64>,
    /// Numbers of the entries there.
    pub there: Vec<u64>,
    /// What the policies here say of it.
    pub fate_here: Fate,
    /// What the policies there say of it.
    pub fate_there: Fate,
}

impl Proof {
    /// Judges the file. `fingerprint` is the digest that entry 0 must have; without one nothing is
    /// proven, for anybody can make a ledger.
    pub fn judge(&self, fingerprint: Option<Hash>) -> Judgement {
        let judged = self.examine(fingerprint);
        let (finding, statement) = match judged {
            Err(finding) => (Some(finding), None),
            Ok((finding, statement)) => {
                let unanchored = || {
                    let detail = "no fingerprint was given, so anybody could have made this";
                    Finding::new(FindingId::ProofUnanchored, detail)
                };
                let finding = finding.or_else(|| fingerprint.is_none().then(unanchored));
                (finding, Some(statement))
            }
        };
        Judgement { finding, statement }
    }

    fn examine(&self, fingerprint: Option<Hash>) -> Result<(Option<Finding>, Statement), Finding> {
        let mut policies = Policies::default();
        for toml in &self.policies {
            policies.add(toml.as_bytes());
        }
        match &self.claim {
            Claim::Receipt { entry, entries } => {
                let (finding, receipt) = self.receipt(*entry, entries, fingerprint, &policies)?;
                Ok((finding, Statement::Receipt(Box::new(receipt))))
            }
            Claim::Split {
                kind,
                common,
                here,
                there,
            } => {
                let split = self.split([common, here, there], fingerprint, &policies)?;
                if split.kind != *kind {
                    let found = split.kind;
                    return Err(claim(format!("called a {kind}, and is a {found}")));
                }
                Ok((None, Statement::Split(Box::new(split))))
            }
        }
    }

    fn receipt(
        &self,
        entry: u64,
        shown: &[Shown],
        fingerprint: Option<Hash>,
        policies: &Policies,
    ) -> Result<(Option<Finding>, Receipt), Finding> {
        let links = self.links(shown)?;
        begins(&links)?;
        self.named(&[&links])?;
        anchored(&links, fingerprint)?;
        let (first, against) = first_and_newest(&links)?;
        let hashes = proven(shown, &links, against)?;
        let mut fold = Fold::default();
        for link in &links {
            fold.step(link, policies)?;
        }
        let mut numbered = links.iter().zip(hashes);
        let subject = numbered.find(|(link, _)| link.entry.number() == entry);
        let (subject, hashes) =
            subject.ok_or_else(|| claim(format!("entry {entry} is not shown")))?;
        let doubtful = links.iter().find_map(|link| doubt(link, &fold.sets));
        let receipt = Receipt {
            fingerprint: first.digest(),
            entry: subject.clone(),
            against: against.clone(),
            hashes,
            signers: signers([&[subject, against], &[]], [&fold.sets, &[]]),
            policies: fold.sets,
        };
        Ok((doubtful, receipt))
    }

    fn split(
        &self,
        [common, here, there]: [&[Shown]; 3],
        fingerprint: Option<Hash>,
        policies: &Policies,
    ) -> Result<Split, Finding> {
        let (base, ours, theirs) = (self.links(common)?, self.links(here)?, self.links(there)?);
        begins(&base)?;
        let (first, last) = first_and_newest(&base)?;
        continues(last, &ours)?;
        continues(last, &theirs)?;
        self.named(&[&base, &ours, &theirs])?;
        anchored(&base, fingerprint)?;
        let (parts, newest) = first_and_newest(&ours)?;
        let (other, newest_other) = first_and_newest(&theirs)?;
        proven(common, &base, parts)?;
        let hashes = proven(here, &ours, newest)?;
        let hashes_other = proven(there, &theirs, newest_other)?;
        let mut fold = Fold::default();
        for link in &base {
            fold.step(link, policies)?;
        }
        let mut fold_other = fold.clone();
        for link in &ours {
            fold.step(link, policies)?;
        }
        for link in &theirs {
            fold_other.step(link, policies)?;
        }
        let (ours, theirs): (Vec<&Link>, Vec<&Link>) =
            (ours.iter().collect(), theirs.iter().collect());
        let here = Side {
            first: parts.clone(),
            newest: newest.clone(),
            hashes: hashes.first().copied().unwrap_or_default(),
            policies: fold.sets,
        };
        let there = Side {
            first: other.clone(),
            newest: newest_other.clone(),
            hashes: hashes_other.first().copied().unwrap_or_default(),
            policies: fold_other.sets,
        };
        Ok(Split {
            fingerprint: first.digest(),
            kind: split_kind(&here, &there)?,
            common: last.clone(),
            signers: signers([&ours, &theirs], [&here.policies, &there.policies]),
            here,
            there,
        })
    }

    /// The entries, each in its one spelling.
    fn links(&self, shown: &[Shown]) -> Result<Vec<Link>, Finding> {
        let link = |shown: &Shown| {
            let raw = shown.commit.as_bytes();
            let id = gix::objs::compute_hash(self.format, Kind::Commit, raw)
                .map_err(|why| Finding::new(FindingId::ObjectCorrupt, why.to_string()))?;
            let placed = |finding: Finding| finding.at(None, id);
            let link = Link::parse(id, raw.to_vec()).map_err(placed)?;
            let wrong = match link.parent {
                None => chain::begins(&link),
                Some(_) => chain::continues(&link),
            };
            wrong.map_or(Ok(link), |finding| Err(placed(finding)))
        };
        shown.iter().map(link).collect()
    }

    /// That the policies are those that the entries name, and no others.
    fn named(&self, parts: &[&[Link]]) -> Result<(), Finding> {
        let mut named: Vec<Hash> = Vec::new();
        for link in parts.iter().copied().flatten() {
            if named.last() != Some(&link.entry.policy) && !named.contains(&link.entry.policy) {
                named.push(link.entry.policy);
            }
        }
        let shown = self.policies.iter();
        let shown: Vec<Hash> = shown.map(|toml| merkle::sha256(toml.as_bytes())).collect();
        if shown == named {
            return Ok(());
        }
        let at = named.iter().zip(&shown).take_while(|(a, b)| a == b).count();
        let (wanted, found) = (named.len(), shown.len());
        let detail = match named.get(at) {
            Some(hash) => format!("the entries name policy sha256:{}", merkle::hex(hash)),
            None => "a policy that no entry names".to_owned(),
        };
        let detail = format!("policy {} of {found} ({wanted} named): {detail}", at + 1);
        Err(Finding::new(FindingId::ProofPolicy, detail))
    }
}

fn malformed(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::ProofMalformed, why)
}

fn claim(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::ProofClaim, why)
}

/// That the entries begin with entry 0 and stand in the order of their numbers.
fn begins(links: &[Link]) -> Result<(), Finding> {
    let first = links.first().map(|link| link.entry.number());
    if first != Some(0) {
        return Err(malformed("entry 0 is not shown first"));
    }
    in_order(links)
}

fn in_order(links: &[Link]) -> Result<(), Finding> {
    let ahead = |pair: &[Link]| match pair {
        [one, other] => one.entry.number() < other.entry.number(),
        _ => true,
    };
    match links.windows(2).find(|pair| !ahead(pair)) {
        None => Ok(()),
        Some(_) => Err(malformed("the entries are not in order of their numbers")),
    }
}

/// That a side begins right after the common entry.
fn continues(common: &Link, side: &[Link]) -> Result<(), Finding> {
    let next = common.entry.number().checked_add(1);
    let first = side.first().map(|link| link.entry.number());
    if first.is_none() || first != next {
        let detail = "a side does not begin right after the newest common entry";
        return Err(malformed(detail));
    }
    in_order(side)
}

fn first_and_newest(links: &[Link]) -> Result<(&Link, &Link), Finding> {
    let both = links.first().zip(links.last());
    both.ok_or_else(|| malformed("a side without entries"))
}

fn anchored(links: &[Link], fingerprint: Option<Hash>) -> Result<(), Finding> {
    match (links.first(), fingerprint) {
        (Some(first), Some(pinned)) if first.digest() != pinned => {
            let (found, pinned) = (merkle::hex(&first.digest()), merkle::hex(&pinned));
            let detail = format!("sha256:{found}, pinned to sha256:{pinned}");
            Err(Finding::new(FindingId::FingerprintMismatch, detail).at(Some(0), first.id))
        }
        _ => Ok(()),
    }
}

/// That each entry is part of the history that `head` signed; how many hashes showed it.
fn proven(shown: &[Shown], links: &[Link], head: &Link) -> Result<Vec<usize>, Finding> {
    let prove = |(shown, link): (&Shown, &Link)| {
        let number = link.entry.number();
        let own = number == head.entry.number() && link.id == head.id;
        let leads = if own {
            shown.path.is_empty()
        } else {
            path::leads(
                link.digest(),
                &link.entry.range,
                &shown.path,
                &head.entry.range,
            )
        };
        if leads {
            return Ok(shown.path.len());
        }
        let detail = format!(
            "{} hashes, which do not lead to what entry {} carries",
            shown.path.len(),
            head.entry.number()
        );
        Err(Finding::new(FindingId::ProofPath, detail).at(Some(number), link.id))
    };
    shown.iter().zip(links).map(prove).collect()
}

/// What two sides amount to.
fn split_kind(here: &Side, there: &Side) -> Result<SplitKind, Finding> {
    if here.first.digest() == there.first.digest() {
        let number = here.first.entry.number();
        let detail = format!("both sides have the same entry {number}");
        return Err(claim(detail));
    }
    let goes_on = |side: &Side| side.newest.entry.number() > side.first.entry.number();
    Ok(if goes_on(here) && goes_on(there) {
        SplitKind::Fork
    } else if here.first.payload() == there.first.payload() {
        SplitKind::Twin
    } else {
        SplitKind::Stray
    })
}

/// An entry that may be somebody else's than its signer's, by the newest policy.
fn doubt(link: &Link, sets: &[Set]) -> Option<Finding> {
    let (number, key) = (link.entry.number(), link.signature.key());
    let newest = sets.last()?;
    let row = newest
        .policy
        .compromised
        .iter()
        .find(|row| row.key == *key)?;
    let (who, name, since) = (&link.principal, key.fingerprint(), row.since);
    let detail = format!("{who} {name}, compromised since entry {since}");
    let finding = Finding::new(FindingId::CompromisedEntry, detail);
    let doubtful = number >= since && !row.vouched.contains(&number);
    doubtful.then(|| finding.at(Some(number), link.id))
}

/// Who signed these entries, in the order in which they first did, by the policies of each side.
fn signers([here, there]: [&[&Link]; 2], [ours, theirs]: [&[Set]; 2]) -> Vec<Signer> {
    let mut found: Vec<Signer> = Vec::new();
    for (link, numbers) in here
        .iter()
        .map(|link| (link, Signer::here as fn(&mut Signer) -> &mut Vec<u64>))
        .chain(there.iter().map(|link| (link, Signer::there as _)))
    {
        let key = link.signature.key();
        let known = found.iter().position(|signer| signer.key == *key);
        let at = known.unwrap_or(found.len());
        if known.is_none() {
            found.push(Signer {
                principal: link.principal.clone(),
                key: key.clone(),
                here: Vec::new(),
                there: Vec::new(),
                fate_here: Fate::of(key, ours),
                fate_there: Fate::of(key, theirs),
            });
        }
        let numbers = found.get_mut(at).map(numbers);
        let number = link.entry.number();
        if let Some(numbers) = numbers.filter(|numbers| numbers.last() != Some(&number)) {
            numbers.push(number);
        }
    }
    found
}

impl Signer {
    /// Whether the key signed on both sides of a split.
    pub fn on_both_sides(&self) -> bool {
        !self.here.is_empty() && !self.there.is_empty()
    }

    fn here(&mut self) -> &mut Vec<u64> {
        &mut self.here
    }

    fn there(&mut self) -> &mut Vec<u64> {
        &mut self.there
    }
}
