//! What `init` writes for a host, held against the host's own rules and run as the host runs it.

mod act;
mod files;
mod gitlab;
mod init;
mod site;

use std::fs;
use std::path::Path;

use crate::world::World;

/// A repository with an origin and one commit, as somebody has it who begins.
pub fn beginner(world: &World) {
    world
        .git("", &["init", "--quiet", "--bare", "origin.git"])
        .ok();
    world.git("", &["init", "--quiet", "repo"]).ok();
    let origin = world.path("origin.git");
    let origin = origin.to_str().expect("a path");
    world.git("repo", &["remote", "add", "origin", origin]).ok();
    world
        .git(
            "repo",
            &["commit", "--quiet", "--allow-empty", "--message=first"],
        )
        .ok();
}

/// The home of a runner, whose user has set nothing.
pub fn runner_home(world: &World) -> std::path::PathBuf {
    let home = world.path("runner");
    fs::create_dir_all(&home).expect("a directory");
    home
}

/// All files below a directory, by their paths from it, sorted.
pub fn below(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(&next).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(dir).expect("below").to_string_lossy();
                files.push((name.into_owned(), fs::read(&path).expect("a file")));
            }
        }
    }
    files.sort();
    files
}
