//! All tests that need more than one room, in one binary.
#![forbid(unsafe_code)]

// every verb, as its own help tells it
mod commands;
mod peers;
mod servers;
mod world;

// what each verb prints, and how it exits
mod verbs;

// what log and show select and tell, and that no event can speak for the program
mod log;

// the pages in a real browser, the API against its document
mod browser;

// at home on a terminal: completions by the shells, manual pages by man, hints that can be switched off
mod terminal;

// ledgers in a browser and as JSON, over real connections
mod web;

// the filter language, and the index that may only save time
mod index;

// the vectors of the specification, by both verifiers
mod vectors;

// what a server records and refuses, behind sshd, nginx and a path
mod hooks;

// what moves the refs of a repository past its hooks is recorded afterwards, once
mod reconcile;
mod report;

// whether prevention is on: one defect, one check
mod doctor;

// the copies: one state, one test; hostile remotes; races
mod mirrors;

// repositories with one wound below the record
mod tamper;

// what is new is verified at its own cost, and nothing left behind makes a breach sound
mod incremental;

// what is wrong with input or machine: what, whose fault, what next
mod bad_input;

// deliveries, logs and events of others
mod import;

// what a ledger holds, for the tests that want to know
mod recorded;

// many writers, none lost
mod contention;

// killed anywhere, on a full disk, on a broken one
mod crash;

// loose entries become packs by themselves
mod folding;

// many writers and random deaths, judged by a model
mod history;

// whatever bytes: the corpora of the fuzz targets, and some bent ones
mod fuzz;

// who may write what, and how that changes by agreement
mod policy;

// what becomes of events that cannot be recorded, as the policy says it
mod fail_modes;

// attacks on everything around the rules; the table of all of them is attacks.tsv
mod attacks;

// events of CDEvents, and what is taken of the CI system that records
mod context;

// what init writes for a host, by the rules of the host and as it runs
mod builds;

// who looked at which entries, and what waits
mod review;

// what a watch tells, how often, and what it remembers
mod watch;

// receipts and evidence: what travels, and what does not
mod proofs;

// every format of an export, by what takes it, and what is sent, killed and resumed
mod export;
// what a pipeline leaves behind: wrapped commands, snapshots, and no secret
mod capture;

// webhooks and CloudEvents over HTTP: recorded once, answered when durable
mod serve;
