//! Hooks: whether git would start them, and whether they are what was installed.

use std::path::PathBuf;

use super::{Check, Diagnosis, Fix, Place};

/// What was seen of the hooks.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// `pre-receive` in the repository's own hooks directory.
    pub pre_receive: File,
    /// `post-receive`.
    pub post_receive: File,
    /// `reference-transaction`.
    pub reference_transaction: File,
    /// Whether the reference-transaction hook is one that somebody chose to have.
    pub transaction_chosen: bool,
    /// Where `core.hooksPath` sends git, if anywhere but the repository's own directory.
    pub elsewhere: Option<Elsewhere>,
    /// The program the hooks call.
    pub program: Program,
    /// The hooks directory.
    pub dir: PathBuf,
    /// Hooks, and directories of hooks, that others may write: path and permissions.
    pub writable: Vec<(PathBuf, u32)>,
}

/// A place that `core.hooksPath` names.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// The value.
    pub path: String,
    /// Which file or variable says so.
    pub origin: String,
    /// How many files lie there.
    pub files: usize,
    /// Whether a value in the repository's own configuration file would win over it.
    pub overridable: bool,
    /// The directory it should be.
    pub own: PathBuf,
}

/// A hook's place in the hooks directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum File {
    /// Nothing is there.
    #[default]
    Absent,
    /// A symbolic link to nothing.
    Dangling(PathBuf),
    /// Neither a file nor a link to one.
    NotAFile,
    /// A file of no bytes.
    Empty,
    /// A file that cannot be read, and why.
    Unreadable(String),
    /// A file with something in it.
    Script {
        /// What it does.
        kind: Script,
        /// Whether the account that runs this may execute it.
        executable: bool,
        /// The interpreter of its first line, if that is not there.
        missing_interpreter: Option<String>,
    },
}

/// What a script does, as far as reading tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Byte for byte what was installed.
    Ours,
    /// One of ours, changed or of another version.
    Changed,
    /// Another that ends by handing over to ours.
    HandsOver,
    /// Another that calls ours in between; what it does with the answer cannot be read.
    Calls,
    /// Calls ours, or is ours, and throws its answer away.
    Swallows,
    /// Another.
    Foreign,
}

/// The program that the hooks name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Program {
    /// No hook of ours is there to name one.
    #[default]
    Unnamed,
    /// It is there and can be run.
    There(PathBuf),
    /// It is gone, but another is found on the path that a login starts with.
    OnPath {
        /// What the hook names.
        named: PathBuf,
        /// What is found.
        found: PathBuf,
    },
    /// It is gone.
    Gone(PathBuf),
    /// It, or a directory above it, can be written by others.
    Writable(PathBuf),
}

const INSTALL: &str = "git ledger hook install";

/// The checks of the hooks.
pub fn examine(place: Place, facts: &Facts) -> Vec<Diagnosis> {
    const ALL: [Check; 6] = [
        Check::HookPreReceive,
        Check::HookPostReceive,
        Check::HookReferenceTransaction,
        Check::HooksPath,
        Check::HookProgram,
        Check::HookWritable,
    ];
    if place != Place::Server {
        let why = "nobody pushes here; --as server if somebody does";
        return ALL
            .map(|check| Diagnosis::not_applicable(check, why))
            .into();
    }
    let transaction = if facts.transaction_chosen {
        hook(
            Check::HookReferenceTransaction,
            facts.dir.join("reference-transaction"),
            &facts.reference_transaction,
        )
    } else {
        Diagnosis::not_applicable(
            Check::HookReferenceTransaction,
            "it is an option that nobody chose here",
        )
    };
    vec![
        hook(
            Check::HookPreReceive,
            facts.dir.join("pre-receive"),
            &facts.pre_receive,
        ),
        hook(
            Check::HookPostReceive,
            facts.dir.join("post-receive"),
            &facts.post_receive,
        ),
        transaction,
        hooks_path(facts.elsewhere.as_ref()),
        program(&facts.program),
        writable(&facts.writable),
    ]
}

