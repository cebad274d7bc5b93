//! What the sender of a webhook and its receiver share.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Scheme;

/// The shortest secret that is taken, in bytes. Who has seen one delivery can try secrets against
/// its signature for as long as it takes.
pub const MIN_SECRET: usize = 16;

/// The longest, in bytes.
const MAX_SECRET: usize = 1024;

/// A secret. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Why something is not taken for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// Too short to withstand guessing.
    #[error("the secret is shorter than {MIN_SECRET} bytes and could be guessed")]
    Short,
    /// Longer than any that is in use.
    #[error("the secret is longer than {MAX_SECRET} bytes")]
    Long,
    /// It holds something that a file or a shell put there.
    #[error("the secret holds a line feed or another control character")]
    Control,
    /// Standard Webhooks secrets have one form.
    #[error("a secret for Standard Webhooks is whsec_ and base64")]
    NotWhsec,
}

impl Secret {
    /// A secret as it was given to both sides: its text for the forges, `whsec_<base64>` for
    /// Standard Webhooks.
    ///
    /// # Errors
    /// When it is no secret for this scheme.
    pub fn new(scheme: Scheme, text: &[u8]) -> Result<Secret, SecretFault> {
        if text.iter().any(u8::is_ascii_control) {
            return Err(SecretFault::Control);
        }
        let bytes = match scheme {
            Scheme::StandardWebhooks => text
                .strip_prefix(b"whsec_")
                .and_then(|encoded| BASE64.decode(encoded).ok())
                .ok_or(SecretFault::NotWhsec)?,
            _ => text.to_vec(),
        };
        match bytes.len() {
            0..MIN_SECRET => Err(SecretFault::Short),
            MIN_SECRET..=MAX_SECRET => Ok(Secret(bytes)),
            _ => Err(SecretFault::Long),
        }
    }

    /// Whether this is the secret. Digests are compared, which have one length whatever the secrets
    /// have, and in the same time whatever they are.
    pub fn is(&self, given: &[u8]) -> bool {
        let digest = |bytes| digest::digest(&digest::SHA256, bytes);
        let (given, known) = (digest(given), digest(&self.0));
        constant_time::verify_slices_are_equal(given.as_ref(), known.as_ref()).is_ok()
    }

    /// The `webhook-signature` of a delivery of ours (Standard Webhooks): what [`super::check`]
    /// checks at the other end.
    pub fn sign(&self, id: &str, time: &str, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key());
        for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
            context.update(part);
        }
        format!("v1,{}", BASE64.encode(context.sign().as_ref()))
    }

    pub(super) fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}
