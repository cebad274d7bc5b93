//! The real components of other people that tests hold this program against.
//!
//! `cargo xtask peers` brings them, at the versions written beside this file; nothing is looked
//! for anywhere else, so a test sees what every other machine's test sees.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `cargo xtask peers` puts them.
fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers")
}

#[track_caller]
fn there(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing: run cargo xtask peers",
        path.display()
    );
    path
}

/// A Python that can import what `requirements.txt` names.
#[track_caller]
pub fn python() -> PathBuf {
    there(place().join("venv/bin/python"))
}

/// A program by its name: act, zizmor, check-jsonschema, shellcheck, promtool, protoc.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let own = ["venv/bin", "bin", "node_modules/.bin"]
        .map(|dir| place().join(dir).join(name))
        .into_iter()
        .find(|path| path.is_file());
    own.unwrap_or_else(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let known = std::env::split_paths(&path)
            .map(|dir| dir.join(name))
            .find(|path| path.is_file());
        known.unwrap_or_else(|| panic!("{name} is missing: run cargo xtask peers"))
    })
}

/// The directory of an npm package that `package.json` names.
#[track_caller]
pub fn node_module(name: &str) -> PathBuf {
    there(place().join("node_modules").join(name))
}

/// The `name==version` lines of `requirements.txt`.
fn pins() -> BTreeMap<String, String> {
    include_str!("requirements.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once("==").expect("name==version"))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

#[test]
fn what_is_installed_is_what_is_pinned() {
    let script = "import importlib.metadata as m, sys\n\
                  for name in sys.argv[1:]: print(name + '==' + m.version(name))";
    let pins = pins();
    let output = Command::new(python())
        .args(["-c", script])
        .args(pins.keys())
        .output()
        .expect("python");
    let wanted: String = pins.iter().map(|(n, v)| format!("{n}=={v}\n")).collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout), wanted);

    let package = fs::read(node_module("@octokit/webhooks-examples").join("package.json"));
    let package: serde_json::Value =
        serde_json::from_slice(&package.expect("a package")).expect("JSON");
    let wanted: serde_json::Value =
        serde_json::from_str(include_str!("package.json")).expect("JSON");
    assert_eq!(
        package["version"],
        wanted["devDependencies"]["@octokit/webhooks-examples"]
    );
    let lock = include_str!("package-lock.json");
    assert!(!lock.contains("\"resolved\""), "the lock names a registry");
}

#[test]
fn each_program_starts() {
    for name in [
        "act",
        "zizmor",
        "check-jsonschema",
        "shellcheck",
        "promtool",
        "protoc",
    ] {
        let output = Command::new(program(name)).arg("--version").output();
        let output = output.expect("a program");
        assert!(output.status.success(), "{name}: {output:?}");
    }
}
