//! `cargo xtask bench profile`: what the time of a verification goes to.
//!
//! `perf` looks five thousand times a second of processor time at what a verification on one thread
//! does, and each look is counted for the part of the work its innermost function belongs to. The
//! binary is the one of cargo's profile `profiling`: as the released one, but with names and
//! without link-time optimisation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::Stage;
use super::ledgers::Kind;
use super::world::{run as done, said};

/// Looks a second.
const RATE: u64 = 4_999;

/// Program to look for, and the Debian package that brings it.
pub const TOOLS: &[(&str, &str)] = &[("perf", "linux-perf")];

/// Each part of the work, and the beginnings of the names that do it. The first that fits counts.
const PARTS: &[(&str, &[&str])] = &[
    (
        "curve (Ed25519)",
        &[
            "curve25519_dalek",
            "ed25519_dalek",
            "git_ledger::signature::batch",
            "git_ledger::signature::multiples",
            "subtle",
            "aws_lc",
        ],
    ),
    ("SHA-512 of what is signed", &["sha2::sha512"]),
    ("SHA-256 of entries (digest, range)", &["sha2::sha256"]),
    ("SHA-1 with collision detection", &["sha1dc", "gix_hash"]),
    ("inflate", &["zlib_rs", "flate2", "gix_zlib"]),
    (
        "find and unpack objects (index, delta)",
        &["gix_pack", "gix_odb", "gix_features", "git_ledger::git"],
    ),
    (
        "JSON (read, write again, compare)",
        &["git_ledger::json", "serde_json", "serde_core"],
    ),
    (
        "commit, entry, event, signature as text",
        &[
            "git_ledger::commit",
            "git_ledger::entry",
            "git_ledger::event",
            "git_ledger::signature",
            "git_ledger::principal",
            "git_ledger::date",
            "base64",
        ],
    ),
    (
        "rules: chain, policy, trees",
        &[
            "git_ledger::chain",
            "git_ledger::trust",
            "git_ledger::policy",
            "git_ledger::tree",
            "git_ledger::verify",
            "git_ledger::merkle",
            "git_ledger::store",
            "git_ledger::ledger",
        ],
    ),
    (
        "memory: allocate, free, copy, compare",
        &[
            "malloc",
            "_int_",
            "cfree",
            "free",
            "realloc",
            "calloc",
            "unlink_chunk",
            "__mem",
            "alloc::",
            "sysmalloc",
        ],
    ),
];
const KERNEL: &str = "kernel: mapping files, memory, start";
const REST: &str = "the rest";

/// The table.
pub fn run(stage: &Stage, entries: u64) -> Result<String, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let data = world.path("perf.data");
    let rate = RATE.to_string();
    let mut record = world.command(&made.path, "perf");
    record
        .args(["record", "-q", "-e", "cpu-clock", "-F", &rate, "-o"])
        .arg(&data)
        .arg(&world.program)
        .args(["verify", "--threads", "1", "--quiet"]);
    done(&mut record)?;
    let mut script = world.command("", "perf");
    script.args(["script", "-F", "ip,sym,dso", "-i"]).arg(&data);
    let samples = said(&mut script)?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for line in samples.lines() {
        *counts.entry(part(line)).or_default() += 1;
    }
    Ok(table(&counts, entries))
}

/// The part of the work that a look belongs to.
fn part(line: &str) -> &'static str {
    if line.contains("([kernel") || line.contains("([guest.kernel") {
        return KERNEL;
    }
    let name = line.trim_start();
    let name = name.split_once(' ').map_or("", |(_, rest)| rest);
    // `<&a::B as …>` and `<a::B>::c` belong to a
    let name = name.trim_start_matches(['<', '&', '[', ' ']);
    let name = name.strip_prefix("mut ").unwrap_or(name);
    let fits = |starts: &&(&str, &[&str])| starts.1.iter().any(|start| name.starts_with(start));
    PARTS.iter().find(fits).map_or(REST, |(part, _)| *part)
}

fn table(counts: &BTreeMap<&str, u64>, entries: u64) -> String {
    let all: u64 = counts.values().sum();
    let micros = |count: u64| count as f64 / RATE as f64 * 1e6 / entries as f64;
    let share = |count: u64| count as f64 * 100.0 / all.max(1) as f64;
    let mut out = format!(
        "{entries} entries, one thread, {all} looks\n\n| part | share | µs an entry |\n|---|--:|--:|\n"
    );
    let order = PARTS.iter().map(|(part, _)| *part).chain([KERNEL, REST]);
    let mut rows: Vec<(&str, u64)> = order
        .map(|part| (part, counts.get(part).copied().unwrap_or_default()))
        .collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (part, count) in rows.into_iter().chain([("**all**", all)]) {
        // writing to a string cannot fail
        writeln!(
            out,
            "| {part} | {:.1} % | {:.2} |",
            share(count),
            micros(count)
        )
        .ok();
    }
    out
}

/// Puts a table into `BENCHMARKS.md`.
pub fn write(root: &Path, text: &str) -> Result<(), String> {
    super::table::write(&root.join("BENCHMARKS.md"), "profile", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_part() {
        let of = |name: &str| part(&format!("  55d0 {name} (/a/git-ledger)"));
        assert_eq!(
            of("sha1dc::block::compress"),
            "SHA-1 with collision detection"
        );
        assert_eq!(
            of("<&curve25519_dalek::a::B as core::ops::arith::Mul>::mul"),
            "curve (Ed25519)"
        );
        assert_eq!(of("main"), REST);
        assert_eq!(part("  ff81 do_syscall ([kernel.kallsyms])"), KERNEL);
    }
}