fn hook(check: Check, path: PathBuf, file: &File) -> Diagnosis {
    let (mend, install) = if check == Check::HookReferenceTransaction {
        (
            "git ledger hook install --reference-transaction",
            Fix::InstallTransactionHook,
        )
    } else {
        (INSTALL, Fix::InstallHooks)
    };
    let off = |detail: String| Diagnosis::off(check, detail, mend);
    // what an installation would call from now on, or write over, is kept out of the way
    let aside = |detail: &str| {
        off(detail.to_owned())
            .fix(Fix::PutAside(path.clone()))
            .fix(install.clone())
    };
    match file {
        File::Absent => off("it is not there".into()).fix(install.clone()),
        File::Dangling(to) => aside(&format!(
            "it is a symbolic link to '{}', which is not there; git passes it over",
            to.display()
        )),
        File::NotAFile => aside("it is no file"),
        File::Empty => aside("it is empty, so it refuses nothing"),
        File::Unreadable(why) => Diagnosis::unknown(
            check,
            format!("it cannot be read: {why}"),
            "run doctor as the account that receives pushes",
        ),
        File::Script {
            executable: false, ..
        } => off("it is not executable, so git passes it over".into()).fix(install.clone()),
        File::Script {
            missing_interpreter: Some(interpreter),
            ..
        } => aside(&format!(
            "its interpreter '{interpreter}' is not there, so every push is refused"
        )),
        File::Script { kind, .. } => match kind {
            Script::Ours => Diagnosis::ok(check, "ours, whole and executable"),
            Script::HandsOver => {
                Diagnosis::ok(check, "another hook, which ends by handing over to ours")
            }
            Script::Changed => {
                aside("it was changed after it was installed, or is of another version")
            }
            Script::Swallows => {
                aside("it throws away the answer of git ledger, so nothing is refused")
            }
            Script::Foreign => {
                off("another hook is in its place, and does not call git ledger".into())
                    .fix(install.clone())
            }
            Script::Calls => Diagnosis::unknown(
                check,
                "another hook calls git ledger; whether it heeds the answer cannot be told by reading",
                "let it end with: exec git-ledger hook <name>; or remove it and run: git ledger hook install",
            ),
        },
    }
}

fn hooks_path(elsewhere: Option<&Elsewhere>) -> Diagnosis {
    let Some(elsewhere) = elsewhere else {
        return Diagnosis::ok(Check::HooksPath, "git looks in the repository itself");
    };
    let off = Diagnosis::off(
        Check::HooksPath,
        format!(
            "core.hooksPath sends git to '{}', says {}",
            elsewhere.path, elsewhere.origin
        ),
        if elsewhere.overridable {
            format!(
                "git config core.hooksPath '{}', after copying the hooks it needs there",
                elsewhere.own.display()
            )
        } else {
            "take it out where it stands".to_owned()
        },
    );
    // where other hooks lie, they would no longer be called
    if elsewhere.overridable && elsewhere.files == 0 {
        off.fix(Fix::Set {
            key: "core.hooksPath".into(),
            value: elsewhere.own.display().to_string(),
        })
    } else {
        off
    }
}

fn program(program: &Program) -> Diagnosis {
    const CHECK: Check = Check::HookProgram;
    match program {
        Program::Unnamed => Diagnosis::not_applicable(CHECK, "no hook of ours names one"),
        Program::There(path) => Diagnosis::ok(CHECK, format!("they call {}", path.display())),
        Program::OnPath { named, found } => Diagnosis::off(
            CHECK,
            format!(
                "'{}' is gone; the hooks make do with {}",
                named.display(),
                found.display()
            ),
            INSTALL,
        )
        .fix(Fix::InstallHooks),
        Program::Gone(path) => Diagnosis::off(
            CHECK,
            format!(
                "'{}' cannot be run, so every push is refused",
                path.display()
            ),
            INSTALL,
        )
        .fix(Fix::InstallHooks),
        Program::Writable(path) => Diagnosis::off(
            CHECK,
            format!("others may write '{}'", path.display()),
            format!(
                "chmod go-w '{}', or install the program where only root may write",
                path.display()
            ),
        ),
    }
}

fn writable(found: &[(PathBuf, u32)]) -> Diagnosis {
    super::repository::writable(Check::HookWritable, found, "only their owner writes them")
}
