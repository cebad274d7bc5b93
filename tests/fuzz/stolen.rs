//! Keys in the hands of a thief: an entry is bent in any way and signed again with a key of the
//! policy. The verdict may be sound only where the thief did no more than the key may.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use ed25519_dalek::{Signer as _, SigningKey};
use git_ledger::chain::range_after;
use git_ledger::commit::{Draft, Link};
use git_ledger::entry::Entry;
use git_ledger::event::{self, Event};
use git_ledger::finding::Answer;
use git_ledger::merkle::{self, Hash, Range};
use git_ledger::policy::{self, Policy, Role, Signer};
use git_ledger::principal::Principal;
use git_ledger::signature::{PublicKey, Signature, signed_data};
use git_ledger::store::{Read, ReadFault, Store};
use git_ledger::tree::{PolicyPart, Tree};
use git_ledger::verify::{Mark, Request, verify};
use gix::ObjectId;
use gix::objs::Kind;

/// T of entry 0.
const START: u64 = 1_767_225_600;

/// Whoever has this key.
pub struct Thief {
    /// The name the policy has for it.
    pub principal: Principal,
    /// Its public half.
    pub key: PublicKey,
    secret: SigningKey,
}

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().fold(Vec::new(), |mut out, part| {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
        out
    })
}

impl Thief {
    /// The key that this seed makes.
    pub fn new(principal: &str, seed: u8) -> Thief {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let blob = strings(&[b"ssh-ed25519", secret.verifying_key().as_bytes()]);
        Thief {
            principal: Principal::parse(principal).expect("a principal"),
            key: PublicKey::from_blob(&blob).expect("a key"),
            secret,
        }
    }

    /// A signature over a message.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Signature {
        let made = self.secret.sign(&signed_data(namespace, message));
        let answer = strings(&[b"ssh-ed25519", &made.to_bytes()]);
        Signature::from_parts(&self.key, namespace, &answer).expect("a signature")
    }

    /// The commit that this text and its signature make, whatever the text is.
    fn seal(&self, payload: &[u8]) -> Vec<u8> {
        let armour = self.sign("git", payload).to_armour();
        let folded = format!("gpgsig {}\n", armour.trim_end().replace('\n', "\n "));
        let end = payload.windows(2).position(|pair| pair == b"\n\n");
        let (head, message) = payload.split_at(end.map_or(payload.len(), |at| at + 1));
        [head, folded.as_bytes(), message].concat()
    }
}

/// Everything that is honest: two admins who must agree, a writer, an auditor, three entries.
pub struct Honest {
    thieves: [Thief; 4],
    objects: BTreeMap<ObjectId, (Kind, Vec<u8>)>,
    tree: ObjectId,
    /// The tree of a policy that nobody agreed to.
    coup: ObjectId,
    coup_policy: Hash,
    /// The entries.
    pub links: Vec<Link>,
}

/// The one there is.
pub static HONEST: LazyLock<Honest> = LazyLock::new(Honest::new);

fn id_of(kind: Kind, bytes: &[u8]) -> ObjectId {
    gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, bytes).expect("no collision")
}

fn event(kind: &str) -> Event {
    let text = format!(
        "{{\"id\":\"e\",\"source\":\"/s\",\"specversion\":\"1.0\",\"subject\":\"x\",\"type\":\"{kind}\"}}"
    );
    Event::parse(text.as_bytes()).expect("an event")
}

