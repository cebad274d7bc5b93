//! The keys of the vectors: made from fixed seeds, known to everybody, and every one of them
//! signs the same message with the same bytes each time.
//!
//! What is written here is written from RFC 4251, PROTOCOL.sshsig and PROTOCOL.u2f of OpenSSH,
//! not with the library's own code: the vectors are there to contradict it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256, Sha512};

/// What a token signs for.
const APPLICATION: &[u8] = b"ssh:";

/// The secret half.
enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Rsa(Box<KeyPair>),
}

/// A key pair and whose it is.
pub struct Key {
    pub principal: &'static str,
    pub kind: &'static str,
    pub blob: Vec<u8>,
    secret: Secret,
}

/// What a token says about its touch.
const TOUCHED: u8 = 1;
const COUNTER: u32 = 7;

impl Key {
    pub fn ed25519(principal: &'static str, seed: u8) -> Key {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let blob = strings(&[b"ssh-ed25519", secret.verifying_key().as_bytes()]);
        Key::of(principal, "ssh-ed25519", blob, Secret::Ed25519(secret))
    }

    pub fn sk_ed25519(principal: &'static str, seed: u8) -> Key {
        let kind = "sk-ssh-ed25519@openssh.com";
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let point = secret.verifying_key();
        let blob = strings(&[kind.as_bytes(), point.as_bytes(), APPLICATION]);
        Key::of(principal, kind, blob, Secret::Ed25519(secret))
    }

    pub fn p256(principal: &'static str, seed: u8) -> Key {
        let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a scalar");
        let point = secret.verifying_key().to_sec1_point(false);
        let kind = "ecdsa-sha2-nistp256";
        let blob = strings(&[kind.as_bytes(), b"nistp256", point.as_bytes()]);
        Key::of(principal, kind, blob, Secret::P256(secret))
    }

    pub fn sk_p256(principal: &'static str, seed: u8) -> Key {
        let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a scalar");
        let point = secret.verifying_key().to_sec1_point(false);
        let kind = "sk-ecdsa-sha2-nistp256@openssh.com";
        let blob = strings(&[kind.as_bytes(), b"nistp256", point.as_bytes(), APPLICATION]);
        Key::of(principal, kind, blob, Secret::P256(secret))
    }

    pub fn p384(principal: &'static str, seed: u8) -> Key {
        let secret = p384::ecdsa::SigningKey::from_slice(&[seed; 48]).expect("a scalar");
        let point = secret.verifying_key().to_sec1_point(false);
        let kind = "ecdsa-sha2-nistp384";
        let blob = strings(&[kind.as_bytes(), b"nistp384", point.as_bytes()]);
        Key::of(principal, kind, blob, Secret::P384(secret))
    }

    pub fn rsa(principal: &'static str) -> Key {
        let body: String = include_str!("rsa-3072.pem")
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = BASE64.decode(body).expect("the body of a PEM file");
        let pair = KeyPair::from_der(&der).expect("an RSA key");
        // version, modulus and exponent are the first of the numbers in the PEM file
        let mut rest = der_content(&mut der.as_slice());
        let [_, modulus, exponent] = [(); 3].map(|()| der_content(&mut rest));
        let blob = strings(&[b"ssh-rsa", &integer(exponent), &integer(modulus)]);
        Key::of(principal, "ssh-rsa", blob, Secret::Rsa(Box::new(pair)))
    }

    fn of(principal: &'static str, kind: &'static str, blob: Vec<u8>, secret: Secret) -> Key {
        Key {
            principal,
            kind,
            blob,
            secret,
        }
    }

    /// `type base64`.
    pub fn text(&self) -> String {
        format!("{} {}", self.kind, BASE64.encode(&self.blob))
    }

