//! Who can change a file: owners, permissions, groups, and the directories above.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files of accounts are not read further than this, in bytes.
const LONGEST: u64 = 4 << 20;

/// The accounts of this machine, as far as its own files tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Accounts {
    users: Vec<User>,
    /// Members by number of the group; nobody where the file names none.
    groups: BTreeMap<u32, Vec<String>>,
    /// The account that runs this.
    pub me: u32,
}

/// A line of /etc/passwd.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
    pub shell: String,
}

impl Accounts {
    pub fn of_machine() -> Accounts {
        let users = lines("/etc/passwd", |fields| match fields {
            [name, _, uid, gid, _, home, shell] => Some(User {
                name: (*name).to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
                home: PathBuf::from(home),
                shell: (*shell).to_owned(),
            }),
            _ => None,
        });
        let groups = lines("/etc/group", |fields| match fields {
            [_, _, gid, members] => Some((
                gid.parse().ok()?,
                members
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )),
            _ => None,
        });
        Accounts {
            users,
            groups: groups.into_iter().collect(),
            me: rustix::process::geteuid().as_raw(),
        }
    }

    pub fn user(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// The name of an account, else its number.
    pub fn name(&self, uid: u32) -> String {
        self.user(uid)
            .map_or_else(|| uid.to_string(), |user| user.name.clone())
    }

    /// The accounts in a group other than `owner`; none if the group is not known.
    pub fn others(&self, gid: u32, owner: u32) -> Option<Vec<&User>> {
        let members = self.groups.get(&gid)?;
        Some(
            self.users
                .iter()
                .filter(|user| user.uid != owner)
                .filter(|user| user.gid == gid || members.contains(&user.name))
                .collect(),
        )
    }

    /// Whether an account besides the owner and root can write what has these permissions.
    pub fn writable_by_others(&self, meta: &Metadata, group_may: bool) -> bool {
        if meta.mode() & 0o002 != 0 {
            return true;
        }
        if meta.mode() & 0o020 == 0 || group_may {
            return false;
        }
        // a group that nobody else is in shares with nobody
        self.others(meta.gid(), meta.uid())
            .is_none_or(|others| others.iter().any(|user| user.uid != 0))
    }

    /// The first of `path` and the directories above it that others can change, links followed:
    /// with why. Directories with the sticky bit keep others' hands off what lies in them.
    pub fn exposed(&self, path: &Path) -> Option<(PathBuf, String)> {
        let real = path.canonicalize().ok()?;
        real.ancestors().find_map(|place| {
            let meta = fs::metadata(place).ok()?;
            if meta.uid() != self.me && meta.uid() != 0 {
                return Some((
                    place.to_owned(),
                    format!("belongs to {}", self.name(meta.uid())),
                ));
            }
            let sticky = meta.is_dir() && meta.mode() & 0o1000 != 0;
            (!sticky && self.writable_by_others(&meta, false)).then(|| {
                let mode = meta.mode() & 0o7777;
                (place.to_owned(), format!("has permissions {mode:04o}"))
            })
        })
    }
}

fn lines<T>(path: &str, read: impl Fn(&[&str]) -> Option<T>) -> Vec<T> {
    let short = fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= LONGEST);
    let bytes = if short {
        fs::read(path).unwrap_or_default()
    } else {
        Vec::new()
    };
    String::from_utf8_lossy(&bytes)
        .lines()
        .filter_map(|line| read(&line.split(':').collect::<Vec<_>>()))
        .collect()
}

/// Reads a file that may be a trap: a regular one, and no more than `limit` bytes of it.
pub(super) fn read(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() || meta.len() > limit {
        return Err(std::io::Error::other("not a file that is read here"));
    }
    fs::read(path)
}
