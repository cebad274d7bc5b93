//! Who events name.

use std::collections::HashMap;

use crate::event::Event;
use crate::query::key::at;

/// Different people that are told apart.
const MOST: usize = 50_000;
/// The longest name, in bytes.
const LONGEST: usize = 200;

/// A person, by number.
pub(super) type Person = u32;

/// Names, each once.
#[derive(Debug, Default)]
pub(super) struct People {
    names: Vec<String>,
    known: HashMap<String, Person>,
}

impl People {
    /// The number of a name; two that differ in capitals are one.
    pub(super) fn number(&mut self, name: &str) -> Option<Person> {
        let key = name.to_lowercase();
        if let Some(number) = self.known.get(&key) {
            return Some(*number);
        }
        let number = u32::try_from(self.names.len()).ok()?;
        (self.names.len() < MOST).then(|| {
            self.names.push(name.to_owned());
            self.known.insert(key, number);
            number
        })
    }

    /// The name of a number.
    pub(super) fn name(&self, number: Person) -> String {
        let name = usize::try_from(number)
            .ok()
            .and_then(|at| self.names.get(at));
        name.cloned().unwrap_or_default()
    }
}

/// The people that stand at these members of an event, each once.
pub(super) fn at_members(event: &Event, members: &[&str]) -> Vec<String> {
    let mut people: Vec<String> = Vec::new();
    for member in members {
        at(event.object(), member, &mut |text| {
            let name = plain(text);
            if !name.is_empty() && name.len() <= LONGEST && !people.iter().any(|p| p == name) {
                people.push(name.to_owned());
            }
            false
        });
    }
    people
}

/// A name without the address around it: `mailto:ann@acme` and `https://forge.example/ann`.
fn plain(text: &str) -> &str {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let web = text.starts_with("https://") || text.starts_with("http://");
    match text.trim_end_matches('/').rsplit_once('/') {
        Some((_, last)) if web => last,
        _ => text,
    }
}
