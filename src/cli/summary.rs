//! The summary of a build, where one is asked for: `GIT_LEDGER_SUMMARY` names a file, and what is
//! recorded or put aside is told there too.

use std::fs::OpenOptions;
use std::io::Write as _;

use git_ledger::append::Recorded;
use git_ledger::escape::printable;
use git_ledger::event::Pending;
use git_ledger::report::summary;

use super::context::Context;
use super::terminal;

/// Tells of entries.
pub fn recorded(context: &Context, recorded: &[Recorded]) {
    if !recorded.is_empty() {
        let links = recorded.iter().map(|recorded| &recorded.link);
        tell(context, || summary::recorded(links));
    }
}

/// Tells of events that wait.
pub fn spooled(context: &Context, pending: &[Pending], why: &str) {
    tell(context, || summary::spooled(pending, why));
}

/// What cannot be told here is recorded all the same: a warning, no failure.
fn tell(context: &Context, text: impl FnOnce() -> String) {
    let Some(file) = context.environment.get("GIT_LEDGER_SUMMARY") else {
        return;
    };
    let path = context.environment.absolute(file);
    let opened = OpenOptions::new().create(true).append(true).open(&path);
    let told = opened.and_then(|mut file| file.write_all(text().as_bytes()));
    if let Err(why) = told {
        terminal::tell(&format!(
            "warning: the summary '{}' cannot be written: {why}",
            printable(&path.to_string_lossy())
        ));
    }
}
