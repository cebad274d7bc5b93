//! The file: one JSON object in canonical form on one line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gix::hash::Kind as Format;

use crate::finding::{Finding, FindingId};
use crate::json::{Object, Value};
use crate::merkle::Hash;
use crate::policy::{MAX_BYTES as MAX_POLICY, SPEC};

use super::{Claim, Proof, Shown, SplitKind};

/// The largest file, in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// Hashes a path may have: numbers end at 2^53 − 1.
const MAX_PATH: usize = 53;

/// Reads a receipt or evidence. The entries it shows are text until [`Proof::judge`] looks at them.
///
/// # Errors
/// [`FindingId::ProofMalformed`] unless it is a file in the one spelling, and
/// [`FindingId::SpecUnsupported`] when it is of a level this program does not know.
pub fn parse(bytes: &[u8]) -> Result<Proof, Finding> {
    if bytes.len() > MAX_BYTES {
        let detail = format!("{} bytes, more than {MAX_BYTES}", bytes.len());
        return Err(malformed(detail));
    }
    let line = bytes
        .strip_suffix(b"\n")
        .ok_or_else(|| malformed("no line feed at the end; is the file whole?"))?;
    let value = Value::parse_canonical(line).map_err(|why| malformed(why.to_string()))?;
    let file = value.as_object().ok_or_else(|| malformed("no object"))?;
    match file.get("spec").and_then(Value::as_integer) {
        Some(level) if level == SPEC as i64 => {}
        Some(level) if level > SPEC as i64 => {
            let detail = format!("a file of level {level}; this program knows level {SPEC}");
            return Err(Finding::new(FindingId::SpecUnsupported, detail));
        }
        _ => return Err(malformed("spec is not the number of a level")),
    }
    let kind = text(file, "kind")?;
    let (members, claim): (&[&str], Claim) = match kind {
        "receipt" => {
            let entry = file.get("entry").and_then(Value::as_integer);
            let entry = entry.and_then(|entry| u64::try_from(entry).ok());
            let claim = Claim::Receipt {
                entry: entry.ok_or_else(|| malformed("entry is not a number"))?,
                entries: entries(file, "entries")?,
            };
            (&["entries", "entry"], claim)
        }
        word => {
            let kinds = [SplitKind::Fork, SplitKind::Stray, SplitKind::Twin];
            let kind = kinds.into_iter().find(|kind| kind.word() == word);
            let claim = Claim::Split {
                kind: kind.ok_or_else(|| malformed(format!("kind is {word:?}")))?,
                common: entries(file, "common")?,
                here: entries(file, "here")?,
                there: entries(file, "there")?,
            };
            (&["common", "here", "there"], claim)
        }
    };
    only(file, &["format", "kind", "policies", "spec"], members)?;
    let format = match text(file, "format")? {
        "sha1" => Format::Sha1,
        "sha256" => Format::Sha256,
        other => return Err(malformed(format!("format is {other:?}"))),
    };
    let policies = array(file, "policies")?
        .iter()
        .map(|policy| policy.as_str().map(str::to_owned))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| malformed("a policy is not a string"))?;
    if policies.iter().any(|toml| toml.len() > MAX_POLICY) {
        return Err(malformed(format!(
            "a policy of more than {MAX_POLICY} bytes"
        )));
    }
    Ok(Proof {
        format,
        policies,
        claim,
    })
}

impl Proof {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let format = match self.format {
            Format::Sha256 => "sha256",
            _ => "sha1",
        };
        let policies: Vec<Value> = self.policies.iter().cloned().map(Value::from).collect();
        let file = Object::new()
            .with("format", format)
            .with("policies", policies)
            .with("spec", SPEC as i64);
        let file = match &self.claim {
            Claim::Receipt { entry, entries } => file
                .with("kind", "receipt")
                .with("entry", i64::try_from(*entry).unwrap_or(i64::MAX))
                .with("entries", values(entries)),
            Claim::Split {
                kind,
                common,
                here,
                there,
            } => file
                .with("kind", kind.word())
                .with("common", values(common))
                .with("here", values(here))
                .with("there", values(there)),
        };
        let mut out = Value::from(file).to_canonical();
        out.push('\n');
        out.into_bytes()
    }
}

fn values(entries: &[Shown]) -> Vec<Value> {
    let value = |shown: &Shown| {
        let path = shown.path.iter().map(|hash| BASE64.encode(hash).into());
        Object::new()
            .with("commit", shown.commit.as_str())
            .with("path", path.collect::<Vec<Value>>())
            .into()
    };
    entries.iter().map(value).collect()
}

