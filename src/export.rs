//! An event of the ledger as a record of somebody else's format: what a search index, an event
//! bus or a table takes, with the place in the ledger on every record, so that a hit can be proven.
//!
//! Pure: records in, bytes out. What an event says is foreign text and is escaped by the rules of
//! each format; what the ledger says stands under names of its own, which no event can set.
//!
//! Source: `ledger-spec/export.md`.

mod activity;
mod cdevents;
mod cef;
mod cloudevents;
mod columns;
mod csv;
pub mod cursor;
mod ecs;
mod json_line;
mod ocsf;
mod otlp;
mod parquet;
mod position;
mod protobuf;
pub mod reply;
mod splunk;

use crate::event::Event;

/// The type of the record that stands for an entry which cannot be read as one.
pub const ENTRY_BROKEN: &str = "dev.git-ledger.entry.broken";

/// One event of one entry, with what is known of it.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The ledger's fingerprint, `sha256:` and 64 hex; `None` where entry 0 was not seen.
    pub ledger: Option<&'a str>,
    /// The entry's place in the chain; `None` where nobody can tell.
    pub number: Option<u64>,
    /// The entry's digest, `sha256:` and 64 hex; `None` where its bytes cannot be read.
    pub digest: Option<&'a str>,
    /// The commit, in hex.
    pub commit: &'a str,
    /// Which event of the entry this is, from 0.
    pub index: usize,
    /// How many events the entry has.
    pub events: usize,
    /// The principal that signed, or is claimed to have; `None` for an entry that is broken.
    pub signer: Option<&'a str>,
    /// The fingerprint of the key that signed, `SHA256:…`.
    pub key: Option<&'a str>,
    /// `verified`, `claimed`, `unverified`, `breach`.
    pub standing: &'a str,
    /// Why it is not verified; empty when it is, or nobody has looked.
    pub why: &'a str,
    /// T of the entry, in seconds since 1970; for an entry that is broken that of the entry before.
    pub recorded: u64,
    /// The event.
    pub event: &'a Event,
}

impl Record<'_> {
    /// The record's own id, the same whenever it is exported: `<digest>/<index>`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.digest.unwrap_or(self.commit), self.index)
    }

    /// Whether the record tells that something is wrong with the ledger.
    fn is_alarm(&self) -> bool {
        self.standing == "breach" || self.event.kind() == ENTRY_BROKEN
    }
}

/// Why a record could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot encode the records: {0}")]
pub struct Fault(String);

/// Whose format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CloudEvents 1.0 JSON, one a line.
    CloudeventsJsonl,
    /// CloudEvents 1.0 JSON, one array.
    CloudeventsBatch,
    /// `io.cloudevents.v1.CloudEventBatch`.
    Protobuf,
    /// CDEvents 0.5 JSON, one a line.
    Cdevents,
    /// OCSF 1.3.0 JSON, one a line.
    Ocsf,
    /// Elastic Common Schema 8, one a line.
    Ecs,
    /// Splunk HTTP Event Collector, one a line.
    SplunkHec,
    /// OTLP/JSON `LogsData`, one for up to 1,000 records a line.
    OtlpJson,
    /// ArcSight Common Event Format 0, one a line.
    Cef,
    /// RFC 4180 with a header line.
    Csv,
    /// Apache Parquet, Snappy.
    Parquet,
}

/// How cells of a table are written that a spreadsheet takes for a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cells {
    /// As they are: what is read back is what was recorded.
    #[default]
    Exact,
    /// With an apostrophe before them.
    Spreadsheet,
}

/// Whether a table begins with the names of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Header {
    /// It does.
    #[default]
    Written,
    /// It goes on where another ended.
    LeftOut,
}

/// What else the one who receives wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// CSV only.
    pub cells: Cells,
    /// CSV only.
    pub header: Header,
    /// ECS only: each record after the line that Elasticsearch's `_bulk` wants before it.
    pub bulk: Bulk,
}

/// Whether records go to Elasticsearch's `_bulk`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bulk {
    /// They do not.
    #[default]
    No,
    /// They do.
    Yes,
}

/// Writes one document: its head, records, its tail.
pub trait Encoder {
    /// Appends what stands before the first record.
    fn head(&mut self, out: &mut Vec<u8>);
    /// Appends a record; it may be kept back until there are more.
    ///
    /// # Errors
    /// [`Fault`], of Parquet only.
    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault>;
    /// Appends what was kept back, and what stands after the last record.
    ///
    /// # Errors
    /// [`Fault`], of Parquet only.
    fn tail(&mut self, out: &mut Vec<u8>) -> Result<(), Fault>;
}

impl Format {
    /// All of them, by the name a command line has for each.
    pub const ALL: [(&'static str, Format); 11] = [
        ("cloudevents-jsonl", Format::CloudeventsJsonl),
        ("cloudevents-batch", Format::CloudeventsBatch),
        ("protobuf", Format::Protobuf),
        ("cdevents", Format::Cdevents),
        ("ocsf", Format::Ocsf),
        ("ecs", Format::Ecs),
        ("splunk-hec", Format::SplunkHec),
        ("otlp-json", Format::OtlpJson),
        ("cef", Format::Cef),
        ("csv", Format::Csv),
        ("parquet", Format::Parquet),
    ];

    /// The format of this name.
    pub fn of(name: &str) -> Option<Format> {
        let mut all = Format::ALL.iter();
        all.find(|(other, _)| *other == name)
            .map(|(_, format)| *format)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let mut all = Format::ALL.iter();
        all.find(|(_, format)| *format == self)
            .map_or("", |(name, _)| name)
    }

    /// The media type of a document.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::CloudeventsBatch => "application/cloudevents-batch+json",
            Format::Protobuf => "application/cloudevents-batch+protobuf",
            Format::CloudeventsJsonl | Format::Cdevents | Format::Ocsf | Format::Ecs => {
                "application/x-ndjson"
            }
            Format::SplunkHec | Format::OtlpJson => "application/json",
            Format::Cef => "text/plain; charset=utf-8",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether documents written one after the other are one document again.
    pub fn can_grow(self) -> bool {
        !matches!(self, Format::CloudeventsBatch | Format::Parquet)
    }

    /// Something that writes one document.
    pub fn encoder(self, options: Options) -> Box<dyn Encoder> {
        match self {
            Format::CloudeventsJsonl => Box::new(cloudevents::Lines),
            Format::CloudeventsBatch => Box::new(cloudevents::Batch::default()),
            Format::Protobuf => Box::new(protobuf::Batch),
            Format::Cdevents => Box::new(cdevents::Lines),
            Format::Ocsf => Box::new(ocsf::Lines),
            Format::Ecs => Box::new(ecs::Lines { bulk: options.bulk }),
            Format::SplunkHec => Box::new(splunk::Lines),
            Format::OtlpJson => Box::new(otlp::Logs::default()),
            Format::Cef => Box::new(cef::Lines),
            Format::Csv => Box::new(csv::Table {
                cells: options.cells,
                header: options.header,
            }),
            Format::Parquet => Box::new(parquet::Table::default()),
        }
    }
}

#[cfg(test)]
mod tests;
