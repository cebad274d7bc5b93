//! HMAC-SHA-256 under keys in files that only their owner reads. Values are digested with one, so
//! that the record tells that a value changed and not what it is; what a verification leaves behind
//! is sealed with another. Neither key stands in a ledger.
//!
//! # Limits
//! Whoever has the key can try values one by one; a value of few possibilities (`true`, a port) is
//! then found at once. Whoever has only the ledger sees which values are equal, and no more.
//!
//! Source: RFC 2104, FIPS 198-1; `ledger-spec/capture.md`.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;

use crate::{durable, merkle};

/// Bytes of a key.
const KEY: usize = 32;
/// No file of a key is longer, in bytes.
const MAX_FILE: u64 = 256;
/// Hex digits of a key's id.
const ID: usize = 16;

/// What is digested; two purposes never give one digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Name and value of a variable.
    Variable,
    /// The words of a command.
    Command,
    /// What a verification leaves behind.
    Verified,
    /// Nothing: what the key is called.
    Id,
}

impl Purpose {
    fn tag(self) -> &'static [u8] {
        match self {
            Purpose::Variable => b"git-ledger variable 1\0",
            Purpose::Command => b"git-ledger command 1\0",
            Purpose::Verified => b"git-ledger verified 1\0",
            Purpose::Id => b"git-ledger key id 1\0",
        }
    }
}

/// A key for digests of values.
#[derive(Clone)]
pub struct DigestKey(hmac::Key);

/// Without the key.
impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DigestKey({})", self.id())
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The text is none.
    #[error("it is not 64 hexadecimal digits")]
    Spelling,
    /// Others could read or change the file.
    #[error("'{}' {why}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file holds no key.
    #[error("'{}' holds no key: not 64 hexadecimal digits", .0.display())]
    Content(PathBuf),
    /// The file could not be read or made.
    #[error("'{}': {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        why: io::Error,
    },
}

