//! When to look again.

/// The longest time between two questions to remotes that give no answer, in seconds.
const SELDOM: u64 = 3600;

/// How often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Seconds between two looks.
    pub every: u64,
    /// Seconds after which everything is read again, not what is new only.
    pub full_every: u64,
}

impl Schedule {
    /// Whether everything is to be read now.
    pub fn wants_all(&self, last_full: Option<u64>, now: u64) -> bool {
        // a clock that went back is no reason to read less
        last_full.is_none_or(|last| now < last || now - last >= self.full_every)
    }

    /// When remotes are asked again after so many looks in a row in which all were silent: each
    /// costs its whole deadline, and the copy in hand is looked at all the same.
    pub fn ask_again(&self, now: u64, silent: u32) -> u64 {
        let pause = match silent {
            0 => 0,
            silent => {
                let factor = 1u64.checked_shl(silent.min(6)).unwrap_or(64);
                self.every
                    .saturating_mul(factor)
                    .min(SELDOM.max(self.every))
            }
        };
        now.saturating_add(pause)
    }
}

/// A pause that differs by up to a tenth, so that many watches do not ask at once; `random` is any
/// number.
pub fn jittered(seconds: u64, random: u64) -> u64 {
    let spread = (seconds / 5).max(1);
    (seconds - seconds / 10)
        .saturating_add(random % spread)
        .max(1)
}
