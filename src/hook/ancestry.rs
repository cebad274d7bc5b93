//! Whether one commit descends from another: what tells a forced push from an ordinary one.
//!
//! Both histories are painted from the newer commits down until all that is left to look at is
//! shared, so the cost is that of what differs. Parents are read from the commits' own bytes;
//! dates only decide the order and cannot make the answer wrong.

use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use gix::ObjectId;
use gix::objs::Kind;

use crate::store::{Read, ReadFault};

/// The largest commit that is read for its parents, in bytes.
const MAX_COMMIT: usize = 1 << 20;
/// Commits read for one answer.
const MAX_COMMITS: usize = 10_000;

const FROM_OLD: u8 = 1;
const FROM_NEW: u8 = 2;
const SHARED: u8 = FROM_OLD | FROM_NEW;

/// Reads commits, each once.
pub struct Ancestry<R> {
    reader: R,
    known: HashMap<ObjectId, Option<Commit>>,
    deadline: Instant,
}

#[derive(Clone)]
struct Commit {
    parents: Vec<ObjectId>,
    date: u64,
}

/// The history could not be read, or not in time.
struct Untold;

impl<R: Read> Ancestry<R> {
    /// Answers until `deadline`.
    pub fn new(reader: R, deadline: Instant) -> Ancestry<R> {
        Ancestry {
            reader,
            known: HashMap::new(),
            deadline,
        }
    }

    /// Whether moving a ref from `old` to `new` takes something away from it: `new` does not
    /// descend from `old`, or one of the two is no commit. `None` when the history is too long
    /// to tell in time, or not here.
    pub fn forced(&mut self, old: ObjectId, new: ObjectId) -> Option<bool> {
        self.descends(old, new).ok().map(|descends| !descends)
    }

    fn descends(&mut self, old: ObjectId, new: ObjectId) -> Result<bool, Untold> {
        if old == new {
            return Ok(true);
        }
        let (Some(first), Some(second)) = (self.commit(old)?, self.commit(new)?) else {
            return Ok(false);
        };
        let mut paint = HashMap::from([(old, FROM_OLD), (new, FROM_NEW)]);
        let mut queue = BinaryHeap::from([(first.date, old), (second.date, new)]);
        // what is painted by both sides is not waited for
        let mut apart = 2usize;
        let mut looked = 0;
        while apart > 0 {
            let Some((_, at)) = queue.pop() else { break };
            let colour = paint.get(&at).copied().unwrap_or(SHARED);
            if colour != SHARED {
                apart -= 1;
            }
            looked += 1;
            if looked > MAX_COMMITS || Instant::now() >= self.deadline {
                return Err(Untold);
            }
            let commit = self.commit(at)?.ok_or(Untold)?;
            for parent in commit.parents {
                let before = paint.get(&parent).copied().unwrap_or(0);
                let after = before | colour;
                if parent == old && after & FROM_NEW != 0 {
                    return Ok(true);
                }
                if after == before {
                    continue;
                }
                paint.insert(parent, after);
                let date = self.commit(parent)?.ok_or(Untold)?.date;
                let waiting = queue.iter().any(|(_, id)| *id == parent);
                match (waiting, after == SHARED) {
                    // it was counted as apart and is so no more
                    (true, true) => apart -= 1,
                    (true, false) => {}
                    (false, shared) => {
                        queue.push((date, parent));
                        if !shared {
                            apart += 1;
                        }
                    }
                }
            }
        }
        Ok(false)
    }

    /// A commit, or nothing for an object of another kind.
    fn commit(&mut self, id: ObjectId) -> Result<Option<Commit>, Untold> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let commit = match self.reader.read(&id, Kind::Commit, MAX_COMMIT) {
            Ok(raw) => Some(parse(&raw, id.kind()).ok_or(Untold)?),
            Err(ReadFault::Kind(_)) => None,
            Err(_) => return Err(Untold),
        };
        self.known.insert(id, commit.clone());
        Ok(commit)
    }
}

