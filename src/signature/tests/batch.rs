//! Many at once say of each signature what it is said to be alone: published edge cases, crafted
//! points of small order, errors that cancel, and mixes of all.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use ed25519_dalek::{Verifier as _, VerifyingKey};

use super::*;
use crate::signature::batch::{Checker, Claim, hold};
use crate::signature::multiples::{Multiples, digits};

/// "Taming the Many EdDSAs" (Chalkias, Garillot, Nikolaenko; 2020), its twelve test vectors:
/// message, A, R ‖ S, and whether the plain equation holds. Some keys of theirs are refused here
/// before any equation is asked, and so is an S that is not below the order.
const PUBLISHED: [(&str, &str, &str, bool); 12] = [
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a\
         0000000000000000000000000000000000000000000000000000000000000000",
        true,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        true,
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\
         8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
        true,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f\
         87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
        true,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512\
         5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
        false,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7\
         e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
        false,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e\
         547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
        false,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942\
         7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
        false,
    ),
    (
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
        false,
    ),
    (
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
        false,
    ),
    (
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        false,
    ),
    (
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        true,
    ),
];

/// The 14 spellings that a decoder without rules takes for one of the eight points of small order
/// (the same paper, table 6): the last byte carries the sign.
const SMALL: [(&str, u8, bool); 14] = [
    (
        "0100000000000000000000000000000000000000000000000000000000000000",
        0x00,
        true,
    ),
    (
        "0100000000000000000000000000000000000000000000000000000000000000",
        0x80,
        false,
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        0x00,
        true,
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        0x80,
        false,
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        0x00,
        false,
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        0x80,
        false,
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        0x00,
        false,
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        0x80,
        false,
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        0x00,
        true,
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        0x80,
        true,
    ),
    (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        0x00,
        true,
    ),
    (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        0x80,
        true,
    ),
    (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        0x00,
        true,
    ),
    (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        0x80,
        true,
    ),
];

fn unhex<const N: usize>(hex: &str) -> [u8; N] {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect();
    bytes.try_into().unwrap()
}

/// Scalars and choices that are the same in every run.
struct Dice(u64);

impl Dice {
    fn bytes(&mut self) -> [u8; 64] {
        self.0 += 1;
        Sha512::digest(self.0.to_be_bytes()).into()
    }

    fn scalar(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.bytes())
    }

    fn below(&mut self, limit: usize) -> usize {
        let head = self.bytes().first_chunk::<8>().copied().unwrap();
        usize::try_from(u64::from_be_bytes(head) % limit as u64).unwrap()
    }
}

fn hash(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(a);
    Scalar::from_bytes_mod_order_wide(&hash.chain_update(message).finalize().into())
}

