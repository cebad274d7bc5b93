//! Variables by name: which are looked at, their digests, and what a step wrote into the files that
//! carry variables to later steps.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::json::forbidden_character;
use crate::mac::{DigestKey, Purpose};
use crate::secret;

/// The most variables that are looked at.
pub const MAX: usize = 10_000;
/// The longest name that is looked at, in bytes.
const MAX_NAME: usize = 1024;
/// The longest value that may stand in the record, in bytes.
pub const MAX_VALUE: usize = 1024;

/// Which variables are looked at.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    wanted: GlobSet,
    unwanted: GlobSet,
    values: BTreeSet<String>,
}

/// A variable that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The HMAC of its name and value.
    pub mac: String,
    /// The value, where it may stand in the record.
    pub value: Option<String>,
}

/// Variables by name; bytes, since names need not be text.
pub type Variables = BTreeMap<Vec<u8>, Variable>;

/// Why variables cannot be looked at as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableFault {
    /// Not a pattern.
    #[error("'{pattern}' is no pattern of names: {why}")]
    Pattern {
        /// What was given.
        pattern: String,
        /// Why.
        why: String,
    },
    /// A value was asked for that the record must not hold.
    #[error("the value of '{0}' cannot be recorded: the name is that of a secret")]
    SecretName(String),
    /// As before; the value gives it away.
    #[error("the value of '{0}' cannot be recorded: it looks like a secret")]
    SecretValue(String),
    /// The value is none for a record.
    #[error("the value of '{name}' cannot be recorded: {why}")]
    Value {
        /// The variable.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// Not the name of one variable.
    #[error("'{0}' is not the name of a variable; values are recorded for exact names only")]
    Name(String),
    /// More than anybody sets.
    #[error("more than {MAX} variables are set")]
    TooMany,
}

impl Patterns {
    /// The patterns of `names`, those that begin with `!` taking names away; and the exact names
    /// whose values may stand in the record.
    ///
    /// # Errors
    /// [`VariableFault`] for what is no pattern, or the name of a secret among `values`.
    pub fn new(names: &[String], values: &[String]) -> Result<Patterns, VariableFault> {
        let (mut wanted, mut unwanted) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in names {
            let fault = |why: String| VariableFault::Pattern {
                pattern: pattern.clone(),
                why,
            };
            let (set, glob) = match pattern.strip_prefix('!') {
                Some(glob) => (&mut unwanted, glob),
                None => (&mut wanted, pattern.as_str()),
            };
            if glob.is_empty() || glob.len() > MAX_NAME {
                return Err(fault("it is empty or too long".into()));
            }
            let glob = GlobBuilder::new(glob).build();
            set.add(glob.map_err(|why| fault(why.kind().to_string()))?);
        }
        for name in values {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
            if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
                return Err(VariableFault::Name(name.clone()));
            }
            if secret::is_name(name) {
                return Err(VariableFault::SecretName(name.clone()));
            }
        }
        let build = |set: GlobSetBuilder| {
            set.build().map_err(|why| VariableFault::Pattern {
                pattern: names.join(" "),
                why: why.to_string(),
            })
        };
        Ok(Patterns {
            wanted: build(wanted)?,
            unwanted: build(unwanted)?,
            values: values.iter().cloned().collect(),
        })
    }

    /// Whether a variable is looked at.
    pub fn wants(&self, name: &[u8]) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        let word = std::ffi::OsStr::from_bytes(name);
        name.len() <= MAX_NAME
            && (self.shows(name) || (self.wanted.is_match(word) && !self.unwanted.is_match(word)))
    }

    /// Whether nothing is looked at.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.values.is_empty()
    }

    fn shows(&self, name: &[u8]) -> bool {
        std::str::from_utf8(name).is_ok_and(|name| self.values.contains(name))
    }

    /// The variables that are looked at, each with its digest.
    ///
    /// # Errors
    /// When a value that was asked for must not stand in the record.
    pub fn select<'a>(
        &self,
        all: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
        key: &DigestKey,
    ) -> Result<Variables, VariableFault> {
        let mut found = Variables::new();
        for (name, value) in all {
            if !self.wants(name) {
                continue;
            }
            if found.len() >= MAX {
                return Err(VariableFault::TooMany);
            }
            let shown = match self.shows(name) {
                true => Some(shown(name, value)?),
                false => None,
            };
            let mac = key.mac(Purpose::Variable, &[name, value]);
            found.insert(name.to_vec(), Variable { mac, value: shown });
        }
        Ok(found)
    }
}

/// A value as the record may hold it.
fn shown(name: &[u8], value: &[u8]) -> Result<String, VariableFault> {
    let name = String::from_utf8_lossy(name).into_owned();
    let Ok(text) = std::str::from_utf8(value) else {
        return Err(VariableFault::Value {
            name,
            why: "it is not UTF-8",
        });
    };
    if text.len() > MAX_VALUE {
        return Err(VariableFault::Value {
            name,
            why: "it is longer than 1024 bytes",
        });
    }
    if forbidden_character(text).is_some() {
        return Err(VariableFault::Value {
            name,
            why: "it holds a character that the record refuses",
        });
    }
    if secret::is_in(text) {
        return Err(VariableFault::SecretValue(name));
    }
    Ok(text.to_owned())
}

