//! Every failure in one shape: whose fault, what, what next, and the exit code.

use std::fmt;
use std::io;

use git_ledger::append::AppendError;
use git_ledger::escape::printable;
use git_ledger::finding::{Answer, FindingId};
use git_ledger::git::{ConfigError, LockError, OpenError, RefError, WriteError};
use git_ledger::ledger::LedgerError;
use git_ledger::signer::SignerError;

use super::terminal;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Sound, or done.
    Done,
    /// Looked, and the answer is no: breach, refused, forked.
    No,
    /// Could not tell.
    Unknown,
    /// Could not run.
    CannotRun,
    /// The arguments make no sense.
    Usage,
    /// The status of a command that was run.
    Of(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Unknown => 2,
            Exit::CannotRun => 128,
            Exit::Usage => 129,
            Exit::Of(code) => code,
        }
    }
}

impl From<Answer> for Exit {
    fn from(answer: Answer) -> Exit {
        match answer {
            Answer::Sound => Exit::Done,
            Answer::Unknown => Exit::Unknown,
            Answer::Breach => Exit::No,
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// Whose fault, and what; lower case, no full stop.
    pub message: String,
    /// What to do next.
    pub hints: Vec<String>,
}

impl Failure {
    /// The command could not run.
    pub fn cannot(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::CannotRun,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// The answer is no.
    pub fn no(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::No,
            ..Failure::cannot(message)
        }
    }

    /// The arguments make no sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::Usage,
            ..Failure::cannot(message)
        }
    }

    /// The same, with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // messages of the library bring their hints along as further lines
        let mut lines = self.message.lines();
        writeln!(f, "error: {}", printable(lines.next().unwrap_or_default()))?;
        if !terminal::hints() {
            return Ok(());
        }
        for line in lines {
            match line.strip_prefix("hint: ") {
                Some(hint) => writeln!(f, "hint: {}", printable(hint))?,
                None => writeln!(f, "       {}", printable(line))?,
            }
        }
        self.hints
            .iter()
            .try_for_each(|hint| writeln!(f, "hint: {}", printable(hint)))
    }
}

/// What to do about an operating system that would not.
fn advise(failure: Failure, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            failure.hint("there is no room for it; make some and run the command again")
        }
        io::ErrorKind::PermissionDenied => {
            failure.hint("this user may not do that there; ask whoever owns it")
        }
        io::ErrorKind::ReadOnlyFilesystem => failure.hint("the file system is mounted read-only"),
        _ => failure,
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        advise(Failure::cannot(error.to_string()), &error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        let failure = Failure::cannot(error.to_string());
        match error {
            OpenError::NotFound(_) => {
                failure.hint("run it inside a repository, or name one with -C")
            }
            _ => failure,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        let failure = Failure::cannot(error.to_string());
        match error {
            ConfigError::Io { source, .. } => advise(failure, &source),
            ConfigError::Syntax { .. } => {
                failure.hint("mend that file; 'git config --list' stumbles over the same line")
            }
            _ => failure,
        }
    }
}

impl From<RefError> for Failure {
    fn from(error: RefError) -> Failure {
        let failure = Failure::cannot(error.to_string());
        match error {
            RefError::Io { source, .. } => advise(failure, &source),
            RefError::NotDurable { .. } => failure
                .hint("it is there now, but may be gone after a power failure; look at the disk before you go on"),
            _ => failure,
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        let failure = Failure::cannot(error.to_string());
        match error {
            LockError::Busy { .. } => failure
                .hint("another git ledger is at work; the lock goes with its process, there is nothing to delete"),
            LockError::Io { source, .. } => advise(failure, &source),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        let failure = Failure::cannot(error.to_string());
        match error {
            WriteError::Io { source, .. } => advise(failure, &source),
            WriteError::Collision => failure,
        }
    }
}

impl From<SignerError> for Failure {
    fn from(error: SignerError) -> Failure {
        let failure = Failure::cannot(error.to_string());
        error.hint().into_iter().fold(failure, Failure::hint)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
        let message = error.to_string();
        match error {
            LedgerError::Absent(_) => Failure::cannot(message)
                .hint("'git ledger init' makes one; 'git ledger clone URL' brings one here"),
            LedgerError::Broken { .. } => {
                Failure::no(message).hint("'git ledger verify' tells all that is wrong")
            }
            LedgerError::Ref(error) => error.into(),
            LedgerError::Io(error) => error.into(),
            LedgerError::Write(error) => error.into(),
            LedgerError::Object { .. } => Failure::cannot(message),
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Failure {
        let message = error.to_string();
        match error {
            AppendError::Refused(finding) => {
                let failure = Failure::no(message);
                match finding.id {
                    FindingId::SignerUnknown => failure
                        .hint("an admin lets a key in: git ledger policy add-signer PRINCIPAL KEY --role writer")
                        .hint("or sign with another key: git config user.signingKey PATH"),
                    FindingId::SignerRole | FindingId::SignerType => {
                        failure.hint("'git ledger policy show' tells who may record what")
                    }
                    FindingId::PolicyEvent => {
                        failure.hint("such events are written by 'git ledger init' and 'git ledger policy' alone")
                    }
                    FindingId::ThresholdMissed => failure
                        .hint("propose the change with --propose FILE, and let other admins approve it"),
                    FindingId::TimeFuture => failure.hint("mend the clock of this machine, or of the one that wrote last"),
                    _ => failure,
                }
            }
            AppendError::Conflict { .. } => {
                Failure::no(message).hint("an id names one event for ever; give this one another --id")
            }
            AppendError::Split(_) => Failure::no(message)
                .hint("'git ledger mirror status' shows where; entries that the primary never took must be recorded again"),
            AppendError::PrimaryRolledBack { .. } => Failure::no(message)
                .hint("its history was taken back; keep this clone as evidence and ask who did it")
                .hint("'git ledger verify --remotes' compares all remotes"),
            AppendError::PrimaryAbsent(_) => {
                Failure::cannot(message).hint("push the ledger there first: git ledger mirror push NAME")
            }
            AppendError::PrimaryRefused { .. } => Failure::no(message).hint("the entry was not recorded"),
            AppendError::Unreachable { .. } => Failure::cannot(message)
                .hint("the event was not recorded"),
            AppendError::Unsure { source_name, id, .. } => Failure::cannot(message).hint(format!(
                "run it again with --source '{source_name}' --id '{id}', which records it once"
            )),
            AppendError::Contradiction { .. } => Failure::no(message)
                .hint("an id names one event for ever; nothing was recorded"),
            AppendError::CutOff { .. } => Failure::cannot(message)
                .hint("bring all of the ledger here first: git fetch --unshallow"),
            AppendError::PolicyMoved(_) => Failure::no(message)
                .hint("nothing was changed; look at 'git ledger policy log' and make the change again"),
            AppendError::OutOfTime(_) => {
                Failure::cannot(message).hint("the event was not recorded; run it again, or give it longer with --timeout")
            }
            AppendError::Lock(error) => error.into(),
            AppendError::Signer(error) => error.into(),
            AppendError::Ledger(error) => error.into(),
            AppendError::Random(_) => Failure::cannot(message),
        }
    }
}
