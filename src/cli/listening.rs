//! What all servers have in common: where they may listen, their clock and log, how they are told
//! to stop, and where their secrets come from.

pub mod secret;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::json::{Object, Value, forbidden_character};
use git_ledger::listener::{Host, Level, Line};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::watch;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::terminal;

/// Refuses another interface than loopback unless that was asked for, and tells what it means.
///
/// # Errors
/// A usage error.
pub fn check_address(address: SocketAddr, public: bool, host: &Terminal) -> Result<(), Failure> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    if !public {
        return Err(Failure::usage(format!(
            "{} is not the loopback interface, and this server speaks no TLS",
            address.ip()
        ))
        .hint("listen on 127.0.0.1 with a proxy in front, or say --public"));
    }
    host.tell(&Line::new(Level::Warning, "no-tls").with(
        "why",
        "tokens and bodies cross the network in the clear; TLS belongs in front",
    ));
    Ok(())
}

/// Listens, and serves until SIGTERM or SIGINT; a second one ends it at once. `fields` are told
/// with the address once it listens.
///
/// # Errors
/// When it cannot listen, or `serve` cannot.
pub fn listen(
    address: SocketAddr,
    host: &Arc<Terminal>,
    fields: &dyn Fn(Line, SocketAddr) -> Line,
    serve: impl FnOnce(TcpListener, SocketAddr, watch::Receiver<bool>) -> Result<(), String>,
) -> Result<Exit, Failure> {
    let listener = TcpListener::bind(address)
        .map_err(|why| Failure::cannot(format!("cannot listen on {address}: {why}")))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let handle = signals.handle();
    let told = Arc::clone(host);
    let waiter = std::thread::spawn(move || {
        let mut came = signals.forever();
        if came.next().is_some() {
            told.tell(&Line::new(Level::Note, "stopping"));
            stop.send_replace(true);
        }
        if let Some(second) = came.next() {
            // whoever asks twice does not want to wait
            signal_hook::low_level::emulate_default_handler(second).ok();
        }
    });
    let line = Line::new(Level::Note, "listening").with("address", &address.to_string());
    host.tell(&fields(line, address));
    let served = serve(listener, address, stopped);
    handle.close();
    waiter.join().ok();
    served.map_err(Failure::cannot)?;
    host.tell(&Line::new(Level::Note, "stopped"));
    Ok(Exit::Done)
}

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
