//! What is fuzzed: one plain function for each target, the same for the replay in the suite and
//! for the long run under coverage (`cargo xtask fuzz`).
//!
//! Each takes any bytes and panics when something that must hold of them does not. That it does
//! not panic otherwise, ends soon and stays small is what the engine sees to.

mod deliveries;
mod documents;
mod pipelines;
mod places;
mod seals;
mod stolen;
mod watches;
mod words;

#[cfg(test)]
mod replay;

/// Something that reads bytes which anybody may have written.
pub struct Target {
    /// Its name, which is also that of its corpus.
    pub name: &'static str,
    /// Reads them.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "entry",
        run: documents::entry,
    },
    Target {
        name: "tree",
        run: documents::tree,
    },
    Target {
        name: "policy",
        run: documents::policy,
    },
    Target {
        name: "json",
        run: documents::json,
    },
    Target {
        name: "event",
        run: documents::event,
    },
    Target {
        name: "proposal",
        run: documents::proposal,
    },
    Target {
        name: "proof",
        run: documents::proof,
    },
    Target {
        name: "report",
        run: documents::report,
    },
    Target {
        name: "signature",
        run: seals::signature,
    },
    Target {
        name: "keygen",
        run: seals::keygen,
    },
    Target {
        name: "certificate",
        run: seals::certificate,
    },
    Target {
        name: "hook",
        run: words::hook,
    },
    Target {
        name: "words",
        run: words::words,
    },
    Target {
        name: "repository",
        run: places::repository,
    },
    Target {
        name: "pack",
        run: places::pack,
    },
    Target {
        name: "state",
        run: places::state,
    },
    Target {
        name: "stolen",
        run: stolen::stolen,
    },
    Target {
        name: "intake",
        run: deliveries::intake,
    },
    Target {
        name: "webhook",
        run: deliveries::webhook,
    },
    Target {
        name: "pipeline",
        run: pipelines::pipeline,
    },
    Target {
        name: "watch",
        run: watches::watch,
    },
];
