//! A tip: the number and digest of a newest entry, small enough to be kept on paper and to be
//! pasted in a mail.
//!
//! A server can show different histories to different people as long as they never tell each
//! other what they saw; and who controls every copy can take all of them back. A tip that was
//! kept or told elsewhere shows both. It carries no signature and needs none: nobody who sends a
//! false tip gains more than a question.
//!
//! Source: `ledger-spec/mirror.md`, "Tips".

use crate::entry::parse_hex;
use crate::merkle::{self, Hash};

/// What a line with a tip begins with.
const WORD: &str = "git-ledger-tip";

/// The newest entry that somebody saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Its number.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
    /// The digest of entry 0, if it was told.
    pub fingerprint: Option<Hash>,
}

/// How a tip stands to a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is the newest entry.
    Newest,
    /// The entry stands there, and so many follow it.
    Followed(u64),
    /// Another entry has its number.
    Forked,
    /// It is of a ledger that begins with another entry.
    Unrelated,
    /// It is so many entries newer than the newest one.
    Newer(u64),
    /// The history is cut off above it.
    CutOff,
}

impl Standing {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Newest | Standing::Followed(_) => "same",
            Standing::Forked => "forked",
            Standing::Unrelated => "unrelated",
            Standing::Newer(_) => "newer",
            Standing::CutOff => "cut off",
        }
    }
}

impl Tip {
    /// The line: `git-ledger-tip <number> sha256:<digest> sha256:<fingerprint>`, without an end.
    pub fn line(&self) -> String {
        let hash = |hash: &Hash| format!("sha256:{}", merkle::hex(hash));
        let fingerprint = self
            .fingerprint
            .as_ref()
            .map_or_else(|| "-".to_owned(), hash);
        format!(
            "{WORD} {} {} {fingerprint}",
            self.number,
            hash(&self.digest)
        )
    }

    /// Reads a tip as a person gives it: the line, or `<number>:<digest>`, with or without
    /// `sha256:` before the digest.
    pub fn parse(text: &str) -> Option<Tip> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match words.as_slice() {
            [WORD, number, digest, fingerprint] => line(number, digest, fingerprint),
            [short] => {
                let (number, digest) = short.split_once(':')?;
                Some(Tip {
                    number: decimal(number)?,
                    digest: hash(digest).or_else(|| parse_hex(digest))?,
                    fingerprint: None,
                })
            }
            _ => None,
        }
    }

    /// Every line with a tip in a text, as a mail holds it: broken at spaces, quoted with `>`.
    /// A line that begins as one and is none makes the text unreadable.
    pub fn find_all(text: &str) -> Option<Vec<Tip>> {
        let mut words = text.split_ascii_whitespace().filter(|word| !is_quote(word));
        let mut found = Vec::new();
        while let Some(word) = words.next() {
            if word.trim_start_matches('>') == WORD {
                found.push(line(words.next()?, words.next()?, words.next()?)?);
            }
        }
        Some(found)
    }

    /// How it stands to a history that begins with `fingerprint`, if that is known, and ends with
    /// entry `newest`; `at` tells the digest of an entry of it that is not newer than that.
    pub fn stands(
        &self,
        fingerprint: Option<Hash>,
        newest: u64,
        at: impl FnOnce(u64) -> Option<Hash>,
    ) -> Standing {
        if let (Some(ours), Some(theirs)) = (fingerprint, self.fingerprint)
            && ours != theirs
        {
            return Standing::Unrelated;
        }
        match newest.checked_sub(self.number) {
            None => Standing::Newer(self.number.saturating_sub(newest)),
            Some(follow) => match at(self.number) {
                None => Standing::CutOff,
                Some(digest) if digest != self.digest => Standing::Forked,
                Some(_) if follow == 0 => Standing::Newest,
                Some(_) => Standing::Followed(follow),
            },
        }
    }
}

fn is_quote(word: &str) -> bool {
    word.bytes().all(|byte| byte == b'>')
}

fn line(number: &str, digest: &str, fingerprint: &str) -> Option<Tip> {
    Some(Tip {
        number: decimal(number)?,
        digest: hash(digest)?,
        fingerprint: match fingerprint {
            "-" => None,
            text => Some(hash(text)?),
        },
    })
}

fn hash(text: &str) -> Option<Hash> {
    parse_hex(text.strip_prefix("sha256:")?)
}

fn decimal(text: &str) -> Option<u64> {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(number: u64, fingerprint: Option<Hash>) -> Tip {
        Tip {
            number,
            digest: [7; 32],
            fingerprint,
        }
    }

    #[test]
    fn a_line_is_read_back() {
        for tip in [tip(0, None), tip(17, Some([1; 32]))] {
            let line = tip.line();
            assert_eq!(Tip::parse(&line), Some(tip.clone()));
            assert_eq!(Tip::find_all(&line), Some(vec![tip.clone()]));
            let broken = line.replace(' ', "\r\n> ");
            let mail = format!("dear all,\n> {broken}\n-- \nann");
            assert_eq!(Tip::find_all(&mail), Some(vec![tip]));
        }
        let digest = "07".repeat(32);
        assert_eq!(Tip::parse(&format!("17:{digest}")), Some(tip(17, None)));
        assert_eq!(
            Tip::parse(&format!("17:sha256:{digest}")),
            Some(tip(17, None))
        );
    }

    #[test]
    fn nothing_else_is_a_tip() {
        let digest = "07".repeat(32);
        for wrong in [
            String::new(),
            "17".into(),
            format!("017:{digest}"),
            format!("-1:{digest}"),
            format!("+1:{digest}"),
            format!("17:{digest}0"),
            format!("17:{}", digest.to_uppercase().replace('7', "A")),
            format!("99999999999999999999:{digest}"),
            format!("git-ledger-tip 17 sha256:{digest}"),
            format!("git-ledger-tip 17 {digest} -"),
        ] {
            assert_eq!(Tip::parse(&wrong), None, "{wrong}");
        }
        assert_eq!(Tip::find_all("no tip here"), Some(vec![]));
        assert_eq!(Tip::find_all("git-ledger-tip 17 sha256:cut"), None);
    }

    #[test]
    fn a_tip_is_held_against_a_history() {
        let same = |_| Some([7; 32]);
        let stands = |tip: Tip, newest| tip.stands(Some([1; 32]), newest, same);
        assert_eq!(stands(tip(4, None), 4), Standing::Newest);
        assert_eq!(stands(tip(4, Some([1; 32])), 6), Standing::Followed(2));
        assert_eq!(stands(tip(4, None), 3), Standing::Newer(1));
        assert_eq!(stands(tip(4, Some([2; 32])), 3), Standing::Unrelated);
        let other = tip(4, None).stands(None, 4, |_| Some([8; 32]));
        assert_eq!(other, Standing::Forked);
        assert_eq!(tip(4, None).stands(None, 6, |_| None), Standing::CutOff);
    }
}