fn parse(raw: &[u8], format: gix::hash::Kind) -> Option<Commit> {
    let mut parents = Vec::new();
    let mut date = 0;
    for line in raw.split(|byte| *byte == b'\n') {
        if line.is_empty() {
            break;
        }
        if let Some(hex) = line.strip_prefix(b"parent ") {
            parents.push(crate::git::parse_id(hex, format)?);
        } else if let Some(who) = line.strip_prefix(b"committer ") {
            let mut words = who.rsplit(|byte| *byte == b' ');
            let seconds = words.nth(1).and_then(|word| std::str::from_utf8(word).ok());
            date = seconds.and_then(|word| word.parse().ok()).unwrap_or(0);
            break;
        }
    }
    Some(Commit { parents, date })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Default)]
    struct Graph(HashMap<ObjectId, Vec<u8>>);

    impl Graph {
        fn commit(&mut self, parents: &[ObjectId], date: u64) -> ObjectId {
            let lines: String = parents.iter().map(|id| format!("parent {id}\n")).collect();
            let raw = format!(
                "tree t\n{lines}author a\ncommitter a <a> {date} +0000\n\nx {}",
                self.0.len()
            );
            let id = crate::git::object_id(gix::hash::Kind::Sha1, Kind::Commit, raw.as_bytes());
            let id = id.expect("an id");
            self.0.insert(id, raw.into_bytes());
            id
        }
    }

    impl Read for &Graph {
        fn read(&mut self, id: &ObjectId, _: Kind, _: usize) -> Result<Vec<u8>, ReadFault> {
            match self.0.get(id) {
                Some(raw) if raw.is_empty() => Err(ReadFault::Kind("tag".into())),
                Some(raw) => Ok(raw.clone()),
                None => Err(ReadFault::Missing),
            }
        }
    }

    fn forced(graph: &Graph, old: ObjectId, new: ObjectId) -> Option<bool> {
        Ancestry::new(graph, Instant::now() + Duration::from_secs(10)).forced(old, new)
    }

    #[test]
    fn tells_forced_from_forward_whatever_the_dates() {
        for skew in [0u64, 1, 7, 1000] {
            let mut graph = Graph::default();
            let date = |n: u64| 1000 + n * 10 - (n * skew) % 97;
            let root = graph.commit(&[], date(0));
            let mut line = vec![root];
            for n in 1..60 {
                let next = graph.commit(&[line[line.len() - 1]], date(n));
                line.push(next);
            }
            let side = graph.commit(&[line[20]], date(61));
            let side = graph.commit(&[side], date(3));
            let merge = graph.commit(&[side, line[50]], date(5));
            let tip = line[59];
            assert_eq!(forced(&graph, line[10], tip), Some(false));
            assert_eq!(forced(&graph, tip, line[10]), Some(true));
            assert_eq!(forced(&graph, tip, side), Some(true));
            assert_eq!(forced(&graph, line[50], merge), Some(false));
            assert_eq!(forced(&graph, side, merge), Some(false));
            assert_eq!(forced(&graph, tip, merge), Some(true));
            assert_eq!(forced(&graph, tip, tip), Some(false));
        }
    }

    #[test]
    fn says_so_when_it_cannot_tell() {
        let mut graph = Graph::default();
        let nowhere = ObjectId::null(gix::hash::Kind::Sha1);
        let orphan = graph.commit(&[nowhere], 5);
        let other = graph.commit(&[], 4);
        assert_eq!(forced(&graph, other, orphan), None);
        let tag = graph.commit(&[], 1);
        graph.0.insert(tag, Vec::new());
        assert_eq!(forced(&graph, tag, other), Some(true));
        let mut line = vec![other];
        for n in 0..11_000 {
            let next = graph.commit(&[line[line.len() - 1]], n + 10);
            line.push(next);
        }
        assert_eq!(forced(&graph, other, line[11_000]), None);
        assert_eq!(forced(&graph, line[10_500], line[11_000]), Some(false));
    }
}
