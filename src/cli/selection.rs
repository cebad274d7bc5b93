//! Which entries, as the command line says it: the same words for every verb that selects.

use std::ffi::OsString;

use git_ledger::escape::printable;
use git_ledger::query::key::Key;
use git_ledger::query::words::{self, Fault};
use git_ledger::query::{Filter, Pattern, Test};

use super::context::Context;
use super::date::{self, Edge};
use super::failure::Failure;

/// Verbs that take words of the filter language.
pub const VERBS: [&str; 3] = ["log", "export", "stats"];

/// Columns of a line shown before and behind the place at fault.
const AROUND: usize = 60;

/// What an entry must be to be selected.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// Numbers (17, 10..20, 10.. or ..20) or words of the filter language, as in: type:dev.cdevents.* env:prod actor:alice since:2w hotfix -outcome:success
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Leave out what this word fits; the same as a - in front of it
    #[arg(long = "not", value_name = "WORD", allow_hyphen_values = true)]
    not: Vec<String>,
    /// Recorded at this time or later (2026-01-31, RFC 3339, @SECONDS, '2 weeks ago', 2w)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Recorded at this time or earlier
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// With an event of this type, exact or up to a final *; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// The same event from this source, exact or up to a final *
    #[arg(long = "source", value_name = "URI")]
    sources: Vec<String>,
    /// The same event with this subject, exact or up to a final *
    #[arg(long = "subject", value_name = "S")]
    subjects: Vec<String>,
    /// Signed by this principal, or with the key of this fingerprint (SHA256:…), as claimed
    #[arg(long = "signer", value_name = "P")]
    signers: Vec<String>,
}

impl Selection {
    /// The filter these words spell; times in them are understood by the clock.
    ///
    /// # Errors
    /// A usage error for what cannot be understood.
    pub fn filter(&self, context: &Context) -> Result<Filter, Failure> {
        let now = context.clock()?;
        let mut filter = Filter::default();
        let negated = self.not.iter().map(|word| format!("-{word}"));
        for line in [self.words.join(" ")].into_iter().chain(negated) {
            add(&mut filter, &line, now).map_err(|fault| refusal(&line, fault))?;
        }
        if let Some(text) = &self.since {
            filter.not_before(date::parse(text, now, Edge::Begin)?);
        }
        if let Some(text) = &self.until {
            filter.not_after(date::parse(text, now, Edge::End)?);
        }
        for (key, texts) in [
            (Key::Type, &self.types),
            (Key::Source, &self.sources),
            (Key::Subject, &self.subjects),
            (Key::Signer, &self.signers),
        ] {
            for text in texts {
                filter.require(Test::Is(key, Pattern::new(text)));
            }
        }
        Ok(filter)
    }
}

/// Puts a line of the filter language into a filter; times in it are understood as of `now`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn add(filter: &mut Filter, line: &str, now: u64) -> Result<(), Fault> {
    let clock = |text: &str, edge: Edge| date::parse(text, now, edge).ok();
    words::add(filter, line, &clock)
}

/// A fault as people see it: what is wrong, and the line with a finger below the place.
fn refusal(line: &str, fault: Fault) -> Failure {
    let mut message = printable(&fault.why);
    let part = |range: std::ops::Range<usize>| printable(line.get(range).unwrap_or_default());
    // a line that is the fault itself needs no finger
    if fault.at.start > 0 || (fault.at.end < line.len() && !fault.at.is_empty()) {
        let (before, at, after) = (
            part(0..fault.at.start),
            part(fault.at.clone()),
            part(fault.at.end..line.len()),
        );
        let long = before.chars().count().saturating_sub(AROUND);
        let before: String = before.chars().skip(long).collect();
        let at: String = at.chars().take(AROUND).collect();
        let after: String = after.chars().take(AROUND).collect();
        let columns = |text: &str| text.chars().count();
        message += &format!(
            "\n{before}{at}{after}\n{}{}",
            " ".repeat(columns(&before)),
            "^".repeat(columns(&at).max(1))
        );
    }
    fault
        .hint
        .into_iter()
        .fold(Failure::usage(message), Failure::hint)
}

/// The arguments with `-key:value` as `--not=key:value`, which the parser would take for options;
/// only for verbs that select, and only up to `--`.
pub fn with_negations(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = arguments.collect();
    if !all
        .iter()
        .skip(1)
        .any(|word| word.to_str().is_some_and(|word| VERBS.contains(&word)))
    {
        return all;
    }
    let mut words = all.iter_mut().skip(1);
    let verb = loop {
        let Some(word) = words
            .next()
            .and_then(|word| word.to_str().map(str::to_owned))
        else {
            return all;
        };
        match word.as_str() {
            "-C" | "--ledger" => {
                words.next();
            }
            option if option.starts_with('-') => {}
            _ => break word,
        }
    };
    if !VERBS.contains(&verb.as_str()) {
        return all;
    }
    for word in words {
        let Some(text) = word.to_str() else { continue };
        if text == "--" {
            break;
        }
        let negated = text.strip_prefix('-').filter(|rest| {
            let name = rest.split_once(':').map(|(name, _)| name);
            name.is_some_and(|name| {
                words::is_key(name) || (name.len() > 2 && words::nearest(name).is_some())
            })
        });
        if let Some(rest) = negated {
            *word = format!("--not={rest}").into();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let words = line.split(' ').map(OsString::from);
        let words = with_negations(words);
        let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
        words.join(" ")
    }

    #[test]
    fn a_minus_is_no_option_where_a_key_follows() {
        for (given, want) in [
            ("p log -env:a -n1", "p log --not=env:a -n1"),
            (
                "p -C x --ledger log log -env:a",
                "p -C x --ledger log log --not=env:a",
            ),
            ("p log -evn:a -n:5", "p log --not=evn:a --not=n:5"),
            (
                "p export -o:x -env:a -- -env:b",
                "p export -o:x --not=env:a -- -env:b",
            ),
            ("p run -- log -env:a", "p run -- log -env:a"),
            ("p append log -env:a", "p append log -env:a"),
        ] {
            assert_eq!(rewritten(given), want);
        }
    }

    #[test]
    fn what_hides_in_a_line_is_spelled_out_and_pointed_at() {
        let line = "a\u{202e}b\n xyz:1";
        let fault = words::parse(line, &|_, _| None).unwrap_err();
        let failure = refusal(line, fault);
        let lines: Vec<&str> = failure.message.lines().collect();
        assert_eq!(lines[1], "a<U+202E>b<U+000A> xyz:1");
        assert_eq!(lines[2], "                   ^^^");
    }
}
