//! Public keys: each has one spelling, and only keys strong enough to sign history are let in.
//!
//! A key is decoded once (point decompression, curve check) and shared from then on, so a
//! thousand signatures by one key cost one decoding.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::wire::{Reader, Spelling, WireFault};

/// No supported key is longer than this (RSA with 8192 bits takes 1047 bytes).
const LONGEST_BLOB: usize = 2048;
/// Smallest RSA modulus that may sign.
const SMALLEST_RSA: usize = 3072;
/// Largest RSA modulus: beyond it a verification costs an attacker nothing and us milliseconds.
const LARGEST_RSA: usize = 8192;
/// 65537, the only public exponent.
const RSA_EXPONENT: &[u8] = &[1, 0, 1];

/// Why a public key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// Not the one canonical spelling of a key.
    #[error("malformed public key: {0}")]
    Malformed(String),
    /// A key that somebody else might be able to sign with.
    #[error("weak public key: {0}")]
    Weak(String),
    /// A kind of key that this spec level does not know.
    #[error("unsupported public key: {0}")]
    Unsupported(String),
}

impl From<WireFault> for KeyFault {
    fn from(fault: WireFault) -> Self {
        KeyFault::Malformed(fault.to_string())
    }
}

/// The kinds of keys that may sign entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `ssh-ed25519`
    Ed25519,
    /// `sk-ssh-ed25519@openssh.com`, a hardware token
    SkEd25519,
    /// `ecdsa-sha2-nistp256`
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`
    EcdsaP384,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`, a hardware token
    SkEcdsaP256,
    /// `ssh-rsa`, 3072 to 8192 bits
    Rsa,
}

impl KeyKind {
    /// The name that stands before the base64 in a key's text.
    pub fn name(self) -> &'static str {
        match self {
            KeyKind::Ed25519 => "ssh-ed25519",
            KeyKind::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            KeyKind::EcdsaP256 => "ecdsa-sha2-nistp256",
            KeyKind::EcdsaP384 => "ecdsa-sha2-nistp384",
            KeyKind::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
            KeyKind::Rsa => "ssh-rsa",
        }
    }

    /// The algorithm named inside a signature: the key's own, except that RSA signs with SHA-512.
    pub(crate) fn signature_name(self) -> &'static str {
        match self {
            KeyKind::Rsa => "rsa-sha2-512",
            other => other.name(),
        }
    }

    /// Whether the key lives in a hardware token, which may want to be touched.
    pub fn is_token(self) -> bool {
        matches!(self, KeyKind::SkEd25519 | KeyKind::SkEcdsaP256)
    }

    fn from_name(name: &str) -> Result<Self, KeyFault> {
        Ok(match name {
            "ssh-ed25519" => KeyKind::Ed25519,
            "sk-ssh-ed25519@openssh.com" => KeyKind::SkEd25519,
            "ecdsa-sha2-nistp256" => KeyKind::EcdsaP256,
            "ecdsa-sha2-nistp384" => KeyKind::EcdsaP384,
            "sk-ecdsa-sha2-nistp256@openssh.com" => KeyKind::SkEcdsaP256,
            "ssh-rsa" => KeyKind::Rsa,
            "ssh-dss" => return Err(KeyFault::Weak("DSA keys are too short".into())),
            _ if name.contains("-cert-v") => {
                return Err(KeyFault::Unsupported(
                    "certificates may not sign entries; use the plain key".into(),
                ));
            }
            _ if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) => {
                let name: String = name.chars().take(64).collect();
                return Err(KeyFault::Unsupported(format!("key type '{name}'")));
            }
            _ => return Err(KeyFault::Malformed("no key type".into())),
        })
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A public key that may sign, known by the bytes of its one encoding.
///
/// Cloning is cheap: the decoded key is shared.
#[derive(Clone)]
pub struct PublicKey(Arc<Decoded>);