fn equation(r: &[u8; 32], s: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Equation {
    Equation {
        r: *r,
        s: *s,
        k: hash(r, a, message).to_bytes(),
    }
}

/// What the tables say of equations by one key.
fn by_tables(key: &EdwardsPoint, equations: &[Equation]) -> Vec<bool> {
    let base = Multiples::of(&ED25519_BASEPOINT_POINT);
    hold(&base, &Multiples::of(&-key), equations).collect()
}

fn alone(a: &[u8; 32], r: &[u8; 32], s: &[u8; 32], message: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(a).unwrap();
    let signature = ed25519_dalek::Signature::from_components(*r, *s);
    key.verify(message, &signature).is_ok()
}

/// Whether the equation holds after multiplication by the cofactor, which is all that adding up
/// many with random weights can be sure of.
fn cofactored(equation: &Equation, key: &EdwardsPoint) -> bool {
    let scalar = |bytes| Scalar::from_canonical_bytes(bytes).unwrap();
    let r = CompressedEdwardsY(equation.r).decompress().unwrap();
    let d = EdwardsPoint::mul_base(&scalar(equation.s)) - key * scalar(equation.k) - r;
    d.mul_by_cofactor().is_identity()
}

#[test]
fn a_scalar_is_the_sum_of_its_digits_as_an_integer() {
    let mut dice = Dice(1);
    let mut scalars: Vec<[u8; 32]> = (0..200).map(|_| dice.scalar().to_bytes()).collect();
    for byte in [0x7f, 0x80, 0xff] {
        let mut edge = [byte; 32];
        edge[31] = 0x10;
        scalars.push(edge);
    }
    scalars.extend([[0; 32], Scalar::ONE.to_bytes(), (-Scalar::ONE).to_bytes()]);
    for scalar in scalars {
        let mut borrow = 0i32;
        let back = digits(&scalar).map(|digit| {
            let value = i32::from(digit) + borrow;
            borrow = value.div_euclid(256);
            u8::try_from(value.rem_euclid(256)).unwrap()
        });
        assert_eq!((back, borrow), (scalar, 0));
    }
}

#[test]
fn the_published_edge_cases_get_the_plain_answer() {
    for (at, (message, a, numbers, expected)) in PUBLISHED.into_iter().enumerate() {
        let (message, a) = (unhex::<32>(message), unhex::<32>(a));
        let numbers = unhex::<64>(numbers);
        let (r, s) = (
            numbers.first_chunk::<32>().unwrap(),
            numbers.last_chunk::<32>().unwrap(),
        );
        assert_eq!(alone(&a, r, s, &message), expected, "{at}");
        let blob = strings(&[b"ssh-ed25519", &a]);
        let key = PublicKey::from_blob(&blob);
        assert_eq!(key.is_err(), [0, 1, 10, 11].contains(&at), "{at}");
        if let Ok(key) = key {
            let answer = strings(&[b"ssh-ed25519", &numbers]);
            let read = Signature::from_parts(&key, "git", &answer);
            assert_eq!(read.is_err(), [6, 7].contains(&at), "{at}");
        }
        if Scalar::from_canonical_bytes(*s).is_some().into() {
            let point = CompressedEdwardsY(a).decompress().unwrap();
            let said = by_tables(&point, &[equation(r, s, &a, &message)]);
            assert_eq!(said, [expected], "{at}");
        }
    }
}

#[test]
fn every_mix_of_small_orders_gets_the_plain_answer() {
    let mut dice = Dice(2);
    let (mut good, mut bad) = (0, 0);
    for secret in [Scalar::ZERO, dice.scalar()] {
        for torsion in EIGHT_TORSION {
            let key = EdwardsPoint::mul_base(&secret) + torsion;
            let a = key.compress().to_bytes();
            let mut equations = Vec::new();
            let mut expected = Vec::new();
            let mut ask = |r: [u8; 32], nonce: Scalar, message: &[u8]| {
                let s = (nonce + hash(&r, &a, message) * secret).to_bytes();
                equations.push(equation(&r, &s, &a, message));
                expected.push(alone(&a, &r, &s, message));
            };
            for message in 0u8..8 {
                for other in EIGHT_TORSION {
                    let nonce = dice.scalar();
                    let r = EdwardsPoint::mul_base(&nonce) + other;
                    ask(r.compress().to_bytes(), nonce, &[message]);
                }
                for (r, sign, _) in SMALL {
                    let mut r = unhex::<32>(r);
                    r[31] |= sign;
                    ask(r, Scalar::ZERO, &[message]);
                }
            }
            assert_eq!(by_tables(&key, &equations), expected);
            good += expected.iter().filter(|holds| **holds).count();
            bad += expected.iter().filter(|holds| !**holds).count();
            assert!(equations.iter().all(|one| cofactored(one, &key)));
        }
    }
    // an eighth would be right by chance of k alone
    assert!(good > 100 && bad > 1000, "{good} good, {bad} bad");
}

#[test]
fn small_points_have_one_spelling_that_can_be_right() {
    for (bytes, sign, canonical) in SMALL {
        let mut bytes = unhex::<32>(bytes);
        bytes[31] |= sign;
        let point = CompressedEdwardsY(bytes).decompress().unwrap();
        assert!(point.is_small_order());
        assert_eq!(point.compress().to_bytes() == bytes, canonical);
    }
}

/// A signer who knows the secret scalar and keeps no rule.
struct Crafty {
    secret: Scalar,
    key: PublicKey,
}

impl Crafty {
    fn new(dice: &mut Dice, torsion: EdwardsPoint) -> Self {
        let secret = dice.scalar();
        let point = EdwardsPoint::mul_base(&secret) + torsion;
        let blob = strings(&[b"ssh-ed25519", point.compress().as_bytes()]);
        let key = PublicKey::from_blob(&blob).unwrap();
        Crafty { secret, key }
    }

    /// R gets `torsion` added, S gets `error`.
    fn sign(
        &self,
        dice: &mut Dice,
        message: &[u8],
        torsion: EdwardsPoint,
        error: Scalar,
    ) -> Signature {
        let nonce = dice.scalar();
        let r = (EdwardsPoint::mul_base(&nonce) + torsion).compress();
        let a = self.key.blob().last_chunk::<32>().unwrap();
        let k = hash(r.as_bytes(), a, &signed_data("git", message));
        let s = nonce + k * self.secret + error;
        let numbers = [r.to_bytes(), s.to_bytes()].concat();
        let answer = strings(&[b"ssh-ed25519", &numbers]);
        Signature::from_parts(&self.key, "git", &answer).unwrap()
    }
}

/// Signatures, what they are over, and what each is said to be alone.
#[derive(Default)]
struct Pool {
    made: Vec<(Signature, Vec<u8>)>,
    alone: Vec<Result<(), SignatureFault>>,
}

impl Pool {
    fn push(&mut self, signature: Signature, message: &[u8]) {
        self.alone.push(signature.verify("git", message));
        self.made.push((signature, message.to_vec()));
    }

    fn claim(&self, at: usize) -> Claim<'_> {
        let (signature, message) = &self.made[at];
        Claim {
            signature,
            namespace: "git",
            message,
        }
    }

    /// Asks about these together and holds the answers against those for each alone.
    fn agree(&self, checker: &Checker, chosen: &[usize]) {
        let claims: Vec<Claim<'_>> = chosen.iter().map(|at| self.claim(*at)).collect();
        let expected: Vec<_> = chosen.iter().map(|at| self.alone[*at].clone()).collect();
        assert_eq!(checker.check(&claims), expected);
    }

    fn keys(&self) -> KnownKeys {
        self.made
            .iter()
            .map(|(made, _)| made.key().clone())
            .collect()
    }
}

