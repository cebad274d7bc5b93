//! Files of others, or standard input, up to a bound.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::context::Context;
use super::failure::{Exit, Failure};

/// The bytes of a file, or of standard input for `-`: no more than one above `most`, so that whoever
/// parses them sees that there are too many.
///
/// # Errors
/// When it cannot be read: that answers nothing, so the exit status is that of *unknown*.
pub fn read(context: &Context, path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let cannot = |why: std::io::Error| {
        let failure = Failure::cannot(format!("cannot read '{}': {why}", path.display()));
        Failure {
            exit: Exit::Unknown,
            ..failure
        }
        .hint("what could not be read was not judged")
    };
    let most = most as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let mut input = std::io::stdin().lock().take(most);
        input.read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        let file = File::open(context.directory.join(path)).map_err(cannot)?;
        file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    }
    Ok(bytes)
}
