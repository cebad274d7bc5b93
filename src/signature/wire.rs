//! The SSH wire encoding (RFC 4251, section 5): lengths, strings and multiple precision integers.
//!
//! The reader only borrows, so a hostile length costs nothing; it accepts one spelling of each
//! value, and what an external program may spell otherwise is asked for by name ([`Spelling`]).

use thiserror::Error;

/// Why bytes are not the wire encoding that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum WireFault {
    /// The bytes end before the field does.
    #[error("ends inside {0}")]
    Short(&'static str),
    /// Bytes stand after the last field.
    #[error("{0} bytes too many at the end")]
    Trailing(usize),
    /// An integer is negative, or has leading zeros to spare.
    #[error("{0} is not a minimal positive integer")]
    Integer(&'static str),
}

/// Which spellings of one value are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// The one spelling that may stand in an entry.
    Canonical,
    /// What a program or agent may answer; it is written anew before anybody sees it.
    Foreign,
}

/// Reads fields from the front of borrowed bytes.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over all of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], WireFault> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(WireFault::Short(what))?;
        self.rest = rest;
        Ok(head)
    }

    /// One byte.
    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, WireFault> {
        let (&head, rest) = self.rest.split_first().ok_or(WireFault::Short(what))?;
        self.rest = rest;
        Ok(head)
    }

    /// Four bytes, most significant first.
    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, WireFault> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<4>()
            .ok_or(WireFault::Short(what))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*head))
    }

    /// A length, then that many bytes.
    pub(crate) fn string(&mut self, what: &'static str) -> Result<&'a [u8], WireFault> {
        let length = self.u32(what)?;
        let length = usize::try_from(length).map_err(|_| WireFault::Short(what))?;
        self.take(length, what)
    }

    /// A non-negative integer, most significant byte first, without leading zeros (so zero is
    /// empty).
    pub(crate) fn integer(
        &mut self,
        what: &'static str,
        spelling: Spelling,
    ) -> Result<&'a [u8], WireFault> {
        let bytes = self.string(what)?;
        let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
        let minimal = match bytes {
            [0, next, ..] => *next >= 0x80,
            [0] => false,
            _ => true,
        };
        if negative || (spelling == Spelling::Canonical && !minimal) {
            return Err(WireFault::Integer(what));
        }
        Ok(without_leading_zeros(bytes))
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), WireFault> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(WireFault::Trailing(more)),
        }
    }
}

/// `bytes` from the first one that is not zero.
pub(crate) fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Appends `bytes` with its length before it.
///
/// Everything written here was made in this program and is far below 4 GiB; a length that does
/// not fit would be written as the largest one, which no reader accepts.
pub(crate) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends the minimal encoding of the non-negative integer `bytes`.
pub(crate) fn put_integer(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = without_leading_zeros(bytes);
    let sign = bytes.first().is_some_and(|byte| *byte >= 0x80);
    let length = u32::try_from(bytes.len() + usize::from(sign)).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    if sign {
        out.push(0);
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(bytes: &[u8], spelling: Spelling) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        put_string(&mut out, bytes);
        let mut reader = Reader::new(&out);
        let value = reader.integer("n", spelling).ok().map(<[u8]>::to_vec);
        if value.is_some() {
            assert!(reader.end().is_ok());
        }
        value
    }

    #[test]
    fn an_integer_has_one_spelling() {
        for value in [&[][..], &[1], &[0x7f], &[0x80], &[0xff, 0], &[1, 0, 0]] {
            let mut out = Vec::new();
            put_integer(&mut out, value);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.integer("n", Spelling::Canonical), Ok(value));
        }
        for refused in [&[0][..], &[0, 1], &[0, 0, 0x80], &[0x80], &[0xff, 1]] {
            assert_eq!(integer(refused, Spelling::Canonical), None, "{refused:?}");
        }
        assert_eq!(integer(&[0, 0, 0x80], Spelling::Foreign), Some(vec![0x80]));
        assert_eq!(integer(&[0, 0, 1], Spelling::Foreign), Some(vec![1]));
        assert_eq!(integer(&[0x80], Spelling::Foreign), None);
    }

    #[test]
    fn a_length_beyond_the_end_is_short() {
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(reader.string("x"), Err(WireFault::Short("x")));
        let mut reader = Reader::new(&[0, 0, 0]);
        assert_eq!(reader.u32("y"), Err(WireFault::Short("y")));
        assert_eq!(Reader::new(&[0]).end(), Err(WireFault::Trailing(1)));
    }
}
