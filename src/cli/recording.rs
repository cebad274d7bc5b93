//! The options of every verb that records: where to, how long, with which key, and what becomes of
//! events that cannot be recorded now.

use super::context::{Context, Opened};
use super::failure::Failure;
use super::job::Job;
use super::on_failure::OnFailure;

/// How events are recorded.
#[derive(Debug, clap::Args)]
pub struct Recording {
    /// Push to remotes, the first of which decides [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    pub push: Option<Vec<String>>,
    /// What becomes of events that cannot be recorded now
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnFailure::Policy)]
    pub on_failure: OnFailure,
    /// Give up recording after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

impl Recording {
    /// The remotes that are pushed to, the first of which decides.
    ///
    /// # Errors
    /// When the ledger has no mirrors that `--push` alone could mean.
    pub fn remotes(&self, opened: &Opened) -> Result<Vec<String>, Failure> {
        remotes(opened, self.push.as_deref())
    }

    /// A job that appends as these options say.
    pub fn job<'a>(
        &'a self,
        context: &'a Context,
        opened: &'a Opened,
        push: &'a [String],
    ) -> Job<'a> {
        Job {
            context,
            opened,
            key: self.key.as_deref(),
            timeout: self.timeout,
            push,
        }
    }
}

/// The remotes that `--push` names; without names the ledger's mirrors, not given none.
///
/// # Errors
/// When the ledger has no mirrors.
pub fn remotes(opened: &Opened, push: Option<&[String]>) -> Result<Vec<String>, Failure> {
    match push {
        None => Ok(Vec::new()),
        Some([]) if opened.settings.mirrors.is_empty() => Err(Failure::usage(
            "--push needs a remote: the ledger has no mirrors",
        )
        .hint("git ledger mirror add NAME URL, or --push NAME")),
        Some([]) => Ok(opened.settings.mirrors.clone()),
        Some(names) => Ok(names.to_vec()),
    }
}
