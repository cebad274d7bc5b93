//! What somebody should explain, for scripts; pages and reports write it in their own ways.

use crate::date::rfc3339;
use crate::exceptions::Exception;
use crate::json::{Object, Value};

use super::verdict::{clean, number};

/// One exception as a JSON object.
pub fn one_json(found: &Exception) -> Object {
    let who: Vec<Value> = found.who.iter().map(|name| clean(name)).collect();
    Object::new()
        .with("kind", found.kind.word())
        .with("number", number(found.number))
        .with("commit", found.commit.to_string())
        .with("time", rfc3339(found.time))
        .with("what", clean(&found.what))
        .with("who", who)
        .with("why", clean(&found.why))
}
