//! `git ledger demo`: the main job on real input, and then the attack.
//!
//! Everything is done by running git and git-ledger as a user would; only the forgery is made by
//! hand, because no verb makes one.

mod forgery;
mod stage;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use git_ledger::git::Repository;
use git_ledger::signer::Signer;

use super::context::Context;
use super::failure::{Exit, Failure};

use forgery::forge;
use stage::{Stage, environment, tell};

/// Commits of the real history that are pushed one by one at the end; those before go in one push.
const PUSHES: usize = 6;
/// At most so many commits of the real history are taken.
const COMMITS: usize = 500;

/// Play the whole story in a directory: set-up, pushes, pipeline, audit, attack
///
/// Takes the history of the repository you stand in (or a few built-in commits), sets up a server
/// with hooks and two more remotes, pushes the history through, records pipeline events, lets an
/// auditor verify, then plays a malicious administrator. The directory is left for exploring.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to play; must not exist, or be empty
    #[arg(value_name = "DIR", default_value = "git-ledger-demo")]
    place: PathBuf,
    /// Take the history of this repository
    #[arg(long, value_name = "REPOSITORY", conflicts_with = "built_in")]
    from: Option<PathBuf>,
    /// Take the built-in commits
    #[arg(long)]
    built_in: bool,
}

/// Runs `git ledger demo`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let root = context.directory.join(&args.place);
    if fs::read_dir(&root).is_ok_and(|mut files| files.next().is_some()) {
        return Err(Failure::usage(format!("'{}' is not empty", root.display()))
            .hint("name another directory, or delete it"));
    }
    let source = source(context, &args)?;
    fs::create_dir_all(&root)?;
    let root = root.canonicalize()?;
    let stage = Stage {
        environment: environment(context, &root)?,
        root,
    };
    play(&stage, source.as_deref())?;
    Ok(Exit::Done)
}

/// The repository whose history is taken; none: the built-in commits.
fn source(context: &Context, args: &Args) -> Result<Option<PathBuf>, Failure> {
    if args.built_in {
        return Ok(None);
    }
    let from = args
        .from
        .as_ref()
        .map_or(context.directory.clone(), |from| {
            context.directory.join(from)
        });
    match Repository::discover(&context.environment, &from) {
        Ok(repository) if has_commits(&repository) => Ok(Some(repository.common_dir().to_owned())),
        Ok(_) if args.from.is_some() => Err(Failure::usage(format!(
            "'{}' has no commits",
            from.display()
        ))),
        Err(error) if args.from.is_some() => Err(error.into()),
        _ => Ok(None),
    }
}

fn has_commits(repository: &Repository) -> bool {
    repository
        .head_ref()
        .is_some_and(|head| repository.find_ref(&head).is_ok_and(|id| id.is_some()))
}
fn play(stage: &Stage, source: Option<&Path>) -> Result<(), Failure> {
    tell("1. A server with hooks, a backup, and the auditor's own copy")?;
    let fingerprint = set_up(stage)?;
    tell("2. A real history goes through: every push is recorded before its refs move")?;
    let history = history(stage, source)?;
    pushes(stage, &history)?;
    tell("3. The pipeline records its steps, from a shallow clone of one branch as CI jobs have")?;
    pipeline(stage)?;
    tell("4. The auditor trusts nobody: own clone, one fingerprint, one command")?;
    audit(stage, &fingerprint)?;
    tell("5. Somebody with a push right tries to rewrite the ledger: the hook refuses")?;
    let number = attack_by_push(stage)?;
    tell("6. The server's own administrator rewrites it in place: every signature is valid")?;
    attack_in_place(stage, number)?;
    finish(stage, &fingerprint, number)
}

fn set_up(stage: &Stage) -> Result<String, Failure> {
    fs::create_dir_all(stage.path("keys"))?;
    for name in ["admin", "server", "ci", "auditor"] {
        Signer::generate(&stage.path("keys").join(name), &format!("{name}@demo"))?;
    }
    for name in ["server", "backup", "auditor"] {
        let repository = format!("{name}.git");
        stage.must("", &["git", "init", "--quiet", "--bare", &repository])?;
        stage.must(
            &repository,
            &["git", "config", "receive.denyNonFastForwards", "true"],
        )?;
        stage.must(
            &repository,
            &["git", "config", "receive.denyDeletes", "true"],
        )?;
    }
    stage.show(
        "server.git",
        &[
            "git",
            "ledger",
            "init",
            "--name",
            "demo",
            "--key",
            "../keys/admin",
            "--principal",
            "admin@demo",
        ],
        0,
    )?;
    for (who, role, kind) in [
        ("server", "writer", "*"),
        ("ci", "writer", "dev.cdevents.*"),
        ("auditor", "auditor", "*"),
    ] {
        let (principal, key) = (format!("{who}@demo"), format!("../keys/{who}.pub"));
        stage.must(
            "server.git",
            &[
                "git",
                "ledger",
                "policy",
                "add-signer",
                &principal,
                &key,
                "--role",
                role,
                "--type",
                kind,
                "--key",
                "../keys/admin",
            ],
        )?;
    }
    stage.show("server.git", &["git", "ledger", "policy", "show"], 0)?;
    let key = stage
        .path("keys")
        .join("server")
        .to_string_lossy()
        .into_owned();
    stage.must(
        "server.git",
        &["git", "config", "ledger.demo.signingKey", &key],
    )?;
    stage.show(
        "server.git",
        &["git", "ledger", "mirror", "add", "backup", "../backup.git"],
        0,
    )?;
    stage.show(
        "server.git",
        &[
            "git",
            "ledger",
            "mirror",
            "add",
            "auditor",
            "../auditor.git",
        ],
        0,
    )?;
    stage.show("server.git", &["git", "ledger", "hook", "install"], 0)?;
    let fingerprint = stage.must("server.git", &["git", "config", "ledger.demo.fingerprint"])?;
    Ok(fingerprint.trim().to_owned())
}

