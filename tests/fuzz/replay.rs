//! Every input that was ever worth keeping, and some bent ones, through the target it belongs to.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::{TARGETS, Target};
use crate::recorded::times;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The corpus of a target.
fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let corpus = root().join("tests/fuzz/corpus").join(target.name);
    let files = fs::read_dir(&corpus).unwrap_or_else(|why| panic!("{}: {why}", corpus.display()));
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no corpus", target.name);
    paths
        .iter()
        .map(|path| fs::read(path).expect("an input"))
        .collect()
}

/// Honest randomness would make a failure hard to repeat.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn bend(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut out = input.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(out.len() + 1);
            match self.below(5) {
                0 if at < out.len() => out[at] ^= 1 << self.below(8),
                1 => out.truncate(at),
                2 => out.insert(at, [0, b'\n', b' ', b'"', 0xff, 0x80, b'0'][self.below(7)]),
                3 if at < out.len() => drop(out.remove(at)),
                _ => {
                    let from = self.below(other.len() + 1);
                    let end = other.len().min(from + self.below(32));
                    out.splice(at..at, other[from..end].iter().copied());
                }
            }
        }
        out
    }
}

fn run(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        let place = root().join("target/fuzz");
        fs::create_dir_all(&place).expect("a directory");
        let file = place.join(format!("crash-{}", target.name));
        fs::write(&file, input).expect("a file");
        panic!("{} fails on {}", target.name, file.display());
    }
}

/// The corpus as it is, then bent.
fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("a target");
    let inputs = inputs(target);
    for input in &inputs {
        run(target, input);
    }
    // those that start a process or write files cost a thousand times more
    let bent = match name {
        "keygen" => times(40, 2_000),
        "report" => times(200, 20_000),
        "repository" | "pack" | "state" => times(1_000, 100_000),
        "stolen" => times(1_500, 200_000),
        _ => times(8_000, 2_000_000),
    };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..bent {
        let (one, other) = (dice.below(inputs.len()), dice.below(inputs.len()));
        let input = dice.bend(&inputs[one], &inputs[other]);
        run(target, &input);
    }
}

/// One test for each target, so that they run side by side.
macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn each_target_is_replayed() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets! {
    entry tree policy json event proposal proof report signature keygen certificate hook words repository
    pack state stolen intake webhook pipeline
    watch
}