fn entries(file: &Object, name: &str) -> Result<Vec<Shown>, Finding> {
    array(file, name)?
        .iter()
        .map(|item| {
            let item = item
                .as_object()
                .ok_or_else(|| malformed(format!("an item of {name} is no object")))?;
            only(item, &["commit", "path"], &[])?;
            let path = array(item, "path")?;
            if path.len() > MAX_PATH {
                return Err(malformed(format!("a path of {} hashes", path.len())));
            }
            Ok(Shown {
                commit: text(item, "commit")?.to_owned(),
                path: path.iter().map(hash).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Base64 with padding and zero spare bits, as the engine demands.
fn hash(value: &Value) -> Result<Hash, Finding> {
    value
        .as_str()
        .and_then(|text| BASE64.decode(text).ok())
        .and_then(|bytes| Hash::try_from(bytes).ok())
        .ok_or_else(|| malformed("a hash is not base64 of 32 bytes"))
}

fn text<'a>(object: &'a Object, name: &str) -> Result<&'a str, Finding> {
    let value = object.get(name).and_then(Value::as_str);
    value.ok_or_else(|| malformed(format!("{name} is not a string")))
}

fn array<'a>(object: &'a Object, name: &str) -> Result<&'a [Value], Finding> {
    let value = object.get(name).and_then(Value::as_array);
    value.ok_or_else(|| malformed(format!("{name} is not an array")))
}

/// That an object has no members but these.
fn only(object: &Object, some: &[&str], more: &[&str]) -> Result<(), Finding> {
    let known = |name: &str| some.contains(&name) || more.contains(&name);
    match object.iter().find(|(name, _)| !known(name)) {
        Some((name, _)) => Err(malformed(format!("a member {name:?}"))),
        None => Ok(()),
    }
}

fn malformed(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::ProofMalformed, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(number: u8) -> Shown {
        Shown {
            commit: format!("tree {number}\n"),
            path: vec![[number; 32]; usize::from(number)],
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let receipt = Claim::Receipt {
            entry: 1,
            entries: vec![shown(0), shown(1)],
        };
        let split = Claim::Split {
            kind: SplitKind::Stray,
            common: vec![shown(0)],
            here: vec![shown(1)],
            there: vec![shown(2), shown(3)],
        };
        for (format, claim) in [(Format::Sha1, receipt), (Format::Sha256, split)] {
            let policies = vec!["spec = 1\n".into()];
            let proof = Proof {
                format,
                policies,
                claim,
            };
            assert_eq!(parse(&proof.to_bytes()), Ok(proof));
        }
    }

    #[test]
    fn refuses_every_other_spelling() {
        let good = r#"{"entries":[{"commit":"","path":[]}],"entry":0,"format":"sha1","kind":"receipt","policies":[],"spec":1}"#;
        let parsed = |text: String| parse(text.as_bytes()).map_err(|finding| finding.id);
        assert!(parsed(format!("{good}\n")).is_ok());
        let bad = Err(FindingId::ProofMalformed);
        assert_eq!(parsed(good.into()), bad);
        assert_eq!(parsed(format!("{good}\n\n")), bad);
        assert_eq!(parsed(format!("{good}{}\n", " ".repeat(MAX_BYTES))), bad);
        for (from, to) in [
            ("\"spec\":1", "\"spec\":0"),
            ("\"spec\":1", "\"spec\":\"1\""),
            ("\"spec\":1", "\"spec\":1,\"x\":1"),
            ("{\"entries", "{ \"entries"),
            ("\"entry\":0", "\"entry\":-1"),
            ("\"entry\":0,", ""),
            ("\"path\":[]", "\"path\":[\"AA==\"]"),
            ("\"path\":[]", "\"path\":[],\"seq\":0"),
            ("sha1", "md5"),
            ("receipt", "fork"),
            ("receipt", "proof"),
            ("\"policies\":[]", "\"policies\":[1]"),
        ] {
            assert!(good.contains(from), "{from}");
            assert_eq!(parsed(good.replacen(from, to, 1) + "\n"), bad, "{to}");
        }
        let later = good.replacen("\"spec\":1", "\"spec\":2", 1) + "\n";
        assert_eq!(parsed(later), Err(FindingId::SpecUnsupported));
    }
}
