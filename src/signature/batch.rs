//! Many signatures at once: the same answers as one by one, for a third of the work.
//!
//! # Why the two ways cannot disagree
//! An Ed25519 signature holds if [S]B − [k]A, written in its one encoding, is R byte for byte. Both
//! ways compute k in the same manner, then this very point, then its encoding, then compare. They
//! differ in the order of the additions alone: one by one doubles and adds, here the multiples of B
//! and of A are looked up (`Multiples`) and added. S and k are taken as integers, not modulo
//! anything, and the addition of this curve is complete (−1 is a square, d is none: Bernstein and
//! Lange 2007): it has no exceptional pairs, not with points of small order either. So the point is the same for every key, signature and message, made in
//! good faith or not.
//!
//! Nothing is random, nothing is multiplied by the cofactor, R is never decoded and no signature
//! has a say in the answer about another. This is not the "batch verification" of the literature,
//! which adds up many equations with random weights: that one needs R as a point, and takes
//! signatures whose R has a part of small order now and then, which one by one never are.
//!
//! # What is saved
//! The multiples of a key are made once and shared by all threads; 252 doublings a signature fall
//! away, and the division in the encoding is shared by `TOGETHER` signatures. A forger gains
//! nothing: a bad signature costs what a good one costs.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::Identity as _;

use super::key::{KnownKeys, Material, PublicKey};
use super::multiples::{Multiples, digits};
use super::numbers::Equation;
use super::{Signature, SignatureFault};

/// Signatures whose points are encoded together; their sums take 40 KiB.
const TOGETHER: usize = 256;
/// From how many signatures on the multiples of a key are worth making: those of the key and those
/// of B cost as much as some fifty plain verifications.
const MANY: usize = 48;
/// How many keys get their multiples, 640 KiB each; the signatures of others are checked one by one.
const MOST_KEYS: usize = 64;

/// That `signature` was made for `namespace` over `message`.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Who claims it.
    pub signature: &'a Signature,
    /// What it must have been made for.
    pub namespace: &'a str,
    /// What it must have been made over.
    pub message: &'a [u8],
}

impl Claim<'_> {
    fn hold(&self) -> Result<(), SignatureFault> {
        self.signature.verify(self.namespace, self.message)
    }
}

/// The keys that may sign often, with what makes their signatures cheap to check. One for all
/// threads; it changes speed and no answer.
pub struct Checker {
    base: OnceLock<Multiples>,
    made: AtomicUsize,
    places: HashMap<PublicKey, usize>,
    keys: Vec<Often>,
}

/// A key, and how often it was asked about.
struct Often {
    /// −A: what is looked up is only ever added.
    minus: EdwardsPoint,
    seen: AtomicUsize,
    /// `None` within: too many keys have theirs.
    multiples: OnceLock<Option<Multiples>>,
}

impl Checker {
    /// Counts the Ed25519 keys among `keys`; nothing is computed before it pays.
    pub fn new(keys: &KnownKeys) -> Self {
        let mut checker = Checker {
            base: OnceLock::new(),
            made: AtomicUsize::new(0),
            places: HashMap::new(),
            keys: Vec::new(),
        };
        for key in keys.iter() {
            if let Material::Ed25519(point) = key.material() {
                checker.places.insert(key.clone(), checker.keys.len());
                checker.keys.push(Often {
                    minus: -point.to_edwards(),
                    seen: AtomicUsize::new(0),
                    multiples: OnceLock::new(),
                });
            }
        }
        checker
    }

    /// What [`Signature::verify`] says of each claim, in their order.
    pub fn check(&self, claims: &[Claim<'_>]) -> Vec<Result<(), SignatureFault>> {
        let mut answers = vec![Err(SignatureFault::Bad); claims.len()];
        let mut order: Vec<(Option<usize>, usize)> = claims
            .iter()
            .map(|claim| self.places.get(claim.signature.key()).copied())
            .zip(0..)
            .collect();
        order.sort_unstable();
        for group in order.chunk_by(|one, other| one.0 == other.0) {
            let place = group.first().and_then(|(place, _)| *place);
            let claimed = group
                .iter()
                .filter_map(|(_, at)| Some((*at, claims.get(*at)?)));
            match place.and_then(|place| self.multiples(place, group.len())) {
                Some((base, minus)) => {
                    let claimed: Vec<_> = claimed.collect();
                    for claimed in claimed.chunks(TOGETHER) {
                        together(base, minus, claimed, &mut answers);
                    }
                }
                None => {
                    for (at, claim) in claimed {
                        answer(&mut answers, at, claim.hold());
                    }
                }
            }
        }
        answers
    }

    /// The multiples of B and of −A, if the key has signed often enough with these `more`.
    fn multiples(&self, place: usize, more: usize) -> Option<(&Multiples, &Multiples)> {
        let key = self.keys.get(place)?;
        if key.multiples.get().is_none() && key.seen.fetch_add(more, Relaxed) + more < MANY {
            return None;
        }
        let minus = key.multiples.get_or_init(|| {
            let room = self.made.fetch_add(1, Relaxed) < MOST_KEYS;
            room.then(|| Multiples::of(&key.minus))
        });
        let base = || Multiples::of(&ED25519_BASEPOINT_POINT);
        Some((self.base.get_or_init(base), minus.as_ref()?))
    }
}

/// Answers claims by one key, whose −A has these multiples.
fn together(
    base: &Multiples,
    minus: &Multiples,
    claimed: &[(usize, &Claim<'_>)],
    answers: &mut [Result<(), SignatureFault>],
) {
    let mut open = Vec::with_capacity(claimed.len());
    let mut places = Vec::with_capacity(claimed.len());
    for (at, claim) in claimed {
        match claim.signature.equation(claim.namespace, claim.message) {
            Ok(Some(equation)) => {
                open.push(equation);
                places.push(*at);
            }
            Ok(None) => answer(answers, *at, claim.hold()),
            Err(fault) => answer(answers, *at, Err(fault)),
        }
    }
    for (at, holds) in places.into_iter().zip(hold(base, minus, &open)) {
        answer(answers, at, holds.then_some(()).ok_or(SignatureFault::Bad));
    }
}

/// Which of the equations hold for the key whose −A has these multiples.
pub(super) fn hold(
    base: &Multiples,
    minus: &Multiples,
    equations: &[Equation],
) -> impl Iterator<Item = bool> {
    let scalars: Vec<_> = equations
        .iter()
        .map(|equation| (digits(&equation.s), digits(&equation.k)))
        .collect();
    let mut sums = vec![EdwardsPoint::identity(); equations.len()];
    // place by place, so that a row of multiples stays near
    for place in 0..32 {
        base.add(place, scalars.iter().map(|(s, _)| s[place]).zip(&mut sums));
        minus.add(place, scalars.iter().map(|(_, k)| k[place]).zip(&mut sums));
    }
    EdwardsPoint::compress_batch_alloc(&sums)
        .into_iter()
        .zip(equations)
        .map(|(encoded, equation)| encoded.to_bytes() == equation.r)
}

fn answer(answers: &mut [Result<(), SignatureFault>], at: usize, said: Result<(), SignatureFault>) {
    if let Some(answer) = answers.get_mut(at) {
        *answer = said;
    }
}
