//! The records of a file: one a line, the items of one array, or the file as a whole. Read piece by
//! piece, twice if need be.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use git_ledger::intake::MAX_BODY;
use git_ledger::json::foreign;

use crate::cli::failure::Failure;

/// The longest record, in bytes: a body, and what a line has around it.
const MAX_RECORD: usize = MAX_BODY + (64 << 10);

/// The most that standard input may hold, in bytes: it is kept in a file meanwhile.
const MAX_PIPED: u64 = 4 << 30;

/// What editors put before a text to say that it is UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// An input that can be read from its beginning again.
#[derive(Debug)]
pub struct Input {
    /// What it is called.
    pub name: String,
    file: File,
    form: Form,
}

/// How records stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One a line.
    Lines,
    /// The items of one array.
    Array,
    /// The whole is one.
    Whole,
}

/// One record, or why it is none.
#[derive(Debug)]
pub struct Record {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its bytes, without the white space around them.
    pub bytes: Result<Vec<u8>, &'static str>,
}

impl Input {
    /// Opens a file, or standard input for `-`. What cannot be read twice is copied first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Input, Failure> {
        let piped = path == Path::new("-");
        let name = match piped {
            true => "standard input".to_owned(),
            false => path.display().to_string(),
        };
        let cannot = |why: io::Error| {
            Failure::cannot(format!("cannot read '{name}': {why}")).hint("nothing was recorded")
        };
        let mut file = match piped {
            true => copied(io::stdin().lock()).map_err(cannot)?,
            false => {
                let file = File::open(path).map_err(cannot)?;
                let kind = file.metadata().map_err(cannot)?.file_type();
                // a device may never end
                if kind.is_file() {
                    file
                } else if kind.is_fifo() || kind.is_socket() {
                    copied(file).map_err(cannot)?
                } else {
                    return Err(cannot(io::Error::other("it is neither a file nor a pipe")));
                }
            }
        };
        let form = form(&mut file).map_err(cannot)?;
        Ok(Input { name, file, form })
    }

    /// Its records, from the first on.
    ///
    /// # Errors
    /// When it cannot be read from its beginning.
    pub fn records(&self) -> io::Result<Records> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        skip_mark(&mut reader)?;
        Ok(Records {
            reader,
            form: self.form,
            line: 1,
            began: false,
            ended: false,
        })
    }
}

/// The bytes of something that can be read once, in a file that nobody else sees.
fn copied(from: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let copied = io::copy(&mut from.take(MAX_PIPED + 1), &mut file)?;
    file.flush()?;
    match copied > MAX_PIPED {
        true => Err(io::Error::other("it holds more than 4 GiB")),
        false => Ok(file),
    }
}

fn skip_mark(reader: &mut BufReader<File>) -> io::Result<()> {
    let start = reader.fill_buf()?.starts_with(MARK);
    reader.consume(if start { MARK.len() } else { 0 });
    Ok(())
}

/// How the records of a file stand in it. A text over several lines is one record, if it is one
/// value of JSON.
fn form(file: &mut File) -> io::Result<Form> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(&*file);
    let mut start = Vec::new();
    let limit = MAX_RECORD as u64 + 1;
    loop {
        start.clear();
        (&mut reader).take(limit).read_until(b'\n', &mut start)?;
        let line = start.strip_prefix(MARK).unwrap_or(&start).trim_ascii();
        match line.first() {
            None if start.is_empty() => return Ok(Form::Lines),
            None => continue,
            Some(b'[') => return Ok(Form::Array),
            Some(_) if foreign::read(line).is_ok() => return Ok(Form::Lines),
            Some(_) => break,
        }
    }
    let mut whole = start.strip_prefix(MARK).unwrap_or(&start).to_vec();
    reader.take(limit).read_to_end(&mut whole)?;
    match whole.len() <= MAX_RECORD && foreign::read(whole.trim_ascii()).is_ok() {
        true => Ok(Form::Whole),
        false => Ok(Form::Lines),
    }
}

/// The records of an input, one after the other.
pub struct Records {
    reader: BufReader<File>,
    form: Form,
    /// Where the reader stands.
    line: u64,
    /// Whether the array was begun.
    began: bool,
    ended: bool,
}

impl Iterator for Records {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<io::Result<Record>> {
        if self.ended {
            return None;
        }
        let next = match self.form {
            Form::Lines => self.next_line(),
            Form::Array => self.next_item(),
            Form::Whole => self.whole(),
        };
        if matches!(next, Ok(None) | Err(_)) {
            self.ended = true;
        }
        next.transpose()
    }
}