impl Honest {
    fn new() -> Honest {
        // alice's, ci's and dora's keys are stolen; eve's is in no policy; bob keeps his
        let thieves = ["alice", "ci", "dora", "eve"].map(|name| Thief::new(name, name.len() as u8));
        let bob = Thief::new("bob", 99);
        let row = |thief: &Thief, role| Signer {
            principal: thief.principal.clone(),
            key: thief.key.clone(),
            roles: vec![role],
            types: Vec::new(),
            retired: false,
        };
        let [alice, ci, dora, eve] = &thieves;
        let policy = Policy {
            id: "0123456789abcdef0123456789abcdef".into(),
            name: "acme".into(),
            threshold: 2,
            signers: vec![
                row(alice, Role::Admin),
                row(&bob, Role::Admin),
                row(ci, Role::Writer),
                row(dora, Role::Auditor),
            ],
            compromised: Vec::new(),
            mirrors: Vec::new(),
            failures: Vec::new(),
        };
        let mut coup = policy.clone();
        coup.threshold = 1;
        coup.signers.push(row(eve, Role::Admin));
        let mut objects = BTreeMap::new();
        let mut put = |kind: Kind, bytes: Vec<u8>| -> ObjectId {
            let id = id_of(kind, &bytes);
            objects.insert(id, (kind, bytes));
            id
        };
        let mut hold = |policy: &Policy| -> ObjectId {
            let part = PolicyPart {
                policy: put(Kind::Blob, policy.to_toml().into_bytes()),
                allowed_signers: put(Kind::Blob, policy.allowed_signers().into_bytes()),
                readme: put(Kind::Blob, policy::README.as_bytes().to_vec()),
            };
            let tree = Tree {
                part,
                attachments: None,
            };
            put(Kind::Tree, tree.write())
        };
        let (tree, coup_tree) = (hold(&policy), hold(&coup));
        let mut honest = Honest {
            tree,
            coup: coup_tree,
            coup_policy: coup.digest(),
            objects,
            links: Vec::new(),
            thieves,
        };
        for (who, kind) in [
            (0, event::LEDGER_CREATED),
            (1, event::PUSH),
            (2, event::REVIEW),
        ] {
            let before = honest.links.last();
            let range = before.map_or_else(Range::empty, range_after);
            let parent = before.map(|link| link.id);
            let draft = honest.draft(who, kind, parent, range, policy.digest());
            let seal = honest.thieves[who].sign("git", &draft.payload());
            let link = draft.sign(&seal).expect("an entry");
            honest
                .objects
                .insert(link.id, (Kind::Commit, link.raw().to_vec()));
            honest.links.push(link);
        }
        honest
    }

    fn draft(
        &self,
        who: usize,
        kind: &str,
        parent: Option<ObjectId>,
        range: Range,
        policy: Hash,
    ) -> Draft {
        Draft {
            tree: self.tree,
            parent,
            principal: self.thieves[who].principal.clone(),
            time: START + range.size(),
            entry: Entry {
                events: vec![event(kind)],
                policy,
                range,
                approvals: Vec::new(),
            },
        }
    }

    /// Every object, for a real repository.
    pub fn objects(&self) -> Vec<(Kind, Vec<u8>)> {
        self.objects.values().cloned().collect()
    }
}

/// The honest objects, and those of the thief.
struct Shown<'a>(&'a BTreeMap<ObjectId, Vec<u8>>);

impl<'a> Store for Shown<'a> {
    type Reader = Reader<'a>;

    fn reader(&self) -> Reader<'a> {
        Reader(self.0)
    }
}

struct Reader<'a>(&'a BTreeMap<ObjectId, Vec<u8>>);

impl Read for Reader<'_> {
    fn read(&mut self, id: &ObjectId, kind: Kind, most: usize) -> Result<Vec<u8>, ReadFault> {
        let forged = self.0.get(id).map(|raw| (Kind::Commit, raw));
        let honest = HONEST.objects.get(id).map(|(kind, raw)| (*kind, raw));
        let (found, raw) = forged.or(honest).ok_or(ReadFault::Missing)?;
        match (raw.len() > most, found == kind) {
            (true, _) => Err(ReadFault::TooLarge(raw.len() as u64)),
            (_, false) => Err(ReadFault::Kind(found.to_string())),
            _ => Ok(raw.clone()),
        }
    }
}