struct Decoded {
    blob: Box<[u8]>,
    kind: KeyKind,
    material: Material,
    /// SHA-256 of a token key's application, which its signatures cover.
    application: [u8; 32],
}

/// The numbers of a key in the form that verifies fastest.
pub(super) enum Material {
    Ed25519(VerifyingKey),
    Curve(ParsedPublicKey),
    Rsa {
        key: ParsedPublicKey,
        modulus_length: usize,
    },
}

impl PublicKey {
    /// Reads exactly `type base64`, as it stands in a policy row: one space, no comment.
    pub fn parse_text(text: &str) -> Result<Self, KeyFault> {
        let (name, base64) = text
            .split_once(' ')
            .ok_or_else(|| KeyFault::Malformed("expected 'type base64'".into()))?;
        // The type is judged first: "unsupported" says more than "malformed".
        let kind = KeyKind::from_name(name)?;
        if base64.len() > LONGEST_BLOB / 3 * 4 + 4 {
            return Err(KeyFault::Malformed("longer than any supported key".into()));
        }
        let blob = STANDARD
            .decode(base64)
            .map_err(|_| KeyFault::Malformed("not canonical base64".into()))?;
        let key = Self::from_blob(&blob)?;
        if key.kind() != kind {
            return Err(KeyFault::Malformed(format!(
                "named '{kind}', but is '{}'",
                key.kind()
            )));
        }
        Ok(key)
    }

    /// Reads the wire encoding (what the base64 stands for).
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyFault> {
        if blob.len() > LONGEST_BLOB {
            return Err(KeyFault::Malformed("longer than any supported key".into()));
        }
        let mut reader = Reader::new(blob);
        let name = reader.string("the key type")?;
        let name = std::str::from_utf8(name)
            .map_err(|_| KeyFault::Malformed("the key type is not text".into()))?;
        let kind = KeyKind::from_name(name)?;
        let material = match kind {
            KeyKind::Ed25519 | KeyKind::SkEd25519 => edwards_point(reader.string("the point")?)?,
            KeyKind::EcdsaP256 | KeyKind::SkEcdsaP256 | KeyKind::EcdsaP384 => {
                let curve = reader.string("the curve")?;
                curve_point(kind, curve, reader.string("the point")?)?
            }
            KeyKind::Rsa => {
                let exponent = reader.integer("the exponent", Spelling::Canonical)?;
                let modulus = reader.integer("the modulus", Spelling::Canonical)?;
                rsa_numbers(exponent, modulus)?
            }
        };
        let application = if kind.is_token() {
            application(reader.string("the application")?)?
        } else {
            [0; 32]
        };
        reader.end()?;
        Ok(PublicKey(Arc::new(Decoded {
            blob: blob.into(),
            kind,
            material,
            application,
        })))
    }

    /// The wire encoding.
    pub fn blob(&self) -> &[u8] {
        &self.0.blob
    }

    /// `type base64`, the spelling that [`PublicKey::parse_text`] reads.
    pub fn to_text(&self) -> String {
        format!("{} {}", self.kind(), STANDARD.encode(self.blob()))
    }

    /// `SHA256:…` as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        format!(
            "SHA256:{}",
            STANDARD_NO_PAD.encode(Sha256::digest(self.blob()))
        )
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.0.kind
    }

    pub(super) fn material(&self) -> &Material {
        &self.0.material
    }

    pub(super) fn application(&self) -> &[u8; 32] {
        &self.0.application
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.blob() == other.blob()
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.blob().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_text())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// Keys that were decoded before, found by their wire encoding.
///
/// Reading a signature needs its key decoded; whoever reads many, most by the same few keys,
/// hands this in and saves a decompression each. It changes speed and no answer.
#[derive(Debug, Clone, Default)]
pub struct KnownKeys(HashMap<Box<[u8]>, PublicKey>);

impl KnownKeys {
    /// No keys yet.
    pub fn new() -> Self {
        KnownKeys::default()
    }

