//! Whether what was deployed was approved, and by whom.

use std::collections::BTreeMap;

use super::said::{Deployment, Said, State};
use super::stories::{Cast, Stories};
use super::{At, Exception, Kind};

/// Deployments that were asked for and of which nothing more was heard.
const MOST: usize = 5_000;

/// Deployments that were asked for: they are judged when they are done, for approval may come in
/// between; those whose news stay away, when the ledger ends.
#[derive(Debug, Default)]
pub(super) struct Pending {
    asked: BTreeMap<String, (At, Deployment)>,
    /// Those that were judged, so that a second piece of news is no second deployment.
    judged: BTreeMap<String, u64>,
    forgot: bool,
}

impl Pending {
    /// Whether some were forgotten.
    pub(super) fn forgot(&self) -> bool {
        self.forgot
    }

    /// Takes in what an event says.
    pub(super) fn see(&mut self, at: At, said: Said, stories: &mut Stories) -> Vec<Exception> {
        let deployment = match said {
            Said::Made(names, who) => {
                stories.made(&names, &who);
                return Vec::new();
            }
            Said::Joined(names) => {
                stories.join(&names);
                return Vec::new();
            }
            Said::Approved(names, who) => {
                stories.approved(&names, &who);
                return Vec::new();
            }
            Said::Withdrew(names, who) => {
                stories.withdrew(&names, &who);
                return Vec::new();
            }
            Said::Deployed(deployment) => *deployment,
        };
        let mut found = Vec::new();
        let name = deployment.name.clone();
        match deployment.state {
            State::Asked => {
                if let Some(name) = name {
                    if self.asked.len() >= MOST && !self.asked.contains_key(&name) {
                        self.forgot = true;
                        self.asked.pop_first();
                    }
                    self.asked.entry(name).or_insert((at, deployment));
                }
                return found;
            }
            State::Failed | State::RolledBack => {
                let why = match deployment.state {
                    State::RolledBack => "what was there before was put back",
                    _ => "it is recorded as failed",
                };
                let (what, who) = (&deployment.what, deployment.who.clone());
                found.push(at.exception(Kind::FailedDeployment, what, who, why.to_owned()));
            }
            State::Done => {}
        }
        let asked = name.as_ref().and_then(|name| self.asked.remove(name));
        if deployment.state == State::Failed {
            return found;
        }
        if let Some(name) = name {
            if self.judged.contains_key(&name) {
                return found;
            }
            if self.judged.len() >= MOST {
                let oldest = self.judged.iter().min_by_key(|(_, number)| **number);
                let oldest = oldest.map(|(name, _)| name.clone());
                oldest.map(|name| self.judged.remove(&name));
            }
            self.judged.insert(name, at.number);
        }
        let mut deployment = deployment;
        if let Some((_, asked)) = asked {
            let known = deployment.who.clone();
            let more = asked.who.into_iter().filter(|one| !known.contains(one));
            deployment.who.extend(more);
        }
        found.extend(judged(at, &deployment, stories));
        found
    }

    /// Those of which nothing more was heard.
    pub(super) fn open<'a>(&'a self, stories: &'a Stories) -> impl Iterator<Item = Exception> + 'a {
        let asked = self.asked.values();
        asked.filter_map(|(at, deployment)| judged(*at, deployment, stories))
    }
}

/// What is wrong with the approval of a deployment, if anything is.
fn judged(at: At, deployment: &Deployment, stories: &Stories) -> Option<Exception> {
    // an artifact of which it is known where it comes from speaks for itself
    let known = deployment.artifact.iter().any(|name| stories.knows(name));
    let names = if known {
        &deployment.artifact
    } else {
        &deployment.commit
    };
    let cast = stories.cast(names);
    let exception = |kind, who, why: String| {
        let what = &deployment.what;
        Some(at.exception(kind, what, who, why))
    };
    if cast.approvers.is_empty() && !cast.nameless {
        let why = if names.is_empty() && !deployment.artifact.is_empty() {
            "nothing recorded before says where the artifact comes from, or that it was approved"
        } else if names.is_empty() {
            "it names no commit, run or exact artifact that could have been approved"
        } else if known {
            "no approval of the artifact, or of what it was built from, is recorded before"
        } else {
            "no approval of the commit, run or change it names is recorded before"
        };
        return exception(
            Kind::UnapprovedDeployment,
            deployment.who.clone(),
            why.to_owned(),
        );
    }
    if cast.nameless {
        return None;
    }
    alone(&cast, deployment, stories).and_then(|(kind, who, why)| exception(kind, who, why))
}

/// Whether nobody but its maker, or who deploys it, approved it.
fn alone(
    cast: &Cast,
    deployment: &Deployment,
    stories: &Stories,
) -> Option<(Kind, Vec<String>, String)> {
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let deploys = |name: &String| deployment.who.iter().any(|who| same(who, name));
    let name = |person: &u32| stories.people.name(*person);
    let made = |person: &u32| cast.authors.contains(person);
    let all: Vec<String> = cast.approvers.iter().map(name).collect();
    if cast.authors.is_empty() {
        let own = !all.is_empty() && all.iter().all(deploys);
        let why = "nobody approved it but who deployed it; who made it is not recorded";
        return own.then(|| (Kind::SelfApproved, all, why.to_owned()));
    }
    if !cast.approvers.iter().all(made) {
        return None;
    }
    let one = all.iter().find(|name| deploys(name));
    Some(match one {
        Some(one) => (
            Kind::OnePerson,
            vec![one.clone()],
            "the same person made, approved and deployed it, and nobody else approved".to_owned(),
        ),
        None => (
            Kind::SelfApproved,
            all,
            "nobody approved it but who made it".to_owned(),
        ),
    })
}
