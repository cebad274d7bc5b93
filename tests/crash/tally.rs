//! The figures of a campaign: how often it struck, and everything that went wrong; told first and
//! judged afterwards, so that one fault does not hide the others.

use std::fmt::Display;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// What was acknowledged is not there, or something is there twice.
    Lost,
    /// A repository, a chain or a file is not whole.
    Corrupt,
    /// Something needs a person before it goes on.
    Stuck,
}

/// The figures of one kind of campaign.
pub struct Tally {
    kind: String,
    tried: usize,
    struck: usize,
    acknowledged: usize,
    wrong: Vec<(Wrong, String)>,
}

impl Tally {
    pub fn new(kind: impl Display) -> Tally {
        Tally {
            kind: kind.to_string(),
            tried: 0,
            struck: 0,
            acknowledged: 0,
            wrong: Vec::new(),
        }
    }

    /// One more try: whether the fault met anything, and whether the caller was told "done".
    pub fn tried(&mut self, struck: bool, acknowledged: bool) {
        self.tried += 1;
        self.struck += usize::from(struck);
        self.acknowledged += usize::from(acknowledged);
    }

    /// So many more faults that belong to no single try.
    pub fn struck(&mut self, count: usize) {
        self.struck += count;
    }

    pub fn wrong(&mut self, what: Wrong, how: impl Display) {
        self.wrong.push((what, how.to_string()));
    }

    /// Notes what a check complains about.
    pub fn check(&mut self, what: Wrong, told: Result<(), String>) {
        if let Err(how) = told {
            self.wrong(what, how);
        }
    }

    fn count(&self, what: Wrong) -> usize {
        self.wrong.iter().filter(|(w, _)| *w == what).count()
    }

    /// Prints the figures, and fails if anything went wrong.
    #[track_caller]
    pub fn finish(self) {
        // `cargo xtask soak` reads these lines
        println!(
            "figures | {} | {} | {} | {} | {} | {} | {}",
            self.kind,
            self.tried,
            self.struck,
            self.acknowledged,
            self.count(Wrong::Lost),
            self.count(Wrong::Corrupt),
            self.count(Wrong::Stuck),
        );
        let told: Vec<String> = self
            .wrong
            .iter()
            .map(|(what, how)| format!("{what:?}: {how}"))
            .collect();
        assert!(self.tried > 0, "{}: nothing was tried", self.kind);
        assert!(told.is_empty(), "{}:\n{}", self.kind, told.join("\n"));
    }
}

/// Git finds nothing wrong with a repository, and our verifier calls its ledger sound.
pub fn whole(world: &crate::world::World, dir: impl AsRef<std::path::Path>) -> Result<(), String> {
    let dir = dir.as_ref();
    let fsck = world.git(dir, &["fsck", "--strict", "--no-dangling", "--no-progress"]);
    let said = fsck.out.clone() + &fsck.err;
    // an empty HEAD is none of the ledger's business
    let bad = said.lines().any(|line| !line.starts_with("notice: HEAD"));
    if fsck.code != 0 || bad {
        return Err(format!("{}: fsck: {fsck}", dir.display()));
    }
    let verified = crate::world::run(crate::recorded::binary(world, dir, &["verify"]), b"");
    match verified.code {
        0 => Ok(()),
        _ => Err(format!("{}: {verified}", dir.display())),
    }
}
