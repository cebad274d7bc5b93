//! `cargo xtask man`: the manual pages, from the parser's own words.
//!
//! The parser lives in the binary, so the binary writes them; here they are kept in `man/` and
//! held against what it would write.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Mode;

/// Writes `man/` again, or tells which pages are stale.
pub fn run(root: &Path, mode: Mode) -> Result<(), String> {
    let kept = root.join("man");
    let fresh = root.join("target/man");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|why| format!("{}: {why}", fresh.display()))?;
    }
    generate(root, &fresh)?;
    let (new, old) = (pages(&fresh)?, pages(&kept)?);
    let stale: Vec<&str> = new
        .iter()
        .filter(|(name, text)| old.get(*name) != Some(*text))
        .map(|(name, _)| name.as_str())
        .chain(
            old.keys()
                .filter(|name| !new.contains_key(*name))
                .map(String::as_str),
        )
        .collect();
    match mode {
        Mode::Check if stale.is_empty() => Ok(()),
        Mode::Check => Err(format!(
            "man/ is not what the parser says: {}\nrun: cargo xtask man",
            stale.join(", ")
        )),
        Mode::Write => {
            let failed = |why: std::io::Error| format!("man/: {why}");
            fs::create_dir_all(&kept).map_err(failed)?;
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                fs::remove_file(kept.join(name)).map_err(failed)?;
            }
            for (name, text) in &new {
                fs::write(kept.join(name), text).map_err(failed)?;
            }
            println!("{} pages, {} of them changed", new.len(), stale.len());
            Ok(())
        }
    }
}

fn generate(root: &Path, dir: &Path) -> Result<(), String> {
    let mut generate = Command::new(crate::suite::program(root)?);
    generate
        .current_dir(root)
        .args(["generate", "man"])
        .arg(dir);
    crate::suite::step(&mut generate)
}

/// Name and text of each page in a directory; none if there is no directory.
fn pages(dir: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    let Ok(listed) = fs::read_dir(dir) else {
        return Ok(found);
    };
    for entry in listed {
        let path = entry.map_err(|why| why.to_string())?.path();
        let text = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        found.insert(name, text);
    }
    Ok(found)
}
