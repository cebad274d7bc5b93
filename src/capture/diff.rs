//! The difference of two texts, as a unified diff that is bounded in size and time.

use std::time::{Duration, Instant};

use similar::TextDiff;

use crate::secret;

/// The longest difference that is recorded, in bytes.
pub const MAX: usize = 8 << 10;
/// Lines around a change.
const CONTEXT: usize = 3;
/// After this long a coarser difference does.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why there is no difference to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDiff {
    /// It is longer than [`MAX`].
    TooLong,
    /// A line of it looks like a secret.
    Secret,
    /// One of both texts is not kept: not UTF-8, too long, or with what looks like a secret in it.
    NotKept,
}

impl NoDiff {
    /// The word in the event.
    pub fn word(self) -> &'static str {
        match self {
            NoDiff::TooLong => "tooLong",
            NoDiff::Secret => "secret",
            NoDiff::NotKept => "notKept",
        }
    }
}

/// The unified difference, without the two lines that name the files.
///
/// # Errors
/// [`NoDiff`] when it cannot stand in the record.
pub fn unified(old: &str, new: &str) -> Result<String, NoDiff> {
    let deadline = Instant::now() + PATIENCE;
    let diff = TextDiff::configure()
        .deadline(deadline)
        .diff_lines(old, new);
    let text = diff.unified_diff().context_radius(CONTEXT).to_string();
    if text.len() > MAX {
        return Err(NoDiff::TooLong);
    }
    if secret::is_in(&text) || crate::json::forbidden_character(&text).is_some() {
        return Err(NoDiff::Secret);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_change() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nd\nE\nf\ng\nh\n";
        assert_eq!(
            unified(old, new).as_deref(),
            Ok("@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n")
        );
        assert_eq!(
            unified("a", "b").as_deref(),
            Ok("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n")
        );
    }

    #[test]
    fn what_cannot_stand_in_the_record() {
        assert_eq!(unified("a\n", "password: x\n"), Err(NoDiff::Secret));
        assert_eq!(unified("", &"x\n".repeat(MAX)), Err(NoDiff::TooLong));
    }
}
