//! Values as serde's readers hand them over, held against the rules on the way.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

use super::{MAX_DEPTH, Object, Value, allowed, integer, utf16_order};

/// A value that stands `0` levels deep, being read.
#[derive(Clone, Copy)]
pub(super) struct Depth(pub(super) usize);

impl Depth {
    pub(super) fn deeper<E: serde::de::Error>(self) -> Result<Depth, E> {
        if self.0 >= MAX_DEPTH {
            Err(E::custom(format!("nested deeper than {MAX_DEPTH}")))
        } else {
            Ok(Depth(self.0 + 1))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        integer(value)
    }
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Value, E> {
        Err(E::custom(
            "a number is not an integer within ±(2^53−1); write it as a string",
        ))
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        allowed(text)?;
        Ok(Value::String(text.to_owned()))
    }
    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        allowed(&text)?;
        Ok(Value::String(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            allowed(&name)?;
            members.push((name, map.next_value_seed(inside)?));
        }
        members.sort_by(|(a, _), (b, _)| utf16_order(a, b));
        if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(A::Error::custom(format!(
                "the name {:?} stands twice in one object",
                pair[0].0
            )));
        }
        Ok(Value::Object(Object(members)))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Value, D::Error> {
        Depth(0).deserialize(reader)
    }
}