/// The commits to push, the oldest first, in the clone `work`.
fn history(stage: &Stage, source: Option<&Path>) -> Result<Vec<String>, Failure> {
    stage.must("", &["git", "init", "--quiet", "work"])?;
    match source {
        Some(source) => {
            // only what is committed is taken, and the source is not written to
            let source = source.to_string_lossy().into_owned();
            let depth = format!("--depth={COMMITS}");
            let url = format!("file://{source}");
            stage.must(
                "work",
                &[
                    "git",
                    "-c",
                    "safe.directory=*",
                    "fetch",
                    "--quiet",
                    &depth,
                    "--update-shallow",
                    &url,
                    "HEAD",
                ],
            )?;
            stage.must("work", &["git", "reset", "--quiet", "--hard", "FETCH_HEAD"])?;
        }
        None => {
            for (file, text, message) in BUILT_IN {
                fs::write(stage.path("work").join(file), text)?;
                stage.must("work", &["git", "add", "--all"])?;
                stage.must("work", &["git", "commit", "--quiet", "--message", message])?;
            }
        }
    }
    stage.must("work", &["git", "remote", "add", "origin", "../server.git"])?;
    let list = stage.must(
        "work",
        &["git", "rev-list", "--first-parent", "--reverse", "HEAD"],
    )?;
    Ok(list.lines().map(str::to_owned).collect())
}

const BUILT_IN: &[(&str, &str, &str)] = &[
    ("README", "payments service\n", "Begin the payments service"),
    ("service.conf", "retries = 3\n", "Retry three times"),
    (
        "service.conf",
        "retries = 3\ntimeout = 10\n",
        "Give up after ten seconds",
    ),
    (
        "README",
        "payments service\nowner: team blue\n",
        "Say who owns it",
    ),
    (
        "service.conf",
        "retries = 5\ntimeout = 10\n",
        "Retry five times",
    ),
];

fn pushes(stage: &Stage, history: &[String]) -> Result<(), Failure> {
    let start = history.len().saturating_sub(PUSHES);
    let (last, steps) = (
        history.len().saturating_sub(1),
        history.iter().enumerate().skip(start),
    );
    for (at, commit) in steps {
        let refspec = format!("{commit}:refs/heads/main");
        let words = [
            "git",
            "push",
            "--push-option=ticket=DEMO-1",
            "origin",
            &refspec,
        ];
        if at == start || at == last {
            stage.show("work", &words, 0)?;
        } else {
            stage.must("work", &words)?;
        }
    }
    stage.must(
        "server.git",
        &["git", "symbolic-ref", "HEAD", "refs/heads/main"],
    )?;
    stage.must("server.git", &["git", "ledger", "mirror", "push"])?;
    stage.show("server.git", &["git", "ledger", "log", "-n", "4"], 0)?;
    Ok(())
}

fn pipeline(stage: &Stage) -> Result<(), Failure> {
    let url = format!("file://{}", stage.path("server.git").display());
    stage.must(
        "",
        &[
            "git",
            "clone",
            "--quiet",
            "--depth=1",
            "--single-branch",
            "--branch=main",
            &url,
            "job",
        ],
    )?;
    let key = stage.path("keys").join("ci").to_string_lossy().into_owned();
    stage.must("job", &["git", "config", "user.signingKey", &key])?;
    let build = ["git", "archive", "--output=payments.tar", "HEAD"];
    let mut run = vec!["git", "ledger", "run", "--name=build"];
    run.extend(["--artifact=payments.tar", "--push=origin", "--"]);
    run.extend(build);
    stage.show("job", &run, 0)?;
    stage.show(
        "job",
        &[
            "git",
            "ledger",
            "append",
            "--cdevent",
            "service.deployed",
            "--subject=payments",
            "--data=environment.id=production",
            "--data=artifactId=pkg:generic/payments",
            "--push=origin",
        ],
        0,
    )?;
    tell("   (a push is not a build's to record: the policy lets it write dev.cdevents.* alone)")?;
    stage.show(
        "job",
        &[
            "git",
            "ledger",
            "append",
            "dev.git-ledger.push",
            "--subject",
            "refs/heads/main",
            "--push",
            "origin",
        ],
        1,
    )?;
    stage.must("server.git", &["git", "ledger", "mirror", "push"])?;
    Ok(())
}

