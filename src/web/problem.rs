//! Why there is no answer, and whose fault that is.

use std::ops::Range;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whose fault.
    pub fault: Fault,
    /// What is wrong, in one sentence.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The words that were asked for, and which bytes of them are at fault.
    pub at: Option<(String, Range<usize>)>,
}

/// Whose fault it is that there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What was asked makes no sense.
    Asked,
    /// It does not say who asks.
    Stranger,
    /// Whoever asks may not.
    Forbidden,
    /// There is no such thing.
    Absent,
    /// The path takes no such method.
    Method,
    /// What was asked is too long.
    TooLong,
    /// It was asked of another host.
    Elsewhere,
    /// It is there and broken, or is no longer there: the ledger's fault.
    Broken,
    /// It cannot be told now; later, perhaps.
    Later,
    /// This program's fault.
    Here,
}

impl Problem {
    /// A problem without more to say about it.
    pub fn new(fault: Fault, detail: impl Into<String>) -> Problem {
        Problem {
            fault,
            detail: detail.into(),
            hint: None,
            at: None,
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

impl Fault {
    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Fault::Asked => "asked",
            Fault::Stranger => "stranger",
            Fault::Forbidden => "forbidden",
            Fault::Absent => "absent",
            Fault::Method => "method",
            Fault::TooLong => "too-long",
            Fault::Elsewhere => "elsewhere",
            Fault::Broken => "broken",
            Fault::Later => "later",
            Fault::Here => "here",
        }
    }

    /// The status of HTTP.
    pub fn status(self) -> u16 {
        match self {
            Fault::Asked => 400,
            Fault::Stranger => 401,
            Fault::Forbidden => 403,
            Fault::Absent => 404,
            Fault::Method => 405,
            Fault::TooLong => 414,
            Fault::Elsewhere => 421,
            Fault::Broken => 422,
            Fault::Later => 503,
            Fault::Here => 500,
        }
    }

    /// What it is called, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Fault::Asked => "That makes no sense here",
            Fault::Stranger => "Who are you?",
            Fault::Forbidden => "Not for you",
            Fault::Absent => "There is no such thing",
            Fault::Method => "Pages are only read",
            Fault::TooLong => "That is too long",
            Fault::Elsewhere => "This is not that host",
            Fault::Broken => "That is broken",
            Fault::Later => "Not now",
            Fault::Here => "Something went wrong",
        }
    }
}
