//! The ledgers that are measured, made by the program itself and kept until the program or their
//! recipe changes.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git_ledger::merkle::{hex, sha256};
use serde::{Deserialize, Serialize};

use super::events::{self, Names};
use super::world::{MIXED, SIGNERS, World, run, said};

/// What a ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One event an entry, five Ed25519 keys by turns.
    Single,
    /// One event an entry; two Ed25519 keys, RSA of 3072 bits, ECDSA over P-256 and P-384.
    Mixed,
    /// As many events an entry as fit.
    Batched,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Single => "single",
            Kind::Mixed => "mixed",
            Kind::Batched => "batched",
        }
    }
}

/// A ledger that is there.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its repository: a work tree with the ledger and nothing else.
    pub path: PathBuf,
    /// What was found out when it was made.
    pub facts: Facts,
}

/// What was found out when a ledger was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// Entries, those that set the policy up among them.
    pub entries: u64,
    /// Events in them that were read from lines.
    pub events: u64,
    /// Seconds `append --batch` took in all, by turns.
    pub seconds: f64,
    /// How many times it was called.
    pub calls: u64,
}

/// Where ledgers are kept.
pub struct Ledgers {
    world: World,
}

impl Ledgers {
    /// The place for what this program makes; what another program made is thrown away.
    pub fn of(scratch: &Path, program: &Path) -> Result<Ledgers, String> {
        let mut recipe =
            fs::read(program).map_err(|why| format!("{}: {why}", program.display()))?;
        recipe.extend_from_slice(include_bytes!("events.rs"));
        recipe.extend_from_slice(include_bytes!("ledgers.rs"));
        let digest = hex(&sha256(&recipe));
        let name = digest.get(..16).unwrap_or_default();
        let all = scratch.join("ledgers");
        fs::create_dir_all(&all).map_err(|why| format!("{}: {why}", all.display()))?;
        let old = fs::read_dir(&all).map_err(|why| why.to_string())?;
        for entry in old {
            let entry = entry.map_err(|why| why.to_string())?;
            if entry.file_name() != name {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            }
        }
        let world = World::at(&all.join(name), program)?;
        Ok(Ledgers { world })
    }

    /// The world they live in.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// A ledger of so many entries, made if it is not there.
    pub fn get(&self, kind: Kind, entries: u64) -> Result<Made, String> {
        let name = format!("{}-{entries}", kind.name());
        let path = self.world.path(&name);
        let facts = self.world.path(format!("{name}.json"));
        if !facts.exists() {
            eprint!("   making a ledger: {name} ");
            let found = self.make(kind, entries, &name)?;
            let text = serde_json::to_string(&found).map_err(|why| why.to_string())?;
            fs::write(&facts, text).map_err(|why| format!("{}: {why}", facts.display()))?;
            eprintln!("{:.1} s", found.seconds);
        }
        let text = fs::read_to_string(&facts).map_err(|why| why.to_string())?;
        let facts = serde_json::from_str(&text).map_err(|why| why.to_string())?;
        Ok(Made { path, facts })
    }

    fn make(&self, kind: Kind, entries: u64, name: &str) -> Result<Facts, String> {
        let world = &self.world;
        let place = world.path(name);
        if place.exists() {
            fs::remove_dir_all(&place).map_err(|why| format!("{}: {why}", place.display()))?;
        }
        let signers = signers(kind);
        let policy = begin(world, name, &signers)?;
        let mut facts = Facts {
            entries: policy,
            events: 0,
            seconds: 0.0,
            calls: 0,
        };
        // four turns each, so that keys change and packs stay few
        let turns = 4 * signers.len() as u64;
        let left = entries.saturating_sub(policy);
        for turn in 0..turns {
            let count = (left * (turn + 1)) / turns - (left * turn) / turns;
            if count == 0 {
                continue;
            }
            let signer = signers.get((turn % signers.len() as u64) as usize);
            let signer = signer.copied().unwrap_or("ann");
            let per_entry = match kind {
                Kind::Batched => EVENTS,
                Kind::Single | Kind::Mixed => 1,
            };
            let first = facts.events;
            let text = events::lines(first..first + count * per_entry, Names::Left);
            let file = world.path("batch.jsonl");
            fs::write(&file, text).map_err(|why| why.to_string())?;
            let per_entry_text = per_entry.to_string();
            let key = world.key(signer).display().to_string();
            let mut append = world.ledger(name, &["append", "--key", &key, "--batch"]);
            append
                .arg(&file)
                .args(["--events-per-entry", &per_entry_text]);
            let began = Instant::now();
            run(&mut append)?;
            facts.seconds += began.elapsed().as_secs_f64();
            facts.calls += 1;
            facts.events += count * per_entry;
            fs::remove_file(&file).map_err(|why| why.to_string())?;
            eprint!(".");
        }
        facts.entries = said(&mut world.git(name, &["rev-list", "--count", "ledger"]))?
            .parse()
            .map_err(|_| "git counts no entries")?;
        if facts.entries != entries {
            return Err(format!(
                "{} entries were made, not {entries}",
                facts.entries
            ));
        }
        Ok(facts)
    }
}

/// Events in each entry of a batched ledger; more than a hundred do not fit.
pub const EVENTS: u64 = 90;

/// Who signs, the first as admin.
fn signers(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Single | Kind::Batched => SIGNERS.to_vec(),
        Kind::Mixed => {
            let others = MIXED.iter().map(|(name, ..)| *name);
            SIGNERS.into_iter().take(2).chain(others).collect()
        }
    }
}

/// A repository with a ledger in which these may write; how many entries that took.
pub fn begin(world: &World, name: &str, signers: &[&str]) -> Result<u64, String> {
    run(&mut world.git("", &["init", "-q", name]))?;
    let init = ["init", "--name", "acme/payments", "--principal", "ann"];
    run(&mut world.ledger(name, &init))?;
    for signer in signers.iter().skip(1) {
        let public = world.public(signer)?;
        let add = [
            "policy",
            "add-signer",
            signer,
            &public,
            "--role",
            "writer",
            "-y",
        ];
        run(&mut world.ledger(name, &add))?;
    }
    Ok(signers.len() as u64)
}

/// The file `gpg.ssh.allowedSignersFile` names, out of a ledger.
pub fn allowed_signers(world: &World, name: &Path, to: &Path) -> Result<(), String> {
    let text = run(&mut world.git(name, &["show", "ledger:allowed_signers"]))?;
    let mut file = fs::File::create(to).map_err(|why| why.to_string())?;
    file.write_all(&text.stdout).map_err(|why| why.to_string())
}