/// Who signs, what it is at first, where it stands, and how its text is bent: bytes that say
/// where, how many go, how many come, and which.
pub fn stolen(input: &[u8]) {
    let [who, what, place, edits @ ..] = input else {
        return;
    };
    let who = usize::from(who % 4);
    let place = usize::from(place % 3) + 1;
    let before = &HONEST.links[place - 1];
    let range = range_after(before);
    let kinds = [event::PUSH, event::REVIEW, event::POLICY_CHANGED, "x"];
    let kind = kinds[usize::from(what % 4)];
    let mut draft = HONEST.draft(
        who,
        kind,
        Some(before.id),
        range.clone(),
        before.entry.policy,
    );
    if kind == event::POLICY_CHANGED {
        draft.tree = HONEST.coup;
        draft.entry.policy = HONEST.coup_policy;
    }
    let payload = bend(draft.payload(), edits);
    let raw = HONEST.thieves[who].seal(&payload);
    let mut forged = BTreeMap::new();
    let mut put = |raw: Vec<u8>| -> ObjectId {
        let id = id_of(Kind::Commit, &raw);
        forged.insert(id, raw);
        id
    };
    let (mut tip, mut range) = (put(raw.clone()), range.append(merkle::leaf(&raw)));
    // who has all the keys signs what stood after it again
    for old in HONEST.links.iter().skip(place + 1) {
        let by = HONEST
            .thieves
            .iter()
            .find(|t| t.key == *old.signature.key());
        let mut draft = Draft {
            tree: old.tree,
            parent: Some(tip),
            principal: old.principal.clone(),
            time: old.time,
            entry: old.entry.clone(),
        };
        draft.entry.range = range.clone();
        let raw = by.expect("a thief").seal(&draft.payload());
        range = range.append(merkle::leaf(&raw));
        tip = put(raw);
    }
    let last = HONEST.links.last().expect("an entry");
    let request = Request {
        pinned: HONEST.links.first().map(Link::digest),
        marks: vec![Mark {
            number: last.entry.number(),
            digest: last.digest(),
        }],
        threads: NonZeroUsize::new(1),
        ..Request::whole(tip)
    };
    let verdict = verify(&Shown(&forged), &request, &|_| {});
    if verdict.answer() == Answer::Sound && tip != last.id {
        assert_eq!(place, 3, "an entry that was seen before is another now");
        assert_eq!(verdict.tip.map(|tip| tip.2), Some(tip));
        allowed(&payload, who, &draft);
    }
}

fn bend(mut text: Vec<u8>, mut edits: &[u8]) -> Vec<u8> {
    while let [high, low, gone, come, rest @ ..] = edits {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (text.len() + 1);
        let end = text.len().min(at + usize::from(*gone));
        let (new, rest) = rest.split_at(rest.len().min(usize::from(*come)));
        text.splice(at..end, new.iter().copied());
        edits = rest;
    }
    text
}

/// What a key may do without anybody else: the place is the next one, the policy stays, and the
/// events are of its role. Read from the text as plainly as possible, by none of our readers.
fn allowed(payload: &[u8], who: usize, draft: &Draft) {
    let text = std::str::from_utf8(payload).expect("text");
    assert!(who < 3, "eve signed");
    let name = &HONEST.thieves[who].principal;
    let head = format!(
        "tree {}\nparent {}\nauthor {name} <{name}> ",
        HONEST.tree, HONEST.links[2].id
    );
    let rest = text.strip_prefix(&head).expect("the same head");
    let (time, rest) = rest.split_once(' ').expect("a time");
    assert!(time.parse::<u64>().expect("seconds") >= HONEST.links[2].time);
    let committer = format!("+0000\ncommitter {name} <{name}> {time} +0000\n\n3 ");
    let rest = rest.strip_prefix(&committer).expect("the same committer");
    let honest = draft.payload();
    let honest = String::from_utf8_lossy(&honest);
    let trailers = honest.rfind("\n\n").map(|at| &honest[at..]);
    let rest = rest.strip_suffix(trailers.expect("trailers"));
    let (_, events) = rest
        .expect("the same trailers")
        .split_once("\n\n")
        .expect("events");
    for line in events.split('\n') {
        let event: serde_json::Value = serde_json::from_str(line).expect("an event");
        let kind = event["type"].as_str().expect("a type");
        let reserved = [event::LEDGER_CREATED, event::POLICY_CHANGED].contains(&kind);
        let audit = [event::REVIEW, event::TAMPER_FOUND, event::CHECKPOINT].contains(&kind);
        assert!(!reserved, "{kind}");
        assert!(who == 0 || audit == (who == 2), "{name} recorded {kind}");
    }
}
