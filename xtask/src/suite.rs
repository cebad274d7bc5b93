//! `cargo xtask test`: everything that must hold, in one command, on a fresh machine.
//!
//! It installs what the tests need (Debian packages, and what `peers` brings), then runs the checks
//! in the order of their cost. A tool that is missing and cannot be installed is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Program to look for, and the Debian package that brings it.
const TOOLS: &[(&str, &str)] = &[
    ("git", "git"),
    ("ssh-keygen", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("python3", "python3"),
    ("sshd", "openssh-server"),
    ("nginx", "nginx-light"),
    ("openssl", "openssl"),
    ("fcgiwrap", "fcgiwrap"),
    ("strace", "strace"),
    ("setpriv", "util-linux"),
    ("chromium", "chromium"),
    // shells complete, and man finds its pages
    ("dh_bash-completion", "bash-completion"),
    ("zsh", "zsh"),
    ("fish", "fish"),
    ("man", "man-db"),
    ("systemd-analyze", "systemd"),
];

/// Runs the suite.
pub fn run(root: &Path) -> Result<(), String> {
    let started = Instant::now();
    install(TOOLS)?;
    cargo(root, &["fmt", "--all", "--check"])?;
    cargo(
        root,
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ],
    )?;
    println!("== tidy");
    crate::tidy::run(root)?;
    cargo(root, &["build", "--workspace", "--locked"])?;
    println!("== vectors are what they are made from");
    crate::vectors::run(root, crate::Mode::Check)?;
    println!("== manual pages are what the parser says");
    crate::man::run(root, crate::Mode::Check)?;
    crate::peers::run(root)?;
    let all = ["test", "--workspace", "--locked", "--no-fail-fast"];
    let ran = crate::cargo_test::run(root, &all)?;
    println!("== the attacks, by the tests and vectors that were just run");
    let attacks = crate::attacks::report(root, &ran.outcomes);
    ran.success()?;
    attacks?;
    println!("== one changed byte");
    crate::flips::run(root, &["--quick".into()])?;
    println!("== the demo, from beginning to end");
    let stage = tempfile::tempdir().map_err(|why| why.to_string())?;
    let place = stage.path().join("demo").to_string_lossy().into_owned();
    step(
        Command::new(root.join("target/debug/git-ledger"))
            .current_dir(root)
            .args(["demo", "--built-in", &place]),
    )?;
    println!("== the bench: can each row be measured?");
    crate::bench::run(root, &["--quick".into()])?;
    println!("all checks passed in {} s", started.elapsed().as_secs());
    Ok(())
}

/// The program, built with the whole workspace: alone it would be built with other features of
/// what it depends on, and all of that once more.
pub fn program(root: &Path) -> Result<PathBuf, String> {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build
        .current_dir(root)
        .args(["build", "--quiet", "--workspace", "--locked"]);
    step(&mut build)?;
    Ok(root.join("target/debug/git-ledger"))
}

/// Installs those of these tools that are missing.
pub fn install(tools: &[(&str, &str)]) -> Result<(), String> {
    let missing: Vec<&str> = tools
        .iter()
        .filter(|(tool, _)| !found(tool))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install_packages(&missing)?;
    match tools.iter().find(|(tool, _)| !found(tool)) {
        Some((tool, package)) => Err(format!("{tool} is missing; install {package}")),
        None => Ok(()),
    }
}

/// Reads Debian's lists again and installs these packages.
pub fn install_packages(packages: &[&str]) -> Result<(), String> {
    println!("== installing {}", packages.join(" "));
    let root = is_root();
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.arg("apt-get");
        }
        step(
            command
                .env("DEBIAN_FRONTEND", "noninteractive")
                .args(arguments),
        )
    };
    apt(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)
}

/// Whether a program is on `PATH`, or where administrators' programs are.
pub fn found(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    places.map(|dir| dir.join(tool)).any(|file| file.is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Runs cargo in the repository.
pub fn cargo(root: &Path, arguments: &[&str]) -> Result<(), String> {
    println!("== cargo {}", arguments.join(" "));
    step(
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root)
            .args(arguments),
    )
}

/// Runs a command that must succeed.
pub fn step(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(why) => Err(format!("{command:?} cannot be run: {why}")),
    }
}