    /// The inner signature over data that is already wrapped for its namespace.
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.sign_touched(data, TOUCHED)
    }

    /// The same, with these flags if the key is a token's.
    pub fn sign_touched(&self, data: &[u8], flags: u8) -> Vec<u8> {
        let token = self.kind.starts_with("sk-");
        let told = if token {
            let mut told = Sha256::digest(APPLICATION).to_vec();
            told.push(flags);
            told.extend_from_slice(&COUNTER.to_be_bytes());
            told.extend_from_slice(&Sha256::digest(data));
            told
        } else {
            data.to_vec()
        };
        let (algorithm, value) = match &self.secret {
            Secret::Ed25519(secret) => (self.kind, secret.sign(&told).to_bytes().to_vec()),
            Secret::P256(secret) => {
                let made: p256::ecdsa::Signature = secret.sign(&told);
                (self.kind, pair(&low(&made.to_bytes(), &ORDER_P256)))
            }
            Secret::P384(secret) => {
                let made: p384::ecdsa::Signature = secret.sign(&told);
                (self.kind, pair(&low(&made.to_bytes(), &ORDER_P384)))
            }
            Secret::Rsa(_) => ("rsa-sha2-512", self.sign_rsa(&RSA_PKCS1_SHA512, &told)),
        };
        let mut out = strings(&[algorithm.as_bytes(), &value]);
        if token {
            out.push(flags);
            out.extend_from_slice(&COUNTER.to_be_bytes());
        }
        out
    }

    /// An RSA signature with SHA-256, which ssh-keygen accepts and the format does not.
    pub fn sign_rsa_sha256(&self, data: &[u8]) -> Vec<u8> {
        strings(&[b"rsa-sha2-256", &self.sign_rsa(&RSA_PKCS1_SHA256, data)])
    }

    fn sign_rsa(&self, padding: &'static dyn RsaEncoding, data: &[u8]) -> Vec<u8> {
        let Secret::Rsa(pair) = &self.secret else {
            panic!("not an RSA key");
        };
        let mut value = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), data, &mut value)
            .expect("an RSA signature");
        value
    }

    /// An Ed25519 signature whose R was moved by a point of order 8: a verifier that multiplies
    /// by the cofactor, as a batch does, takes it, and one by one it is wrong.
    pub fn sign_with_torsion(&self, data: &[u8]) -> Vec<u8> {
        use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
        use curve25519_dalek::scalar::Scalar;
        let Secret::Ed25519(secret) = &self.secret else {
            panic!("not an Ed25519 key");
        };
        let a = secret.to_scalar();
        let nonce = Scalar::from_bytes_mod_order([9; 32]);
        let point = &nonce * ED25519_BASEPOINT_TABLE + EIGHT_TORSION[1];
        let r = point.compress();
        let mut hash = Sha512::new();
        hash.update(r.as_bytes());
        hash.update(secret.verifying_key().as_bytes());
        hash.update(data);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let value = [*r.as_bytes(), (nonce + k * a).to_bytes()].concat();
        strings(&[b"ssh-ed25519", &value])
    }
}

pub const ORDER_P256: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
pub const ORDER_P384: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];
/// L, least significant byte first.
const ORDER_ED25519: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The content of the DER value at the front, which is taken off.
fn der_content<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let (start, size) = match bytes[1] {
        0x81 => (3, usize::from(bytes[2])),
        0x82 => (4, usize::from(bytes[2]) << 8 | usize::from(bytes[3])),
        short => (2, usize::from(short)),
    };
    let content = &bytes[start..start + size];
    *bytes = &bytes[start + size..];
    content
}

/// r ‖ s with the smaller of s and n − s.
fn low(numbers: &[u8], order: &[u8]) -> Vec<u8> {
    let (r, s) = numbers.split_at(order.len());
    let other = minus(order, s);
    let s = if s <= other.as_slice() { s } else { &other };
    [r, s].concat()
}

/// r ‖ s with the larger of s and n − s.
pub fn high(numbers: &[u8], order: &[u8]) -> Vec<u8> {
    let (r, s) = numbers.split_at(order.len());
    let other = minus(order, s);
    let s = if s > other.as_slice() { s } else { &other };
    [r, s].concat()
}

/// a − b, most significant byte first.
fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0i16;
    let mut out: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let step = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(step < 0);
            step.rem_euclid(256) as u8
        })
        .collect();
    out.reverse();
    out
}

/// S + L: the same point, another number.
pub fn plus_order(value: &[u8]) -> Vec<u8> {
    let (r, s) = value.split_at(32);
    let mut carry = 0u16;
    let s = s.iter().zip(ORDER_ED25519).map(|(s, l)| {
        let sum = u16::from(*s) + u16::from(l) + carry;
        carry = sum >> 8;
        sum as u8
    });
    [r.to_vec(), s.collect()].concat()
}

/// `mpint r, mpint s` of two numbers that are equally wide.
pub fn pair(numbers: &[u8]) -> Vec<u8> {
    let (r, s) = numbers.split_at(numbers.len() / 2);
    strings(&[&integer(r), &integer(s)])
}

/// The content of an mpint: no zeros to spare, positive.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut out = bytes[zeros..].to_vec();
    if out.first().is_some_and(|top| *top >= 0x80) {
        out.insert(0, 0);
    }
    out
}

/// Each part with its length before it.
pub fn strings(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().fold(Vec::new(), |mut out, part| {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
        out
    })
}

/// The fields that [`strings`] wrote.
pub fn fields(mut blob: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((size, rest)) = blob.split_first_chunk::<4>() {
        let (field, rest) = rest.split_at(u32::from_be_bytes(*size) as usize);
        out.push(field.to_vec());
        blob = rest;
    }
    out
}
