//! All tests that need more than one room, in one binary.
#![forbid(unsafe_code)]

mod world;

// what each verb prints, and how it exits
mod verbs;

// what log and show select and tell, and that no event can speak for the program
mod log;
