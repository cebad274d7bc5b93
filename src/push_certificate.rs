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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Role, Signer as Row};
    use crate::principal::Principal;
    use crate::signer::{KeySettings, Signer};

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    struct World {
        _dir: tempfile::TempDir,
        signer: Signer,
        policy: Policy,
    }

    impl World {
        fn new() -> World {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("key");
            Signer::generate(&path, "test").unwrap();
            let settings = KeySettings {
                signing_key: Some(path.display().to_string()),
                ..KeySettings::default()
            };
            let signer = Signer::find(&settings).unwrap();
            let row = Row {
                principal: Principal::parse("ann@acme").unwrap(),
                key: signer.public_key().clone(),
                roles: vec![Role::Writer],
                types: Vec::new(),
                retired: false,
            };
            let policy = Policy {
                id: "0".repeat(32),
                name: "acme".into(),
                threshold: 1,
                signers: vec![row],
                compromised: Vec::new(),
                mirrors: Vec::new(),
                failures: Vec::new(),
            };
            World {
                _dir: dir,
                signer,
                policy,
            }
        }

        fn signed(&self, namespace: &str, text: &str) -> Vec<u8> {
            let signature = self.signer.sign(namespace, text.as_bytes()).unwrap();
            [text, &signature.to_armour()].concat().into_bytes()
        }

        fn status(&self, certificate: &[u8]) -> &'static str {
            judge(certificate, &carried(), &self.policy).status.word()
        }
    }

    fn carried() -> Carried<'static> {
        let id = |hex: &str| ObjectId::from_hex(hex.as_bytes()).unwrap();
        Carried {
            updates: vec![(id(A), id(B), b"refs/heads/main")],
            options: vec![b"a=b"],
            nonce: Some(b"1-x"),
            nonce_status: Some("OK"),
        }
    }

    fn text() -> String {
        format!(
            "certificate version 0.1\npusher key 1 +0000\npushee /r\nnonce 1-x\n\
             push-option a=b\n\n{A} {B} refs/heads/main\n"
        )
    }

    #[test]
    fn good_only_when_everything_fits() {
        let mut world = World::new();
        let good = world.signed("git", &text());
        let judgement = judge(&good, &carried(), &world.policy);
        assert_eq!(judgement.status, Status::Good);
        assert_eq!(judgement.signer.as_deref(), Some("ann@acme"));
        assert_eq!(judgement.nonce.as_deref(), Some("OK"));

        for (from, to) in [
            (B, A),
            ("refs/heads/main", "refs/heads/mail"),
            ("refs/heads/main\n", ""),
            ("nonce 1-x", "nonce 2-x"),
            ("nonce 1-x\n", ""),
            ("push-option a=b\n", ""),
            ("push-option a=b", "push-option a=c"),
            ("pushee /r", "evil /r"),
            ("version 0.1", "version 0.2"),
            ("\n\n", "\n"),
        ] {
            let other = text().replacen(from, to, 1);
            assert_eq!(world.status(&world.signed("git", &other)), "bad", "{from}");
        }
        let more = text() + &format!("{A} {B} refs/heads/x\n");
        assert_eq!(world.status(&world.signed("git", &more)), "bad");
        assert_eq!(world.status(&world.signed("file", &text())), "bad");
        assert_eq!(world.status(&[&good[..], b"x"].concat()), "bad");
        assert_eq!(world.status(&[&good[..], &good].concat()), "bad");
        assert_eq!(world.status(text().as_bytes()), "bad");
        assert_eq!(world.status(b""), "bad");
        for at in 0..good.len() {
            let mut bent = good.clone();
            bent[at] ^= 1;
            // another spelling of the same signature is the same certificate
            let signature = |bytes: &[u8]| Signature::normalised(&bytes[text().len()..]).ok();
            if at >= text().len() && signature(&bent) == signature(&good) {
                continue;
            }
            assert_eq!(world.status(&bent), "bad", "byte {at}");
        }

        let replayed = Carried {
            nonce_status: Some("SLOP"),
            ..carried()
        };
        let judgement = judge(&good, &replayed, &world.policy);
        assert_eq!(judgement.status, Status::Stale);
        world.policy.signers[0].retired = true;
        assert_eq!(world.status(&good), "unknown");
        world.policy.signers.clear();
        assert_eq!(world.status(&good), "unknown");
    }
}
