//! An alert as an entry of systemd's journal: one datagram of fields.
//!
//! A value is sent with its length before it, so that a line feed in it begins no other field.
//!
//! Source: systemd "Native Journal Protocol".

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::finding::Severity;

use super::{Alert, Kind};

/// Where the journal listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// The fields of an alert.
pub fn datagram(alert: &Alert) -> Vec<u8> {
    // of syslog: crit, warning, notice
    let priority = match (alert.kind, alert.severity) {
        (Kind::Gone, _) | (_, Severity::Note) => "5",
        (_, Severity::Unknown) => "4",
        (_, Severity::Breach) => "2",
    };
    let entry = alert.entry.map(|entry| entry.to_string());
    let fields = [
        ("MESSAGE", Some(alert.line())),
        ("PRIORITY", Some(priority.to_owned())),
        ("SYSLOG_IDENTIFIER", Some("git-ledger".to_owned())),
        ("GIT_LEDGER_ALERT_ID", Some(alert.id.clone())),
        ("GIT_LEDGER_ALERT_KIND", Some(alert.kind.word().to_owned())),
        (
            "GIT_LEDGER_SEVERITY",
            Some(alert.severity.word().to_owned()),
        ),
        ("GIT_LEDGER_FINDING", Some(alert.name.to_owned())),
        (
            "GIT_LEDGER_PLACE",
            Some(crate::escape::printable(&alert.place)),
        ),
        ("GIT_LEDGER_ENTRY", entry),
    ];
    let mut bytes = Vec::new();
    for (name, value) in fields {
        let Some(value) = value else { continue };
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

/// Sends it.
///
/// # Errors
/// When there is no journal, or it does not take it.
pub(super) fn send(alert: &Alert, socket: &Path) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    sender.set_write_timeout(Some(std::time::Duration::from_secs(5)))?;
    sender.send_to(&datagram(alert), socket)?;
    Ok(())
}

/// Sends an alert to the journal.
///
/// # Errors
/// Why it was not taken.
pub fn deliver(alert: &Alert, socket: &Path) -> Result<(), String> {
    send(alert, socket).map_err(|why| format!("the journal does not take it: {why}"))
}