fn audit(stage: &Stage, fingerprint: &str) -> Result<(), Failure> {
    stage.show(
        "",
        &[
            "git",
            "ledger",
            "clone",
            "auditor.git",
            "audit.git",
            "--fingerprint",
            fingerprint,
        ],
        0,
    )?;
    tell(
        "   (all of it lives on one machine here; --independent is the auditor's word that it does not)",
    )?;
    stage.show(
        "audit.git",
        &[
            "git",
            "ledger",
            "mirror",
            "add",
            "server",
            "../server.git",
            "--independent",
        ],
        0,
    )?;
    stage.show(
        "audit.git",
        &[
            "git",
            "ledger",
            "mirror",
            "add",
            "backup",
            "../backup.git",
            "--independent",
        ],
        0,
    )?;
    stage.show("audit.git", &["git", "ledger", "verify", "--remotes"], 0)?;
    stage.show(
        "audit.git",
        &[
            "git",
            "ledger",
            "export",
            "--format=csv",
            "--type=dev.cdevents.*",
            "--output=steps.csv",
        ],
        0,
    )?;
    Ok(())
}

/// Makes a rewritten ledger in the developer's clone and pushes it with force.
fn attack_by_push(stage: &Stage) -> Result<u64, Failure> {
    let number = forge(stage)?;
    tell(&format!(
        "   (entry {number} now says that another commit was pushed; everything after it is signed again)"
    ))?;
    stage.must(
        "work",
        &["git", "fetch", "--quiet", "origin", "refs/demo/forged"],
    )?;
    stage.must(
        "server.git",
        &["git", "update-ref", "-d", "refs/demo/forged"],
    )?;
    stage.show(
        "work",
        &[
            "git",
            "push",
            "--force",
            "origin",
            "FETCH_HEAD:refs/heads/ledger",
        ],
        1,
    )?;
    Ok(number)
}

fn attack_in_place(stage: &Stage, number: u64) -> Result<(), Failure> {
    let forged = stage.must("work", &["git", "rev-parse", "FETCH_HEAD"])?;
    // the objects were kept by the forger
    stage.must(
        "server.git",
        &["git", "fetch", "--quiet", "../work", forged.trim()],
    )?;
    stage.show(
        "server.git",
        &["git", "update-ref", "refs/heads/ledger", forged.trim()],
        0,
    )?;
    tell("   A fresh clone of the server alone cannot know better, and says so:")?;
    stage.show(
        "",
        &["git", "ledger", "clone", "server.git", "naive.git"],
        0,
    )?;
    tell("   Stock git agrees with the forger, every signature is good:")?;
    let signers = stage.must(
        "server.git",
        &["git", "show", "refs/heads/ledger:allowed_signers"],
    )?;
    fs::write(stage.path("allowed_signers"), signers)?;
    let setting = format!(
        "gpg.ssh.allowedSignersFile={}",
        stage.path("allowed_signers").display()
    );
    stage.show(
        "server.git",
        &[
            "git",
            "-c",
            &setting,
            "log",
            "-3",
            "--format=%G? %GS %s",
            "refs/heads/ledger",
        ],
        0,
    )?;
    tell("   The server's mirrors refuse to follow:")?;
    stage.show("server.git", &["git", "ledger", "mirror", "push"], 1)?;
    tell(&format!(
        "   The auditor, who holds one honest copy, sees it, and where: entry {number}"
    ))?;
    stage.show("audit.git", &["git", "ledger", "verify", "--remotes"], 1)?;
    Ok(())
}
fn finish(stage: &Stage, fingerprint: &str, number: u64) -> Result<(), Failure> {
    let own = std::env::current_exe()?;
    let bin = own.parent().unwrap_or(Path::new("/")).display().to_string();
    let root = stage.root.display();
    let mut out = std::io::stdout().lock();
    let text = format!(
        "\n7. Look around\n\n  \
         export PATH={bin}:$PATH HOME={root}/home\n  \
         cd {root}/audit.git\n  \
         git ledger log\n  \
         git ledger show {number}\n  \
         git ledger verify --remotes\n  \
         git ledger web --listen 127.0.0.1:0\n  \
         git ledger report --profile soc2 --remotes\n  \
         git -C ../server.git ledger verify --fingerprint {fingerprint}\n  \
         git -C ../backup.git log --format='%h %s' refs/heads/ledger\n"
    );
    out.write_all(text.as_bytes())?;
    Ok(())
}
