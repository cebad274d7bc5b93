//! Keeps both tips of a fork where no later fetch and no garbage collection can take them away.

use gix::ObjectId;

use crate::git::{Expected, RefError, RefUpdate};
use crate::merkle;

use super::ask::Shown;
use super::{Copy, Named, Survey};

/// The references under which evidence is kept.
pub const EVIDENCE: &str = "refs/ledger/evidence/";

/// How many bytes of evidence come into the repository; more stay in the scratch store.
const MOST: u64 = 64 << 20;

/// Brings what the remote shows over and names both tips
/// `refs/ledger/evidence/<remote>/<number>-<digest>`. What cannot be kept is told in the copy.
pub(super) fn keep(survey: &Survey<'_>, copy: &mut Copy, shown: &Shown, here: Option<&Named>) {
    let repository = survey.ledger.repository();
    let carried = repository.carry(shown.ledger.repository(), &shown.meeting.there, MOST);
    if let Err(why) = carried {
        copy.why = Some(format!("its entries could not be kept as evidence: {why}"));
        return;
    }
    let tips: Vec<Named> = copy.newest.iter().chain(here).cloned().collect();
    for tip in tips {
        let name = name(&copy.remote.name, &tip);
        let update = RefUpdate {
            name: &name,
            expected: Expected::Absent,
            new: tip.commit,
            message: "ledger: evidence",
            committer: &format!("git-ledger <git-ledger> {} +0000", survey.clock),
        };
        match repository.update_ref(&update) {
            Ok(()) => copy.evidence.push(name),
            Err(RefError::Moved { actual, .. }) if is(actual, tip.commit) => {
                copy.evidence.push(name);
            }
            Err(why) => copy.why = Some(format!("its tip could not be kept as evidence: {why}")),
        }
    }
}

fn is(actual: Option<ObjectId>, wanted: ObjectId) -> bool {
    actual == Some(wanted)
}

fn name(remote: &str, tip: &Named) -> String {
    let digest = merkle::hex(&tip.digest);
    let digest = digest.get(..12).unwrap_or_default();
    format!("{}{}-{digest}", evidence_of(remote), tip.number)
}

/// Where the evidence of a remote is kept: a prefix of references, with a slash at the end.
pub fn evidence_of(remote: &str) -> String {
    // names of remotes may hold what names of references may not
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-/".contains(&b);
    let fits = remote.bytes().all(plain)
        && remote.split('/').all(|part| !part.is_empty())
        && remote.len() <= 100;
    let remote = if fits {
        remote.to_owned()
    } else {
        let key = merkle::hex(&merkle::sha256(remote.as_bytes()));
        format!("x-{}", key.get(..16).unwrap_or_default())
    };
    format!("{EVIDENCE}{remote}/")
}
