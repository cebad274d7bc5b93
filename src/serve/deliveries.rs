//! The ids that hosts give their deliveries: claims, since no signature covers them. One that
//! comes again with another body is told, and both bodies are recorded.

use std::collections::{BTreeMap, VecDeque};

use crate::merkle::Hash;

/// How many are remembered.
const MOST: usize = 65_536;

/// The deliveries of late.
#[derive(Debug, Default)]
pub struct Deliveries {
    bodies: BTreeMap<(&'static str, String), Hash>,
    order: VecDeque<(&'static str, String)>,
}

impl Deliveries {
    /// Remembers a delivery; true when its id came before with another body.
    pub fn conflicts(&mut self, route: &'static str, id: &str, body: Hash) -> bool {
        let name = (route, id.to_owned());
        if let Some(known) = self.bodies.get(&name) {
            return *known != body;
        }
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.bodies.remove(&oldest);
        }
        self.order.push_back(name.clone());
        self.bodies.insert(name, body);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_another_body_is_told_and_memory_is_bounded() {
        let mut deliveries = Deliveries::default();
        assert!(!deliveries.conflicts("github", "1", [1; 32]));
        assert!(!deliveries.conflicts("github", "1", [1; 32]));
        assert!(deliveries.conflicts("github", "1", [2; 32]));
        assert!(!deliveries.conflicts("gitea", "1", [2; 32]));
        for id in 0..MOST {
            deliveries.conflicts("gitlab", &id.to_string(), [0; 32]);
        }
        assert_eq!(deliveries.bodies.len(), MOST);
        assert!(!deliveries.conflicts("github", "1", [3; 32]), "forgotten");
    }
}
