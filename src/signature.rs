//! Signatures: "this key made this signature over these bytes".
//!
//! SSHSIG as OpenSSH writes it, but with exactly one spelling: whatever else would be read as the
//! same signature (other wrapping, spare zeros, S + L, n − s, a filled reserved field) is refused,
//! because it would give an entry a second name. Pure: no files, no processes, no private keys.
//!
//! # Limits
//! A sound signature says that the key was used, not by whom, not when, and not that the key may
//! sign; the policy says that. RSA moduli are checked for size and oddness only: nobody can see
//! from outside whether a modulus was made badly.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha2::{Digest as _, Sha512};
use thiserror::Error;

pub mod batch;
mod key;
mod multiples;
mod numbers;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub use key::{KeyFault, KeyKind, KnownKeys, PublicKey};
use numbers::{Equation, Numbers};
use wire::{Reader, Spelling, WireFault, put_string};

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &[u8] = b"sha512";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// Where the armour breaks its lines.
const COLUMNS: usize = 70;
/// No armour that can be sound is longer (RSA with 8192 bits takes about 3000 bytes).
const LONGEST_ARMOUR: usize = 8192;

/// Base64 as other programs may write it.
const FOREIGN_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureFault {
    /// Not an SSH signature at all, but perhaps another kind.
    #[error("not an SSH signature")]
    NotSsh,
    /// Not the one spelling that a signature has.
    #[error("signature not in canonical form: {0}")]
    NonCanonical(String),
    /// Made for another purpose; the name is the one found.
    #[error("signature made for another namespace: '{0}'")]
    Namespace(String),
    /// The key it names may not sign.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The key did not sign these bytes.
    #[error("signature does not match the signed bytes")]
    Bad,
}

impl From<WireFault> for SignatureFault {
    fn from(fault: WireFault) -> Self {
        SignatureFault::NonCanonical(fault.to_string())
    }
}

/// An SSH signature in canonical form. Reading one verifies nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    key: PublicKey,
    namespace: Cow<'static, str>,
    numbers: Numbers,
}

impl Signature {
    /// Reads the text from the BEGIN line to the line feed after the END line.
    pub fn from_armour(armour: &[u8]) -> Result<Self, SignatureFault> {
        Self::from_armour_among(armour, &KnownKeys::new())
    }

