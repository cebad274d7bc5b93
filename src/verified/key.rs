//! The key of whoever verifies: random, made once, in a directory of theirs that no repository has
//! a say in.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use crate::durable;
use crate::mac::{DigestKey, KeyFault, Purpose};

/// The file of the key.
const FILE: &str = "verified-key";

/// A key that seals what a verification leaves behind.
#[derive(Debug, Clone)]
pub struct Key(DigestKey);

impl Key {
    /// The key in `dir`, a directory for this program's state of the user called `user`; made of
    /// `random` where there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, or when somebody else can reach the file or the directory:
    /// such a key is not used.
    pub fn of(dir: &Path, user: u32, random: [u8; 32]) -> Result<Key, KeyFault> {
        own_dir(dir, user)?;
        let path = dir.join(FILE);
        if path.is_symlink() {
            let why = "is a link";
            return Err(KeyFault::Exposed { path, why });
        }
        match DigestKey::read(&path, user) {
            Err(KeyFault::Io { why, .. }) if why.kind() == io::ErrorKind::NotFound => {
                DigestKey::make(&path, random, user)
            }
            read => read,
        }
        .map(Key)
    }

    /// What the key is called: it tells keys apart, and nothing about them.
    pub(super) fn id(&self) -> String {
        self.0.id()
    }

    pub(super) fn seal(&self, place: &[u8], body: &[u8]) -> String {
        self.0.mac(Purpose::Verified, &[place, body])
    }

    pub(super) fn fits(&self, place: &[u8], body: &[u8], seal: &[u8]) -> bool {
        self.0.fits(Purpose::Verified, &[place, body], seal)
    }
}

/// Makes a directory that only its owner can change, and not through a link that lies elsewhere.
///
/// # Errors
/// When it cannot be made, or somebody else can reach it.
pub fn own_dir(dir: &Path, user: u32) -> Result<(), KeyFault> {
    let fault = |why| KeyFault::Io {
        path: dir.to_owned(),
        why,
    };
    let exposed = |path: &Path, why| {
        Err(KeyFault::Exposed {
            path: path.to_owned(),
            why,
        })
    };
    if fs::symlink_metadata(dir).is_err_and(|why| why.kind() == io::ErrorKind::NotFound) {
        // what is made in the home of somebody else would be in their way
        let there = dir.ancestors().skip(1).find(|above| above.exists());
        if let Some(above) = there
            && fs::metadata(above).map_err(fault)?.uid() != user
        {
            return exposed(above, "belongs to another user");
        }
        if let Some(above) = dir.parent() {
            durable::create_dir_all(above).map_err(fault)?;
        }
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(fault(why)),
            _ => {}
        }
    }
    let found = fs::symlink_metadata(dir).map_err(fault)?;
    if !found.is_dir() {
        return exposed(dir, "is no directory");
    }
    if found.uid() != user {
        return exposed(dir, "belongs to another user");
    }
    if found.mode() & 0o022 != 0 {
        return exposed(dir, "can be written by others (chmod 700)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_that_others_can_reach_is_none() {
        let home = tempfile::tempdir().unwrap();
        let user = home.path().metadata().unwrap().uid();
        let dir = home.path().join("state/git-ledger");
        let key = |random| Key::of(&dir, user, random);
        let first = key([1; 32]).unwrap().id();
        // the first one counts
        assert_eq!(key([2; 32]).unwrap().id(), first);
        assert_eq!(dir.metadata().unwrap().mode() & 0o777, 0o700);
        mode(&dir.join(FILE), 0o640);
        assert!(matches!(key([2; 32]), Err(KeyFault::Exposed { .. })));
        mode(&dir.join(FILE), 0o600);
        mode(&dir, 0o777);
        assert!(matches!(key([2; 32]), Err(KeyFault::Exposed { .. })));
        mode(&dir, 0o700);
        fs::rename(dir.join(FILE), home.path().join("key")).unwrap();
        symlink(home.path().join("key"), dir.join(FILE)).unwrap();
        assert!(key([2; 32]).is_err());
        fs::remove_file(dir.join(FILE)).unwrap();
        assert_ne!(key([2; 32]).unwrap().id(), first);
        // a link in place of the directory, and somebody else's home
        let link = home.path().join("link");
        symlink(&dir, &link).unwrap();
        assert!(Key::of(&link, user, [3; 32]).is_err());
        let other = home.path().join("other");
        assert!(Key::of(&other, user + 1, [3; 32]).is_err());
        assert!(!other.exists());
    }
}
