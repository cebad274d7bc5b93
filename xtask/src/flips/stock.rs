//! The same changes, asked of others: stock `git verify-commit`, the specification's own verifier,
//! and the program as people run it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use git_ledger::finding::Answer;
use git_ledger::git::{Environment, Repository};
use gix::ObjectId;
use gix::objs::Kind;

use super::Effort;
use super::changes::{Amount, Change};
use super::objects::{Changed, Honest, Objects, Place, Subject, id_of};

/// What both say of the changes of one commit.
pub struct Row {
    /// What kind of key signed it.
    pub signer: &'static str,
    /// Which changes.
    pub what: &'static str,
    /// How many.
    pub tried: usize,
    /// How many we call sound.
    pub ours: usize,
    /// How many `git verify-commit` lets through.
    pub git: usize,
}

/// How many changes the other verifiers were asked about.
pub struct Asked {
    /// By `ledger-spec/verify.py`, which found the same each time.
    pub verify_py: usize,
    /// By the program, which never said sound.
    pub program: usize,
}

/// Our verdicts beside git's.
pub fn git(ledgers: &[Honest], effort: Effort) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for ledger in ledgers {
        let world = World::new(ledger)?;
        let bytes = ledger.bytes(&ledger.subjects[1].id);
        let each = Change::all(bytes, Amount::Flips);
        let (what, step) = match effort {
            Effort::Quick => ("one flip at each 32nd byte", 32),
            Effort::Full => ("one flip at each byte", 1),
        };
        let some: Vec<Change> = each.into_iter().step_by(step).collect();
        rows.push(world.row(ledger, what, &some)?);
        if effort == Effort::Full && ledger.signer == "ed25519" {
            let all = Change::all(bytes, Amount::One);
            rows.push(world.row(ledger, "flip, deletion and cut each", &all)?);
            // what base64 and headers are read past
            let white = |at| [Change::Insert(at, b' '), Change::Insert(at, b'\n')];
            let white: Vec<Change> = (0..bytes.len()).flat_map(white).collect();
            rows.push(world.row(ledger, "a space, a line feed put in", &white)?);
        }
    }
    Ok(rows)
}

/// The other verifiers about every so manieth change of every object.
pub fn others(root: &Path, ledgers: &[Honest], effort: Effort) -> Result<Asked, String> {
    let (for_python, for_program) = match effort {
        Effort::Quick => (2_999, 4_999),
        Effort::Full => (41, 101),
    };
    let mut asked = Asked {
        verify_py: 0,
        program: 0,
    };
    let stage = tempfile::tempdir().map_err(|why| why.to_string())?;
    let mut files = Vec::new();
    for ledger in ledgers {
        let world = World::new(ledger)?;
        let mut count = 0;
        for subject in &ledger.subjects {
            let bytes = ledger.bytes(&subject.id);
            for change in Change::all(bytes, Amount::Bits) {
                count += 1;
                let place = Place::ALL[count % 3];
                if count % for_python == 0 {
                    let changed = ledger.changed(subject, change.of(bytes), place);
                    let file = stage.path().join(files.len().to_string());
                    fs::write(&file, vector(ledger, &changed)).map_err(|why| why.to_string())?;
                    files.push(file);
                }
                if count % for_program == 0 {
                    world.ask_program(root, ledger, subject, change)?;
                    asked.program += 1;
                }
            }
        }
    }
    asked.verify_py = files.len();
    ask_python(root, &files)?;
    Ok(asked)
}

/// A changed ledger as the specification writes vectors, with what we find in it.
fn vector(ledger: &Honest, changed: &Changed) -> Vec<u8> {
    let verdict = ledger.judge(changed);
    let names: BTreeSet<&str> = verdict.findings.iter().map(|f| f.id.name()).collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() {
        names.push("sound");
    }
    let mut out = format!(
        "expect: {}\ncomment: one byte\nformat: sha1\ntip: {}\n\n",
        names.join(" "),
        changed.tip
    )
    .into_bytes();
    let mut objects: Objects = ledger.objects.clone();
    objects.extend(changed.objects.clone());
    for (id, (kind, bytes)) in objects {
        out.extend_from_slice(format!("{id} {kind} {}\n", bytes.len()).as_bytes());
        out.extend_from_slice(&bytes);
        out.push(b'\n');
    }
    out
}