/// Honest signatures by two keys, and everything a key holder can craft.
fn pool(dice: &mut Dice) -> Pool {
    let mut pool = Pool::default();
    for torsion in [
        EIGHT_TORSION[0],
        EIGHT_TORSION[0],
        EIGHT_TORSION[4],
        EIGHT_TORSION[1],
    ] {
        let signer = Crafty::new(dice, torsion);
        for message in 0u8..80 {
            let honest = signer.sign(dice, &[message], EIGHT_TORSION[0], Scalar::ZERO);
            pool.push(honest.clone(), &[message]);
            if message < 4 {
                pool.push(honest, b"another message");
            }
        }
        // each point of small order, twice, so that some cancel
        for torsion in EIGHT_TORSION.into_iter().chain(EIGHT_TORSION) {
            let made = signer.sign(dice, b"torsion", torsion, Scalar::ZERO);
            pool.push(made, b"torsion");
        }
        let error = dice.scalar();
        for error in [error, -error, Scalar::ONE, -Scalar::ONE] {
            let made = signer.sign(dice, b"error", EIGHT_TORSION[0], error);
            pool.push(made, b"error");
        }
    }
    pool
}

#[test]
fn mixes_get_for_each_signature_its_answer_alone() {
    let mut dice = Dice(3);
    let pool = pool(&mut dice);
    let bad = pool.alone.iter().filter(|said| said.is_err()).count();
    assert!(bad > 40 && pool.alone.len() - bad > 160, "{bad} bad");
    let all: Vec<usize> = (0..pool.made.len()).collect();
    let checker = Checker::new(&pool.keys());
    pool.agree(&checker, &all);
    for _ in 0..200 {
        let size = dice.below(96);
        let chosen: Vec<usize> = (0..size).map(|_| dice.below(all.len())).collect();
        pool.agree(&checker, &chosen);
    }
    // from the first signature on, until the multiples are made and beyond
    let checker = Checker::new(&pool.keys());
    for chosen in all.chunks(7).chain(all.chunks(50)) {
        pool.agree(&checker, chosen);
    }
}

