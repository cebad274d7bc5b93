//! The yardstick of the curve: each Ed25519 signature of a ledger verified alone, as any program
//! would, on all cores. What is read and parsed is ready before the clock starts.

use std::path::Path;

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::signature::signed_data;

use super::world::World;

/// More signatures are not held in memory; each costs the same.
const MOST: usize = 100_000;

/// Signatures of a ledger, ready to be verified.
pub struct Signatures {
    keys: Vec<VerifyingKey>,
    ready: Vec<Ready>,
}

struct Ready {
    key: usize,
    signature: Signature,
    payload: Vec<u8>,
}

impl Signatures {
    /// The newest ones of a ledger, at most [`MOST`].
    pub fn of(world: &World, repository: &Path) -> Result<Signatures, String> {
        let environment = Environment::new("/", world.variables());
        let opened = Repository::discover(&environment, repository);
        let ledger = Ledger::new(opened.map_err(|why| why.to_string())?, DEFAULT_REF);
        let said = |why: git_ledger::ledger::LedgerError| why.to_string();
        let tip = ledger.tip_id().map_err(said)?.ok_or("no ledger")?;
        let (mut blobs, mut keys, mut ready) = (Vec::new(), Vec::new(), Vec::new());
        for link in ledger.links(tip).map_err(said)?.take(MOST) {
            let link = link.map_err(said)?;
            let blob = link.signature.key().blob().to_vec();
            let at = match blobs.iter().position(|known| *known == blob) {
                Some(at) => at,
                None => {
                    let bytes = blob.last_chunk::<32>().ok_or("a short key")?;
                    let key = VerifyingKey::from_bytes(bytes).map_err(|why| why.to_string())?;
                    keys.push(key);
                    blobs.push(blob);
                    keys.len() - 1
                }
            };
            let blob = link.signature.to_blob();
            let bytes = blob.last_chunk::<64>().ok_or("a short signature")?;
            ready.push(Ready {
                key: at,
                signature: Signature::from_bytes(bytes),
                payload: link.payload().to_vec(),
            });
        }
        Ok(Signatures { keys, ready })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ready.len()
    }

    /// Verifies each on all cores; one that does not hold is an error.
    pub fn verify(&self) -> Result<(), String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let share = self.ready.len().div_ceil(cores).max(1);
        let one = |ready: &Ready| {
            let key = self.keys.get(ready.key);
            let data = signed_data("git", &ready.payload);
            key.is_some_and(|key| key.verify(&data, &ready.signature).is_ok())
        };
        let good = std::thread::scope(|scope| {
            let parts = self.ready.chunks(share);
            let parts: Vec<_> = parts
                .map(|part| scope.spawn(move || part.iter().filter(|ready| one(ready)).count()))
                .collect();
            parts
                .into_iter()
                .filter_map(|part| part.join().ok())
                .sum::<usize>()
        });
        match good == self.ready.len() {
            true => Ok(()),
            false => Err(format!("{good} of {} signatures hold", self.ready.len())),
        }
    }
}