    /// Remembers `key`.
    pub fn insert(&mut self, key: PublicKey) {
        self.0.insert(key.blob().into(), key);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }

    /// The key with exactly this encoding: a remembered one, or a new one.
    pub(super) fn read(&self, blob: &[u8]) -> Result<PublicKey, KeyFault> {
        match self.0.get(blob) {
            Some(key) => Ok(key.clone()),
            None => PublicKey::from_blob(blob),
        }
    }
}

impl FromIterator<PublicKey> for KnownKeys {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut known = KnownKeys::new();
        keys.into_iter().for_each(|key| known.insert(key));
        known
    }
}

fn edwards_point(point: &[u8]) -> Result<Material, KeyFault> {
    let bytes = <&[u8; 32]>::try_from(point)
        .map_err(|_| KeyFault::Malformed("an Ed25519 point has 32 bytes".into()))?;
    let key = VerifyingKey::from_bytes(bytes)
        .map_err(|_| KeyFault::Malformed("not a point on the curve".into()))?;
    // Decoding takes y ≥ p and a sign on x = 0 as well; only the shortest form comes back.
    if key.to_edwards().compress().as_bytes() != bytes {
        return Err(KeyFault::Malformed(
            "the point is not in canonical form".into(),
        ));
    }
    if key.is_weak() {
        return Err(KeyFault::Weak("the point has small order".into()));
    }
    Ok(Material::Ed25519(key))
}

fn curve_point(kind: KeyKind, curve: &[u8], point: &[u8]) -> Result<Material, KeyFault> {
    let (name, length, algorithm) = match kind {
        KeyKind::EcdsaP384 => (&b"nistp384"[..], 97, &ECDSA_P384_SHA384_FIXED),
        _ => (&b"nistp256"[..], 65, &ECDSA_P256_SHA256_FIXED),
    };
    if curve != name {
        return Err(KeyFault::Malformed(
            "the curve does not fit the key type".into(),
        ));
    }
    if point.len() != length || point.first() != Some(&4) {
        return Err(KeyFault::Malformed("the point is not uncompressed".into()));
    }
    ParsedPublicKey::new(algorithm, point)
        .map(Material::Curve)
        .map_err(|_| KeyFault::Malformed("not a point on the curve".into()))
}

fn rsa_numbers(exponent: &[u8], modulus: &[u8]) -> Result<Material, KeyFault> {
    let top = modulus.first().copied().unwrap_or_default();
    let bits = (modulus.len() * 8).saturating_sub(top.leading_zeros() as usize);
    if bits < SMALLEST_RSA {
        return Err(KeyFault::Weak(format!(
            "an RSA key of {bits} bits; at least {SMALLEST_RSA} are needed"
        )));
    }
    if bits > LARGEST_RSA {
        return Err(KeyFault::Unsupported(format!(
            "an RSA key of {bits} bits; at most {LARGEST_RSA} are read"
        )));
    }
    if exponent != RSA_EXPONENT {
        return Err(KeyFault::Weak("the RSA exponent is not 65537".into()));
    }
    if modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(KeyFault::Weak("the RSA modulus is even".into()));
    }
    let components = RsaPublicKeyComponents {
        n: modulus,
        e: exponent,
    };
    let key = components
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA512)
        .map_err(|_| KeyFault::Malformed("not an RSA key".into()))?;
    Ok(Material::Rsa {
        key,
        modulus_length: modulus.len(),
    })
}

fn application(name: &[u8]) -> Result<[u8; 32], KeyFault> {
    let printable = name.iter().all(|byte| (0x20..=0x7e).contains(byte));
    if name.is_empty() || name.len() > 255 || !printable {
        return Err(KeyFault::Malformed(
            "the application is not 1 to 255 printable ASCII characters".into(),
        ));
    }
    Ok(Sha256::digest(name).into())
}
