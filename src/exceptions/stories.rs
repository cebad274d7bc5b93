//! Which names are of one change, and who made and approved it.
//!
//! Names of one thing (a commit, the run that built it, the artifact that came of it) are joined
//! as events say so; what is said of one of them then holds for all.
//!
//! # Limits
//! Names are kept as 16 bytes of SHA-256, in two generations: when the younger is full, the older
//! is forgotten.

use std::collections::{BTreeMap, HashMap};

use crate::merkle;

use super::people::{People, Person};

/// Names in one generation.
const MOST: usize = if cfg!(test) { 2_000 } else { 200_000 };
/// People told apart in one story.
const CROWD: usize = 16;

type Name = [u8; 16];
type Story = u32;

/// Who is known of a story.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cast {
    /// Who made it.
    pub authors: Vec<Person>,
    /// Who approved it.
    pub approvers: Vec<Person>,
    /// Somebody approved it whom no event names.
    pub nameless: bool,
}

impl Cast {
    fn join(&mut self, other: Cast) {
        let pairs = [
            (&mut self.authors, other.authors),
            (&mut self.approvers, other.approvers),
        ];
        for (own, more) in pairs {
            more.into_iter().for_each(|one| enter(own, one));
        }
        self.nameless |= other.nameless;
    }
}

fn enter(list: &mut Vec<Person>, person: Person) {
    if list.len() < CROWD && !list.contains(&person) {
        list.push(person);
    }
}

/// One story: the one it was joined to, itself if it was not; and how many were joined to it.
#[derive(Debug, Clone, Copy)]
struct Node {
    up: Story,
    size: u32,
}

/// All stories.
#[derive(Debug, Default)]
pub(super) struct Stories {
    young: HashMap<Name, Story>,
    old: HashMap<Name, Story>,
    nodes: Vec<Node>,
    casts: BTreeMap<Story, Cast>,
    pub people: People,
    forgot: bool,
}

impl Stories {
    /// Whether names were forgotten.
    pub(super) fn forgot(&self) -> bool {
        self.forgot
    }

    /// Whether anything was said of this name before.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.find(short(name)).is_some()
    }

    /// Makes one story of the names.
    pub(super) fn join(&mut self, names: &[String]) {
        self.make_room();
        let stories: Vec<Story> = names.iter().map(|name| self.story(short(name))).collect();
        for pair in stories.windows(2) {
            let [one, other] = *pair else { continue };
            let (mut one, mut other) = (self.root(one), self.root(other));
            if one == other {
                continue;
            }
            // the smaller goes below the larger, so that no way up is long
            if self.size(one) < self.size(other) {
                std::mem::swap(&mut one, &mut other);
            }
            let size = self.size(one).saturating_add(self.size(other));
            self.set(one, Node { up: one, size });
            self.set(other, Node { up: one, size: 0 });
            if let Some(cast) = self.casts.remove(&other) {
                self.casts.entry(one).or_default().join(cast);
            }
        }
    }

    /// Notes who made what the names name.
    pub(super) fn made(&mut self, names: &[String], who: &[String]) {
        self.note(names, who, |cast, person| enter(&mut cast.authors, person));
    }

    /// Notes who approved it.
    pub(super) fn approved(&mut self, names: &[String], who: &[String]) {
        self.note(names, who, |cast, person| {
            enter(&mut cast.approvers, person);
        });
        if who.is_empty() {
            for name in names {
                self.cast_of(name).nameless = true;
            }
        }
    }

    /// Takes an approval back.
    pub(super) fn withdrew(&mut self, names: &[String], who: &[String]) {
        self.note(names, who, |cast, person| {
            cast.approvers.retain(|one| *one != person);
        });
    }

    fn note(&mut self, names: &[String], who: &[String], note: impl Fn(&mut Cast, Person)) {
        self.make_room();
        let who = who.iter().filter_map(|name| self.people.number(name));
        let who: Vec<Person> = who.collect();
        for name in names {
            let cast = self.cast_of(name);
            who.iter().for_each(|person| note(cast, *person));
        }
    }

    fn cast_of(&mut self, name: &str) -> &mut Cast {
        let story = self.story(short(name));
        self.casts.entry(story).or_default()
    }

    /// Who is known of what the names name, taken together.
    pub(super) fn cast(&self, names: &[String]) -> Cast {
        let mut all = Cast::default();
        for name in names {
            let story = self.find(short(name));
            let cast = story.and_then(|story| self.casts.get(&self.root(story)));
            cast.cloned().into_iter().for_each(|cast| all.join(cast));
        }
        all
    }

    fn find(&self, name: Name) -> Option<Story> {
        let known = self.young.get(&name).or_else(|| self.old.get(&name));
        known.copied()
    }

    /// The story of a name, a new one if nothing was said of it yet.
    fn story(&mut self, name: Name) -> Story {
        let story = match self.find(name) {
            Some(story) => self.root(story),
            None => {
                let up = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
                self.nodes.push(Node { up, size: 1 });
                up
            }
        };
        self.young.insert(name, story);
        story
    }

    fn node(&self, story: Story) -> Option<&Node> {
        self.nodes.get(usize::try_from(story).ok()?)
    }

    fn size(&self, story: Story) -> u32 {
        self.node(story).map_or(0, |node| node.size)
    }

    fn set(&mut self, story: Story, node: Node) {
        let slot = usize::try_from(story)
            .ok()
            .and_then(|at| self.nodes.get_mut(at));
        slot.into_iter().for_each(|slot| *slot = node);
    }

    fn root(&self, mut story: Story) -> Story {
        while let Some(node) = self.node(story)
            && node.up != story
        {
            story = node.up;
        }
        story
    }

    /// Forgets the older generation when the younger is full, and numbers what is left anew.
    fn make_room(&mut self) {
        if self.young.len() < MOST {
            return;
        }
        self.forgot |= !self.old.is_empty();
        let young = std::mem::take(&mut self.young);
        let mut numbers: HashMap<Story, Story> = HashMap::new();
        let mut nodes = Vec::new();
        let mut old = HashMap::with_capacity(young.len());
        for (name, story) in young {
            let up = *numbers.entry(self.root(story)).or_insert_with(|| {
                let up = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
                nodes.push(Node { up, size: 1 });
                up
            });
            old.insert(name, up);
        }
        let casts = std::mem::take(&mut self.casts).into_iter();
        let kept = casts.filter_map(|(story, cast)| Some((*numbers.get(&story)?, cast)));
        self.casts = kept.collect();
        (self.old, self.nodes) = (old, nodes);
    }
}

fn short(name: impl AsRef<str>) -> Name {
    let hash = merkle::sha256(name.as_ref().as_bytes());
    let mut short = [0; 16];
    let pairs = short.iter_mut().zip(hash);
    pairs.for_each(|(to, from)| *to = from);
    short
}
