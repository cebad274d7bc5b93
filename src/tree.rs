//! The tree of an entry: three files, and attachments only where an entry brings them.
//!
//! Source: `ledger-spec/entry.md`, "The tree"; git's tree object format.

use gix::ObjectId;
use gix::hash::Kind;

use crate::event;
use crate::finding::{Finding, FindingId};

/// The largest tree object that is looked at, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The largest attachment, in bytes.
pub const MAX_ATTACHMENT: usize = 64 << 20;

const FILE: &str = "100644";
const DIRECTORY: &str = "40000";

/// The three files that hold the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PolicyPart {
    /// `ledger.toml`
    pub policy: ObjectId,
    /// `allowed_signers`
    pub allowed_signers: ObjectId,
    /// `README.md`
    pub readme: ObjectId,
}

/// What the tree of an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// The policy part.
    pub part: PolicyPart,
    /// The directory `attachments`, if there is one.
    pub attachments: Option<ObjectId>,
}

fn shape(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::TreeShape, why)
}

/// `(mode, name, id)` of each row, as they stand.
fn rows(raw: &[u8], format: Kind) -> Result<Vec<(&str, &str, ObjectId)>, Finding> {
    let mut rows = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let row = rest.iter().position(|b| *b == 0).and_then(|end| {
            let (mode, name) = std::str::from_utf8(rest.get(..end)?)
                .ok()?
                .split_once(' ')?;
            let id = rest.get(end + 1..end + 1 + format.len_in_bytes())?;
            rest = rest.get(end + 1 + format.len_in_bytes()..)?;
            Some((mode, name, ObjectId::try_from(id).ok()?))
        });
        rows.push(row.ok_or_else(|| shape("the tree object is malformed"))?);
    }
    Ok(rows)
}

impl Tree {
    /// Reads the content of a tree object.
    ///
    /// # Errors
    /// [`FindingId::TreeShape`], without a position.
    pub fn parse(raw: &[u8], format: Kind) -> Result<Tree, Finding> {
        let rows = rows(raw, format)?;
        // git sorts a directory as if its name ended in a slash
        let expected = [
            (FILE, "README.md"),
            (FILE, "allowed_signers"),
            (DIRECTORY, "attachments"),
            (FILE, "ledger.toml"),
        ];
        let names: Vec<(&str, &str)> = rows.iter().map(|(mode, name, _)| (*mode, *name)).collect();
        let without: Vec<(&str, &str)> = expected
            .iter()
            .copied()
            .filter(|(mode, _)| *mode == FILE)
            .collect();
        let id = |wanted: &str| {
            rows.iter()
                .find(|(_, name, _)| *name == wanted)
                .map(|(_, _, id)| *id)
        };
        if names != expected && names != without {
            let found: Vec<String> = names
                .iter()
                .take(8)
                .map(|(mode, name)| format!("{mode} {name}"))
                .collect();
            return Err(shape(format!("the tree holds {:?}", found.join(", "))));
        }
        match (id("ledger.toml"), id("allowed_signers"), id("README.md")) {
            (Some(policy), Some(allowed_signers), Some(readme)) => Ok(Tree {
                part: PolicyPart {
                    policy,
                    allowed_signers,
                    readme,
                },
                attachments: id("attachments"),
            }),
            _ => Err(shape("a file is missing")),
        }
    }

    /// The content of the tree object.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        row(&mut out, FILE, "README.md", &self.part.readme);
        row(
            &mut out,
            FILE,
            "allowed_signers",
            &self.part.allowed_signers,
        );
        if let Some(attachments) = &self.attachments {
            row(&mut out, DIRECTORY, "attachments", attachments);
        }
        row(&mut out, FILE, "ledger.toml", &self.part.policy);
        out
    }
}

/// Reads the directory `attachments`: digest (64 hex) and blob of each file.
///
/// # Errors
/// [`FindingId::TreeShape`], without a position.
pub fn parse_attachments(raw: &[u8], format: Kind) -> Result<Vec<(String, ObjectId)>, Finding> {
    let rows = rows(raw, format)?;
    if rows.is_empty() {
        return Err(shape("the directory attachments is empty"));
    }
    if let Some((mode, name, _)) = rows
        .iter()
        .find(|(mode, name, _)| *mode != FILE || !event::is_sha256_hex(name))
    {
        return Err(shape(format!("attachments holds {mode} {name:?}")));
    }
    if rows.windows(2).any(|pair| pair[0].1 >= pair[1].1) {
        return Err(shape("attachments is not sorted"));
    }
    Ok(rows
        .into_iter()
        .map(|(_, name, id)| (name.to_owned(), id))
        .collect())
}

/// The content of the directory `attachments`; the files must be sorted by digest, none twice.
pub fn write_attachments(files: &[(String, ObjectId)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (digest, blob) in files {
        row(&mut out, FILE, digest, blob);
    }
    out
}

fn row(out: &mut Vec<u8>, mode: &str, name: &str, id: &ObjectId) {
    out.extend_from_slice(mode.as_bytes());
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.extend_from_slice(id.as_slice());
}
