//! CloudEvents as Protocol Buffers: one `io.cloudevents.v1.CloudEventBatch`, which can be cut and
//! joined between events.
//!
//! Source: CloudEvents 1.0.2, protobuf event format; the messages below are its field numbers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;

use crate::json::Value;

use super::{Encoder, Fault, Record, cloudevents, json_line};

/// `io.cloudevents.v1.CloudEvent`.
#[derive(Clone, PartialEq, Message)]
struct CloudEvent {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    source: String,
    #[prost(string, tag = "3")]
    spec_version: String,
    #[prost(string, tag = "4")]
    kind: String,
    #[prost(btree_map = "string, message", tag = "5")]
    attributes: BTreeMap<String, AttributeValue>,
    #[prost(oneof = "Data", tags = "6, 7")]
    data: Option<Data>,
}

/// `oneof data`; `proto_data` (8) is never written.
#[derive(Clone, PartialEq, prost::Oneof)]
enum Data {
    #[prost(bytes, tag = "6")]
    Binary(Vec<u8>),
    #[prost(string, tag = "7")]
    Text(String),
}

/// `CloudEventAttributeValue`.
#[derive(Clone, PartialEq, Message)]
struct AttributeValue {
    #[prost(oneof = "Attribute", tags = "1, 2, 3, 4, 5, 6, 7")]
    attr: Option<Attribute>,
}

/// `oneof attr`.
#[derive(Clone, PartialEq, prost::Oneof)]
enum Attribute {
    #[prost(bool, tag = "1")]
    Boolean(bool),
    #[prost(int32, tag = "2")]
    Integer(i32),
    #[prost(string, tag = "3")]
    String(String),
    #[prost(bytes, tag = "4")]
    Bytes(Vec<u8>),
    #[prost(string, tag = "5")]
    Uri(String),
    #[prost(string, tag = "6")]
    UriReference(String),
    #[prost(message, tag = "7")]
    Timestamp(Timestamp),
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// `io.cloudevents.v1.CloudEventBatch`.
#[derive(Clone, PartialEq, Message)]
struct CloudEventBatch {
    #[prost(message, repeated, tag = "1")]
    events: Vec<CloudEvent>,
}

/// Batches of one, which joined are the batch of all.
pub struct Batch;

impl Encoder for Batch {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let batch = CloudEventBatch {
            events: vec![event(record)],
        };
        batch.encode(out).map_err(|why| Fault(why.to_string()))
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

fn event(record: &Record<'_>) -> CloudEvent {
    let object = cloudevents::object(record);
    let text = |name: &str| {
        let value = object.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let mut attributes = BTreeMap::new();
    let mut data = None;
    for (name, value) in object.iter() {
        match (name, value) {
            ("id" | "source" | "specversion" | "type", _) => {}
            ("data", Value::Object(inside)) => data = Some(Data::Text(json_line::text(inside))),
            ("data", value) => data = Some(Data::Text(value.to_canonical())),
            ("data_base64", value) => {
                let bytes = value.as_str().and_then(|text| BASE64.decode(text).ok());
                data = bytes.map(Data::Binary);
            }
            (name, value) => {
                let attr = attribute(name, value);
                attributes.insert(name.to_owned(), AttributeValue { attr });
            }
        }
    }
    // JSON inside text says so, unless the event says something else
    if matches!(data, Some(Data::Text(_))) {
        let json = Attribute::String("application/json".into());
        attributes
            .entry("datacontenttype".into())
            .or_insert(AttributeValue { attr: Some(json) });
    }
    CloudEvent {
        id: text("id"),
        source: text("source"),
        spec_version: text("specversion"),
        kind: text("type"),
        attributes,
        data,
    }
}

fn attribute(name: &str, value: &Value) -> Option<Attribute> {
    let string = |text: &str| Attribute::String(text.to_owned());
    Some(match (name, value) {
        ("time", Value::String(text)) => {
            timestamp(text).map_or_else(|| string(text), Attribute::Timestamp)
        }
        ("dataschema", Value::String(text)) => Attribute::Uri(text.clone()),
        ("dataref", Value::String(text)) => Attribute::UriReference(text.clone()),
        (_, Value::String(text)) => string(text),
        (_, Value::Bool(value)) => Attribute::Boolean(*value),
        (_, Value::Integer(value)) => match i32::try_from(*value) {
            Ok(value) => Attribute::Integer(value),
            Err(_) => Attribute::String(value.to_string()),
        },
        _ => return None,
    })
}

/// A time that protobuf can hold: of the years 1 to 9999.
fn timestamp(text: &str) -> Option<Timestamp> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    let seconds = time.timestamp();
    // a leap second has more nanoseconds than protobuf allows
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).ok()?;
    let fits = (-62_135_596_800..=253_402_300_799).contains(&seconds) && nanos < 1_000_000_000;
    fits.then_some(Timestamp { seconds, nanos })
}
