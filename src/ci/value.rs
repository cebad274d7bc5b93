//! Values as they may stand in an event: bounded, spelled without control characters, addresses
//! without their secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::System;
use crate::json::{Object, Value, forbidden_character};

/// The longest value that is taken, in bytes.
pub(super) const LONGEST: usize = 512;

/// What is taken of an environment, as it grows.
pub(super) struct Facts {
    object: Object,
    left_out: Vec<String>,
}

impl Facts {
    pub fn of(system: System) -> Facts {
        Facts {
            object: Object::new().with("system", system.word()),
            left_out: Vec::new(),
        }
    }

    /// Facts of a payload, which name no system.
    pub fn of_payload() -> Facts {
        Facts {
            object: Object::new(),
            left_out: Vec::new(),
        }
    }

    /// Takes a text under this name, dotted where it nests. Nothing is taken of none.
    pub fn text(&mut self, name: &str, value: Option<Vec<u8>>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return;
        };
        if value.len() > LONGEST {
            self.left_out.push(name.to_owned());
            return;
        }
        match String::from_utf8(value) {
            Ok(text) if is_plain(&text) => self.put(name, text.into()),
            Ok(text) => self.encoded(name, text.as_bytes()),
            Err(why) => self.encoded(name, why.as_bytes()),
        }
    }

    /// Takes a value that is no text.
    pub fn value(&mut self, name: &str, value: Value) {
        self.put(name, value);
    }

    /// Takes an address, without user name, password, query and fragment. What is no `http://` or
    /// `https://` address is left out.
    pub fn url(&mut self, name: &str, value: Option<Vec<u8>>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return;
        };
        match std::str::from_utf8(&value).ok().and_then(web_address) {
            Some(url) => self.text(name, Some(url.into_bytes())),
            None => self.left_out.push(name.to_owned()),
        }
    }

    /// Takes the name of a repository: a web address as [`Facts::url`] does, `host:path` or
    /// `ssh://host/path` without the user.
    pub fn repository(&mut self, name: &str, value: Option<Vec<u8>>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return;
        };
        match std::str::from_utf8(&value).ok().and_then(repository) {
            Some(text) => self.text(name, Some(text.into_bytes())),
            None => self.left_out.push(name.to_owned()),
        }
    }

    pub fn finish(mut self) -> Object {
        if !self.left_out.is_empty() {
            self.left_out.sort();
            self.left_out.dedup();
            let names: Vec<Value> = self.left_out.into_iter().map(Value::from).collect();
            self.object.set("leftOut", names);
        }
        self.object
    }

    fn encoded(&mut self, name: &str, bytes: &[u8]) {
        self.put(&format!("{name}_base64"), BASE64.encode(bytes).into());
    }

    fn put(&mut self, name: &str, value: Value) {
        put(&mut self.object, name, value);
    }
}

fn put(object: &mut Object, name: &str, value: Value) {
    let Some((outer, inner)) = name.split_once('.') else {
        object.set(name, value);
        return;
    };
    let mut nested = match object.remove(outer) {
        Some(Value::Object(nested)) => nested,
        _ => Object::new(),
    };
    put(&mut nested, inner, value);
    object.set(outer, nested);
}

/// Whether the record holds this text, and no line of it can be taken for another.
fn is_plain(text: &str) -> bool {
    forbidden_character(text).is_none() && !text.chars().any(char::is_control)
}

/// A web address without its secrets.
pub(super) fn web_address(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte);
    // a path may hold an @ only where no reader takes it for the end of a user name
    let whole = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\`{}|^".contains(&byte);
    if host.is_empty() || !host.bytes().all(named) || !path.bytes().all(whole) {
        return None;
    }
    Some(format!("{scheme}://{host}{path}"))
}

fn repository(text: &str) -> Option<String> {
    if let Some((scheme, rest)) = text.split_once("://") {
        if scheme != "ssh" && scheme != "git" {
            return web_address(text);
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        return (!host.is_empty()).then(|| format!("{scheme}://{host}{path}"));
    }
    let (before, path) = text.split_once(':')?;
    let host = before.rsplit('@').next().unwrap_or_default();
    (!host.is_empty() && !host.contains('/')).then(|| format!("{host}:{path}"))
}
