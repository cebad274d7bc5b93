//! git-ledger: a signed audit ledger that lives in an ordinary git repository.
//!
//! The rooms stand in the order in which an event travels through them; `ARCHITECTURE.md` says
//! which room may use which, and `cargo xtask tidy` checks it.
#![forbid(unsafe_code)]

// plain things that everybody needs
pub mod database;
pub mod date;
pub mod durable;
pub mod escape;
pub mod finding;
pub mod json;
pub mod mac;
pub mod merkle;
pub mod principal;
pub mod secret;

// the thing
pub mod cdevents;
pub mod ci;
pub mod entry;
pub mod event;

// the seal
pub mod commit;
pub mod signature;
pub mod signer;

// the rules
pub mod chain;
pub mod policy;
pub mod proposal;
pub mod tree;
pub mod trust;

// the judgement
pub mod freshness;
pub mod proof;
pub mod store;
pub mod verify;

// the places
pub mod append;
pub mod git;
pub mod http;
pub mod ledger;
pub mod marks;
pub mod mirror;
pub mod seen;
pub mod spool;
pub mod tip;
pub mod verified;

// the doorkeeper
pub mod hook;
pub mod push_certificate;

// the front desk
pub mod continuity;
pub mod intake;
pub mod listener;
pub mod serve;
pub mod webhook;

// the witness of a pipeline
pub mod capture;

// the rounds
pub mod doctor;
pub mod forge;
pub mod inspection;

// the guard
pub mod alert;
pub mod watch;

// the telling
pub mod audit;
pub mod exceptions;
pub mod export;
pub mod html;
pub mod index;
pub mod query;
pub mod reconcile;
pub mod replay;
pub mod report;
pub mod review;
pub mod web;
