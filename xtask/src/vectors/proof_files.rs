//! Receipts and evidence before they are written: honest until somebody breaks them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::world::{Chain, Hash, hex, node};

/// An entry and the hashes that lead from it.
#[derive(Clone)]
pub struct Shown {
    pub commit: String,
    pub path: Vec<Hash>,
}

/// A file; every part may be changed before it is written.
#[derive(Clone)]
pub struct File {
    pub kind: &'static str,
    pub entry: Option<u64>,
    /// `entries`, or `common`, `here`, `there`.
    pub lists: Vec<(&'static str, Vec<Shown>)>,
    pub policies: Vec<String>,
    pub format: String,
    pub spec: u64,
    /// The digest of entry 0.
    pub fingerprint: String,
}

/// The root of the Merkle tree over these leaves, a power of two of them (RFC 6962 §2.1).
fn tree(leaves: &[Hash]) -> Hash {
    match leaves {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node(&tree(left), &tree(right))
        }
    }
}

/// The right-hand hashes of the audit path of leaf `i` in the subtree of 0..j that covers it.
fn path(chain: &Chain, i: usize, j: usize) -> Vec<Hash> {
    let height = if i < j { (i ^ j).ilog2() } else { 0 };
    (0..height)
        .filter(|level| i >> level & 1 == 0)
        .map(|level| {
            let start = ((i >> level) + 1) << level;
            tree(&chain.digests[start..start + (1 << level)])
        })
        .collect()
}

fn shown(chain: &Chain, numbers: &[usize], against: usize) -> Vec<Shown> {
    let one = |number: &usize| Shown {
        commit: String::from_utf8_lossy(chain.content(&chain.commits[*number])).into_owned(),
        path: path(chain, *number, against),
    };
    numbers.iter().map(one).collect()
}

/// Every `ledger.toml` that the entries name, in the order in which they first do.
fn policies(chains: &[&Chain], entries: &[Shown]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for entry in entries {
        let (_, rest) = entry
            .commit
            .split_once("Ledger-Policy: sha256:")
            .expect("a policy");
        let mut blobs = chains.iter().flat_map(|chain| &chain.objects);
        let blob = blobs.find(|object| hex(&Sha256::digest(&object.bytes)) == rest[..64]);
        let blob = blob.expect("the policy that is named");
        let text = String::from_utf8_lossy(&blob.bytes).into_owned();
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// A receipt that shows these entries; the last is the head.
pub fn receipt(chain: &Chain, numbers: &[usize], entry: u64) -> File {
    let entries = shown(chain, numbers, *numbers.last().expect("a head"));
    File {
        kind: "receipt",
        entry: Some(entry),
        policies: policies(&[chain], &entries),
        lists: vec![("entries", entries)],
        format: chain.format.to_string(),
        spec: 1,
        fingerprint: hex(&chain.digests[0]),
    }
}

/// Evidence of a split: the numbers shown of what both have, and of each side.
pub fn split(kind: &'static str, sides: [&Chain; 2], numbers: [&[usize]; 3]) -> File {
    let [here, there] = sides;
    let [common, ours, theirs] = numbers;
    let head = |numbers: &[usize]| *numbers.last().expect("a head");
    let lists = vec![
        ("common", shown(here, common, head(common) + 1)),
        ("here", shown(here, ours, head(ours))),
        ("there", shown(there, theirs, head(theirs))),
    ];
    let all: Vec<Shown> = lists.iter().flat_map(|(_, list)| list.clone()).collect();
    File {
        kind,
        entry: None,
        policies: policies(&[here, there], &all),
        lists,
        format: here.format.to_string(),
        spec: 1,
        fingerprint: hex(&here.digests[0]),
    }
}

/// A string of RFC 8785.
fn string(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

impl File {
    /// An entry, by the list it stands in.
    pub fn shown(&mut self, list: &str, at: usize) -> &mut Shown {
        let mut lists = self.lists.iter_mut();
        let (_, entries) = lists.find(|(name, _)| *name == list).expect("a list");
        &mut entries[at]
    }

    /// A list of entries.
    pub fn list(&mut self, list: &str) -> &mut Vec<Shown> {
        let mut lists = self.lists.iter_mut();
        &mut lists.find(|(name, _)| *name == list).expect("a list").1
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let entry = |shown: &Shown| {
            let path = shown.path.iter().map(|hash| string(&BASE64.encode(hash)));
            format!(
                "{{\"commit\":{},\"path\":{}}}",
                string(&shown.commit),
                list(path)
            )
        };
        let mut members = vec![
            ("format", string(&self.format)),
            ("kind", string(self.kind)),
            (
                "policies",
                list(self.policies.iter().map(|toml| string(toml))),
            ),
            ("spec", self.spec.to_string()),
        ];
        members.extend(self.entry.map(|entry| ("entry", entry.to_string())));
        for (name, entries) in &self.lists {
            members.push((name, list(entries.iter().map(entry))));
        }
        members.sort();
        let members = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}\n", members.collect::<Vec<_>>().join(",")).into_bytes()
    }
}
