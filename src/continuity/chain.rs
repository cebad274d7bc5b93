//! Pushes to one ref: each begins where the one before it ended.

/// Pushes that wait for the one before them; beyond them the oldest is told at once.
const MOST: usize = 64;

/// The pushes to one ref.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Where the last push left the ref; nothing before the first.
    head: Option<String>,
    /// Pushes that begin elsewhere, in the order in which they came: from, to, and when they came.
    waiting: Vec<(String, String, u64)>,
}

impl Chain {
    /// A push came.
    pub fn see(&mut self, before: String, after: String, now: u64) {
        match &self.head {
            Some(head) if *head != before => {
                let known = self
                    .waiting
                    .iter()
                    .any(|(from, to, _)| *from == before && *to == after);
                if !known {
                    self.waiting.push((before, after, now));
                }
            }
            _ => {
                self.head = Some(after);
                self.follow();
            }
        }
    }

    /// Takes up the pushes that begin where the last one ended.
    fn follow(&mut self) {
        while let Some(at) = self
            .waiting
            .iter()
            .position(|(from, ..)| Some(from) == self.head.as_ref())
        {
            let (_, to, _) = self.waiting.remove(at);
            self.head = Some(to);
        }
    }

    /// A gap is in the record that ends where this push begins.
    pub fn told(&mut self, found: &str) {
        self.head = Some(found.to_owned());
        self.follow();
    }

    /// Where pushes are missing for longer than that: where the ref was left, and where it was
    /// found. From there on it counts.
    pub fn due(&mut self, before: u64) -> Vec<(String, String)> {
        let mut due = Vec::new();
        loop {
            let excess = self.waiting.len() > MOST;
            let first = self.waiting.first();
            let Some((from, ..)) = first.filter(|(.., came)| excess || *came <= before) else {
                return due;
            };
            let from = from.clone();
            if let Some(head) = self.head.replace(from.clone()) {
                due.push((head, from));
            }
            self.follow();
        }
    }

    /// What was due and could not be told is due still.
    pub fn again(&mut self, left: &str, found: &str) {
        let head = self.head.replace(left.to_owned());
        let head = head.unwrap_or_else(|| found.to_owned());
        self.waiting.insert(0, (found.to_owned(), head, 0));
    }
}
