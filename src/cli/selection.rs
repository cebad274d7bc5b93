//! Which entries, as the command line says it: the same words for every verb that selects.

use git_ledger::query::{Filter, Pattern, Span};

use super::context::Context;
use super::date::{self, Edge};
use super::failure::Failure;

/// What an entry must be to be selected.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// By number: 17, 10..20, 10.. or ..20
    #[arg(value_name = "RANGE")]
    range: Option<String>,
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
    /// A usage error for a time or a range that cannot be understood.
    pub fn filter(&self, context: &Context) -> Result<Filter, Failure> {
        let now = context.clock()?;
        let time = |text: &Option<String>, edge: Edge| {
            text.as_deref()
                .map(|text| date::parse(text, now, edge))
                .transpose()
        };
        let span = match &self.range {
            None => Span::default(),
            Some(text) => Span::parse(text).ok_or_else(|| {
                Failure::usage(format!("'{text}' is no range of numbers")).hint(
                    "write 17, 10..20, 10.. or ..20; 'git ledger show' takes commits and digests",
                )
            })?,
        };
        let patterns = |texts: &[String]| texts.iter().map(Pattern::new).collect();
        Ok(Filter {
            span,
            since: time(&self.since, Edge::Begin)?,
            until: time(&self.until, Edge::End)?,
            types: patterns(&self.types),
            sources: patterns(&self.sources),
            subjects: patterns(&self.subjects),
            signers: patterns(&self.signers),
        })
    }
}
