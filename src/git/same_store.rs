//! Which files of this machine a remote's objects lie in, so that two addresses of one store can
//! be told from two stores.
//!
//! # Limits
//! Only remotes that are directories here can be looked at, and of a large store only some files.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::layout::{alternates, common_dir, follow_git_file};
use super::remote_url::RemoteUrl;

/// How far borrowed stores are followed that borrow from others.
const NESTED: usize = 5;
/// How many files of a store are looked at.
const FILES: usize = 4096;

/// A file or directory of this machine: device and inode.
pub type FileId = (u64, u64);

/// The object directories a remote reads from, and the hard-linked files in them; empty when it
/// is not a repository on this machine.
pub fn store_files(url: &RemoteUrl) -> BTreeSet<FileId> {
    let mut found = BTreeSet::new();
    let Some(path) = url.local_path() else {
        return found;
    };
    let git_dir = [path.join(".git"), path.clone(), path.with_extension("git")]
        .into_iter()
        .map(|place| follow_git_file(&place).ok().flatten().unwrap_or(place))
        .find(|place| place.join("HEAD").exists());
    if let Some(common) = git_dir.and_then(|git_dir| common_dir(&git_dir).ok()) {
        add_store(&common.join("objects"), NESTED, &mut found);
    }
    found
}

fn add_store(objects: &Path, nested: usize, found: &mut BTreeSet<FileId>) {
    let Ok(meta) = fs::metadata(objects) else {
        return;
    };
    if !found.insert((meta.dev(), meta.ino())) {
        return;
    }
    for directory in directories(objects) {
        for file in entries(&directory) {
            if found.len() > FILES {
                return;
            }
            if let Ok(meta) = fs::symlink_metadata(&file)
                && meta.is_file()
                && meta.nlink() > 1
            {
                found.insert((meta.dev(), meta.ino()));
            }
        }
    }
    for borrowed in alternates(objects).unwrap_or_default() {
        if nested > 0 {
            add_store(&borrowed, nested - 1, found);
        }
    }
}

fn directories(objects: &Path) -> Vec<PathBuf> {
    let mut all = entries(objects);
    // packs hold most of a store, so they are looked at before the limit is reached
    all.sort_by_key(|path| path.file_name().is_none_or(|name| name != "pack"));
    all
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir)
        .map(|items| items.flatten().map(|item| item.path()).collect())
        .unwrap_or_default()
}
