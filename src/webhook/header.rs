//! The headers of one request, as they came: a name may stand there more than once.

use super::Refusal;

/// A value is at most so long, in bytes.
const MAX_VALUE: usize = 4096;

/// The headers of one request.
#[derive(Clone, Default)]
pub struct Headers<'a>(Vec<(&'a str, &'a [u8])>);

// values can be secrets
impl std::fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a [u8])>>(all: T) -> Headers<'a> {
        Headers(all.into_iter().collect())
    }
}

impl<'a> Headers<'a> {
    /// Whether a header of this name is there; names are the same in either case.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value of a header that stands there exactly once.
    ///
    /// # Errors
    /// When it is missing, stands there more than once, or is longer than 4096 bytes.
    pub fn only(&self, name: &'static str) -> Result<&'a [u8], Refusal> {
        let mut values = self.all(name);
        let value = values.next().ok_or(Refusal::Missing(name))?;
        if values.next().is_some() {
            return Err(Refusal::Repeated(name));
        }
        if value.len() > MAX_VALUE {
            let why = "it is longer than 4096 bytes";
            return Err(Refusal::Malformed { header: name, why });
        }
        Ok(value)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}
