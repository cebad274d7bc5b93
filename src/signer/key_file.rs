//! Key files on disk: reading them as ssh-keygen does, and making a new pair.
//!
//! The text of a private key is read by ssh-key and the number inside kept by aws-lc; both wipe
//! their memory. Nothing here keeps a copy of its own.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

use super::SignerError;
use crate::signature::PublicKey;

/// No key file is longer; a longer one is not read.
const LONGEST_FILE: u64 = 64 * 1024;
const PEM: &[u8] = b"-----BEGIN ";

/// What a path named as signing key turned out to hold.
pub(super) struct KeyFile {
    pub(super) public: PublicKey,
    pub(super) private: Private,
}

/// The private half, as far as this process can use it.
pub(super) enum Private {
    /// Ed25519 and not encrypted: signs in this process.
    Open(Box<Ed25519KeyPair>),
    /// Needs a passphrase.
    Encrypted(PathBuf),
    /// A key that ssh-keygen has to use (RSA, ECDSA, a token, an old file format).
    Foreign,
    /// Others can read the file, so it is not used; an agent may still hold the key.
    Exposed(SignerError),
    /// Only the public half is here.
    Elsewhere,
}

/// Reads `path`, which names a private key or its `.pub`.
pub(super) fn read(path: &Path) -> Result<KeyFile, SignerError> {
    if !is_private(path)? {
        let public = read_public(path)?;
        // As ssh-keygen: a .pub also stands for the private key that lies beside it.
        let beside = path.with_extension("");
        if path.extension().is_some_and(|extension| extension == "pub")
            && is_private(&beside).unwrap_or(false)
        {
            let found = read_private(&beside)?;
            if found.public == public {
                return Ok(found);
            }
        }
        return Ok(KeyFile {
            public,
            private: Private::Elsewhere,
        });
    }
    read_private(path)
}

fn read_private(path: &Path) -> Result<KeyFile, SignerError> {
    let fault = |why: &str| SignerError::KeyFile {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let mut text = open(path)?.take(LONGEST_FILE);
    let key = match PrivateKey::read_openssh(&mut text) {
        Ok(key) => key,
        // An old PEM file or a key that ssh-key does not know: ssh-keygen may.
        Err(error) => {
            let public = read_public(&beside(path)).map_err(|_| {
                fault(&format!(
                    "not a private key in OpenSSH format ({error}), and no .pub lies beside it"
                ))
            })?;
            let private = match exposed(path)? {
                Some(fault) => Private::Exposed(fault),
                None => Private::Foreign,
            };
            return Ok(KeyFile { public, private });
        }
    };
    let blob = key
        .public_key()
        .to_bytes()
        .map_err(|error| fault(&error.to_string()))?;
    let public = PublicKey::from_blob(&blob)?;
    if key.is_encrypted() {
        return Ok(KeyFile {
            public,
            private: Private::Encrypted(path.to_owned()),
        });
    }
    if let Some(fault) = exposed(path)? {
        return Ok(KeyFile {
            public,
            private: Private::Exposed(fault),
        });
    }
    let private = match own_pair(key.key_data()) {
        Some(pair) => Private::Open(pair.map_err(fault)?),
        None => Private::Foreign,
    };
    Ok(KeyFile { public, private })
}

/// The pair, if it is one this process signs with.
fn own_pair(key: &KeypairData) -> Option<Result<Box<Ed25519KeyPair>, &'static str>> {
    let KeypairData::Ed25519(pair) = key else {
        return None;
    };
    let pair =
        Ed25519KeyPair::from_seed_and_public_key(pair.private.as_ref(), pair.public.as_ref());
    Some(match pair {
        Ok(pair) => Ok(Box::new(pair)),
        Err(_) => Err("the private and the public half do not belong together"),
    })
}

/// Reads a private key that was handed over as text: OpenSSH format, with lines ended in any way,
/// or its base64, which fits in one line (a build machine hides a secret line by line, or refuses
/// to hide one of several lines).
pub(super) fn parse_text(text: &str) -> Result<(PublicKey, Box<Ed25519KeyPair>), SignerError> {
    let fault = |why: &str| SignerError::KeyText(why.to_owned());
    if text.len() as u64 > LONGEST_FILE {
        return Err(fault("it is too long for a key"));
    }
    let mut text = text.trim().to_owned();
    if !text.as_bytes().starts_with(PEM) {
        text.retain(|character| !character.is_whitespace());
        let bytes = BASE64
            .decode(&text)
            .map_err(|_| fault("neither a private key nor base64"))?;
        text = String::from_utf8(bytes).map_err(|_| fault("its base64 holds no text"))?;
    }
    let mut whole = String::with_capacity(text.len() + 1);
    for line in text.trim().lines() {
        whole.push_str(line.trim_end());
        whole.push('\n');
    }
    let key = PrivateKey::from_openssh(whole.as_bytes())
        .map_err(|_| fault("not a private key in OpenSSH format"))?;
    if key.is_encrypted() {
        return Err(fault("it is encrypted"));
    }
    let pair = own_pair(key.key_data()).ok_or_else(|| fault("not an Ed25519 key"))?;
    let blob = key.public_key().to_bytes();
    let blob = blob.map_err(|error| fault(&error.to_string()))?;
    Ok((PublicKey::from_blob(&blob)?, pair.map_err(fault)?))
}

