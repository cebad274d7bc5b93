//! What a page is made of: the frame, foreign text, badges, times, digests, charts, trees, diffs.
//!
//! Pure functions from values to markup, used by the pages of `git ledger web` and by the report
//! that opens offline. Markup is escaped by maud; foreign text passes [`foreign()`] besides, which
//! spells out what would move, reorder or hide other text. Nothing here makes an inline style, an
//! inline script or an address outside: the rules of the content security policy allow none.

pub mod chart;
mod diff;
mod document;
mod foreign;
mod marks;
mod table;
mod tree;

pub use diff::diff;
pub use document::{APP, Frame, ICON, Link, STYLE, offline, page};
pub use foreign::{foreign, passage, plain};
pub use marks::{State, badge, clock, count, digest, icon, number, state, time};
pub use table::{facts, table};
pub use tree::tree;

/// Text as part of an address: a segment of a path or a value of a query.
pub fn address(text: &str) -> String {
    crate::escape::percent(text, crate::escape::UNRESERVED)
}
