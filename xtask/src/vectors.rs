//! Writes `ledger-spec/vectors/`: small ledgers with one fault each, and the verdict they deserve.
//!
//! Everything here is made from fixed seeds and fixed times, so the files come out the same byte
//! for byte, and `--check` can tell whether somebody edited one by hand. The bytes are assembled
//! without the library: it would refuse to write most of them.

pub mod keys;
pub mod policy_text;
mod proof_files;
mod sshsig;
pub mod world;

mod approvals;
mod chains;
mod commits;
mod drafts;
mod events;
mod identities;
mod messages;
mod objects;
mod policies;
mod policy_rows;
mod policy_values;
mod receipt_policies;
mod receipt_rules;
mod receipts;
mod signature_numbers;
mod signatures;
mod signers;
mod sound;
mod splits;
mod trees;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Mode;
use proof_files::File;
use world::Chain;

/// Files in the directory that are written by hand.
const BY_HAND: [&str; 2] = ["README.md", ".gitattributes"];

/// The vectors, by file name.
#[derive(Default)]
struct Vectors(BTreeMap<String, Vec<u8>>);

impl Vectors {
    /// Adds a vector: its name, the ids expected (or `sound`), one sentence, and the ledger.
    fn add(&mut self, name: &str, expect: &str, comment: &str, chain: Chain) {
        let tip = chain.tip.clone().expect("a tip");
        let mut out = format!(
            "expect: {expect}\ncomment: {comment}\nformat: {}\ntip: {tip}\n",
            chain.format
        );
        if let Some(fingerprint) = &chain.fingerprint {
            out += &format!("fingerprint: {fingerprint}\n");
        }
        if let Some(shallow) = &chain.shallow {
            out += &format!("shallow: {shallow}\n");
        }
        let mut out = out.into_bytes();
        out.push(b'\n');
        for object in &chain.objects {
            let head = format!("{} {} {}\n", object.id, object.kind, object.bytes.len());
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(&object.bytes);
            out.push(b'\n');
        }
        let before = self.0.insert(name.to_owned(), out);
        assert!(before.is_none(), "two vectors are called {name}");
    }

    /// Adds a receipt or evidence; without a fingerprint when the file has none.
    fn add_proof(&mut self, name: &str, expect: &str, comment: &str, file: &File) {
        let pinned = Some(file.fingerprint.as_str()).filter(|text| !text.is_empty());
        self.add_bytes(name, expect, comment, pinned, &file.bytes());
    }

    /// Adds a file of any bytes, to be judged as a receipt or evidence.
    fn add_bytes(
        &mut self,
        name: &str,
        expect: &str,
        comment: &str,
        pinned: Option<&str>,
        bytes: &[u8],
    ) {
        let mut out = format!("expect: {expect}\ncomment: {comment}\nkind: proof\n");
        if let Some(fingerprint) = pinned {
            out += &format!("fingerprint: {fingerprint}\n");
        }
        let out = [out.as_bytes(), b"\n", bytes].concat();
        let before = self.0.insert(name.to_owned(), out);
        assert!(before.is_none(), "two vectors are called {name}");
    }
}

fn all() -> BTreeMap<String, Vec<u8>> {
    let mut vectors = Vectors::default();
    for part in [
        sound::add,
        objects::add,
        commits::add,
        identities::add,
        signatures::add,
        signature_numbers::add,
        messages::add,
        events::add,
        chains::add,
        trees::add,
        policies::add,
        policy_values::add,
        policy_rows::add,
        signers::add,
        approvals::add,
        receipts::add,
        receipt_rules::add,
        receipt_policies::add,
        splits::add,
    ] {
        part(&mut vectors);
    }
    vectors.0
}

/// The names of the files that stand in the directory and should not.
fn strangers(directory: &Path, wanted: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|why| why.to_string())? {
        let entry = entry.map_err(|why| why.to_string())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !wanted.contains_key(&name) && !BY_HAND.contains(&name.as_str()) {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the vectors, or fails when they are not what would be written.
pub fn run(root: &Path, mode: Mode) -> Result<(), String> {
    let wanted = all();
    let directory = root.join("ledger-spec/vectors");
    let mut stale = strangers(&directory, &wanted)?;
    if mode == Mode::Write {
        for name in stale {
            fs::remove_file(directory.join(&name)).map_err(|why| format!("{name}: {why}"))?;
        }
        for (name, bytes) in &wanted {
            fs::write(directory.join(name), bytes).map_err(|why| format!("{name}: {why}"))?;
        }
        println!("{} vectors", wanted.len());
        return Ok(());
    }
    let differs = |name: &String, bytes: &Vec<u8>| {
        fs::read(directory.join(name)).map_or(true, |found| found != *bytes)
    };
    let changed = wanted.iter().filter(|(name, bytes)| differs(name, bytes));
    stale.extend(changed.map(|(name, _)| name.clone()));
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!(
        "ledger-spec/vectors is not what the generator writes: {}\nhint: cargo xtask vectors",
        stale.join(" ")
    ))
}