/// What stands in a file of variables such as the one `$GITHUB_ENV` names: lines `NAME=value`, and
/// `NAME<<END` with the value on the lines up to `END`. The last one of a name counts; lines that
/// are neither are passed over.
pub fn in_file(text: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let trimmed = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    let mut lines = text.split(|b| *b == b'\n').map(trimmed);
    while let Some(line) = lines.next() {
        let at = |mark: &[u8]| line.windows(mark.len()).position(|part| part == mark);
        let (equals, here) = (at(b"="), at(b"<<"));
        match (equals, here) {
            (equals, Some(here)) if equals.is_none_or(|equals| here < equals) => {
                let end = line.get(here + 2..).unwrap_or_default().to_vec();
                let mut value: Vec<Vec<u8>> = Vec::new();
                for line in lines.by_ref() {
                    if line == end {
                        break;
                    }
                    value.push(line);
                }
                let name = line.get(..here).unwrap_or_default();
                found.insert(name.to_vec(), value.join(&b'\n'));
            }
            (Some(equals), _) if equals > 0 => {
                let name = line.get(..equals).unwrap_or_default();
                let value = line.get(equals + 1..).unwrap_or_default();
                found.insert(name.to_vec(), value.to_vec());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DigestKey {
        DigestKey::parse("7".repeat(64).as_bytes()).unwrap()
    }

    fn names(patterns: &[&str], values: &[&str]) -> Result<Patterns, VariableFault> {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        Patterns::new(&owned(patterns), &owned(values))
    }

    #[test]
    fn only_what_was_asked_for_and_never_a_value_unasked() {
        let patterns = names(&["DEPLOY_*", "!DEPLOY_TMP*", "R?"], &["REGION"]).unwrap();
        let all: [(&[u8], &[u8]); 6] = [
            (b"DEPLOY_ENV", b"prod"),
            (b"DEPLOY_TMPDIR", b"/tmp"),
            (b"R1", b""),
            (b"REGION", b"eu-1"),
            (b"OTHER", b"x"),
            (b"R\xff", b"\xff"),
        ];
        let found = patterns.select(all, &key()).unwrap();
        let seen: Vec<&[u8]> = found.keys().map(Vec::as_slice).collect();
        assert_eq!(seen, [&b"DEPLOY_ENV"[..], b"R1", b"REGION", b"R\xff"]);
        assert_eq!(found[&b"REGION"[..]].value.as_deref(), Some("eu-1"));
        assert_eq!(found[&b"DEPLOY_ENV"[..]].value, None);
        assert_ne!(found[&b"R1"[..]].mac, found[&b"R\xff"[..]].mac);
    }

    #[test]
    fn secrets_are_refused_as_values() {
        let fault = |values| names(&[], values).unwrap_err();
        assert_eq!(
            fault(&["API_TOKEN"]),
            VariableFault::SecretName("API_TOKEN".into())
        );
        assert_eq!(fault(&["DB_*"]), VariableFault::Name("DB_*".into()));
        assert_eq!(fault(&[""]), VariableFault::Name(String::new()));
        assert!(matches!(
            names(&["[a"], &[]),
            Err(VariableFault::Pattern { .. })
        ));
        assert!(matches!(
            names(&["!"], &[]),
            Err(VariableFault::Pattern { .. })
        ));
        let patterns = names(&[], &["DATABASE_URL"]).unwrap();
        let select = |value: &[u8]| patterns.select([(&b"DATABASE_URL"[..], value)], &key());
        assert_eq!(
            select(b"postgres://u:p@h/d"),
            Err(VariableFault::SecretValue("DATABASE_URL".into()))
        );
        for value in [&b"\xff"[..], &[b'x'; 1025], "\u{85}".as_bytes()] {
            assert!(matches!(select(value), Err(VariableFault::Value { .. })));
        }
        assert!(select(b"postgres://h/d").is_ok());
    }

    #[test]
    fn files_of_variables() {
        let text =
            b"A=1\nB<<END\nx=1\ny\nEND\n\nnoise\n=x\nA=2=3\r\nC<<E=F\nz\nE=F\nD<<NEVER\nlast";
        let found = in_file(text);
        let get = |name: &str| found.get(name.as_bytes()).map(Vec::as_slice);
        assert_eq!(get("A"), Some(&b"2=3"[..]));
        assert_eq!(get("B"), Some(&b"x=1\ny"[..]));
        assert_eq!(get("C"), Some(&b"z"[..]));
        assert_eq!(get("D"), Some(&b"last"[..]));
        assert_eq!(found.len(), 4);
    }
}
