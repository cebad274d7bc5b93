//! The innermost part of signatures: numbers that stand for the same signature, tokens that were
//! not touched, and keys that may not sign.

use super::Vectors;
use super::keys::{Key, ORDER_P256, ORDER_P384, fields, high, integer, pair, plus_order, strings};
use super::policy_text::Row;
use super::signatures::{SPELLING, refielded};
use super::sshsig::{Sshsig, wrapped};
use super::world::*;

pub fn add(to: &mut Vectors) {
    numbers(to);
    keys(to);
}

/// The same, with the value inside the inner signature changed.
fn revalued(
    to: &mut Vectors,
    name: &str,
    comment: &str,
    key: &Key,
    edit: impl Fn(&[u8]) -> Vec<u8>,
) {
    refielded(to, name, SPELLING, comment, key, |signature| {
        let token = key.kind.starts_with("sk-");
        let split = signature.inner.len() - if token { 5 } else { 0 };
        let (body, touch) = signature.inner.split_at(split);
        let parts = fields(body);
        let value = edit(&parts[1]);
        signature.inner = [strings(&[&parts[0], &value]), touch.to_vec()].concat();
    });
}

fn numbers(to: &mut Vectors) {
    revalued(
        to,
        "signature_s_plus_l",
        "Ed25519 with S + L, which OpenSSH 9.2 accepts",
        &CI,
        plus_order,
    );
    revalued(
        to,
        "signature_sk_s_plus_l",
        "the same from a token",
        &SK,
        plus_order,
    );
    let flip =
        |order: &'static [u8]| move |value: &[u8]| pair(&high(&plain(value, order.len()), order));
    revalued(
        to,
        "signature_p256_high_s",
        "ECDSA with the larger of s and n - s",
        &P256,
        flip(&ORDER_P256),
    );
    revalued(
        to,
        "signature_p384_high_s",
        "the same on the curve P-384",
        &P384,
        flip(&ORDER_P384),
    );
    revalued(
        to,
        "signature_sk_p256_high_s",
        "the same from a token",
        &SK_P256,
        flip(&ORDER_P256),
    );
    revalued(
        to,
        "signature_p256_padded",
        "an mpint with a zero to spare",
        &P256,
        |value| {
            let parts = fields(value);
            strings(&[&[&[0], parts[0].as_slice()].concat(), &parts[1]])
        },
    );
    revalued(
        to,
        "signature_p256_negative",
        "an mpint that is negative",
        &P256,
        |value| strings(&[&[0x80], &fields(value)[1]]),
    );
    revalued(to, "signature_p256_zero", "r is zero", &P256, |value| {
        strings(&[&[], &fields(value)[1]])
    });
    revalued(
        to,
        "signature_p256_r_above",
        "r is the order of the curve",
        &P256,
        |value| strings(&[&integer(&ORDER_P256), &fields(value)[1]]),
    );
    revalued(
        to,
        "signature_p256_trailing",
        "a byte after s",
        &P256,
        |value| [value, &[0]].concat(),
    );
    revalued(
        to,
        "signature_rsa_padded",
        "RSA with a zero to spare",
        &RSA,
        |value| [&[0], value].concat(),
    );
    revalued(
        to,
        "signature_rsa_short",
        "RSA shorter than its modulus",
        &RSA,
        |value| value[1..].to_vec(),
    );

    let mut rsa = |name: &str, comment: &str, inner: &dyn Fn(&[u8]) -> Vec<u8>| {
        refielded(to, name, SPELLING, comment, &RSA, |signature| {
            signature.inner = inner(&signature.inner);
        });
    };
    rsa(
        "signature_rsa_sha1_name",
        "RSA under the name ssh-rsa",
        &|inner| strings(&[b"ssh-rsa", &fields(inner)[1]]),
    );
    rsa(
        "signature_rsa_sha256_name",
        "RSA under the name rsa-sha2-256",
        &|inner| strings(&[b"rsa-sha2-256", &fields(inner)[1]]),
    );
    let mut chain = Chain::with_policy(&acme().with(Row::new(&RSA, &["writer"])));
    let commit = chain.next_by(&RSA).commit();
    let inner = RSA.sign_rsa_sha256(&wrapped("git", "sha512", &commit.payload()));
    chain.add_signed(&commit, &Sshsig::of(&RSA, "git", inner));
    to.add(
        "signature_rsa_sha256",
        SPELLING,
        "an honest RSA signature with SHA-256, which ssh-keygen accepts",
        chain,
    );

    for (name, flags, comment) in [
        ("untouched", 0, "nobody touched the token"),
        (
            "verified_only",
            4,
            "the token checked its user and was not touched",
        ),
        ("flags", 0x41, "an unknown flag"),
    ] {
        let mut chain = Chain::with_policy(&acme().with(Row::new(&SK, &["writer"])));
        let commit = chain.next_by(&SK).commit();
        let inner = SK.sign_touched(&wrapped("git", "sha512", &commit.payload()), flags);
        chain.add_signed(&commit, &Sshsig::of(&SK, "git", inner));
        to.add(&format!("signature_sk_{name}"), SPELLING, comment, chain);
    }
    refielded(
        to,
        "signature_sk_no_counter",
        SPELLING,
        "a token's signature without counter",
        &SK,
        |signature| {
            signature.inner.truncate(signature.inner.len() - 4);
        },
    );
    refielded(
        to,
        "signature_sk_webauthn",
        SPELLING,
        "the webauthn form of a token's signature",
        &SK_P256,
        |signature| {
            let value = fields(&signature.inner[..signature.inner.len() - 5])[1].clone();
            let name = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com";
            let more = strings(&[b"https://acme.example", b"{}", b""]);
            signature.inner = [strings(&[name, &value]), vec![1, 0, 0, 0, 7], more].concat();
        },
    );
}

