//! Small files that become huge, and chains that are longer than any stack.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::*;

/// A loose object whose stream inflates to `size` bytes of zeros, and says it is `claimed` long.
/// One megabyte is deflated once and repeated.
fn bomb(kind: &str, claimed: u64, megabytes: usize) -> Vec<u8> {
    let header = format!("{kind} {claimed}\0");
    let piece = |bytes: &[u8], flush| {
        let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
        let mut out = Vec::with_capacity(bytes.len() + 4096);
        compress
            .compress_vec(bytes, &mut out, flush)
            .expect("memory");
        out
    };
    let mut out = vec![0x78, 0xda];
    out.extend(piece(header.as_bytes(), flate2::FlushCompress::Full));
    let zeros = piece(&vec![0; 1 << 20], flate2::FlushCompress::Full);
    for _ in 0..megabytes {
        out.extend_from_slice(&zeros);
    }
    out.extend(piece(b"", flate2::FlushCompress::Finish));
    out.extend_from_slice(&[0; 4]);
    out
}

/// Verifies with 600 MB of address space, in less than half a minute.
fn verify_in_little_memory(world: &World, dir: &str) -> Said {
    let mut command = world.command(dir, "sh");
    let script = "ulimit -v 600000; exec timeout -s KILL 30 git-ledger verify --json --threads 1";
    command.args(["-c", script]);
    let begun = Instant::now();
    let said = run(command, b"");
    assert!(begun.elapsed() < Duration::from_secs(30), "{said}");
    said
}

fn loose(world: &World, name: &str) -> std::path::PathBuf {
    let id = world.git("r", &["rev-parse", name]).ok().trim().to_owned();
    let path = world.path("r/.git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(&path).expect("a loose object");
    path
}

#[test]
fn a_policy_of_hundreds_of_megabytes_is_not_inflated() {
    for (name, kind) in [
        ("ledger:ledger.toml", "blob"),
        ("ledger~1", "commit"),
        ("ledger", "commit"),
        ("ledger^{tree}", "tree"),
    ] {
        for honest_size in [true, false] {
            let world = world();
            let path = loose(&world, name);
            let megabytes = 2048;
            let claimed = if honest_size {
                (megabytes as u64) << 20
            } else {
                400
            };
            fs::write(path, bomb(kind, claimed, megabytes)).expect("an object");
            let said = verify_in_little_memory(&world, "r").code(1);
            let found = findings(&said);
            let expected = if honest_size {
                "objectTooLarge"
            } else {
                "objectCorrupt"
            };
            assert!(
                found.contains(&expected.to_owned()),
                "{name} {claimed}: {found:?}"
            );
        }
    }
}

#[test]
fn sizes_that_no_machine_has() {
    for claimed in [
        "18446744073709551615",
        "99999999999999999999999",
        "-1",
        "1e9",
        "",
        "0x10",
        "9223372036854775808",
    ] {
        let world = world();
        let path = loose(&world, "ledger:ledger.toml");
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        writeln!(out, "blob {claimed}\0spec = 1").expect("memory");
        fs::write(path, out.finish().expect("memory")).expect("an object");
        let said = verify_in_little_memory(&world, "r").code(1);
        let found = findings(&said);
        assert!(
            found
                .iter()
                .any(|id| id == "objectCorrupt" || id == "objectTooLarge"),
            "{claimed}: {found:?}"
        );
    }
}

#[test]
fn a_chain_of_four_thousand_deltas() {
    let world = world();
    let policy = world
        .git("r", &["cat-file", "blob", "ledger:ledger.toml"])
        .ok();
    let id = world.git("r", &["rev-parse", "ledger:ledger.toml"]).ok();
    // each blob is a delta against the one before it; the last one is the policy
    let mut stream = String::new();
    for number in 0..4000 {
        let text = format!("{policy}# {number}\n");
        stream += &format!("blob\ndata {}\n{text}\n", text.len());
    }
    stream += &format!("blob\ndata {}\n{policy}\n", policy.len());
    let mut import = world.command("r", "git");
    import.args(["fast-import", "--quiet", "--depth=4095", "--force"]);
    // what is there already is not packed again
    drop(loose(&world, "ledger:ledger.toml"));
    import
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "fastimport.unpackLimit")
        .env("GIT_CONFIG_VALUE_0", "1");
    run(import, stream.as_bytes()).ok();
    let packs = world.git("r", &["count-objects", "-v"]).ok();
    assert!(packs.contains("in-pack: 4001"), "{packs}");
    world.git("r", &["cat-file", "-e", id.trim()]).ok();
    let said = verify_in_little_memory(&world, "r").ok();
    let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(value["answer"], "sound");
}

#[test]
fn little_memory_is_enough() {
    let world = world();
    verify_in_little_memory(&world, "r").ok();
    // where there is not even that much, nobody is told that all is well
    for limit in [1_000, 4_000, 12_000, 40_000] {
        let mut command = world.command("r", "sh");
        command.args(["-c", &format!("ulimit -v {limit}; exec git-ledger verify")]);
        let said = run(command, b"");
        assert_eq!(
            said.code == 0,
            said.out.contains("sound: "),
            "{limit}: {said}"
        );
    }
}
