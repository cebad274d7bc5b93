//! git-ledger
fn main() {}
