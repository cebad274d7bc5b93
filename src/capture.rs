//! What a pipeline leaves behind: watched files, artifacts, variables. Digests, differences, and
//! the events that tell them.
//!
//! Files are read on paths that are handed in and never followed through a link; values of
//! variables leave this room as HMACs only, unless a name was given for which the value may stand
//! in the record. Nothing here knows git, the ledger, the clock or the terminal.
//!
//! Source: `ledger-spec/capture.md`.

pub mod diff;
pub mod files;
mod ignored;
pub mod open_steps;
pub mod snapshot;
pub mod state;
pub mod step;
pub mod variables;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::json::{Object, Value, forbidden_character};

/// A name as the record holds it: a string where it is one, else `<member>_base64`.
pub fn set_name(object: &mut Object, member: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) if forbidden_character(text).is_none() => object.set(member, text),
        _ => object.set(format!("{member}_base64"), BASE64.encode(bytes)),
    }
}

/// The name that [`set_name`] put there.
pub fn name(object: &Object, member: &str) -> Option<Vec<u8>> {
    if let Some(text) = object.get(member).and_then(Value::as_str) {
        return Some(text.as_bytes().to_vec());
    }
    let encoded = object.get(&format!("{member}_base64"))?.as_str()?;
    BASE64.decode(encoded).ok()
}

/// `sha256:<64 hex>`.
fn sha256_name(digest: &crate::merkle::Hash) -> String {
    format!("sha256:{}", crate::merkle::hex(digest))
}

/// The digest that 64 lower-case hex digits spell.
fn digest_from(text: &str) -> Option<crate::merkle::Hash> {
    let mut digest = [0; 32];
    if !crate::event::is_sha256_hex(text) {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}