#[test]
fn a_bad_signature_is_found_wherever_it_stands() {
    let mut dice = Dice(4);
    let signer = Crafty::new(&mut dice, EIGHT_TORSION[0]);
    let mut pool = Pool::default();
    for message in 0u8..64 {
        let honest = signer.sign(&mut dice, &[message], EIGHT_TORSION[0], Scalar::ZERO);
        pool.push(honest, &[message]);
    }
    assert!(pool.alone.iter().all(Result::is_ok));
    let order_two = signer.sign(&mut dice, b"x", EIGHT_TORSION[4], Scalar::ZERO);
    pool.push(order_two, b"x");
    assert_eq!(pool.alone.last(), Some(&Err(SignatureFault::Bad)));
    let checker = Checker::new(&pool.keys());
    for place in 0..64 {
        let chosen: Vec<usize> = (0..64)
            .map(|at| if at == place { 64 } else { at })
            .collect();
        pool.agree(&checker, &chosen);
    }
}

#[test]
fn other_kinds_and_unknown_keys_stand_between_them() {
    let mut dice = Dice(5);
    let mut pool = Pool::default();
    for (kind, bits) in [("ecdsa", "256"), ("rsa", "3072"), ("ed25519", "256")] {
        let (_, armour) = signed_by_ssh_keygen(kind, bits, &[]);
        let signature = Signature::normalised(&armour).unwrap();
        pool.push(signature.clone(), MESSAGE);
        pool.push(signature, b"another message");
    }
    let known: KnownKeys = pool.made[..4]
        .iter()
        .map(|(made, _)| made.key().clone())
        .collect();
    let signer = Crafty::new(&mut dice, EIGHT_TORSION[0]);
    let mut keys = known;
    keys.insert(signer.key.clone());
    for message in 0u8..70 {
        let honest = signer.sign(&mut dice, &[message], EIGHT_TORSION[0], Scalar::ZERO);
        pool.push(honest, &[message]);
    }
    let checker = Checker::new(&keys);
    let mut order: Vec<usize> = (0..pool.made.len()).collect();
    order.rotate_left(40);
    pool.agree(&checker, &order);
    pool.agree(&checker, &[]);

    let mut claims: Vec<Claim<'_>> = order.iter().map(|at| pool.claim(*at)).collect();
    for claim in &mut claims {
        claim.namespace = "file";
    }
    let other = Err(SignatureFault::Namespace("git".into()));
    assert_eq!(checker.check(&claims), vec![other; claims.len()]);
}

#[test]
fn a_token_counts_what_it_added() {
    let secret = SigningKey::from_bytes(&[7; 32]);
    let name = b"sk-ssh-ed25519@openssh.com";
    let blob = strings(&[name, secret.verifying_key().as_bytes(), b"ssh:"]);
    let key = PublicKey::from_blob(&blob).unwrap();
    let mut pool = Pool::default();
    for counter in 0u32..70 {
        let mut told = sha2::Sha256::digest(b"ssh:").to_vec();
        told.push(1);
        told.extend_from_slice(&counter.to_be_bytes());
        told.extend_from_slice(&sha2::Sha256::digest(signed_data("git", MESSAGE)));
        let mut answer = strings(&[name, &secret.sign(&told).to_bytes()]);
        answer.push(if counter == 33 { 5 } else { 1 });
        answer.extend_from_slice(&counter.to_be_bytes());
        pool.push(
            Signature::from_parts(&key, "git", &answer).unwrap(),
            MESSAGE,
        );
    }
    let bad = |said: &Result<(), SignatureFault>| said.is_err();
    assert_eq!(pool.alone.iter().position(bad), Some(33));
    assert_eq!(pool.alone.iter().rposition(bad), Some(33));
    let all: Vec<usize> = (0..70).collect();
    pool.agree(&Checker::new(&pool.keys()), &all);
}

#[test]
fn more_keys_than_there_is_room_for_are_answered_all_the_same() {
    let mut dice = Dice(6);
    let mut pool = Pool::default();
    for _ in 0..66 {
        let signer = Crafty::new(&mut dice, EIGHT_TORSION[0]);
        let honest = signer.sign(&mut dice, b"x", EIGHT_TORSION[0], Scalar::ZERO);
        pool.push(honest.clone(), b"x");
        pool.push(honest, b"y");
    }
    let checker = Checker::new(&pool.keys());
    let often: Vec<usize> = (0..pool.made.len()).flat_map(|at| [at; 33]).collect();
    pool.agree(&checker, &often);
    pool.agree(&checker, &often);
}
