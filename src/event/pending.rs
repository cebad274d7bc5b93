//! Events that wait to be recorded, and what does not fit into an entry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{ATTACHMENTS, Event, EventFault};
use crate::json::{Object, Value};

/// Events larger than this have their data moved into an attachment, in bytes.
pub const MAX_INLINE: usize = 16 << 10;

/// An event that waits to be recorded, with the bytes of its attachment if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The event; its `dataref` names the body where there is one.
    pub event: Event,
    /// The attachment.
    pub body: Option<Vec<u8>>,
}

impl Pending {
    /// Moves data that would make the entry too large into an attachment. A text or JSON body is
    /// kept as canonical JSON, `data_base64` as the bytes it stands for.
    ///
    /// # Errors
    /// [`EventFault::Malformed`] when the event would be too large even without its data, or its
    /// `data_base64` is not base64.
    pub fn new(event: Event) -> Result<Pending, EventFault> {
        if event.line().len() <= MAX_INLINE {
            return Ok(Pending { event, body: None });
        }
        let mut object = event.object().clone();
        let body = match (object.remove("data"), object.remove("data_base64")) {
            (Some(data), _) => Some(data.to_canonical().into_bytes()),
            (None, Some(Value::String(text))) => {
                let decoded = BASE64.decode(text.as_bytes());
                Some(decoded.map_err(|why| EventFault::Malformed(format!("data_base64: {why}")))?)
            }
            (None, _) => None,
        };
        if let Some(body) = &body {
            let digest = crate::merkle::hex(&crate::merkle::sha256(body));
            object.set("dataref", format!("{ATTACHMENTS}{digest}"));
        }
        let event = Event::from_object(object)?;
        let size = event.line().len();
        if size > MAX_INLINE {
            let why = format!("{size} bytes without its data; at most {MAX_INLINE} fit");
            return Err(EventFault::Malformed(why));
        }
        Ok(Pending { event, body })
    }

    /// The event with its body as it is kept in a file until it is recorded.
    pub fn stored(&self) -> Object {
        let object = Object::new().with("event", self.event.object().clone());
        match &self.body {
            Some(body) => object.with("body_base64", BASE64.encode(body)),
            None => object,
        }
    }

    /// Reads what [`Pending::stored`] wrote.
    ///
    /// # Errors
    /// [`EventFault::Malformed`].
    pub fn from_stored(object: &Object) -> Result<Pending, EventFault> {
        let malformed = |why: &str| EventFault::Malformed(why.to_owned());
        let event = object.get("event").and_then(Value::as_object);
        let event = Event::from_object(event.ok_or_else(|| malformed("no event"))?.clone())?;
        let body = match object.get("body_base64").map(Value::as_str) {
            None => None,
            Some(text) => {
                let decoded = text.and_then(|text| BASE64.decode(text).ok());
                Some(decoded.ok_or_else(|| malformed("body_base64 is not base64"))?)
            }
        };
        Ok(Pending { event, body })
    }
}
