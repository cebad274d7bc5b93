//! The targets under libFuzzer: which one is told by `GIT_LEDGER_FUZZ_TARGET`.
#![no_main]

#[path = "mod.rs"]
mod fuzz;

use std::sync::LazyLock;

static TARGET: LazyLock<&fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("GIT_LEDGER_FUZZ_TARGET").unwrap_or_default();
    let found = fuzz::TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("there is no target {name:?}"))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (TARGET.run)(input));
