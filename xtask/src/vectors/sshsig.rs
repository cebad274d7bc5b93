//! SSHSIG with every field within reach, so that each can be spelled wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256, Sha512};

use super::keys::{Key, strings};

pub const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
pub const END: &str = "-----END SSH SIGNATURE-----\n";

/// The fields of a signature.
#[derive(Clone)]
pub struct Sshsig {
    pub version: u32,
    pub key: Vec<u8>,
    pub namespace: Vec<u8>,
    pub reserved: Vec<u8>,
    pub hash: Vec<u8>,
    pub inner: Vec<u8>,
    /// Bytes after the last field.
    pub tail: Vec<u8>,
}

/// What the key signs in place of the message.
pub fn wrapped(namespace: &str, hash: &str, message: &[u8]) -> Vec<u8> {
    let digest = match hash {
        "sha256" => Sha256::digest(message).to_vec(),
        _ => Sha512::digest(message).to_vec(),
    };
    let fields = strings(&[namespace.as_bytes(), b"", hash.as_bytes(), &digest]);
    [b"SSHSIG".to_vec(), fields].concat()
}

impl Sshsig {
    /// An honest signature.
    pub fn make(key: &Key, namespace: &str, message: &[u8]) -> Sshsig {
        let inner = key.sign(&wrapped(namespace, "sha512", message));
        Sshsig::of(key, namespace, inner)
    }

    /// A signature with this inner part.
    pub fn of(key: &Key, namespace: &str, inner: Vec<u8>) -> Sshsig {
        Sshsig {
            version: 1,
            key: key.blob.clone(),
            namespace: namespace.into(),
            reserved: Vec::new(),
            hash: b"sha512".to_vec(),
            inner,
            tail: Vec::new(),
        }
    }

    pub fn blob(&self) -> Vec<u8> {
        let fields = strings(&[
            &self.key,
            &self.namespace,
            &self.reserved,
            &self.hash,
            &self.inner,
        ]);
        let version = self.version.to_be_bytes();
        [b"SSHSIG", version.as_slice(), &fields, &self.tail].concat()
    }

    pub fn armour(&self) -> String {
        armour(&BASE64.encode(self.blob()), 70)
    }
}

/// Base64 between the two lines, wrapped at so many columns.
pub fn armour(base64: &str, columns: usize) -> String {
    let lines = base64.as_bytes().chunks(columns).map(|line| {
        let line = std::str::from_utf8(line).expect("base64 is ASCII");
        format!("{line}\n")
    });
    format!("{BEGIN}{}{END}", lines.collect::<String>())
}
