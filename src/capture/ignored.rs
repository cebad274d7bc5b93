//! What a tree itself asks to leave out: `.gitignore` and `.ledgerignore`, by git's rules.
//!
//! The files belong to whoever may write the tree, so they are read as hostile: bounded, never
//! through a link. A line that is no pattern leaves nothing out. They can hide a file, but not that
//! they do: both are always recorded themselves.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::durable;

/// The files, the one that has the last word last.
pub const NAMES: [&str; 2] = [".gitignore", ".ledgerignore"];
/// The largest one, in bytes.
const MAX_FILE: u64 = 64 << 10;
/// All of a tree together, in bytes.
const MAX_ALL: u64 = 4 << 20;

/// The rules of the directories that lead to where a walk stands.
#[derive(Debug, Default)]
pub struct Rules {
    /// By depth, the outermost first.
    stack: Vec<(usize, Gitignore)>,
    read: u64,
}

impl Rules {
    /// Forgets the rules of directories that the walk has left: those at this depth and deeper.
    pub fn leave(&mut self, depth: usize) {
        while self.stack.last().is_some_and(|(at, _)| *at >= depth) {
            self.stack.pop();
        }
    }

    /// Reads the rules of a directory.
    ///
    /// # Errors
    /// When they are larger than anybody writes by hand, or cannot be read.
    pub fn enter(&mut self, directory: &Path, depth: usize) -> io::Result<()> {
        for name in NAMES {
            let Some(text) = self.read(&directory.join(name))? else {
                continue;
            };
            let mut builder = GitignoreBuilder::new(directory);
            for line in text.trim_start_matches('\u{feff}').lines() {
                builder.add_line(None, line).ok();
            }
            let rules = builder.build().map_err(io::Error::other)?;
            if !rules.is_empty() {
                self.stack.push((depth, rules));
            }
        }
        Ok(())
    }

    /// Whether a path is left out.
    pub fn leave_out(&self, path: &Path, directory: bool) -> bool {
        let decided =
            self.stack
                .iter()
                .rev()
                .find_map(|(_, rules)| match rules.matched(path, directory) {
                    Match::None => None,
                    Match::Ignore(_) => Some(true),
                    Match::Whitelist(_) => Some(false),
                });
        decided.unwrap_or(false)
    }

    fn read(&mut self, path: &Path) -> io::Result<Option<String>> {
        // as git does: one that is a link or no file at all says nothing
        let Ok(file) = durable::open(path, OpenOptions::new().read(true)) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        self.read += bytes.len() as u64;
        if bytes.len() as u64 > MAX_FILE || self.read > MAX_ALL {
            return Err(io::Error::other(format!(
                "ignore rules of more than {MAX_FILE} bytes, or {MAX_ALL} in all"
            )));
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
