//! What no verb makes: a rewritten ledger whose every signature is valid.

use git_ledger::chain;
use git_ledger::commit::{Draft, Link, NAMESPACE};
use git_ledger::entry::Entry;
use git_ledger::event::Event;
use git_ledger::git::{Environment, Repository};
use git_ledger::json::{Object, Value};
use git_ledger::ledger::{Attachments, DEFAULT_REF, Ledger, Objects};

use super::super::failure::Failure;
use super::stage::Stage;

/// Rewrites the first recorded push on the server, signs it and all that follows with the
/// server's own key, and leaves the result at `refs/demo/forged`. Returns the entry's number.
pub fn forge(stage: &Stage) -> Result<u64, Failure> {
    let variables = stage
        .environment
        .iter()
        .map(|(name, value)| (name.into(), value.clone()));
    let environment = Environment::new(stage.path("server.git"), variables);
    let repository = Repository::open(&environment, &stage.path("server.git"))?;
    let ledger = Ledger::new(repository, DEFAULT_REF);
    let tip = ledger.tip()?;
    let mut links: Vec<Link> = ledger.links(tip.link.id)?.collect::<Result<_, _>>()?;
    links.reverse();
    let is_push = |link: &Link| {
        link.entry
            .events
            .iter()
            .any(|event| event.kind() == git_ledger::event::PUSH)
    };
    let start = links
        .iter()
        .position(is_push)
        .ok_or_else(|| Failure::cannot("the demo broke: no push was recorded"))?;
    let signer = stage.signer("server")?;
    let (_, row) = tip
        .policy
        .row(signer.public_key())
        .ok_or_else(|| Failure::cannot("the demo broke: the server has no row"))?;
    let (tree, mut objects) = ledger.entry_tree(tip.part, &Attachments::new());
    let (honest, rewritten) = links.split_at(start);
    let mut forged: Vec<Link> = honest.last().cloned().into_iter().collect();
    for (at, link) in rewritten.iter().enumerate() {
        let Some(prev) = forged.last() else { break };
        let events = if at == 0 {
            lie(&link.entry.events)
        } else {
            link.entry.events.clone()
        };
        let entry = Entry {
            events,
            policy: prev.entry.policy,
            range: chain::range_after(prev),
            approvals: Vec::new(),
        };
        let draft = Draft {
            tree,
            parent: Some(prev.id),
            principal: row.principal.clone(),
            time: link.time,
            entry,
        };
        let signature = signer.sign(NAMESPACE, &draft.payload())?;
        let link = draft
            .sign(&signature)
            .map_err(|finding| Failure::cannot(finding.detail))?;
        objects.push((gix::objs::Kind::Commit, link.raw().to_vec()));
        forged.push(link);
    }
    publish(&ledger, objects, forged.last())?;
    Ok(honest.len() as u64)
}

fn publish(ledger: &Ledger, objects: Objects, tip: Option<&Link>) -> Result<(), Failure> {
    ledger.write(&objects)?;
    let forged = Ledger::new(ledger.repository().clone(), "refs/demo/forged");
    match tip {
        Some(tip) => Ok(forged.advance(None, tip)?),
        None => Ok(()),
    }
}

/// The same events, the first of which now tells of another commit.
fn lie(events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    if let Some(first) = events.first_mut() {
        let mut object: Object = first.object().clone();
        object.remove("dataref");
        object.set("data", Object::new().with("refs", Vec::<Value>::new()));
        if let Ok(event) = Event::from_object(object) {
            *first = event;
        }
    }
    events
}