    /// The same, with keys at hand that were decoded before. The answer is the same, sooner.
    pub fn from_armour_among(armour: &[u8], known: &KnownKeys) -> Result<Self, SignatureFault> {
        if !armour.starts_with(BEGIN.as_bytes()) {
            return Err(SignatureFault::NotSsh);
        }
        if armour.len() > LONGEST_ARMOUR {
            return Err(non_canonical("longer than any sound signature"));
        }
        let body = armour
            .strip_prefix(BEGIN.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"\n"))
            .ok_or_else(|| non_canonical("no line feed after the BEGIN line"))?
            .strip_suffix(b"\n")
            .and_then(|rest| rest.strip_suffix(END.as_bytes()))
            .ok_or_else(|| non_canonical("does not end with the END line"))?;
        // one room for the base64 without its line feeds and for the bytes it stands for
        let mut room = vec![0; body.len() * 2];
        let (base64, blob) = room.split_at_mut(body.len());
        let mut length = 0;
        let letters = body.iter().filter(|byte| **byte != b'\n');
        for (place, letter) in base64.iter_mut().zip(letters) {
            *place = *letter;
            length += 1;
        }
        let base64 = base64.get(..length).unwrap_or_default();
        let length = STANDARD
            .decode_slice(base64, blob)
            .map_err(|_| non_canonical("not canonical base64"))?;
        let blob = blob.get(..length).unwrap_or_default();
        let signature = Self::read(blob, known, Spelling::Canonical)?;
        // Each part has one spelling, so the blob is the one to_blob gives, and so is its base64;
        // what is left to choose is where the lines end.
        if !is_wrapped(body) {
            return Err(non_canonical("lines are not wrapped at 70 columns"));
        }
        Ok(signature)
    }

    /// Reads the bytes that the armour's base64 stands for.
    pub fn from_blob(blob: &[u8]) -> Result<Self, SignatureFault> {
        let signature = Self::read(blob, &KnownKeys::new(), Spelling::Canonical)?;
        if signature.to_blob() != blob {
            return Err(non_canonical("does not come back from its parts"));
        }
        Ok(signature)
    }

    /// Reads what a signing program printed and gives it its canonical form: armour wrapped and
    /// padded in any way, spare zeros, the larger of s and n − s.
    ///
    /// For the side that writes. Nothing in an entry may be read this way.
    pub fn normalised(text: &[u8]) -> Result<Self, SignatureFault> {
        if text.len() > LONGEST_ARMOUR * 2 {
            return Err(non_canonical("longer than any sound signature"));
        }
        let text = std::str::from_utf8(text).map_err(|_| SignatureFault::NotSsh)?;
        let (body, _) = text
            .split_once(BEGIN)
            .and_then(|(_, rest)| rest.split_once(END))
            .ok_or(SignatureFault::NotSsh)?;
        let base64: Vec<u8> = body.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let blob = FOREIGN_BASE64
            .decode(&base64)
            .map_err(|_| non_canonical("not base64"))?;
        Self::read(&blob, &KnownKeys::new(), Spelling::Foreign)
    }

    /// Puts a signature together from what a key or an agent answered: `string algorithm, string
    /// numbers`, for tokens also flags and counter. Normalises like [`Signature::normalised`].
    pub fn from_parts(
        key: &PublicKey,
        namespace: &str,
        answer: &[u8],
    ) -> Result<Self, SignatureFault> {
        Ok(Signature {
            key: key.clone(),
            namespace: checked_namespace(namespace.as_bytes())?,
            numbers: Numbers::read(key, answer, Spelling::Foreign)
                .map_err(SignatureFault::NonCanonical)?,
        })
    }

    fn read(blob: &[u8], known: &KnownKeys, spelling: Spelling) -> Result<Self, SignatureFault> {
        let mut reader = Reader::new(blob);
        match reader.take(MAGIC.len(), "the magic") {
            Ok(magic) if magic == MAGIC => {}
            _ => return Err(non_canonical("does not begin with 'SSHSIG'")),
        }
        let version = reader.u32("the version")?;
        if version != VERSION {
            return Err(non_canonical(&format!("version {version}, not 1")));
        }
        let key = reader.string("the public key")?;
        let namespace = reader.string("the namespace")?;
        if !reader.string("the reserved field")?.is_empty() {
            return Err(non_canonical("the reserved field is not empty"));
        }
        if reader.string("the hash name")? != HASH {
            return Err(non_canonical("the hash is not sha512"));
        }
        let numbers = reader.string("the signature")?;
        reader.end()?;
        let namespace = checked_namespace(namespace)?;
        let key = known.read(key)?;
        let numbers =
            Numbers::read(&key, numbers, spelling).map_err(SignatureFault::NonCanonical)?;
        Ok(Signature {
            key,
            namespace,
            numbers,
        })
    }

    /// The armoured text, 70 columns, with a line feed after the END line.
    pub fn to_armour(&self) -> String {
        let base64 = STANDARD.encode(self.to_blob());
        let mut out = String::with_capacity(base64.len() + base64.len() / COLUMNS + 60);
        out.push_str(BEGIN);
        out.push('\n');
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(COLUMNS.min(rest.len()));
            out.push_str(line);
            out.push('\n');
            rest = more;
        }
        out.push_str(END);
        out.push('\n');
        out
    }

    /// The bytes under the armour.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut numbers = Vec::with_capacity(128);
        self.numbers.write(self.key.kind(), &mut numbers);
        let mut out = Vec::with_capacity(self.key.blob().len() + numbers.len() + 64);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        put_string(&mut out, self.key.blob());
        put_string(&mut out, self.namespace.as_bytes());
        put_string(&mut out, b"");
        put_string(&mut out, HASH);
        put_string(&mut out, &numbers);
        out
    }

    /// The key that the signature says made it.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What the signature was made for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether its key made this signature over `message`, for `namespace`.
    pub fn verify(&self, namespace: &str, message: &[u8]) -> Result<(), SignatureFault> {
        let signed = self.signed(namespace, message)?;
        if self.numbers.hold(&self.key, &signed) {
            Ok(())
        } else {
            Err(SignatureFault::Bad)
        }
    }

    /// What is left to compute of [`Signature::verify`], if this is an Ed25519 signature.
    fn equation(
        &self,
        namespace: &str,
        message: &[u8],
    ) -> Result<Option<Equation>, SignatureFault> {
        let signed = self.signed(namespace, message)?;
        Ok(self.numbers.equation(&self.key, &signed))
    }

    fn signed<'a>(
        &self,
        namespace: &'a str,
        message: &[u8],
    ) -> Result<SignedData<'a>, SignatureFault> {
        if self.namespace == namespace {
            Ok(SignedData::new(namespace, message))
        } else {
            Err(SignatureFault::Namespace(self.namespace.to_string()))
        }
    }
}

/// The bytes that a key really signs: never the message itself, so no signature made for one
/// namespace, or by an SSH login, can be passed off as another.
pub fn signed_data(namespace: &str, message: &[u8]) -> Vec<u8> {
    SignedData::new(namespace, message).parts().concat()
}

/// The same, in parts.
struct SignedData<'a> {
    namespace: &'a [u8],
    length: [u8; 4],
    digest: [u8; 64],
}

impl<'a> SignedData<'a> {
    fn new(namespace: &'a str, message: &[u8]) -> Self {
        SignedData {
            namespace: namespace.as_bytes(),
            // as put_string writes it
            length: u32::try_from(namespace.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
            digest: Sha512::digest(message).into(),
        }
    }

    fn parts(&self) -> [&[u8]; 5] {
        // the reserved string, the hash's name, the length of the digest
        const BETWEEN: &[u8] = b"\0\0\0\0\0\0\0\x06sha512\0\0\0\x40";
        [MAGIC, &self.length, self.namespace, BETWEEN, &self.digest]
    }
}

/// Whether each line has 70 columns, and the last one, which may have less, has some.
fn is_wrapped(body: &[u8]) -> bool {
    let mut lines = body.chunks(COLUMNS + 1);
    let last = lines.next_back().unwrap_or_default();
    let ends = |line: &[u8]| line.iter().position(|byte| *byte == b'\n') == Some(line.len() - 1);
    last.len() > 1 && ends(last) && lines.all(ends)
}

fn non_canonical(why: &str) -> SignatureFault {
    SignatureFault::NonCanonical(why.to_owned())
}

fn checked_namespace(name: &[u8]) -> Result<Cow<'static, str>, SignatureFault> {
    // git's own, which nearly every signature read here is for, needs no memory
    if name == b"git" {
        return Ok(Cow::Borrowed("git"));
    }
    let printable = name.iter().all(|byte| (0x20..=0x7e).contains(byte));
    match std::str::from_utf8(name) {
        Ok(text) if printable && (1..=255).contains(&name.len()) => Ok(text.to_owned().into()),
        _ => Err(non_canonical(
            "the namespace is not 1 to 255 printable ASCII characters",
        )),
    }
}
