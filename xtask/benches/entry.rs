//! The inner loops one by one, on real entries of a ledger: `cargo bench -p xtask`.
//!
//! The ledger is one that `cargo xtask bench` made; if there is none it is asked to make one.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use git_ledger::commit::Link;
use git_ledger::event::Event;
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::merkle;
use git_ledger::signature::batch::{Checker, Claim};
use git_ledger::signature::{KnownKeys, signed_data};
use git_ledger::signer::{KeySettings, Signer};
use gix::objs::Kind;

fn main() {
    divan::main();
}

/// The newest entries of a ledger of a thousand.
struct Sample {
    links: Vec<Link>,
    keys: KnownKeys,
    signer: Signer,
    repository: Repository,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(Sample::read);

/// How many entries are read.
const MANY: usize = 500;

impl Sample {
    fn read() -> Sample {
        let place = ledger().unwrap_or_else(|| {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let words = ["xtask", "bench", "--quick", "--only", "start"];
            let made = Command::new(cargo).args(words).status();
            assert!(made.is_ok_and(|status| status.success()), "no ledger");
            ledger().expect("a ledger")
        });
        let home = place.parent().expect("a directory").join("home");
        let environment = Environment::new("/", std::env::vars_os()).with("HOME", &home);
        let repository = Repository::discover(&environment, &place).expect("a repository");
        let ledger = Ledger::new(repository.clone(), DEFAULT_REF);
        let tip = ledger.tip().expect("a tip");
        let links = ledger.links(tip.link.id).expect("links").take(MANY);
        let settings = KeySettings {
            signing_key: Some(home.join("keys/ann").display().to_string()),
            ..KeySettings::default()
        };
        Sample {
            links: links.map(|link| link.expect("a link")).collect(),
            keys: tip
                .policy
                .signers
                .iter()
                .map(|row| row.key.clone())
                .collect(),
            signer: Signer::find(&settings).expect("a key"),
            repository,
        }
    }

    /// One entry from the middle.
    fn link(&self) -> &Link {
        self.links.get(MANY / 2).expect("a link")
    }
}

/// A ledger of a thousand entries that a bench of any profile left below `target/bench`.
fn ledger() -> Option<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    let inside = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten();
    let profiles = inside(all).filter_map(Result::ok);
    let mut places = profiles
        .flat_map(|profile| inside(profile.path().join("ledgers")))
        .filter_map(Result::ok)
        .map(|place| place.path().join("single-1000"));
    places.find(|place| place.with_extension("json").exists())
}

/// A commit's text into an entry with a signature, and held against its one spelling.
#[divan::bench]
fn parse_a_commit(bencher: Bencher<'_, '_>) {
    let link = SAMPLE.link();
    bencher
        .counter(BytesCount::of_slice(link.raw()))
        .with_inputs(|| link.raw().to_vec())
        .bench_values(|raw| Link::parse_among(link.id, raw, &SAMPLE.keys).is_ok());
}

/// One event's line, read, and held against its canonical form.
#[divan::bench]
fn parse_an_event(bencher: Bencher<'_, '_>) {
    let line = SAMPLE
        .link()
        .entry
        .events
        .first()
        .expect("an event")
        .to_line();
    bencher
        .counter(BytesCount::of_str(&line))
        .bench(|| Event::parse_canonical(black_box(line.as_bytes())).is_ok());
}

/// An event's canonical line, written.
#[divan::bench]
fn write_an_event(bencher: Bencher<'_, '_>) {
    let event = SAMPLE.link().entry.events.first().expect("an event");
    bencher.bench(|| black_box(event).to_line());
}

/// An entry's digest: SHA-256 of the whole commit.
#[divan::bench]
fn leaf_hash(bencher: Bencher<'_, '_>) {
    let raw = SAMPLE.link().raw();
    bencher
        .counter(BytesCount::of_slice(raw))
        .bench(|| merkle::leaf(black_box(raw)));
}

/// A commit's id: SHA-1 with collision detection.
#[divan::bench]
fn object_id(bencher: Bencher<'_, '_>) {
    let raw = SAMPLE.link().raw();
    bencher
        .counter(BytesCount::of_slice(raw))
        .bench(|| gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Commit, black_box(raw)));
}

/// SHA-512 of what is signed.
#[divan::bench]
fn payload_hash(bencher: Bencher<'_, '_>) {
    let payload = SAMPLE.link().payload();
    bencher
        .counter(BytesCount::of_slice(payload))
        .bench(|| signed_data("git", black_box(payload)));
}

/// One Ed25519 signature, with its hashes.
#[divan::bench]
fn check_a_signature(bencher: Bencher<'_, '_>) {
    let link = SAMPLE.link();
    bencher.bench(|| black_box(link).check_signature().is_ok());
}

/// The same for neighbours, as a verification asks: the multiples of the keys are at hand.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn check_256_signatures(bencher: Bencher<'_, '_>) {
    let checker = Checker::new(&SAMPLE.keys);
    let claim = |link: &'static Link| Claim {
        signature: &link.signature,
        namespace: "git",
        message: link.payload(),
    };
    let claims: Vec<Claim<'_>> = SAMPLE.links.iter().take(256).map(claim).collect();
    bencher
        .counter(ItemsCount::new(claims.len()))
        .bench(|| checker.check(black_box(&claims)).iter().all(Result::is_ok));
}

/// The curve alone.
#[divan::bench]
fn curve(bencher: Bencher<'_, '_>) {
    let link = SAMPLE.link();
    let key = link.signature.key().blob().last_chunk().expect("a key");
    let key = VerifyingKey::from_bytes(key).expect("a key");
    let blob = link.signature.to_blob();
    let signature = Signature::from_bytes(blob.last_chunk().expect("a signature"));
    let data = signed_data("git", link.payload());
    bencher.bench(|| black_box(&key).verify(&data, &signature).is_ok());
}

/// A signature made with a key in this process.
#[divan::bench]
fn sign(bencher: Bencher<'_, '_>) {
    let payload = SAMPLE.link().payload();
    bencher.bench(|| SAMPLE.signer.sign("git", black_box(payload)).is_ok());
}

/// One commit, deflated as objects are.
#[divan::bench]
fn deflate(bencher: Bencher<'_, '_>) {
    let raw = SAMPLE.link().raw();
    bencher
        .counter(BytesCount::of_slice(raw))
        .bench(|| deflated(black_box(raw)));
}

/// One commit, inflated.
#[divan::bench]
fn inflate(bencher: Bencher<'_, '_>) {
    let raw = SAMPLE.link().raw();
    let small = deflated(raw);
    bencher.counter(BytesCount::of_slice(raw)).bench(|| {
        let mut out = Vec::with_capacity(raw.len());
        let read =
            flate2::read::ZlibDecoder::new(black_box(small.as_slice())).read_to_end(&mut out);
        (read.is_ok(), out)
    });
}

fn deflated(raw: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(raw).expect("memory");
    out.finish().expect("memory")
}

/// Entries into a pack: delta, deflate, checksum, id; without making it durable.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn pack_500_entries(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(SAMPLE.links.len()))
        .with_inputs(|| SAMPLE.repository.pack_writer().expect("a writer"))
        .bench_values(|mut writer| {
            for link in SAMPLE.links.iter().rev() {
                writer
                    .add(Kind::Commit, link.raw().to_vec())
                    .expect("an object");
            }
            writer.len()
        });
}
