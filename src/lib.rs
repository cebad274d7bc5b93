//! git-ledger