/// The first key of a `.pub` file: `type base64 comment`.
fn read_public(path: &Path) -> Result<PublicKey, SignerError> {
    let mut text = String::new();
    open(path)?
        .take(LONGEST_FILE)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(path, &error))?;
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .ok_or_else(|| SignerError::KeyFile {
            path: path.to_owned(),
            why: "no key in it".into(),
        })?;
    Ok(parse_line(line)?)
}

/// Reads `type base64`, with or without a comment after it.
pub(super) fn parse_line(line: &str) -> Result<PublicKey, crate::signature::KeyFault> {
    let mut words = line.split_ascii_whitespace();
    let kind = words.next().unwrap_or_default();
    let base64 = words.next().unwrap_or_default();
    PublicKey::parse_text(&format!("{kind} {base64}"))
}

/// Whether the file begins as a private key does. Reads no more than that.
fn is_private(path: &Path) -> Result<bool, SignerError> {
    let mut head = Vec::with_capacity(PEM.len());
    open(path)?
        .take(PEM.len() as u64)
        .read_to_end(&mut head)
        .map_err(|error| unreadable(path, &error))?;
    Ok(head == PEM)
}

fn open(path: &Path) -> Result<File, SignerError> {
    let kind = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !kind.is_file() {
        return Err(SignerError::KeyFile {
            path: path.to_owned(),
            why: "not a file".into(),
        });
    }
    File::open(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> SignerError {
    SignerError::KeyFile {
        path: path.to_owned(),
        why: match error.kind() {
            ErrorKind::NotFound => "no such file".into(),
            _ => error.to_string(),
        },
    }
}

/// ssh-keygen's rule: a private key of ours that others can read is not used.
fn exposed(path: &Path) -> Result<Option<SignerError>, SignerError> {
    let file = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let ours = file.uid() == rustix::process::getuid().as_raw();
    Ok(
        (ours && file.mode() & 0o077 != 0).then(|| SignerError::Exposed {
            path: path.to_owned(),
            mode: file.mode() & 0o7777,
        }),
    )
}

/// `key` → `key.pub`.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Makes an unencrypted Ed25519 key at `path`, with its `.pub` beside it. Overwrites nothing.
pub(super) fn generate(path: &Path, comment: &str) -> Result<PublicKey, SignerError> {
    let fault = |path: &Path, why: String| SignerError::KeyFile {
        path: path.to_owned(),
        why,
    };
    if comment.chars().any(char::is_control) {
        return Err(fault(path, "the comment has control characters".into()));
    }
    let public_path = beside(path);
    for taken in [path, &public_path] {
        if taken.symlink_metadata().is_ok() {
            return Err(fault(taken, "exists already; it is not overwritten".into()));
        }
    }
    if let Some(directory) = path.parent().filter(|name| !name.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| unreadable(directory, &error))?;
    }
    let (key, private_text) = fresh(comment).map_err(|why| fault(path, why))?;
    let private_bytes = private_text.as_bytes();
    write_new(path, 0o600, private_bytes).map_err(|error| unreadable(path, &error))?;
    let space = if comment.is_empty() { "" } else { " " };
    let line = format!("{key}{space}{comment}\n");
    if let Err(error) = write_new(&public_path, 0o644, line.as_bytes()) {
        // Without its .pub the pair is not what was promised; the key was used nowhere yet.
        fs::remove_file(path).map_err(|error| unreadable(path, &error))?;
        return Err(unreadable(&public_path, &error));
    }
    Ok(key)
}

/// A new key: its public half, and the text of its file.
fn fresh(comment: &str) -> Result<(PublicKey, impl std::ops::Deref<Target = String>), String> {
    let lost = |_| "no random numbers".to_owned();
    let pair = Ed25519KeyPair::generate().map_err(lost)?;
    let seed = pair.seed().map_err(lost)?.as_be_bytes().map_err(lost)?;
    let said = |error: ssh_key::Error| error.to_string();
    let point = pair.public_key().as_ref();
    let data = KeypairData::Ed25519(Ed25519Keypair {
        public: ssh_key::public::Ed25519PublicKey::try_from(point).map_err(said)?,
        private: Ed25519PrivateKey::try_from(seed.as_ref()).map_err(said)?,
    });
    let private = PrivateKey::new(data, comment).map_err(said)?;
    let blob = private.public_key().to_bytes().map_err(said)?;
    let key = PublicKey::from_blob(&blob).map_err(|error| error.to_string())?;
    Ok((key, private.to_openssh(LineEnding::LF).map_err(said)?))
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
