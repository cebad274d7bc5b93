//! Comma-separated values: a header line, a line a record, CRLF, quotes where they are needed.
//!
//! What begins with `=`, `+`, `-`, `@`, a tab or a carriage return is a formula to a spreadsheet,
//! quoted or not. By default it is written as it is, since the reader is a program and what it
//! reads must be what was recorded; [`Cells::Spreadsheet`] puts an apostrophe before it.
//!
//! Source: RFC 4180; OWASP, "CSV Injection".

use super::columns::{COLUMNS, row};
use super::{Cells, Encoder, Fault, Header, Record};

/// One table.
pub struct Table {
    /// How formulas are written.
    pub cells: Cells,
    /// Whether it has a header line.
    pub header: Header,
}

impl Encoder for Table {
    fn head(&mut self, out: &mut Vec<u8>) {
        if self.header == Header::Written {
            let names = COLUMNS.iter().map(|(name, _)| (*name).to_owned());
            // nothing that can fail writes into memory
            line(names, out).unwrap_or_default();
        }
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let cells = self.cells;
        let row = row(record).into_iter().map(|cell| {
            let text = cell.to_text();
            match cells {
                Cells::Spreadsheet if is_formula(&text) => format!("'{text}"),
                _ => text,
            }
        });
        line(row, out)
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn line(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let fault = |why: &dyn std::fmt::Display| Fault(why.to_string());
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(cells).map_err(|why| fault(&why))?;
    let bytes = writer.into_inner().map_err(|why| fault(&why))?;
    out.extend_from_slice(&bytes);
    Ok(())
}
