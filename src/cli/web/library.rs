//! Which ledgers are served: all that the repositories named have configured.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use git_ledger::git::Repository;
use git_ledger::web::answers::Name;
use git_ledger::web::{Book, Library};

use super::book::LedgerBook;
use super::keeper;
use crate::cli::context::{self, Context};
use crate::cli::failure::Failure;
use crate::cli::listening::Terminal;

/// The longest name in an address.
const LONGEST: usize = 100;

/// The ledgers that are served.
pub struct Shelf {
    books: Vec<Arc<LedgerBook>>,
    shown: Vec<Arc<dyn Book>>,
}

impl Shelf {
    /// All ledgers of these repositories; where one is wanted, that one of each.
    ///
    /// # Errors
    /// When a repository cannot be read, or there is no ledger in any of them.
    pub fn new(
        context: &Context,
        repositories: &[PathBuf],
        host: &Arc<Terminal>,
        compare_every: Option<u64>,
    ) -> Result<Shelf, Failure> {
        let mut books: Vec<Arc<LedgerBook>> = Vec::new();
        let (mut slugs, mut absent) = (BTreeSet::new(), None);
        for at in contexts(context, repositories)? {
            let repository = at.repository()?;
            let names: Vec<Option<String>> = match &at.wanted {
                Some(name) => vec![Some(name.clone())],
                None => match context::ledgers(&repository.config()?) {
                    names if names.is_empty() => vec![None],
                    names => names.into_iter().map(Some).collect(),
                },
            };
            let several = names.len() > 1;
            for wanted in names {
                let at = Context {
                    wanted,
                    environment: at.environment.clone(),
                    directory: at.directory.clone(),
                };
                let opened = at.open_quietly()?;
                let known = |book: &Arc<LedgerBook>| {
                    let other = book.opened().ok();
                    other.is_some_and(|other| {
                        other.ledger.state_dir() == opened.ledger.state_dir()
                            && other.ledger.reference() == opened.ledger.reference()
                    })
                };
                if books.iter().any(known) {
                    continue;
                }
                if opened.ledger.tip_id()?.is_none() {
                    absent = Some(crate::cli::compare::absent(&opened));
                }
                let ledger = &opened.settings.name;
                let directory = directory(&repository);
                let name = Name {
                    slug: slug(&mut slugs, &directory, several.then_some(ledger.as_str())),
                    ledger: ledger.clone(),
                    repository: directory,
                    reference: opened.settings.reference.clone(),
                };
                let book = LedgerBook::new(name, at, Arc::clone(host), compare_every);
                books.push(Arc::new(book));
            }
        }
        if let (Some(absent), true) = (absent, books.len() == 1) {
            return Err(absent);
        }
        let shown = books.iter().map(|book| Arc::clone(book) as Arc<dyn Book>);
        Ok(Shelf {
            shown: shown.collect(),
            books,
        })
    }

    /// Starts whoever keeps the books.
    ///
    /// # Errors
    /// When there are no threads.
    pub fn keep(&self) -> std::io::Result<()> {
        self.books.iter().try_for_each(keeper::keep)
    }

    /// Ends what the keepers do.
    pub fn close(&self) {
        self.books.iter().for_each(|book| book.bell.close());
    }

    /// What is served, for people: the name in addresses, and the branch.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.books.iter().map(|book| &book.name)
    }
}

impl Library for Shelf {
    fn books(&self) -> &[Arc<dyn Book>] {
        &self.shown
    }
}

/// The directories that were named, or the one the command runs in.
fn contexts(context: &Context, repositories: &[PathBuf]) -> Result<Vec<Context>, Failure> {
    if repositories.is_empty() {
        return Ok(vec![Context {
            environment: context.environment.clone(),
            directory: context.directory.clone(),
            wanted: context.wanted.clone(),
        }]);
    }
    let each = repositories.iter().map(|path| {
        let directory = context.directory.join(path);
        if !directory.is_dir() {
            let shown = directory.display();
            return Err(Failure::usage(format!("there is no directory '{shown}'"))
                .hint("--repository takes a directory that exists"));
        }
        Ok(Context {
            // a repository that is named is meant, whatever git says of another
            environment: context
                .environment
                .clone()
                .without("GIT_DIR")
                .without("GIT_WORK_TREE"),
            directory,
            wanted: context.wanted.clone(),
        })
    });
    each.collect()
}

/// The name of a repository's own directory.
fn directory(repository: &Repository) -> String {
    let path = repository.work_tree().unwrap_or(repository.git_dir());
    let name = path.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default();
    name.strip_suffix(".git")
        .filter(|rest| !rest.is_empty())
        .unwrap_or(&name)
        .to_owned()
}

/// A name for addresses that no other ledger has.
fn slug(taken: &mut BTreeSet<String>, directory: &str, ledger: Option<&str>) -> String {
    let plain = |text: &str| -> String {
        let kept = |c: char| match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '-',
        };
        text.chars().map(kept).take(LONGEST / 2 - 5).collect()
    };
    let mut name = plain(directory);
    if let Some(ledger) = ledger {
        name = format!("{name}.{}", plain(ledger));
    }
    // dots alone lead elsewhere in an address
    if name.trim_matches('.').is_empty() {
        name = "ledger".to_owned();
    }
    let mut unique = name.clone();
    let mut nth = 2;
    while !taken.insert(unique.clone()) {
        unique = format!("{name}-{nth}");
        nth += 1;
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_addresses_are_plain_and_unique() {
        let mut taken = BTreeSet::new();
        let mut name = |directory, ledger| slug(&mut taken, directory, ledger);
        assert_eq!(name("payments", None), "payments");
        assert_eq!(name("payments", None), "payments-2");
        assert_eq!(name("a b/ü", Some("x\u{202e}")), "a-b--.x-");
        assert_eq!(name("..", None), "ledger");
        assert!(name(&"x".repeat(300), Some(&"y".repeat(300))).len() <= LONGEST);
    }
}