impl Records {
    fn whole(&mut self) -> io::Result<Option<Record>> {
        let mut bytes = Vec::new();
        (&mut self.reader)
            .take(MAX_RECORD as u64)
            .read_to_end(&mut bytes)?;
        self.ended = true;
        Ok(Some(Record {
            line: 1,
            bytes: Ok(bytes.trim_ascii().to_vec()),
        }))
    }

    fn next_line(&mut self) -> io::Result<Option<Record>> {
        loop {
            let line = self.line;
            let mut bytes = Vec::new();
            let read = (&mut self.reader)
                .take(MAX_RECORD as u64 + 1)
                .read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let trimmed = bytes.trim_ascii();
            if read > MAX_RECORD && !bytes.ends_with(b"\n") {
                self.reader.skip_until(b'\n')?;
                let bytes = Err("the line is longer than any delivery");
                return Ok(Some(Record { line, bytes }));
            }
            if !trimmed.is_empty() {
                let bytes = match trimmed.len() == bytes.len() {
                    true => bytes,
                    false => trimmed.to_vec(),
                };
                return Ok(Some(Record {
                    line,
                    bytes: Ok(bytes),
                }));
            }
        }
    }

    /// The next item of the array. After a fault in the array itself nothing more is found.
    fn next_item(&mut self) -> io::Result<Option<Record>> {
        let opening = match self.began {
            false => b"[".as_slice(),
            true => b",]",
        };
        let first = !std::mem::replace(&mut self.began, true);
        match self.token()? {
            Some(b) if opening.contains(&b) && b != b']' => {}
            Some(b']') => return self.after(),
            _ => return self.broken(),
        }
        if first {
            self.skip_space()?;
            if self.reader.fill_buf()?.first() == Some(&b']') {
                self.reader.consume(1);
                return self.after();
            }
        }
        self.skip_space()?;
        let line = self.line;
        let mut item = Scanned::default();
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return self.broken();
            }
            let (used, ended) = item.take(buffer);
            self.line += newlines(buffer.get(..used).unwrap_or_default());
            self.reader.consume(used);
            if ended {
                break;
            }
        }
        let bytes = match item.large {
            true => Err("the item is longer than any delivery"),
            false => Ok(item.bytes.trim_ascii().to_vec()),
        };
        Ok(Some(Record { line, bytes }))
    }

    /// What stands after the array: nothing.
    fn after(&mut self) -> io::Result<Option<Record>> {
        self.skip_space()?;
        match self.reader.fill_buf()?.is_empty() {
            true => Ok(None),
            false => self.broken(),
        }
    }

    fn broken(&mut self) -> io::Result<Option<Record>> {
        self.ended = true;
        Ok(Some(Record {
            line: self.line,
            bytes: Err("the array is broken here, and what follows is not read"),
        }))
    }

    fn token(&mut self) -> io::Result<Option<u8>> {
        self.skip_space()?;
        let next = self.reader.fill_buf()?.first().copied();
        self.reader.consume(usize::from(next.is_some()));
        Ok(next)
    }

    fn skip_space(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let space = buffer
                .iter()
                .take_while(|b| b.is_ascii_whitespace())
                .count();
            let all = space == buffer.len();
            self.line += newlines(buffer.get(..space).unwrap_or_default());
            self.reader.consume(space);
            if !all || space == 0 {
                return Ok(());
            }
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

/// An item of an array as far as it was read. Brackets and strings tell where it ends.
#[derive(Default)]
struct Scanned {
    bytes: Vec<u8>,
    depth: usize,
    quoted: bool,
    escaped: bool,
    large: bool,
}

impl Scanned {
    /// Takes what belongs to the item: how many bytes, and whether it ends there.
    fn take(&mut self, buffer: &[u8]) -> (usize, bool) {
        let mut end = None;
        for (at, b) in buffer.iter().enumerate() {
            if self.quoted {
                match b {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.quoted = false,
                    _ => {}
                }
                continue;
            }
            match b {
                b'"' => self.quoted = true,
                b'{' | b'[' => self.depth += 1,
                b',' | b']' if self.depth == 0 => {
                    end = Some(at);
                    break;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        let used = end.unwrap_or(buffer.len());
        self.large |= self.bytes.len() + used > MAX_RECORD;
        if !self.large {
            self.bytes
                .extend_from_slice(buffer.get(..used).unwrap_or_default());
        }
        (used, end.is_some())
    }
}
