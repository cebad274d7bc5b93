//! The clock and the log of a server: one line to standard error for each thing of importance.

use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::json::{Object, Value, forbidden_character};
use git_ledger::serve::{Host, Level, Line};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::terminal;

/// Standard error, and the machine's clock.
pub struct Terminal {
    context: Context,
    json: bool,
}

impl Terminal {
    /// For this process.
    ///
    /// # Errors
    /// When the clock cannot be read.
    pub fn new(context: &Context, json: bool) -> Result<Terminal, Failure> {
        context.clock()?;
        Ok(Terminal {
            context: Context {
                environment: context.environment.clone(),
                directory: context.directory.clone(),
                wanted: context.wanted.clone(),
            },
            json,
        })
    }
}

impl Host for Terminal {
    fn now(&self) -> u64 {
        // it could be read when the server started
        self.context.clock().unwrap_or_default()
    }

    fn tell(&self, line: &Line) {
        let word = match line.level {
            Level::Note => "note",
            Level::Warning => "warning",
        };
        if self.json {
            let mut object = Object::new()
                .with("time", rfc3339(self.now()))
                .with("level", word)
                .with("event", line.what);
            for (name, value) in &line.fields {
                let value: String = match forbidden_character(value) {
                    None => value.clone(),
                    Some(_) => printable(value),
                };
                object.set(*name, printable(&value));
            }
            return terminal::tell(&Value::from(object).to_canonical());
        }
        let fields = line
            .fields
            .iter()
            .map(|(name, value)| format!(" {name}={}", quoted(&printable(value))));
        let fields: String = fields.collect();
        terminal::tell(&format!("{word}: {}{fields}", line.what));
    }
}

/// Words with spaces stand in quotes.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '=';
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
