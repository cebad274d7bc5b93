//! The vectors of the specification as inputs of the targets that read their kind of object.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// Target and input.
type Seed = (&'static str, Vec<u8>);

/// Writes them into one directory for each target.
pub fn write(root: &Path, into: &Path) -> Result<(), String> {
    let vectors = root.join("ledger-spec/vectors");
    let mut seeds: BTreeSet<Seed> = BTreeSet::new();
    for entry in fs::read_dir(&vectors).map_err(|why| why.to_string())? {
        let path = entry.map_err(|why| why.to_string())?.path();
        // what is written by hand has a dot in its name
        if path.extension().is_none() && !path.ends_with(".gitattributes") {
            let bytes = fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            objects(&bytes, &mut seeds);
        }
    }
    for (number, (target, bytes)) in seeds.iter().enumerate() {
        let dir = into.join(target);
        fs::create_dir_all(&dir).map_err(|why| why.to_string())?;
        fs::write(dir.join(number.to_string()), bytes).map_err(|why| why.to_string())?;
    }
    Ok(())
}

/// `<id> <kind> <size>`, the bytes, a line feed; after the headers and an empty line.
fn objects(vector: &[u8], seeds: &mut BTreeSet<Seed>) {
    let mut rest = vector;
    let after = |text: &[u8], end: &[u8]| text.windows(end.len()).position(|part| part == end);
    if let Some(at) = after(rest, b"\n\n") {
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    while let Some(end) = after(rest, b"\n") {
        let (line, more) = rest.split_at(end);
        let line = String::from_utf8_lossy(line).into_owned();
        let words: Vec<&str> = line.split(' ').collect();
        let [_, kind, size] = words.as_slice() else {
            return;
        };
        let size: usize = size.parse().unwrap_or_default();
        let bytes = more.get(1..=size).unwrap_or_default();
        match *kind {
            "commit" => commit(bytes, seeds),
            "tree" => drop(seeds.insert(("tree", bytes.to_vec()))),
            _ if bytes.windows(7).any(|part| part == b"[admin]") => {
                seeds.insert(("policy", bytes.to_vec()));
            }
            _ => {}
        }
        rest = more.get(size + 2..).unwrap_or_default();
    }
}

/// The entry, its events, its signature and its approvals.
fn commit(bytes: &[u8], seeds: &mut BTreeSet<Seed>) {
    seeds.insert(("entry", bytes.to_vec()));
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        if line.starts_with('{') {
            seeds.insert(("event", line.into()));
            seeds.insert(("json", line.into()));
        }
        let approval = line.strip_prefix("Ledger-Approval: ");
        let blob = approval.and_then(|line| line.split_once(' '));
        if let Some(Ok(blob)) = blob.map(|(_, blob)| BASE64.decode(blob)) {
            seeds.insert(("signature", blob));
        }
    }
    let armour = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    if let Some((body, _)) = armour {
        let armour = format!("{BEGIN}{}{END}\n", body.replace("\n ", "\n"));
        seeds.insert(("signature", armour.into_bytes()));
    }
}
