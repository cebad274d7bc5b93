//! What waits in the spool goes into the chain, without a word: the server tells of it in its log.

use std::collections::BTreeMap;

use git_ledger::append::{Next, Repeats, group};
use git_ledger::spool::Waiting;

use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::job::Job;

/// Events that are recorded at once: the requests that come meanwhile must not wait for long.
const AT_ONCE: usize = 500;

/// Records what waits, and forgets it; how many events that were. Killed in between, the next time
/// finds them recorded.
///
/// # Errors
/// Why some of it waits on; the rest is recorded.
pub fn drain(
    context: &Context,
    opened: &Opened,
    key: Option<&str>,
    timeout: u64,
) -> Result<u64, String> {
    let (mut groups, mut left) = (BTreeMap::<Vec<String>, Vec<Waiting>>::new(), None);
    for waiting in opened.spool().list().map_err(|why| why.to_string())? {
        match waiting {
            Ok(waiting) => groups
                .entry(waiting.push.clone())
                .or_default()
                .push(waiting),
            Err(why) => left = Some(why.to_string()),
        }
    }
    let mut drained = 0;
    for (push, all) in groups {
        let job = Job {
            context,
            opened,
            key,
            timeout,
            push: &push,
        };
        for some in all.chunks(AT_ONCE) {
            match record(&job, some) {
                Ok(()) => drained += some.len() as u64,
                // where the ledger says no to one of them, the others need not wait for it
                Err(failure) if failure.exit == Exit::No && some.len() > 1 => {
                    for one in some.chunks(1) {
                        match record(&job, one) {
                            Ok(()) => drained += 1,
                            Err(failure) => left = Some(failure.message),
                        }
                    }
                }
                Err(failure) => {
                    left = Some(failure.message);
                    break;
                }
            }
        }
    }
    match left {
        None => Ok(drained),
        Some(why) => Err(why.lines().next().unwrap_or_default().to_owned()),
    }
}

fn record(job: &Job<'_>, some: &[Waiting]) -> Result<(), Failure> {
    let pending = some.iter().map(|waiting| &waiting.pending);
    let next = Next::Events(group(pending, usize::MAX));
    let recorded = job.append(&next, Repeats::LeaveOut)?;
    job.mirror(&recorded)?;
    for waiting in some {
        job.opened.spool().remove(waiting)?;
    }
    Ok(())
}
