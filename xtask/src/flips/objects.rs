//! A small signed ledger as values: three kinds of entries by one key, every object by its id,
//! and what becomes of it when the bytes of one object are others.

use std::collections::BTreeMap;

use git_ledger::finding::{Answer, FindingId};
use git_ledger::store::{Read, ReadFault, Store};
use git_ledger::verify::{Request, Verdict, verify};
use gix::ObjectId;
use gix::hash::Kind as Format;
use gix::objs::Kind;

use crate::vectors::keys::Key;
use crate::vectors::policy_text::Row;
use crate::vectors::world::{BOB, Chain, acme, leaf, push};

/// What is changed.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What it is.
    pub name: &'static str,
    pub kind: Kind,
    pub id: ObjectId,
    /// What names it, and what names that, each after what it names.
    above: Vec<Holder>,
}

/// An object that names others: at which places, and which.
#[derive(Debug, Clone)]
struct Holder {
    id: ObjectId,
    kind: Kind,
    names: Vec<(usize, ObjectId)>,
}

/// Where the changed object is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Under the id of the honest one.
    Swapped,
    /// Under its own id, and whatever names it names that; the first entry that does is the tip.
    Forged,
    /// As `Forged`, with the entries after it, which name it as their parent.
    Followed,
}

impl Place {
    pub const ALL: [Place; 3] = [Place::Swapped, Place::Forged, Place::Followed];
}

/// Objects by id, as a store that nobody should trust has them.
pub type Objects = BTreeMap<ObjectId, (Kind, Vec<u8>)>;

/// The ledger.
pub struct Honest {
    pub signer: &'static str,
    pub objects: Objects,
    /// The entries, the oldest first.
    pub commits: Vec<ObjectId>,
    pub subjects: Vec<Subject>,
    pub allowed_signers: String,
}

/// A ledger in which one object is another: what is other in it, and its tip.
pub struct Changed {
    pub objects: Objects,
    pub tip: ObjectId,
}

impl Honest {
    /// Root, entry with attachment, policy entry with approval, and one more, all by this key.
    pub fn new(signer: &'static str, key: &Key) -> Honest {
        let mut chain = Chain::empty(Format::Sha1);
        let mut policy = acme().threshold(2);
        policy.rows.insert(0, Row::new(key, &["writer", "admin"]));
        let mut draft = chain.first(&policy);
        draft.principal = key.principal.into();
        chain.add(&draft, key);
        let (set_by, plain) = (chain.digests[0], chain.tree.clone());

        let body = b"the log of a build\n";
        let files = [
            policy.toml().into_bytes(),
            policy.allowed_signers().into_bytes(),
        ];
        let name = sha256_hex(body);
        let blob = chain.put(Kind::Blob, body);
        let directory = chain.tree_of(&[("100644", &name, &blob)]);
        let signers = String::from_utf8_lossy(&files[1]).into_owned();
        let readme = crate::vectors::world::README;
        chain.tree = chain.files(&files[0], &signers, readme, Some(&directory));
        let held = chain.tree.clone();
        let named = push("p1").with(&format!("\"dataref\":\"attachments/{name}\""));
        chain.add(&chain.draft(key, vec![named]), key);

        chain.tree = plain;
        let draft = chain.change(key, &policy.clone().threshold(1));
        chain.add(&draft.approved(&set_by, &[&BOB]), key);
        chain.add(&chain.next_by(key), key);

        let id = |hex: &str| hex.parse::<ObjectId>().expect("an id");
        let file = |tree: &str, wanted: &str| {
            let rows = chain.rows(tree);
            let found = rows.iter().find(|(_, name, _)| name == wanted);
            id(&found.expect("a file").2)
        };
        let subject = |name, kind, id| Subject {
            name,
            kind,
            id,
            above: Vec::new(),
        };
        let subjects = vec![
            subject("root entry", Kind::Commit, id(&chain.commits[0])),
            subject("ordinary entry", Kind::Commit, id(&chain.commits[1])),
            subject("policy entry", Kind::Commit, id(&chain.commits[2])),
            subject("tree", Kind::Tree, id(&held)),
            subject("attachments", Kind::Tree, id(&directory)),
            subject("ledger.toml", Kind::Blob, file(&held, "ledger.toml")),
            subject(
                "allowed_signers",
                Kind::Blob,
                file(&held, "allowed_signers"),
            ),
            subject("README.md", Kind::Blob, file(&held, "README.md")),
            subject("attachment", Kind::Blob, id(&blob)),
        ];
        let objects = chain.objects.iter();
        let mut honest = Honest {
            signer,
            objects: objects
                .map(|object| (id(&object.id), (object.kind, object.bytes.clone())))
                .collect(),
            commits: chain.commits.iter().map(|hex| id(hex)).collect(),
            subjects: Vec::new(),
            allowed_signers: signers,
        };
        for mut subject in subjects {
            subject.above = honest.above(subject.id);
            honest.subjects.push(subject);
        }
        honest
    }

    /// The content of an object.
    pub fn bytes(&self, id: &ObjectId) -> &[u8] {
        &self.objects[id].1
    }

    /// The newest entry.
    pub fn tip(&self) -> ObjectId {
        *self.commits.last().expect("an entry")
    }