fn ask_python(root: &Path, files: &[PathBuf]) -> Result<(), String> {
    let output = Command::new("python3")
        .arg(root.join("ledger-spec/verify.py"))
        .arg("--vector")
        .args(files)
        .output()
        .map_err(|why| format!("python3: {why}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = said.lines().find(|line| line.starts_with("FAIL"));
    let failed = failed.unwrap_or_default().to_owned();
    let name = failed
        .split([' ', ':'])
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let text = fs::read(&name).unwrap_or_default();
    let kept = root.join("target/flips-differ");
    fs::write(&kept, &text).map_err(|why| why.to_string())?;
    let head = String::from_utf8_lossy(&text)
        .lines()
        .take(1)
        .collect::<String>();
    Err(format!(
        "verify.py finds something else ({failed}; ours {head}): {}\n{}",
        kept.display(),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// A repository with the honest ledger, and git set up to check it.
struct World {
    dir: tempfile::TempDir,
    repository: Repository,
}

impl World {
    fn new(ledger: &Honest) -> Result<World, String> {
        let dir = tempfile::tempdir().map_err(|why| why.to_string())?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let variables: [(OsString, OsString); 4] = [
            ("HOME".into(), dir.path().into()),
            ("PATH".into(), path),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("LC_ALL".into(), "C".into()),
        ];
        let environment = Environment::new(dir.path(), variables);
        let place = dir.path().join("git");
        let format = gix::hash::Kind::Sha1;
        let repository = Repository::create_bare(&environment, &place, format, "refs/heads/main")
            .map_err(|why| why.to_string())?;
        fs::write(dir.path().join("signers"), &ledger.allowed_signers)
            .map_err(|why| why.to_string())?;
        let world = World { dir, repository };
        world.write(&ledger.objects)?;
        // without a change both say sound: else neither figure means anything
        let honest = Changed {
            objects: Objects::new(),
            tip: ledger.tip(),
        };
        let good = ledger.judge(&honest).answer() == Answer::Sound;
        let theirs = ledger.commits.iter().map(|id| world.git_takes(*id));
        match (good, theirs.collect::<Result<Vec<bool>, String>>()?) {
            (true, all) if all.iter().all(|good| *good) => Ok(world),
            found => Err(format!("the honest ledger is not taken: {found:?}")),
        }
    }

    fn write(&self, objects: &Objects) -> Result<(), String> {
        let written = self.repository.write_many(objects.values().cloned());
        written.map(drop).map_err(|why| why.to_string())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.repository.git_dir())
            .env_clear()
            .envs(self.repository.environment().variables())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn git_takes(&self, id: ObjectId) -> Result<bool, String> {
        let signers = self.dir.path().join("signers");
        let status = self
            .command(Path::new("git"))
            .args(["-c", "gpg.format=ssh", "-c"])
            .arg(format!("gpg.ssh.allowedSignersFile={}", signers.display()))
            .args(["verify-commit", &id.to_string()])
            .status();
        let status = status.map_err(|why| format!("git: {why}"))?;
        Ok(status.success())
    }

    /// The ordinary entry, changed, as the newest one: who takes it?
    fn row(&self, ledger: &Honest, what: &'static str, changes: &[Change]) -> Result<Row, String> {
        let subject = &ledger.subjects[1];
        let bytes = ledger.bytes(&subject.id);
        let forged: Vec<Vec<u8>> = changes.iter().map(|change| change.of(bytes)).collect();
        let objects = forged.iter().map(|raw| (Kind::Commit, raw.clone()));
        let written = self.repository.write_many(objects);
        written.map_err(|why| why.to_string())?;
        let (next, ours, git) = <(AtomicUsize, AtomicUsize, AtomicUsize)>::default();
        let worker = || -> Result<(), String> {
            while let Some(raw) = forged.get(next.fetch_add(1, Ordering::Relaxed)) {
                let changed = ledger.changed(subject, raw.clone(), Place::Forged);
                if ledger.judge(&changed).answer() == Answer::Sound {
                    ours.fetch_add(1, Ordering::Relaxed);
                }
                if self.git_takes(id_of(Kind::Commit, raw))? {
                    git.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers = [scope.spawn(worker), scope.spawn(worker)];
            workers.into_iter().try_for_each(|worker| {
                let answer = worker.join();
                answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        Ok(Row {
            signer: ledger.signer,
            what,
            tried: changes.len(),
            ours: ours.into_inner(),
            git: git.into_inner(),
        })
    }

    /// The program itself, on a repository whose branch stands at the changed ledger's tip.
    fn ask_program(
        &self,
        root: &Path,
        ledger: &Honest,
        subject: &Subject,
        change: Change,
    ) -> Result<(), String> {
        let bytes = change.of(ledger.bytes(&subject.id));
        let changed = ledger.changed(subject, bytes, Place::Followed);
        self.write(&changed.objects)?;
        let branch = self.repository.git_dir().join("refs/heads/ledger");
        fs::write(branch, format!("{}\n", changed.tip)).map_err(|why| why.to_string())?;
        let status = self
            .command(&root.join("target/debug/git-ledger"))
            .args(["verify", "--quiet"])
            .status()
            .map_err(|why| format!("git-ledger: {why}"))?;
        match status.code() {
            Some(1 | 2) => Ok(()),
            other => Err(format!(
                "git ledger verify exits with {other:?}: {} {} {change:?}",
                ledger.signer, subject.name
            )),
        }
    }
}
