//! Apache Parquet: one flat table, compressed with Snappy, a row group for every 10,000 records.
//!
//! Source: parquet-format 2.x, logical types STRING, TIMESTAMP (UTC, milliseconds), INT64.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::columns::{COLUMNS, Cell, Kind, row};
use super::{Encoder, Fault, Record};

/// Records in one row group: a few dozen megabytes at most are held in memory.
const GROUP: usize = 10_000;

/// One file.
#[derive(Default)]
pub struct Table {
    rows: Vec<[Cell; COLUMNS.len()]>,
    written: Written,
    writer: Option<SerializedFileWriter<Written>>,
    fault: Option<Fault>,
}

/// What the writer wrote and nobody has taken yet.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self, out: &mut Vec<u8>) {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.append(&mut bytes);
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encoder for Table {
    fn head(&mut self, out: &mut Vec<u8>) {
        match begin(self.written.clone()) {
            Ok(writer) => self.writer = Some(writer),
            Err(fault) => self.fault = Some(fault),
        }
        self.written.take(out);
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.rows.push(row(record));
        if self.rows.len() < GROUP {
            return Ok(());
        }
        self.group(out)
    }

    fn tail(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.rows.is_empty() {
            self.group(out)?;
        }
        let writer = self.writer()?;
        writer.finish().map_err(fault)?;
        self.written.take(out);
        Ok(())
    }
}

impl Table {
    fn writer(&mut self) -> Result<&mut SerializedFileWriter<Written>, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.writer
            .as_mut()
            .ok_or_else(|| Fault("a record before the head".into()))
    }

    /// Writes the rows that wait.
    fn group(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let rows = std::mem::take(&mut self.rows);
        let mut group = self.writer()?.next_row_group().map_err(fault)?;
        let mut at = 0;
        while let Some(mut column) = group.next_column().map_err(fault)? {
            let cells = rows.iter().filter_map(|row| row.get(at));
            write(&mut column, kind(at), cells)?;
            column.close().map_err(fault)?;
            at += 1;
        }
        group.close().map_err(fault)?;
        self.written.take(out);
        Ok(())
    }
}

fn begin(out: Written) -> Result<SerializedFileWriter<Written>, Fault> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("git-ledger version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    SerializedFileWriter::new(out, schema()?, Arc::new(properties)).map_err(fault)
}

fn schema() -> Result<TypePtr, Fault> {
    let columns: Vec<TypePtr> = COLUMNS
        .iter()
        .map(|(name, kind)| column(name, *kind).map(Arc::new))
        .collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("records").with_fields(columns);
    Ok(Arc::new(schema.build().map_err(fault)?))
}

fn column(name: &str, kind: Kind) -> Result<Type, Fault> {
    let (physical, logical) = match kind {
        Kind::Text | Kind::OptionalText => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Integer | Kind::OptionalInteger => (Physical::INT64, None),
        Kind::Moment => (
            Physical::INT64,
            Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
        ),
    };
    let optional = matches!(kind, Kind::OptionalText | Kind::OptionalInteger);
    let repetition = if optional {
        Repetition::OPTIONAL
    } else {
        Repetition::REQUIRED
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .build()
        .map_err(fault)
}

fn kind(at: usize) -> Kind {
    COLUMNS.get(at).map_or(Kind::Text, |(_, kind)| *kind)
}

/// The cells of one column: the values, and where one is missing.
fn write<'a>(
    column: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    cells: impl Iterator<Item = &'a Cell>,
) -> Result<(), Fault> {
    let (mut texts, mut numbers, mut there) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        there.push(i16::from(*cell != Cell::Missing));
        match cell {
            Cell::Text(text) => texts.push(ByteArray::from(text.as_bytes().to_vec())),
            Cell::Integer(number) => numbers.push(*number),
            Cell::Moment(time) => {
                let millis = i64::try_from(*time).unwrap_or(i64::MAX / 1000);
                numbers.push(millis.saturating_mul(1000));
            }
            Cell::Missing => {}
        }
    }
    let optional = matches!(kind, Kind::OptionalText | Kind::OptionalInteger);
    let levels = optional.then_some(there.as_slice());
    let written = match kind {
        Kind::Text | Kind::OptionalText => column
            .typed::<ByteArrayType>()
            .write_batch(&texts, levels, None),
        _ => column
            .typed::<Int64Type>()
            .write_batch(&numbers, levels, None),
    };
    written.map(drop).map_err(fault)
}

fn fault(why: parquet::errors::ParquetError) -> Fault {
    Fault(why.to_string())
}
