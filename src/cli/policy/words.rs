//! The changes that have a word of their own: a key comes, goes, or is replaced; the threshold
//! moves; everything else in an editor.

use std::path::PathBuf;
use std::process::Command;

use git_ledger::policy::{Policy, Role, Signer as Row};
use git_ledger::principal::Principal;
use git_ledger::signature::PublicKey;

use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::change::{ChangeArgs, Intent, change};
use super::ground::{Ground, fault};

/// Let a key in
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Whose key it is
    principal: String,
    /// The public key, or a file that holds it
    public_key: String,
    /// What it may do
    #[arg(long = "role", value_enum, required = true)]
    roles: Vec<RoleName>,
    /// Event types it may record, exact or with a final * [default: all]
    #[arg(long = "type", value_name = "PATTERN")]
    types: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Let a principal, or one key, sign nothing from the next entry on
///
/// What it signed before stays valid: a key's validity is a position in the ledger. A key that
/// somebody else may have had is another matter: 'git ledger policy compromise'.
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    /// A principal, a key's fingerprint (SHA256:…), or a public key
    who: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Replace a principal's key by a new one with the same rights
///
/// One entry lets the new key in and retires the old one, which may sign that entry itself.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// Whose key is replaced
    principal: String,
    /// The new public key, or a file that holds it
    public_key: String,
    /// Which of several keys is replaced: a fingerprint (SHA256:…) or a public key
    #[arg(long, value_name = "KEY")]
    old: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Say how many admins must agree to a change
#[derive(Debug, clap::Args)]
pub struct ThresholdArgs {
    /// How many, from the next change on
    number: u64,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Change the policy in an editor, or take it from a file
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    /// Take the new policy from this file, or - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum RoleName {
    /// Records events
    Writer,
    /// Changes the policy, and may do all that the others may
    Admin,
    /// Records reviews, findings and checkpoints
    Auditor,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Writer => Role::Writer,
            RoleName::Admin => Role::Admin,
            RoleName::Auditor => Role::Auditor,
        }
    }
}

/// `policy add-signer`.
pub fn add(context: &Context, args: &AddArgs) -> Result<Exit, Failure> {
    let ground = args.change.ground(context)?;
    let principal = principal(&args.principal)?;
    let key = new_key(&ground, &args.public_key)?;
    let mut roles: Vec<Role> = args.roles.iter().map(|role| (*role).into()).collect();
    roles.sort();
    roles.dedup();
    let mut words = vec![
        "add-signer".to_owned(),
        args.principal.clone(),
        args.public_key.clone(),
    ];
    for role in &roles {
        words.extend(["--role".to_owned(), role.word().to_owned()]);
    }
    for kind in &args.types {
        words.extend(["--type".to_owned(), kind.clone()]);
    }
    let mut policy = ground.policy().clone();
    policy.signers.push(Row {
        principal,
        key,
        roles,
        types: args.types.clone(),
        retired: false,
    });
    let intent = Intent { policy, words };
    change(context, &ground, &args.change, &intent)
}

/// `policy retire`.
pub fn retire(context: &Context, args: &RetireArgs) -> Result<Exit, Failure> {
    let ground = args.change.ground(context)?;
    let mut policy = ground.policy().clone();
    let mut met = 0;
    for row in policy.signers.iter_mut().filter(|row| !row.retired) {
        if names(row, &args.who) {
            row.retired = true;
            met += 1;
        }
    }
    if met == 0 {
        return Err(
            Failure::no(format!("no unretired key of '{}' in the policy", args.who))
                .hint("'git ledger policy show' lists them"),
        );
    }
    let intent = Intent {
        policy,
        words: vec!["retire".to_owned(), args.who.clone()],
    };
    change(context, &ground, &args.change, &intent)
}

/// `policy rotate`.
pub fn rotate(context: &Context, args: &RotateArgs) -> Result<Exit, Failure> {
    let ground = args.change.ground(context)?;
    let principal = principal(&args.principal)?;
    let mut policy = ground.policy().clone();
    let live: Vec<usize> = (policy.signers.iter().enumerate())
        .filter(|(_, row)| row.principal == principal && !row.retired)
        .filter(|(_, row)| args.old.as_ref().is_none_or(|old| names(row, old)))
        .map(|(at, _)| at)
        .collect();
    let at = match live.as_slice() {
        [only] => *only,
        [] => {
            let failure = Failure::no(match &args.old {
                None => format!("{principal} has no key that signs"),
                Some(old) => format!("{principal} has no such key that signs: '{old}'"),
            });
            return Err(failure
                .hint("'git ledger policy show' lists the keys")
                .hint("a first key comes in with 'git ledger policy add-signer'"));
        }
        _ => {
            let keys = keys_of(&policy, &principal);
            return Err(Failure::usage(format!("{principal} has several keys"))
                .hint(format!("say which one is replaced, with --old: {keys}")));
        }
    };
    let key = new_key(&ground, &args.public_key)?;
    if let Some(old) = policy.signers.get_mut(at) {
        old.retired = true;
        let successor = Row {
            key,
            retired: false,
            ..old.clone()
        };
        policy.signers.push(successor);
    }
    let mut words = vec![
        "rotate".to_owned(),
        args.principal.clone(),
        args.public_key.clone(),
    ];
    if let Some(old) = &args.old {
        words.extend(["--old".to_owned(), old.clone()]);
    }
    let intent = Intent { policy, words };
    change(context, &ground, &args.change, &intent)
}