impl DigestKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; KEY]) -> DigestKey {
        DigestKey(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// The key that 64 hexadecimal digits spell, white space around them aside.
    ///
    /// # Errors
    /// [`KeyFault::Spelling`].
    pub fn parse(text: &[u8]) -> Result<DigestKey, KeyFault> {
        let text = text.trim_ascii();
        let mut bytes = [0u8; KEY];
        if text.len() != 2 * KEY {
            return Err(KeyFault::Spelling);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| KeyFault::Spelling)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(KeyFault::Spelling);
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| KeyFault::Spelling)?;
        }
        Ok(DigestKey::new(bytes))
    }

    /// Reads the key in a file that only its owner, who must be `user`, can read.
    ///
    /// # Errors
    /// [`KeyFault::Io`] with `NotFound` when there is no file; others when it holds no key or is
    /// open to others.
    pub fn read(path: &Path, user: u32) -> Result<DigestKey, KeyFault> {
        let fault = |why| KeyFault::Io {
            path: path.to_owned(),
            why,
        };
        let exposed = |why| {
            Err(KeyFault::Exposed {
                path: path.to_owned(),
                why,
            })
        };
        let file = durable::open(path, OpenOptions::new().read(true)).map_err(fault)?;
        let metadata = file.metadata().map_err(fault)?;
        if metadata.uid() != user {
            return exposed("belongs to another user");
        }
        if metadata.mode() & 0o077 != 0 {
            return exposed("can be read or written by others (chmod 600)");
        }
        let mut text = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut text).map_err(fault)?;
        DigestKey::parse(&text).map_err(|_| KeyFault::Content(path.to_owned()))
    }

    /// Puts a new key of these random bytes into a file that was not there; if somebody else was
    /// faster, theirs counts.
    ///
    /// # Errors
    /// When the file cannot be written or read back.
    pub fn make(path: &Path, random: [u8; KEY], user: u32) -> Result<DigestKey, KeyFault> {
        let fault = |why| KeyFault::Io {
            path: path.to_owned(),
            why,
        };
        let dir = path.parent().unwrap_or(Path::new("."));
        durable::create_dir_all(dir).map_err(fault)?;
        // only the owner may read what tempfile makes
        let mut file = tempfile::Builder::new()
            .prefix(".tmp-")
            .tempfile_in(dir)
            .map_err(fault)?;
        let text = merkle::hex(&random) + "\n";
        file.write_all(text.as_bytes()).map_err(fault)?;
        file.as_file().sync_all().map_err(fault)?;
        match file.persist_noclobber(path) {
            Ok(_) => durable::sync_dir(dir).map_err(fault)?,
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(fault(error.error)),
        }
        DigestKey::read(path, user)
    }

    /// What the key is called in the record: it tells keys apart and nothing about them.
    pub fn id(&self) -> String {
        let mut id = merkle::hex(&self.digest(Purpose::Id, &[]));
        id.truncate(ID);
        id
    }

    /// `hmac-sha256:<64 hex>` of these parts, each with its length before it.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        format!("hmac-sha256:{}", merkle::hex(&self.digest(purpose, parts)))
    }

    /// Whether this is the [`DigestKey::mac`] of these parts; takes as long whatever is wrong.
    pub fn fits(&self, purpose: Purpose, parts: &[&[u8]], mac: &[u8]) -> bool {
        let expected = self.mac(purpose, parts);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), mac).is_ok()
    }

    fn digest(&self, purpose: Purpose, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.tag());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn key(byte: &str) -> DigestKey {
        DigestKey::parse(byte.repeat(64).as_bytes()).unwrap()
    }

    /// Computed with Python's hmac over the input that the specification describes.
    #[test]
    fn the_input_is_as_specified() {
        let mac = key("0").mac(Purpose::Variable, &[b"NAME", b"value"]);
        assert_eq!(
            mac,
            "hmac-sha256:93c5e1349d0aac25b2bccc1dc4575ec5a6cd1751eb88627b600476e4039388a6"
        );
        let mac = key("0").mac(Purpose::Command, &[b"make", b"-j2"]);
        assert_eq!(
            mac,
            "hmac-sha256:ff36634ed97f1d9364f83056adfef4f2293299a5b9dcb28dd8818a749bbc4283"
        );
        assert_eq!(key("0").id(), "5237faba868fdbea");
    }

    #[test]
    fn names_values_purposes_and_keys_are_told_apart() {
        let all = [
            key("0").mac(Purpose::Variable, &[b"ab", b"c"]),
            key("0").mac(Purpose::Variable, &[b"a", b"bc"]),
            key("0").mac(Purpose::Variable, &[b"abc"]),
            key("0").mac(Purpose::Command, &[b"ab", b"c"]),
            key("1").mac(Purpose::Variable, &[b"ab", b"c"]),
        ];
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        let fits = |mac: &str| key("0").fits(Purpose::Variable, &[b"ab", b"c"], mac.as_bytes());
        assert_eq!(
            all.each_ref().map(|mac| fits(mac)),
            [true, false, false, false, false]
        );
        assert!(!fits(""));
        assert_eq!(
            format!("{:?}", key("0")),
            format!("DigestKey({})", key("0").id())
        );
    }

    #[test]
    fn a_key_that_others_can_read_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/key");
        let user = dir.path().metadata().unwrap().uid();
        let missing = DigestKey::read(&path, user).unwrap_err();
        assert!(
            matches!(missing, KeyFault::Io { why, .. } if why.kind() == io::ErrorKind::NotFound)
        );
        let made = DigestKey::make(&path, [7; 32], user).unwrap();
        // the first one counts
        let again = DigestKey::make(&path, [8; 32], user).unwrap();
        assert_eq!(made.id(), again.id());
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert!(matches!(
            DigestKey::read(&path, user + 1),
            Err(KeyFault::Exposed { .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            DigestKey::read(&path, user),
            Err(KeyFault::Exposed { .. })
        ));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(DigestKey::read(&link, user).is_err());
        for text in [
            "",
            "xyz",
            &"0".repeat(63),
            &"0".repeat(65),
            &"+0".repeat(32),
            &"é".repeat(32),
        ] {
            assert!(DigestKey::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
