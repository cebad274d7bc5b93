//! Waiting that a signal ends.

use std::cell::Cell;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::failure::Failure;

/// Whether this process was asked to end.
pub struct Stop {
    asked: Cell<bool>,
    signals: Receiver<()>,
}

impl Stop {
    /// Nobody is listened to: a signal ends the process as it always does.
    pub fn never() -> Stop {
        Stop {
            asked: Cell::new(false),
            signals: crossbeam_channel::never(),
        }
    }

    /// SIGINT and SIGTERM are noticed, and end the process at the next good moment.
    pub fn on_signals() -> Result<Stop, Failure> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let (send, receive) = crossbeam_channel::bounded(1);
        std::thread::spawn(move || {
            // the second one finds the first not taken yet, which is enough
            for _ in signals.forever() {
                send.try_send(()).ok();
            }
        });
        Ok(Stop {
            asked: Cell::new(false),
            signals: receive,
        })
    }

    /// Waits this long; whether it was asked to end.
    pub fn wait(&self, duration: Duration) -> bool {
        if !self.asked.get() {
            let asked = match self.signals.recv_timeout(duration) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
            };
            self.asked.set(asked);
        }
        self.asked.get()
    }

    /// Whether it was asked to end.
    pub fn is_asked(&self) -> bool {
        self.wait(Duration::ZERO)
    }
}
