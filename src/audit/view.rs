//! Reading a model by the names of its members: what is not there is empty, so that a rendering
//! never fails over a model that somebody made up.

use crate::json::{Object, Value};

/// A part of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a>(pub Option<&'a Value>);

impl<'a> View<'a> {
    /// The member at a dotted way.
    pub(super) fn at(self, way: &str) -> View<'a> {
        let mut value = self.0;
        for name in way.split('.') {
            value = value.and_then(Value::as_object).and_then(|o| o.get(name));
        }
        View(value)
    }

    pub(super) fn text(self, way: &str) -> &'a str {
        self.at(way).0.and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(self, way: &str) -> Option<u64> {
        let number = self.at(way).0.and_then(Value::as_integer)?;
        u64::try_from(number).ok()
    }

    pub(super) fn count(self, way: &str) -> u64 {
        self.number(way).unwrap_or(0)
    }

    pub(super) fn is(self, way: &str) -> bool {
        self.at(way).0 == Some(&Value::Bool(true))
    }

    pub(super) fn is_there(self, way: &str) -> bool {
        self.at(way).0.is_some_and(|value| *value != Value::Null)
    }

    pub(super) fn list(
        self,
        way: &str,
    ) -> impl ExactSizeIterator<Item = View<'a>> + Clone + use<'a> {
        let items = self.at(way).0.and_then(Value::as_array);
        items
            .unwrap_or_default()
            .iter()
            .map(|item| View(Some(item)))
    }

    /// The texts of a list.
    pub(super) fn texts(self, way: &str) -> Vec<&'a str> {
        let items = self.list(way);
        items.filter_map(|item| item.0?.as_str()).collect()
    }

    /// Names and values of an object.
    pub(super) fn members(self, way: &str) -> impl Iterator<Item = (&'a str, View<'a>)> + use<'a> {
        let object = self.at(way).0.and_then(Value::as_object);
        let members = object.into_iter().flat_map(Object::iter);
        members.map(|(name, value)| (name, View(Some(value))))
    }
}

/// What the answer of a report means, in a sentence.
pub(super) fn standing(model: View<'_>) -> &'static str {
    match (model.text("answer"), model.text("verdict.answer")) {
        ("sound", _) => "The record holds.",
        (_, "breach") => "The record is broken.",
        ("breach", _) => "This copy holds by itself, and another copy tells something else.",
        (_, "unknown") => "Not everything could be checked.",
        _ => "This copy holds by itself, and not every other copy could be asked.",
    }
}
