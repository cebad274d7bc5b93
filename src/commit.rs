//! An entry as the bytes of a signed commit, and back, byte for byte.
//!
//! A [`Link`] keeps its raw bytes and says only what they claim; nobody has judged it yet.
//! Repositories, branches and processes are not known here.
//!
//! Source: `ledger-spec/entry.md`; git's commit format as in `git help format-signature` (gitformat-signature(5)).

mod draft;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::hash::Kind;

pub use self::draft::Draft;
use crate::entry::{Entry, decimal};
use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::principal::Principal;
use crate::signature::batch::Claim;
use crate::signature::{KnownKeys, Signature, SignatureFault};

/// The largest commit object, in bytes.
pub const MAX_BYTES: usize = 65_535;
/// The namespace of commit signatures (git's own).
pub const NAMESPACE: &str = "git";
/// The largest T: ten digits.
const MAX_TIME: u64 = 9_999_999_999;

/// A signed commit that spells an entry; unjudged.
#[derive(Debug, Clone)]
pub struct Link {
    /// The commit's object id.
    pub id: ObjectId,
    /// The tree it names.
    pub tree: ObjectId,
    /// The commit before it; none for the first.
    pub parent: Option<ObjectId>,
    /// Who it says it is by.
    pub principal: Principal,
    /// When it says it was made, in seconds since 1970.
    pub time: u64,
    /// The signature over everything else; not yet checked.
    pub signature: Signature,
    /// The entry.
    pub entry: Entry,
    raw: Vec<u8>,
    payload: Vec<u8>,
    digest: Hash,
}

impl Link {
    /// Reads the content of a commit object whose id the caller has already recomputed.
    ///
    /// # Errors
    /// The first deviation from the one spelling, without a position.
    pub fn parse(id: ObjectId, raw: Vec<u8>) -> Result<Link, Finding> {
        Link::parse_among(id, raw, &KnownKeys::new())
    }

    /// As [`Link::parse`], and quicker where the key is one of those that are known.
    ///
    /// # Errors
    /// As [`Link::parse`].
    pub fn parse_among(id: ObjectId, raw: Vec<u8>, keys: &KnownKeys) -> Result<Link, Finding> {
        if raw.len() > MAX_BYTES {
            return Err(Finding::new(
                FindingId::MessageTooLarge,
                format!("{} bytes", raw.len()),
            ));
        }
        let format = id.kind();
        let (head, message) =
            split_head(&raw).ok_or_else(|| header("no empty line after the headers"))?;
        let headers = Headers::parse(head, format)?;
        let tree =
            object_id(headers.tree, format).ok_or_else(|| header("tree is not an object id"))?;
        let parent = match headers.parent {
            None => None,
            Some(hex) => {
                Some(object_id(hex, format).ok_or_else(|| header("parent is not an object id"))?)
            }
        };
        let (principal, time) = identity(headers.author)?;
        if headers.author != headers.committer {
            identity(headers.committer)?;
            let detail = format!(
                "author {:?}, committer {:?}",
                lossy(headers.author),
                lossy(headers.committer)
            );
            return Err(Finding::new(FindingId::IdentityMismatch, detail));
        }
        let signature =
            Signature::from_armour_among(&headers.armour, keys).map_err(signature_finding)?;
        if signature.namespace() != NAMESPACE {
            let detail = format!("namespace {:?}, not \"{NAMESPACE}\"", signature.namespace());
            return Err(Finding::new(FindingId::SignatureNamespace, detail));
        }
        let entry = Entry::parse(message)?;
        let mut payload = Vec::with_capacity(raw.len());
        payload.extend_from_slice(headers.before_signature);
        payload.push(b'\n');
        payload.extend_from_slice(message);
        let digest = merkle::leaf(&raw);
        Ok(Link {
            id,
            tree,
            parent,
            principal,
            time,
            signature,
            entry,
            payload,
            digest,
            raw,
        })
    }

    /// The content of the commit object.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The entry's one name: the RFC 6962 leaf hash of the commit's content.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// Checks the signature over the exact bytes read. Whether its key may sign is another
    /// question.
    ///
    /// # Errors
    /// The finding, without a position.
    pub fn check_signature(&self) -> Result<(), Finding> {
        self.signature
            .verify(NAMESPACE, &self.payload)
            .map_err(signature_finding)
    }

    /// The same question, to be asked together with others; its answer becomes a finding by
    /// [`signature_finding`].
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            signature: &self.signature,
            namespace: NAMESPACE,
            message: &self.payload,
        }
    }

    /// The bytes under the signature: the commit without its signature header.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// What a signature that cannot be accepted is called.
pub fn signature_finding(fault: SignatureFault) -> Finding {
    let id = match fault {
        SignatureFault::NotSsh => FindingId::SignatureKind,
        SignatureFault::NonCanonical(_) => FindingId::SignatureNonCanonical,
        SignatureFault::Namespace(_) => FindingId::SignatureNamespace,
        SignatureFault::Key(_) => FindingId::SignatureKey,
        SignatureFault::Bad => FindingId::SignatureBad,
    };
    Finding::new(id, fault.to_string())
}

/// The header git keeps the signature in: one name for each object format.
fn signature_header(format: Kind) -> &'static str {
    match format {
        Kind::Sha256 => "gpgsig-sha256",
        _ => "gpgsig",
    }
}

