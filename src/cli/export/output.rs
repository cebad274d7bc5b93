//! Where records go: standard output, a new file, a file that grows, an address.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use git_ledger::durable;
use git_ledger::export::Options;
use git_ledger::export::cursor::Written;

use super::keeper::Keeper;
use super::post::{Post, Sent};
use super::stop::Stop;
use crate::cli::failure::Failure;
use crate::cli::terminal;

/// Whether anybody still takes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// They were taken.
    There,
    /// They were not, and nobody waits for more.
    Gone,
}

/// A place that takes records.
pub struct Output {
    place: Place,
    /// Whether a header of a table stands there already.
    header: bool,
}

enum Place {
    Standard,
    New {
        file: tempfile::NamedTempFile,
        path: PathBuf,
    },
    Grown {
        file: File,
        length: u64,
        inode: u64,
        path: PathBuf,
    },
    Post(Box<Post>),
    Nowhere,
}

impl Output {
    /// Standard output.
    pub fn standard(keeper: Option<&Keeper>) -> Output {
        Output {
            place: Place::Standard,
            header: keeper.is_some_and(|keeper| keeper.cursor.at.is_some()),
        }
    }

    /// Nothing is written.
    pub fn nowhere() -> Output {
        Output {
            place: Place::Nowhere,
            header: false,
        }
    }

    /// An address; each batch is a document of its own.
    pub fn post(post: Post) -> Output {
        Output {
            place: Place::Post(Box::new(post)),
            header: false,
        }
    }

    /// A file that must not be there yet; it has its name when it is whole.
    pub fn new_file(path: &Path) -> Result<Output, Failure> {
        let cannot = |why: std::io::Error| cannot(path, &why);
        if path.symlink_metadata().is_ok() {
            return Err(
                Failure::cannot(format!("'{}' is there already", path.display()))
                    .hint("name a new file, none is overwritten; with --cursor it is written on"),
            );
        }
        let file = tempfile::Builder::new()
            .prefix(".tmp-")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(directory(path))
            .map_err(cannot)?;
        Ok(Output {
            place: Place::New {
                file,
                path: path.to_owned(),
            },
            header: false,
        })
    }

    /// A file that belongs to an export with a cursor. What stands behind the length the cursor
    /// knows was written by a run that died before it moved the cursor, and is written again; of
    /// any other file than the cursor's nothing is cut off.
    pub fn grown_file(path: &Path, keeper: &mut Keeper) -> Result<Output, Failure> {
        let cannot = |why: std::io::Error| cannot(path, &why);
        let mut options = OpenOptions::new();
        // whoever cuts the file while it is written to leaves no hole in it
        options.read(true).append(true).create(true);
        let file = durable::open(path, &mut options).map_err(cannot)?;
        durable::sync_dir(directory(path)).map_err(cannot)?;
        let meta = file.metadata().map_err(cannot)?;
        let (there, inode) = (meta.len(), meta.ino());
        let known = keeper.cursor.file.clone();
        let known = known.filter(|known| known.inode == inode);
        let known = match known {
            Some(known) => known.bytes,
            None if there > 0 => {
                return Err(Failure::usage(format!(
                    "'{}' is not empty, and not the file the cursor knows",
                    path.display()
                ))
                .hint("nothing was written; name a new file, and the export goes on in it"));
            }
            None => {
                // the cursor knows the file before its first byte is written
                let mut cursor = keeper.cursor.clone();
                cursor.file = Some(Written { bytes: 0, inode });
                keeper.keep(cursor)?;
                0
            }
        };
        if there > known {
            terminal::tell(&format!(
                "note: {} bytes that a run wrote before it died are cut off '{}' and written again",
                there - known,
                git_ledger::escape::printable(&path.display().to_string())
            ));
            file.set_len(known).map_err(cannot)?;
        }
        let length = there.min(known);
        Ok(Output {
            place: Place::Grown {
                file,
                length,
                inode,
                path: path.to_owned(),
            },
            header: false,
        })
    }

    /// The name of a file that grows, where another file or none stands under it now: the old one
    /// was rotated away.
    pub fn rotated(&self) -> Option<PathBuf> {
        let Place::Grown { inode, path, .. } = &self.place else {
            return None;
        };
        let there = path.symlink_metadata().ok().map(|meta| meta.ino());
        (there != Some(*inode)).then(|| path.clone())
    }

    /// Whether each batch is a document of its own, joined to the one before or sent alone.
    pub fn grows(&self) -> bool {
        matches!(self.place, Place::Grown { .. } | Place::Post(_))
    }

    /// Whether a table needs no header any more.
    pub fn has_header(&self) -> bool {
        match &self.place {
            // somebody may have cut it
            Place::Grown { file, .. } => file.metadata().is_ok_and(|meta| meta.len() > 0),
            _ => self.header,
        }
    }

    /// The file that grows, as the cursor is to know it.
    pub fn written(&self) -> Option<Written> {
        match &self.place {
            Place::Grown { length, inode, .. } => Some(Written {
                bytes: *length,
                inode: *inode,
            }),
            _ => None,
        }
    }

    /// Hands bytes over; they are safe there when it returns.
    pub fn take(&mut self, bytes: &[u8], options: Options, stop: &Stop) -> Result<Reader, Failure> {
        match &mut self.place {
            Place::Nowhere => {}
            Place::Standard => {
                let mut out = std::io::stdout().lock();
                match out.write_all(bytes).and_then(|()| out.flush()) {
                    Ok(()) => {}
                    Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => {
                        return Ok(Reader::Gone);
                    }
                    Err(why) => {
                        return Err(Failure::cannot(format!(
                            "cannot write to standard output: {why}"
                        )));
                    }
                }
                self.header = true;
            }
            Place::New { file, path } => {
                file.write_all(bytes).map_err(|why| cannot(path, &why))?;
                self.header = true;
            }
            Place::Grown {
                file, length, path, ..
            } => {
                let written = file.write_all(bytes).and_then(|()| file.sync_data());
                let meta = written.and_then(|()| file.metadata());
                *length = meta.map_err(|why| cannot(path, &why))?.len();
            }
            Place::Post(post) => {
                if post.send(bytes, options, stop)? == Sent::Stopped {
                    return Ok(Reader::Gone);
                }
            }
        }
        Ok(Reader::There)
    }

    /// Gives a new file its name; durable when it returns.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let place = std::mem::replace(&mut self.place, Place::Nowhere);
        let Place::New { file, path } = place else {
            self.place = place;
            return Ok(());
        };
        let cannot = |why: std::io::Error| cannot(&path, &why);
        file.as_file().sync_all().map_err(cannot)?;
        file.persist_noclobber(&path)
            .map_err(|why| cannot(why.error))?;
        durable::sync_dir(directory(&path)).map_err(cannot)
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn cannot(path: &Path, why: &std::io::Error) -> Failure {
    Failure::cannot(format!("cannot write '{}': {why}", path.display()))
}