/// `policy threshold`.
pub fn threshold(context: &Context, args: &ThresholdArgs) -> Result<Exit, Failure> {
    let ground = args.change.ground(context)?;
    if args.number == 0 {
        return Err(Failure::usage("a threshold is 1 or more"));
    }
    let mut policy = ground.policy().clone();
    policy.threshold = args.number;
    let intent = Intent {
        policy,
        words: vec!["threshold".to_owned(), args.number.to_string()],
    };
    change(context, &ground, &args.change, &intent)
}

/// `policy edit`.
pub fn edit(context: &Context, args: &EditArgs) -> Result<Exit, Failure> {
    let ground = args.change.ground(context)?;
    let mut words = vec!["edit".to_owned()];
    if let Some(path) = &args.file {
        words.extend(["--file".to_owned(), path.to_string_lossy().into_owned()]);
    }
    let intent = Intent {
        policy: written(context, &ground, args.file.as_deref())?,
        words,
    };
    change(context, &ground, &args.change, &intent)
}

/// A policy somebody wrote, in a file or in the editor.
pub fn written(
    context: &Context,
    ground: &Ground,
    file: Option<&std::path::Path>,
) -> Result<Policy, Failure> {
    let text = match file {
        Some(path) => super::super::events::read(path)?,
        None => in_editor(context, &ground.policy().to_toml())?,
    };
    Policy::parse_any_spelling(&text).map_err(|finding| fault(&finding))
}

/// Whether these words name the row: its principal, or its key.
pub fn names(row: &Row, who: &str) -> bool {
    row.principal.as_str() == who || row.key.fingerprint() == who || row.key.to_text() == who
}

/// The fingerprints of a principal's keys.
pub fn keys_of(policy: &Policy, principal: &Principal) -> String {
    let rows = policy.signers.iter();
    let keys: Vec<String> = rows
        .filter(|row| row.principal == *principal)
        .map(|row| row.key.fingerprint())
        .collect();
    keys.join(", ")
}

fn principal(text: &str) -> Result<Principal, Failure> {
    Principal::parse(text).ok_or_else(|| {
        Failure::usage(format!("'{text}' is no principal"))
            .hint("a principal is 1 to 64 of a-z 0-9 . _ + @ : / - and begins and ends with a letter or digit")
    })
}

/// A key that stands in no row yet.
fn new_key(ground: &Ground, text: &str) -> Result<PublicKey, Failure> {
    let key = public_key(text)?;
    match ground.policy().row(&key) {
        None => Ok(key),
        Some((_, row)) => {
            let state = if row.retired {
                "and is retired for good"
            } else {
                "already"
            };
            Err(
                Failure::no(format!("the key belongs to '{}' {state}", row.principal))
                    .hint("a key stands in one row for ever; make a new one"),
            )
        }
    }
}

/// The text of a public key, or a file that holds one; a comment behind it is dropped.
fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let from_file = if text.contains(' ') {
        None
    } else {
        Some(std::fs::read_to_string(text))
    };
    let line = match from_file {
        None => text.to_owned(),
        Some(Ok(content)) => content.lines().next().unwrap_or_default().to_owned(),
        Some(Err(why)) => {
            return Err(
                Failure::usage(format!("cannot read the public key '{text}': {why}"))
                    .hint("give the path of a .pub file, or the key in quotes"),
            );
        }
    };
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    PublicKey::parse_text(&words.join(" ")).map_err(|why| {
        Failure::usage(format!("'{text}' is no public key a ledger takes: {why}"))
            .hint("ssh-keygen -t ed25519 makes one that is")
    })
}

/// Opens the user's editor, as git finds it, on a copy.
fn in_editor(context: &Context, text: &str) -> Result<Vec<u8>, Failure> {
    let environment = &context.environment;
    let configured = git_ledger::git::Config::of_user(environment)?
        .get("core.editor", git_ledger::git::Scope::Trusted);
    let variable = |name: &str| {
        environment
            .get(name)
            .map(|value| value.to_string_lossy().into_owned())
    };
    let editor = variable("GIT_EDITOR")
        .or(configured)
        .or_else(|| variable("VISUAL"))
        .or_else(|| variable("EDITOR"))
        .unwrap_or_else(|| "vi".into());
    let file = tempfile::Builder::new()
        .prefix("ledger-")
        .suffix(".toml")
        .tempfile()?;
    std::fs::write(file.path(), text)?;
    // the editor is the user's own setting and may hold arguments; it gets no shell
    let mut words = editor.split_whitespace();
    let name = words.next().unwrap_or("vi");
    // what PATH says relative to the current directory may be a file of the repository
    let program = match std::path::Path::new(name).is_absolute() {
        true => Some(name.into()),
        false => context.environment.find_program(name),
    };
    let program = program.ok_or_else(|| {
        Failure::cannot(format!("there is no editor '{name}' on PATH"))
            .hint("set GIT_EDITOR to a name on PATH or to an absolute path, or use --file")
    })?;
    let status = Command::new(program)
        .args(words)
        .arg(file.path())
        .status()
        .map_err(|why| {
            Failure::cannot(format!("the editor '{editor}' cannot be started: {why}"))
                .hint("set GIT_EDITOR, or use --file")
        })?;
    if !status.success() {
        return Err(
            Failure::cannot(format!("the editor '{editor}' failed")).hint("nothing was changed")
        );
    }
    Ok(std::fs::read(file.path())?)
}
