//! What a push certificate is worth: the text a pusher signed, held against the push that came
//! with it and against the keys of the policy in force.
//!
//! Git's own verdict is not asked: it calls a certificate of an unknown or expired key good, and
//! passes over revoked ones. Only git's nonce check is taken over, for only git knows the seed.
//!
//! Source: `gitformat-signature(5)` and `ledger-spec/hook.md`.
//!
//! # Limits
//! The address a certificate was made for is not compared: the same repository has many. The
//! nonce, which is bound to the server's seed, stands for it. A signature may be spelled in any
//! way its maker spells it: it names nothing, so a second spelling does no harm.

use gix::ObjectId;

use crate::commit::NAMESPACE;
use crate::git;
use crate::json::Object;
use crate::policy::Policy;
use crate::signature::Signature;

/// The largest certificate that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

const VERSION: &[u8] = b"certificate version 0.1\n";
const BEGIN: &[u8] = b"-----BEGIN SSH SIGNATURE-----\n";
const END: &[u8] = b"-----END SSH SIGNATURE-----\n";

/// The push as git carried it out.
#[derive(Debug, Clone)]
pub struct Carried<'a> {
    /// Old id, new id and name of each ref, in order.
    pub updates: Vec<(ObjectId, ObjectId, &'a [u8])>,
    /// The push options, in order.
    pub options: Vec<&'a [u8]>,
    /// The nonce that git says it gave out.
    pub nonce: Option<&'a [u8]>,
    /// What git thinks of the nonce that came back.
    pub nonce_status: Option<&'a str>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It fits, its key is in the policy and not retired, and its nonce is fresh.
    Good,
    /// It does not fit the push, or is not signed as certificates are.
    Bad,
    /// It fits and is signed by a key that has no unretired row.
    Unknown,
    /// It fits, and may be an old one sent again.
    Stale,
}

impl Status {
    /// The word in the event.
    pub fn word(self) -> &'static str {
        match self {
            Status::Good => "good",
            Status::Bad => "bad",
            Status::Unknown => "unknown",
            Status::Stale => "stale",
        }
    }
}

/// The answer, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub status: Status,
    /// The principal of the key's row.
    pub signer: Option<String>,
    /// The key's fingerprint.
    pub key: Option<String>,
    /// Git's word for the nonce.
    pub nonce: Option<String>,
}

impl Judgement {
    /// The member `certificate` of the event.
    pub fn object(&self) -> Object {
        let mut object = Object::new().with("status", self.status.word());
        for (name, value) in [
            ("signer", &self.signer),
            ("key", &self.key),
            ("nonce", &self.nonce),
        ] {
            if let Some(value) = value {
                object.set(name, value.as_str());
            }
        }
        object
    }
}

/// Judges a certificate under a policy.
pub fn judge(text: &[u8], carried: &Carried<'_>, policy: &Policy) -> Judgement {
    let nonce = carried
        .nonce_status
        .filter(|word| word.len() <= 32 && word.bytes().all(|b| b.is_ascii_uppercase()));
    let mut judgement = Judgement {
        status: Status::Bad,
        signer: None,
        key: None,
        nonce: nonce.map(str::to_owned),
    };
    let Some((signed, armour)) = split(text) else {
        return judgement;
    };
    let Ok(signature) = Signature::normalised(armour) else {
        return judgement;
    };
    judgement.key = Some(signature.key().fingerprint());
    let row = policy.row(signature.key()).map(|(_, row)| row);
    judgement.signer = row.map(|row| row.principal.to_string());
    if signature.verify(NAMESPACE, signed).is_err() || !fits(signed, carried) {
        return judgement;
    }
    judgement.status = match row {
        None => Status::Unknown,
        Some(row) if row.retired => Status::Unknown,
        Some(_) if carried.nonce_status != Some("OK") => Status::Stale,
        Some(_) => Status::Good,
    };
    judgement
}

/// What is signed, and the armour after it; nothing may follow.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text
        .windows(BEGIN.len())
        .position(|window| window == BEGIN)
        .filter(|at| text.get(at.wrapping_sub(1)) == Some(&b'\n'))?;
    let (signed, armour) = text.split_at_checked(at)?;
    let one = armour.ends_with(END) && armour.windows(END.len()).filter(|w| *w == END).count() == 1;
    one.then_some((signed, armour))
}

/// Whether the signed text describes this push and no other.
fn fits(signed: &[u8], carried: &Carried<'_>) -> bool {
    read(signed, carried).is_some()
}

fn read(signed: &[u8], carried: &Carried<'_>) -> Option<()> {
    let mut rest = signed.strip_prefix(VERSION)?;
    let mut line = || -> Option<&[u8]> {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, after) = rest.split_at_checked(end)?;
        rest = after.get(1..)?;
        Some(line)
    };
    let (mut pusher, mut nonce) = (0, None);
    let mut options = Vec::new();
    loop {
        let header = line()?;
        if header.is_empty() {
            break;
        }
        let space = header.iter().position(|byte| *byte == b' ')?;
        let (name, value) = (header.get(..space)?, header.get(space + 1..)?);
        match name {
            b"pusher" => pusher += 1,
            b"pushee" => {}
            b"nonce" if nonce.is_none() => nonce = Some(value),
            b"push-option" => options.push(value),
            _ => return None,
        }
    }
    let described = pusher == 1 && nonce == carried.nonce && options == carried.options;
    for (old, new, name) in &carried.updates {
        let update = line()?;
        let hex = old.kind().len_in_hex();
        let same = git::parse_id(update.get(..hex)?, old.kind())? == *old
            && update.get(hex) == Some(&b' ')
            && git::parse_id(update.get(hex + 1..2 * hex + 1)?, old.kind())? == *new
            && update.get(2 * hex + 1) == Some(&b' ')
            && update.get(2 * hex + 2..)? == *name;
        if !same {
            return None;
        }
    }
    (described && rest.is_empty()).then_some(())
}