/// The parent named by the first `parent` header, whatever else is wrong with the commit; so
/// that a walk can go on past a malformed entry.
pub fn first_parent(raw: &[u8], format: Kind) -> Option<ObjectId> {
    let (head, _) = split_head(raw).unwrap_or((raw, &[]));
    head.split(|b| *b == b'\n')
        .find_map(|line| line.strip_prefix(b"parent "))
        .and_then(|hex| object_id(hex, format))
}

/// Whether the commit has a `parent` header at all, be it one that names nothing.
pub fn has_parent(raw: &[u8]) -> bool {
    let (head, _) = split_head(raw).unwrap_or((raw, &[]));
    head.split(|b| *b == b'\n')
        .any(|line| line.starts_with(b"parent "))
}

struct Headers<'a> {
    tree: &'a [u8],
    parent: Option<&'a [u8]>,
    author: &'a [u8],
    committer: &'a [u8],
    armour: Vec<u8>,
    before_signature: &'a [u8],
}

impl<'a> Headers<'a> {
    fn parse(head: &'a [u8], format: Kind) -> Result<Headers<'a>, Finding> {
        let signature = signature_header(format).as_bytes();
        let known: [&[u8]; 5] = [b"tree", b"parent", b"author", b"committer", signature];
        // the first line and the continuation lines of each header, as one slice
        let mut found: Vec<(usize, &[u8])> = Vec::with_capacity(known.len());
        for line in folded_lines(head) {
            let name = line.split(|b| *b == b' ').next().unwrap_or_default();
            let Some(place) = known.iter().position(|known| *known == name) else {
                return Err(Finding::new(
                    FindingId::HeaderUnknown,
                    format!("header {:?}", lossy(name)),
                ));
            };
            if found.iter().any(|(other, _)| *other == place) {
                let id = if name == b"parent" {
                    FindingId::ParentCount
                } else {
                    FindingId::HeaderDuplicate
                };
                return Err(Finding::new(
                    id,
                    format!("header {:?} stands twice", lossy(name)),
                ));
            }
            let value = line
                .get(name.len() + 1..)
                .ok_or_else(|| header(format!("{:?} has no value", lossy(name))))?;
            let single = place == 4 || !value.contains(&b'\n');
            if !single || found.last().is_some_and(|(last, _)| *last > place) {
                return Err(header(format!(
                    "header {:?} is folded or out of order",
                    lossy(name)
                )));
            }
            found.push((place, value));
        }
        let value = |place: usize| {
            found
                .iter()
                .find(|(other, _)| *other == place)
                .map(|(_, value)| *value)
        };
        let must = |place: usize| {
            value(place).ok_or_else(|| header(format!("no {} header", lossy(known[place]))))
        };
        let (tree, author, committer) = (must(0)?, must(2)?, must(3)?);
        let Some(folded) = value(4) else {
            return Err(Finding::new(
                FindingId::SignatureMissing,
                "no signature header",
            ));
        };
        let mut armour = Vec::with_capacity(folded.len() + 1);
        for (at, line) in folded.split(|b| *b == b'\n').enumerate() {
            // folded_lines made sure that each further line begins with a space
            armour.extend_from_slice(if at == 0 {
                line
            } else {
                line.get(1..).unwrap_or_default()
            });
            armour.push(b'\n');
        }
        let before = head.len() - (signature.len() + 1 + folded.len() + 1);
        let before_signature = head.get(..before).unwrap_or_default();
        Ok(Headers {
            tree,
            parent: value(1),
            author,
            committer,
            armour,
            before_signature,
        })
    }
}

/// Each header: a line with the lines that continue it, without the last LF.
fn folded_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        loop {
            let more = rest.get(end..).unwrap_or_default();
            end += more.find_byte(b'\n').map_or(more.len(), |at| at + 1);
            if rest.get(end) != Some(&b' ') {
                break;
            }
        }
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line.strip_suffix(b"\n").unwrap_or(line))
    })
}

/// The headers with the LF of the last one, and what follows the empty line.
fn split_head(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = raw.find(b"\n\n")?;
    Some((raw.get(..at + 1)?, raw.get(at + 2..)?))
}

fn header(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::HeaderMalformed, why)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An object id of this format in lower-case hex.
fn object_id(hex: &[u8], format: Kind) -> Option<ObjectId> {
    let lower = hex
        .iter()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    let fits = hex.len() == format.len_in_hex() && lower;
    fits.then(|| ObjectId::from_hex(hex).ok()).flatten()
}

/// `P <P> T +0000`.
fn identity(value: &[u8]) -> Result<(Principal, u64), Finding> {
    let parsed = std::str::from_utf8(value).ok().and_then(|text| {
        let (who, time) = text.strip_suffix(" +0000")?.rsplit_once(' ')?;
        let (name, mail) = who.split_once(' ')?;
        let principal = Principal::parse(name)?;
        let same = mail.strip_prefix('<')?.strip_suffix('>')? == name;
        let time = decimal(time).filter(|time| *time <= MAX_TIME)?;
        same.then_some((principal, time))
    });
    parsed.ok_or_else(|| {
        Finding::new(
            FindingId::IdentityMalformed,
            format!("found {:?}", lossy(value)),
        )
    })
}
