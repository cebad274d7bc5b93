//! The recorded state at one entry, kept so that the next comparison reads only what follows.
//!
//! It counts only where the chain holds the entry it was folded at, by commit and digest, and
//! where its own sum fits. Deleting it loses only time.
//!
//! # Limits
//! The sum is no signature. Whoever can write this file can write one that fits, and can write
//! refs just as well; only folding from the root (`--full`) looks past it.

use std::io;
use std::path::PathBuf;

use gix::ObjectId;

use crate::durable;
use crate::entry::parse_hex;
use crate::hook::watched::is_name;
use crate::ledger::Ledger;
use crate::merkle::{self, Hash};

use super::Held;
use super::state::{Claim, State};

const HEAD: &str = "git-ledger refs 1";
const MAX_FILE: u64 = 1 << 30;

/// The cache of one ledger and one source.
#[derive(Debug, Clone)]
pub struct Cache {
    path: PathBuf,
    format: gix::hash::Kind,
}

/// A state and the entry it was folded at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub commit: ObjectId,
    pub digest: Hash,
    pub state: State,
}

impl Cache {
    /// The cache of what `ledger` records of the refs of `source`. `watching`: words that stand for
    /// the choice of refs that count; another choice is another cache.
    pub fn of(ledger: &Ledger, source: &str, watching: &[&str]) -> Cache {
        let mut key = format!("{}\n{source}", ledger.reference());
        for word in watching {
            key.push('\n');
            key.push_str(word);
        }
        let key = merkle::hex(&merkle::sha256(key.as_bytes()));
        let name = key.get(..16).unwrap_or_default().to_owned();
        Cache {
            path: ledger.state_dir().join("refs").join(name),
            format: ledger.repository().object_format(),
        }
    }

    pub(super) fn load(&self) -> Option<Known> {
        if std::fs::metadata(&self.path).ok()?.len() > MAX_FILE {
            return None;
        }
        parse(&std::fs::read(&self.path).ok()?, self.format)
    }

    pub(super) fn save(&self, commit: ObjectId, digest: &Hash, state: &State) -> io::Result<()> {
        if let Some(dir) = self.path.parent() {
            durable::create_dir_all(dir)?;
        }
        durable::write(&self.path, &write(commit, digest, state))
    }
}

fn write(commit: ObjectId, digest: &Hash, state: &State) -> Vec<u8> {
    let baseline = state.baseline.map_or("-".to_owned(), |n| n.to_string());
    let mut out = format!("{HEAD}\n{commit} {} {baseline}\n", merkle::hex(digest)).into_bytes();
    for (name, claims) in &state.claims {
        for claim in claims {
            let held = match &claim.held {
                Held::Nothing => b"-".to_vec(),
                Held::Broken => b"!".to_vec(),
                Held::Object(id) => id.to_string().into_bytes(),
                Held::Symbolic(target) => [b"@", target.as_slice()].concat(),
            };
            let head = format!("{} {} ", claim.entry, merkle::hex(&claim.event));
            for part in [head.as_bytes(), &held, b" ", name, b"\n"] {
                out.extend_from_slice(part);
            }
        }
        if claims.is_empty() {
            for part in [b"= ".as_slice(), name, b"\n"] {
                out.extend_from_slice(part);
            }
        }
    }
    let sum = merkle::hex(&merkle::sha256(&out));
    out.extend_from_slice(format!("sum {sum}\n").as_bytes());
    out
}

fn parse(bytes: &[u8], format: gix::hash::Kind) -> Option<Known> {
    let body = bytes.len().checked_sub("sum \n".len() + 64)?;
    let (body, last) = bytes.split_at_checked(body)?;
    if last != format!("sum {}\n", merkle::hex(&merkle::sha256(body))).as_bytes() {
        return None;
    }
    let mut lines = body.split(|byte| *byte == b'\n');
    if lines.next()? != HEAD.as_bytes() {
        return None;
    }
    let mut words = std::str::from_utf8(lines.next()?).ok()?.split(' ');
    let commit = crate::git::parse_id(words.next()?.as_bytes(), format)?;
    let digest = parse_hex(words.next()?)?;
    let baseline = match words.next()? {
        "-" => None,
        number => Some(number.parse().ok()?),
    };
    let mut state = State {
        baseline,
        ..State::default()
    };
    for line in lines.filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix(b"= ") {
            state.claims.entry(name.to_vec()).or_default();
            continue;
        }
        let mut words = line.splitn(4, |byte| *byte == b' ');
        let text = |word: Option<&[u8]>| std::str::from_utf8(word?).ok().map(str::to_owned);
        let entry = text(words.next())?.parse().ok()?;
        let event = parse_hex(&text(words.next())?)?;
        let held = match words.next()? {
            b"-" => Held::Nothing,
            b"!" => Held::Broken,
            word => match word.strip_prefix(b"@") {
                Some(target) => Held::Symbolic(target.to_vec()),
                None => Held::Object(crate::git::parse_id(word, format)?),
            },
        };
        let name = words
            .next()
            .filter(|name| is_name(name) || *name == b"HEAD")?;
        let claims = state.claims.entry(name.to_vec()).or_default();
        claims.push(Claim { entry, event, held });
    }
    Some(Known {
        commit,
        digest,
        state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::hash::Kind::Sha1;

    #[test]
    fn keeps_a_state_and_notices_every_changed_byte() {
        let id = ObjectId::from_bytes_or_panic(&[7; 20]);
        let claim = |entry, held| Claim {
            entry,
            event: [9; 32],
            held,
        };
        let claims = [
            (
                b"refs/heads/a".to_vec(),
                vec![claim(1, Held::Nothing), claim(2, Held::Object(id))],
            ),
            (b"refs/heads/\xff".to_vec(), vec![claim(3, Held::Broken)]),
            (
                b"HEAD".to_vec(),
                vec![claim(3, Held::Symbolic(b"refs/heads/a".to_vec()))],
            ),
            (b"refs/heads/gone".to_vec(), vec![]),
        ];
        let state = State {
            baseline: Some(4),
            claims: claims.into_iter().collect(),
        };
        let bytes = write(id, &[1; 32], &state);
        let known = Known {
            commit: id,
            digest: [1; 32],
            state,
        };
        assert_eq!(parse(&bytes, Sha1), Some(known));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(parse(&changed, Sha1), None, "{at}");
            assert_eq!(parse(&bytes[..at], Sha1), None, "{at}");
        }
    }
}
