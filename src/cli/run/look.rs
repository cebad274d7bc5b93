//! What is looked at around a command: watched files, artifacts, variables.

use std::ffi::OsStr;
use std::path::Path;

use git_ledger::capture::files::{ARTIFACTS, CONFIGURATION, Root, Walked};
use git_ledger::capture::step::{Looked, Made};
use git_ledger::capture::variables::{Patterns, Variables, in_file};
use git_ledger::durable;
use git_ledger::mac::DigestKey;

use crate::cli::capturing::{self, broken_files, broken_variables};
use crate::cli::context::{Context, Opened};
use crate::cli::failure::Failure;

use super::Args;

/// The variables that name files which carry variables to later steps.
const CARRIERS: [&str; 2] = ["GITHUB_ENV", "GITHUB_OUTPUT"];
/// The largest of these files that is read, in bytes.
const MAX_CARRIER: u64 = 4 << 20;

/// What is looked at.
pub struct Look<'a> {
    context: &'a Context,
    opened: &'a Opened,
    args: &'a Args,
    patterns: &'a Patterns,
    key: &'a DigestKey,
    watched: Vec<Root>,
}

impl<'a> Look<'a> {
    /// What the arguments ask for.
    pub fn new(
        context: &'a Context,
        opened: &'a Opened,
        args: &'a Args,
        patterns: &'a Patterns,
        key: &'a DigestKey,
    ) -> Result<Look<'a>, Failure> {
        let watched = args
            .watch
            .iter()
            .map(|path| capturing::root(context, opened, path))
            .collect::<Result<_, _>>()?;
        Ok(Look {
            context,
            opened,
            args,
            patterns,
            key,
            watched,
        })
    }

    /// What is there before the command runs; none if nothing is watched.
    pub fn before(&self) -> Result<Option<Looked>, Failure> {
        if self.watched.is_empty() && self.patterns.is_empty() {
            return Ok(None);
        }
        let mut looked = Looked::default();
        for root in &self.watched {
            let added = looked.files.add(root, CONFIGURATION, &|_| false);
            added.map_err(broken_files)?;
        }
        let all = capturing::variables(self.context);
        looked.variables = self
            .patterns
            .select(all, self.key)
            .map_err(broken_variables)?;
        looked.carried = self.carried();
        Ok(Some(looked))
    }

    /// What is there after it; what cannot be read is said, since the command has run.
    pub fn after(&self) -> Looked {
        let mut looked = Looked::default();
        for root in &self.watched {
            if let Err(why) = looked.files.add(root, CONFIGURATION, &|_| false) {
                looked.unread = Some(why.to_string());
            }
        }
        looked.carried = self.carried();
        looked
    }

    /// What the command made.
    pub fn made(&self) -> Vec<Made> {
        let made = |given: &std::path::PathBuf| {
            let root = capturing::root(self.context, self.opened, given);
            let root = match root {
                Ok(root) => root,
                Err(failure) => {
                    use std::os::unix::ffi::OsStrExt as _;
                    return Made {
                        name: given.as_os_str().as_bytes().to_vec(),
                        found: Err(failure.message),
                    };
                }
            };
            let mut walked = Walked::default();
            let added = walked.add(&root, ARTIFACTS, &|_| false);
            Made {
                name: root.name,
                found: added.map(|()| walked).map_err(|why| why.to_string()),
            }
        };
        self.args.artifact.iter().map(made).collect()
    }

    /// The variables of these patterns in the files that carry them on.
    fn carried(&self) -> Vec<(String, Variables)> {
        let mut all = Vec::new();
        for name in CARRIERS {
            let Some(path) = self.context.environment.get(name) else {
                continue;
            };
            let text = self.read(path).unwrap_or_default();
            let found = in_file(&text);
            let pairs = found
                .iter()
                .map(|(name, value)| (name.as_slice(), value.as_slice()));
            if let Ok(variables) = self.patterns.select(pairs, self.key) {
                all.push((name.to_owned(), variables));
            }
        }
        all
    }

    fn read(&self, path: &OsStr) -> std::io::Result<Vec<u8>> {
        durable::read(&self.context.directory.join(Path::new(path)), MAX_CARRIER)
    }
}
