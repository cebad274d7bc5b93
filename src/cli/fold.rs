//! What is done when the answer is out: loose entries are gathered in packs before they hurt.
//!
//! In this process, for a child that outlives the command is what a container is stopped for.

use git_ledger::commit::Link;
use git_ledger::escape::printable;
use git_ledger::git::Scope;

use super::context::Opened;
use super::terminal;

/// Gathers what is loose up to this entry, if it is time and nobody forbids it. What cannot be
/// gathered stays as it is, and is recorded all the same.
pub fn after(opened: &Opened, newest: &Link) {
    if !is_wanted(opened) {
        return;
    }
    if let Err(why) = opened.ledger.fold_if_due(newest) {
        let why = printable(&why.to_string());
        terminal::tell(&format!(
            "warning: recorded, but loose entries could not be gathered in a pack: {why}"
        ));
    }
}

/// `ledger.<name>.fold` decides; where it says nothing, whoever switches git's own housekeeping off
/// (`gc.auto=0`) does it in another way.
fn is_wanted(opened: &Opened) -> bool {
    let config = &opened.config;
    let own = format!("ledger.{}.fold", opened.settings.name);
    let off = || config.get("gc.auto", Scope::Any).as_deref() == Some("0");
    config.get_bool(&own, Scope::Any).unwrap_or_else(|| !off())
}
