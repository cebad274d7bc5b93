//! The body of a request: bounded in bytes and time, whatever the request says of its length.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Answer;

/// Bytes of one permit: a semaphore counts them in blocks.
const BLOCK: usize = 4096;

/// Room for bodies, shared by all requests.
#[derive(Debug, Clone)]
pub struct Room(Arc<Semaphore>);

/// A body, and its place in the room until it is dropped.
#[derive(Debug)]
pub struct Held {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The place.
    pub place: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Room for so many bytes.
    pub fn of(bytes: usize) -> Room {
        let blocks = bytes.div_ceil(BLOCK).min(Semaphore::MAX_PERMITS);
        Room(Arc::new(Semaphore::new(blocks)))
    }

    /// Makes a body's place as large as it is now; false when there is no room.
    fn grow(&self, held: &mut Held) -> bool {
        let have = held.place.as_ref().map_or(0, |place| place.num_permits());
        let missing = held.bytes.len().div_ceil(BLOCK).saturating_sub(have);
        let Ok(missing) = u32::try_from(missing) else {
            return false;
        };
        match Arc::clone(&self.0).try_acquire_many_owned(missing) {
            Err(_) => false,
            Ok(more) => {
                match &mut held.place {
                    Some(place) => place.merge(more),
                    place => *place = Some(more),
                }
                true
            }
        }
    }
}

/// Receives a body of at most `most` bytes within `time`. It takes room only for what has come.
///
/// # Errors
/// What to answer instead: 413, 408, 400 or 503.
pub async fn receive(
    mut body: Incoming,
    most: usize,
    time: Duration,
    room: &Room,
) -> Result<Held, Answer> {
    let too_large = || {
        let why = format!("the body is larger than {most} bytes");
        Answer::refused(StatusCode::PAYLOAD_TOO_LARGE, &why)
    };
    let declared = body.size_hint().lower();
    if declared > most as u64 {
        return Err(too_large());
    }
    let receive = async {
        let mut held = Held {
            bytes: Vec::new(),
            place: None,
        };
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let cut = |_| Answer::refused(StatusCode::BAD_REQUEST, "the body breaks off");
            let frame = frame.map_err(cut)?;
            let Some(bytes) = frame.data_ref() else {
                continue;
            };
            if held.bytes.len() + bytes.len() > most {
                return Err(too_large());
            }
            held.bytes.extend_from_slice(bytes);
            if !room.grow(&mut held) {
                return Err(Answer::later("too much is being received at once"));
            }
        }
        Ok(held)
    };
    match tokio::time::timeout(time, receive).await {
        Ok(received) => received,
        Err(_) => Err(Answer::refused(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come in time",
        )),
    }
}