    /// This ledger with other bytes in one object.
    pub fn changed(&self, subject: &Subject, bytes: Vec<u8>, place: Place) -> Changed {
        let mut objects = Objects::new();
        if place == Place::Swapped {
            objects.insert(subject.id, (subject.kind, bytes));
            return Changed {
                objects,
                tip: self.tip(),
            };
        }
        let mut renamed = BTreeMap::from([(subject.id, id_of(subject.kind, &bytes))]);
        let mut tip = renamed[&subject.id];
        objects.insert(tip, (subject.kind, bytes));
        for holder in &subject.above {
            if place == Place::Forged && objects[&tip].0 == Kind::Commit {
                break;
            }
            let mut raw = self.bytes(&holder.id).to_vec();
            for (at, named) in &holder.names {
                let new = spelled(&renamed[named], holder.kind);
                raw[*at..*at + new.len()].copy_from_slice(&new);
            }
            tip = id_of(holder.kind, &raw);
            renamed.insert(holder.id, tip);
            objects.insert(tip, (holder.kind, raw));
        }
        Changed { objects, tip }
    }

    /// Whatever names an object, up to the newest entry.
    fn above(&self, id: ObjectId) -> Vec<Holder> {
        let mut changed = vec![id];
        let mut above: Vec<Holder> = Vec::new();
        let trees = self.objects.iter().filter(|(_, o)| o.0 == Kind::Tree);
        let trees: Vec<ObjectId> = trees.map(|(id, _)| *id).collect();
        // a tree may name a tree, which is looked at in the second round
        for id in trees.iter().chain(&trees).chain(&self.commits) {
            if changed.contains(id) {
                continue;
            }
            let (kind, bytes) = &self.objects[id];
            let at = |named: &ObjectId| {
                let name = spelled(named, *kind);
                let at = bytes.windows(name.len()).position(|part| part == name);
                at.map(|at| (at, *named))
            };
            let names: Vec<(usize, ObjectId)> = changed.iter().filter_map(at).collect();
            if !names.is_empty() {
                changed.push(*id);
                above.push(Holder {
                    id: *id,
                    kind: *kind,
                    names,
                });
            }
        }
        above
    }

    /// What our verifier says of a changed ledger.
    pub fn judge(&self, changed: &Changed) -> Verdict {
        let request = Request {
            threads: std::num::NonZeroUsize::new(1),
            ..Request::whole(changed.tip)
        };
        verify(&Shown(self, changed), &request, &|_| {})
    }

    /// Whether a changed ledger tells the same as this one: the same entries in the same order,
    /// byte for byte, and every object they rest on. Read from the bytes, by none of our readers.
    pub fn means_the_same(&self, changed: &Changed) -> bool {
        let untouched = Changed {
            objects: Objects::new(),
            tip: self.tip(),
        };
        self.meaning(changed) == self.meaning(&untouched)
    }

    fn meaning(&self, changed: &Changed) -> Vec<[u8; 32]> {
        let (mut told, mut open) = (Vec::new(), vec![changed.tip]);
        while let Some(id) = open.pop() {
            let found = changed.objects.get(&id).or_else(|| self.objects.get(&id));
            let Some((kind, bytes)) = found else {
                told.push([0; 32]);
                continue;
            };
            told.push(leaf(bytes));
            match kind {
                Kind::Commit => {
                    let text = String::from_utf8_lossy(bytes);
                    let named = text.lines().take(2).filter_map(|line| line.split_once(' '));
                    open.extend(named.filter_map(|(_, hex)| hex.parse::<ObjectId>().ok()));
                }
                Kind::Tree => {
                    let known = self.objects.keys();
                    open.extend(known.filter(|id| holds(bytes, id.as_slice())));
                }
                _ => {}
            }
        }
        told
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// An id as an object of this kind spells it: binary in trees, hex in entries.
fn spelled(id: &ObjectId, kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Tree => id.as_slice().to_vec(),
        _ => id.to_string().into_bytes(),
    }
}

pub fn id_of(kind: Kind, bytes: &[u8]) -> ObjectId {
    gix::objs::compute_hash(Format::Sha1, kind, bytes).expect("no collision")
}

fn sha256_hex(bytes: &[u8]) -> String {
    git_ledger::merkle::hex(&git_ledger::merkle::sha256(bytes))
}

/// The answer, and the rule that was broken first.
pub fn first_finding(verdict: &Verdict) -> Option<FindingId> {
    match verdict.answer() {
        Answer::Sound => None,
        _ => verdict
            .first_bad()
            .or(verdict.findings.first())
            .map(|finding| finding.id),
    }
}

/// A store that hashes what it hands out, as every store must.
struct Shown<'a>(&'a Honest, &'a Changed);

impl<'a> Store for Shown<'a> {
    type Reader = Reader<'a>;

    fn reader(&self) -> Reader<'a> {
        Reader(self.0, self.1)
    }
}

struct Reader<'a>(&'a Honest, &'a Changed);

impl Read for Reader<'_> {
    fn read(&mut self, id: &ObjectId, kind: Kind, most: usize) -> Result<Vec<u8>, ReadFault> {
        let found = self.1.objects.get(id).or_else(|| self.0.objects.get(id));
        let (found, bytes) = found.ok_or(ReadFault::Missing)?;
        if bytes.len() > most {
            return Err(ReadFault::TooLarge(bytes.len() as u64));
        }
        let hash = id_of(*found, bytes);
        if hash != *id {
            return Err(ReadFault::Corrupt(format!("its bytes hash to {hash}")));
        }
        if *found != kind {
            return Err(ReadFault::Kind(found.to_string()));
        }
        Ok(bytes.clone())
    }
}
