//! The report that is handed to an auditor: one model, and every rendering a pure function of it.
//!
//! [`Collector`] folds the entries of a ledger, the oldest first; [`model::model`] puts together
//! what was folded, verified and compared, as one JSON object; [`render`] writes it as HTML,
//! Markdown or JSON, with the model in it; and [`check`] reads a file that was made so, renders
//! its model again, judges the proofs in it, and compares it with a model that was made anew.
//!
//! Source: `ledger-spec/report.md`.
//!
//! # Limits
//! A report says what is recorded and whether the record holds. It says of no control that it is
//! met: that is for people.

pub mod check;
pub mod controls;
pub mod file;
pub mod model;
pub mod proofs;

mod class;
mod collect;
mod html;
mod markdown;
mod sample;
mod view;

pub use collect::{Change, Collected, Collector};
pub use controls::Profile;
pub use file::Form;
pub use sample::{DEFAULT as SAMPLE, MOST as MOST_SAMPLED, Sampled};

use crate::json::Object;

/// The form of the model.
pub const FORMAT: &str = "git-ledger report 1";

/// A model as a file.
pub fn render(model: &Object, form: Form) -> String {
    match form {
        Form::Html => html::html(model, false),
        Form::Print => html::html(model, true),
        Form::Markdown => markdown::markdown(model),
        Form::Json => file::json(model),
    }
}