/// r ‖ s, each this wide, of `mpint r, mpint s`.
fn plain(value: &[u8], width: usize) -> Vec<u8> {
    fields(value).iter().fold(Vec::new(), |mut out, number| {
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        out.resize(out.len() + width - number.len(), 0);
        out.extend_from_slice(number);
        out
    })
}

fn keys(to: &mut Vectors) {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut twisted = identity;
    twisted[31] = 0x80;
    let mut large = [0xff; 32];
    (large[0], large[31]) = (0xf0, 0x7f);
    let mut off = [0; 32];
    off[0] = 2;
    let weak = [&[0xc1u8], [0x35u8; 254].as_slice(), &[0x37]].concat();
    let modulus = fields(&RSA.blob)[2].clone();
    let mut even = modulus.clone();
    if let Some(last) = even.last_mut() {
        *last &= 0xfe;
    }
    let point = fields(&P256.blob)[2].clone();
    let mut moved = point.clone();
    if let Some(last) = moved.last_mut() {
        *last ^= 1;
    }
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    for (name, blob, comment) in [
        (
            "small_order",
            strings(&[b"ssh-ed25519", &identity]),
            "the neutral element, for which anybody can sign",
        ),
        (
            "sign_on_zero",
            strings(&[b"ssh-ed25519", &twisted]),
            "a sign on x = 0",
        ),
        (
            "y_too_large",
            strings(&[b"ssh-ed25519", &large]),
            "y is not below p",
        ),
        (
            "off_curve",
            strings(&[b"ssh-ed25519", &off]),
            "no point of the curve",
        ),
        (
            "short",
            strings(&[b"ssh-ed25519", &[7; 31]]),
            "an Ed25519 key of 31 bytes",
        ),
        (
            "trailing",
            [CI.blob.as_slice(), &[0]].concat(),
            "a byte after the key",
        ),
        (
            "rsa_2048",
            strings(&[b"ssh-rsa", &[1, 0, 1], &integer(&weak)]),
            "RSA with 2048 bits",
        ),
        (
            "rsa_exponent",
            strings(&[b"ssh-rsa", &[3], &modulus]),
            "RSA with the exponent 3",
        ),
        (
            "rsa_even",
            strings(&[b"ssh-rsa", &[1, 0, 1], &even]),
            "an even RSA modulus",
        ),
        (
            "rsa_padded",
            strings(&[b"ssh-rsa", &[0, 1, 0, 1], &modulus]),
            "an RSA exponent with a zero to spare",
        ),
        (
            "dsa",
            strings(&[b"ssh-dss", &[1], &[1], &[1], &[1]]),
            "a DSA key",
        ),
        (
            "p521",
            strings(&[b"ecdsa-sha2-nistp521", b"nistp521", &[4; 133]]),
            "a curve that is not known",
        ),
        (
            "p256_off_curve",
            strings(&[b"ecdsa-sha2-nistp256", b"nistp256", &moved]),
            "no point of the curve P-256",
        ),
        (
            "p256_compressed",
            strings(&[b"ecdsa-sha2-nistp256", b"nistp256", &compressed]),
            "a compressed point",
        ),
        (
            "p256_curve_name",
            strings(&[b"ecdsa-sha2-nistp256", b"nistp384", &point]),
            "the name of another curve",
        ),
        (
            "certificate",
            strings(&[b"ssh-ed25519-cert-v01@openssh.com", &[0; 32]]),
            "a certificate",
        ),
        (
            "sk_no_application",
            strings(&[SK.kind.as_bytes(), &fields(&SK.blob)[1], b""]),
            "a token key for nothing",
        ),
        (
            "unknown",
            strings(&[b"ssh-unknown", b"x"]),
            "a type that does not exist",
        ),
        ("empty", Vec::new(), "no key"),
    ] {
        refielded(
            to,
            &format!("signature_key_{name}"),
            "signatureKey",
            comment,
            &CI,
            |signature| {
                signature.key = blob.clone();
            },
        );
    }
}
