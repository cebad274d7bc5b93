//! `cargo xtask peers`: what other people made and tests hold the program against.
//!
//! Python packages and programs from `tests/peers/requirements.txt`, npm packages from
//! `tests/peers/package-lock.json`, `protoc` and `promtool` from Debian: all below
//! `target/peers`, and made again only when what they are made from has changed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use git_ledger::merkle::{hex, sha256};

use crate::suite::{found, install, install_packages, step};

const TOOLS: &[(&str, &str)] = &[
    ("python3", "python3"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("protoc", "protobuf-compiler"),
];

/// Brings all peers, where they are not there already.
pub fn run(root: &Path) -> Result<(), String> {
    let place = root.join("target/peers");
    fs::create_dir_all(&place).map_err(|why| format!("{}: {why}", place.display()))?;
    install(TOOLS)?;
    // Debian keeps a part of Python's own library in another package
    let mut whole = Command::new("python3");
    whole.args(["-c", "import ensurepip"]);
    if step(whole.stderr(Stdio::null())).is_err() {
        install_packages(&["python3-venv"])?;
    }
    let version = said(Command::new("python3").arg("-VV"))?;
    made(root, "venv", &["requirements.txt"], &version, venv)?;
    let version = said(Command::new("node").arg("--version"))?;
    let files = ["package.json", "package-lock.json"];
    made(root, "node_modules", &files, &version, node_modules)?;
    if found("promtool") || place.join("bin/promtool").is_file() {
        return Ok(());
    }
    promtool(&place)
}

/// Makes a directory of `target/peers` from files of `tests/peers` and another program's version,
/// unless its stamp says that it was made from just these.
fn made(
    root: &Path,
    name: &str,
    files: &[&str],
    version: &str,
    make: fn(&Path, &Path) -> Result<(), String>,
) -> Result<(), String> {
    let sources = root.join("tests/peers");
    let place = root.join("target/peers");
    let mut bytes = format!("{version}\n{}\n", place.display()).into_bytes();
    for file in files {
        let path = sources.join(file);
        bytes.extend(fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?);
    }
    let digest = hex(&sha256(&bytes));
    let stamp = place.join(format!("{name}.sha256"));
    if fs::read_to_string(&stamp).is_ok_and(|known| known == digest) {
        return Ok(());
    }
    println!("== peers: {name}");
    for old in [&stamp, &place.join(name)] {
        let gone = match old.is_dir() {
            true => fs::remove_dir_all(old),
            false if old.exists() => fs::remove_file(old),
            false => Ok(()),
        };
        gone.map_err(|why| format!("{}: {why}", old.display()))?;
    }
    make(&sources, &place)?;
    fs::write(&stamp, digest).map_err(|why| format!("{}: {why}", stamp.display()))
}

fn venv(sources: &Path, place: &Path) -> Result<(), String> {
    let venv = place.join("venv");
    step(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    // wheels only: nothing of a package runs while it is installed
    let pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"];
    let install = [
        "install",
        "--no-deps",
        "--only-binary=:all:",
        "--requirement",
    ];
    let python = venv.join("bin/python");
    step(
        Command::new(&python)
            .args(pip)
            .args(install)
            .arg(sources.join("requirements.txt")),
    )?;
    step(Command::new(&python).args(pip).arg("check"))
}

fn node_modules(sources: &Path, place: &Path) -> Result<(), String> {
    for file in ["package.json", "package-lock.json"] {
        let copied = fs::copy(sources.join(file), place.join(file));
        copied.map_err(|why| format!("{file}: {why}"))?;
    }
    step(Command::new("npm").current_dir(place).args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--silent",
    ]))
}

/// Takes the one program out of Debian's package: installing it would start a server.
fn promtool(place: &Path) -> Result<(), String> {
    println!("== peers: promtool");
    let stage = tempfile::tempdir().map_err(|why| why.to_string())?;
    let download = || {
        step(Command::new("apt-get").current_dir(stage.path()).args([
            "download",
            "--quiet=2",
            "prometheus",
        ]))
    };
    if download().is_err() {
        install_packages(&[])?;
        download()?;
    }
    let package = fs::read_dir(stage.path())
        .map_err(|why| why.to_string())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .ok_or("apt-get brought no package of prometheus")?;
    step(
        Command::new("dpkg-deb")
            .arg("--extract")
            .arg(&package)
            .arg(stage.path().join("root")),
    )?;
    let bin = place.join("bin");
    fs::create_dir_all(&bin).map_err(|why| why.to_string())?;
    fs::copy(
        stage.path().join("root/usr/bin/promtool"),
        bin.join("promtool"),
    )
    .map(drop)
    .map_err(|why| format!("promtool: {why}"))
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let output = output.map_err(|why| format!("{command:?} cannot be run: {why}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
