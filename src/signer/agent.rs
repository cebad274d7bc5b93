//! A client for ssh-agent: which keys does it hold, and please sign this.
//!
//! Two requests of the agent protocol and nothing more. Every length is bounded before anything
//! is allocated, and every conversation has a deadline, because the agent may be a forwarded
//! socket whose other end is gone.
//!
//! # Limits
//! Connecting has no deadline of its own: the standard library has none for local sockets, and it
//! blocks only when the agent's queue is full.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::signature::wire::{Reader, WireFault, put_string};
use crate::signature::{KeyKind, PublicKey};

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// Asks for rsa-sha2-512 rather than SHA-1.
const RSA_SHA2_512: u32 = 4;
/// The longest answer that OpenSSH's own client takes.
const LONGEST_ANSWER: usize = 256 * 1024;
/// A list of keys comes at once.
const LIST_DEADLINE: Duration = Duration::from_secs(10);
/// A signature may wait for somebody to touch a token or to confirm.
const SIGN_DEADLINE: Duration = Duration::from_secs(60);

/// An open conversation with an agent.
#[derive(Debug)]
pub(super) struct Agent {
    stream: UnixStream,
}

impl Agent {
    /// Connects to the agent that listens at `socket`.
    pub(super) fn connect(socket: &Path) -> Result<Self, String> {
        let stream = UnixStream::connect(socket)
            .map_err(|error| format!("cannot reach '{}': {error}", socket.display()))?;
        Ok(Agent { stream })
    }

    /// Whether the agent holds the private half of `key`.
    pub(super) fn holds(&mut self, key: &PublicKey) -> Result<bool, String> {
        let answer = self.ask(&[REQUEST_IDENTITIES], LIST_DEADLINE)?;
        let mut reader = Reader::new(&answer);
        let kind = reader.byte("the answer").map_err(garbled)?;
        if kind != IDENTITIES_ANSWER {
            return Err(refusal(kind, "list its keys"));
        }
        let count = reader.u32("the number of keys").map_err(garbled)?;
        // Other keys are not read: one odd certificate among them must not hide ours.
        for _ in 0..count {
            let blob = reader.string("a key").map_err(garbled)?;
            reader.string("a comment").map_err(garbled)?;
            if blob == key.blob() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Has `key` sign `data`. The agent signs the bytes as they are, it does not know SSHSIG.
    pub(super) fn sign(&mut self, key: &PublicKey, data: &[u8]) -> Result<Vec<u8>, String> {
        let flags = match key.kind() {
            KeyKind::Rsa => RSA_SHA2_512,
            _ => 0,
        };
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, key.blob());
        put_string(&mut request, data);
        request.extend_from_slice(&flags.to_be_bytes());
        let answer = self.ask(&request, SIGN_DEADLINE)?;
        let mut reader = Reader::new(&answer);
        let kind = reader.byte("the answer").map_err(garbled)?;
        if kind != SIGN_RESPONSE {
            return Err(refusal(kind, "sign"));
        }
        let signature = reader.string("the signature").map_err(garbled)?.to_vec();
        reader.end().map_err(garbled)?;
        Ok(signature)
    }

    fn ask(&mut self, request: &[u8], patience: Duration) -> Result<Vec<u8>, String> {
        let deadline = Instant::now() + patience;
        let mut framed = Vec::with_capacity(request.len() + 4);
        put_string(&mut framed, request);
        self.stream
            .set_write_timeout(Some(patience))
            .and_then(|()| self.stream.write_all(&framed))
            .map_err(|error| format!("cannot be asked: {error}"))?;
        let mut length = [0; 4];
        self.fill(&mut length, deadline)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length == 0 || length > LONGEST_ANSWER {
            return Err(format!("sent an answer of {length} bytes"));
        }
        let mut answer = vec![0; length];
        self.fill(&mut answer, deadline)?;
        Ok(answer)
    }

    /// Fills `buffer`, however slowly the bytes drip, until `deadline`.
    fn fill(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<(), String> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("did not answer in time".into());
            }
            let read = self
                .stream
                .set_read_timeout(Some(left))
                .and_then(|()| self.stream.read(rest));
            match read {
                Ok(0) => return Err("hung up".into()),
                Ok(count) => filled += count,
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => {}
                    _ => return Err(format!("cannot be heard: {error}")),
                },
            }
        }
        Ok(())
    }
}

fn garbled(fault: WireFault) -> String {
    format!("sent an answer that {fault}")
}

fn refusal(kind: u8, what: &str) -> String {
    match kind {
        FAILURE => format!("refused to {what}"),
        other => format!("answered {other} when asked to {what}"),
    }
}
