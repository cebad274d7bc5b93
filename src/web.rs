//! A ledger in a browser: pages that are only read, and a JSON API with the same answers.
//!
//! Every request is held against the rules of [`guard`] before anything is looked up: which host
//! it names, who asks, by which method. No route changes anything. Where answers come from is
//! handed in as a [`Library`]; the room knows neither git nor files nor the clock.
//!
//! Source: `ledger-spec/web.md`; RFC 9110; RFC 9457; Fetch Metadata Request Headers (W3C).
//!
//! # Limits
//! A page is no evidence: whoever runs the server, or stands between it and the browser, can show
//! what they like. `git ledger verify` and the proofs that pages hand out are for that.

pub mod answers;
mod api;
mod ask;
mod assets;
pub mod guard;
mod headers;
pub mod pages;
mod problem;
mod replay;
mod routes;
mod server;
mod tail;

#[cfg(test)]
mod tests;

pub use answers::{Book, Library};
pub use guard::{Door, Reverse};
pub use server::Server;
