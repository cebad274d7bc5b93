//! Finds the signing key as git does and signs with it: a key file, ssh-agent, or the program of
//! `gpg.ssh.program`.
//!
//! The only door to private keys. Only an unencrypted Ed25519 key is used inside this process;
//! every other key stays where it is, with whoever holds it, and what comes back is read
//! leniently, written canonically and verified before anybody else sees it.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::Ed25519KeyPair;
use thiserror::Error;

use crate::signature::wire::put_string;
use crate::signature::{KeyFault, PublicKey, Signature, SignatureFault, signed_data};

mod agent;
mod key_file;
mod program;
#[cfg(test)]
mod tests;

use agent::Agent;
use key_file::Private;
use program::{KeyArgument, Prompt, Surroundings};

/// What git itself runs when `gpg.ssh.program` is not set.
const SSH_KEYGEN: &str = "ssh-keygen";

/// The text of a private key, where no file holds it. Shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

impl KeyText {
    /// The text of an OpenSSH private key, or its base64 in one line.
    pub fn new(text: impl Into<String>) -> KeyText {
        KeyText(text.into())
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(…)")
    }
}

/// Where to look for the signing key. The caller reads configuration and environment.
#[derive(Debug, Clone, Default)]
pub struct KeySettings {
    /// `GIT_LEDGER_KEY`: the private key itself, as a build machine is handed it. No file and no
    /// program is asked then.
    pub key_text: Option<KeyText>,
    /// `ledger.<name>.signingKey` or `user.signingKey`: a path, `key::…`, or a public key's text.
    pub signing_key: Option<String>,
    /// `gpg.ssh.defaultKeyCommand`, asked when no key is named.
    pub default_key_command: Option<String>,
    /// `gpg.ssh.program`.
    pub program: Option<String>,
    /// `SSH_AUTH_SOCK`.
    pub agent_socket: Option<PathBuf>,
    /// What `~/` stands for.
    pub home: Option<PathBuf>,
    /// Whether somebody is there who can be asked for a passphrase.
    pub terminal: bool,
}

/// Why nothing can be signed.
#[derive(Debug, Error)]
pub enum SignerError {
    /// Nobody said which key to use.
    #[error("no signing key is configured")]
    NoKey,
    /// The key that was handed over as text is no use.
    #[error("cannot use the key in GIT_LEDGER_KEY: {0}")]
    KeyText(String),
    /// The named key file is no use.
    #[error("cannot use key file '{}': {why}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The private key can be read by others.
    #[error(
        "cannot use key file '{}': its permissions {mode:04o} let others read it; chmod 600 it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The private key needs a passphrase, and nobody can be asked.
    #[error("key file '{}' is encrypted, and no agent holds the key", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// ssh-agent cannot be reached, or does not have the key.
    #[error("ssh-agent {0}")]
    Agent(String),
    /// A program that was configured to help did not.
    #[error("'{program}' gave no signature or key: {why}")]
    Program {
        /// The program as configured.
        program: String,
        /// What went wrong.
        why: String,
    },
    /// The key is found, but may not sign entries.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl SignerError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            SignerError::NoKey => "set user.signingKey to the path of a key (git config \
                user.signingKey ~/.ssh/id_ed25519.pub), or let 'git ledger init' make one"
                .into(),
            SignerError::KeyText(_) => {
                "it holds the text of an unencrypted Ed25519 private key in \
                OpenSSH format, or that in base64: base64 -w0 KEYFILE"
                    .into()
            }
            SignerError::KeyFile { .. } => {
                "user.signingKey names a key file, or a public key after 'key::'".into()
            }
            SignerError::Exposed { path, .. } => format!("chmod 600 '{}'", path.display()),
            SignerError::Encrypted { path } => format!(
                "ssh-add '{}' lends it to ssh-agent; or sign from a terminal",
                path.display()
            ),
            SignerError::Agent(_) => {
                "start ssh-agent, ssh-add the key, and let SSH_AUTH_SOCK name its socket".into()
            }
            SignerError::Program { .. } => {
                "see gpg.ssh.program, gpg.ssh.defaultKeyCommand and user.signingKey".into()
            }
            SignerError::Key(_) => "ssh-keygen -t ed25519 makes a key that may sign".into(),
        })
    }
}

/// A signing key that was found, and the way to use it.
pub struct Signer {
    key: PublicKey,
    means: Means,
}

enum Means {
    InProcess {
        pair: Box<Ed25519KeyPair>,
        path: PathBuf,
    },
    Agent(PathBuf),
    Program {
        program: String,
        argument: KeyArgument,
        surroundings: Surroundings,
    },
}

/// How the key was named.
enum Named {
    Literal(PublicKey),
    File(PathBuf),
}

impl Signer {
    /// Finds the key that git would sign with, and how to use it. Signs nothing yet.
    pub fn find(settings: &KeySettings) -> Result<Self, SignerError> {
        if let Some(KeyText(text)) = &settings.key_text {
            let (key, pair) = key_file::parse_text(text)?;
            let path = PathBuf::from("GIT_LEDGER_KEY");
            return Ok(Signer {
                key,
                means: Means::InProcess { pair, path },
            });
        }
        let surroundings = Surroundings {
            prompt: match settings.terminal {
                true => Prompt::Allowed,
                false => Prompt::Never,
            },
            agent_socket: settings.agent_socket.clone(),
        };
        let named = named(settings, &surroundings)?;
        let program = settings
            .program
            .as_deref()
            .filter(|program| !program.is_empty() && *program != SSH_KEYGEN);
        if let Some(program) = program {
            let (key, argument) = match named {
                Named::Literal(key) => (key, KeyArgument::Literal),
                Named::File(path) => (key_file::read(&path)?.public, KeyArgument::File(path)),
            };
            return Ok(Signer {
                key,
                means: Means::Program {
                    program: home_expanded(program, settings)?.display().to_string(),
                    argument,
                    surroundings,
                },
            });
        }
        let (key, private, path) = match named {
            Named::Literal(key) => (key, Private::Elsewhere, None),
            Named::File(path) => {
                let file = key_file::read(&path)?;
                (file.public, file.private, Some(path))
            }
        };
        let by_agent = || agent_holding(&key, settings.agent_socket.as_deref());
        let means = match (private, path) {
            (Private::Open(pair), Some(path)) => Means::InProcess { pair, path },
            (private, path) => match (by_agent(), private, path) {
                (Ok(socket), ..) => Means::Agent(socket),
                (Err(_), Private::Exposed(fault), _) => return Err(fault),
                (Err(_), Private::Encrypted(path), _) if !settings.terminal => {
                    return Err(SignerError::Encrypted { path });
                }
                (Err(_), Private::Encrypted(_) | Private::Foreign, Some(path)) => Means::Program {
                    program: SSH_KEYGEN.into(),
                    argument: KeyArgument::File(path),
                    surroundings,
                },
                (Err(fault), ..) => return Err(fault),
            },
        };
        Ok(Signer { key, means })
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Signs `message` for `namespace`. The answer is canonical and holds.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<Signature, SignerError> {
        match &self.means {
            Means::InProcess { pair, path } => {
                let made = pair.sign(&signed_data(namespace, message));
                let mut answer = Vec::with_capacity(96);
                put_string(&mut answer, self.key.kind().name().as_bytes());
                put_string(&mut answer, made.as_ref());
                // Not verified again: the pair was checked when it was read, and verifying costs
                // three times what signing does.
                Signature::from_parts(&self.key, namespace, &answer).map_err(|fault| {
                    SignerError::KeyFile {
                        path: path.clone(),
                        why: fault.to_string(),
                    }
                })
            }
            Means::Agent(socket) => {
                let data = signed_data(namespace, message);
                let answer = Agent::connect(socket)
                    .and_then(|mut agent| agent.sign(&self.key, &data))
                    .map_err(SignerError::Agent)?;
                Signature::from_parts(&self.key, namespace, &answer)
                    .and_then(|signature| self.checked(signature, namespace, message))
                    .map_err(|fault| SignerError::Agent(format!("gave no use: {fault}")))
            }
            Means::Program {
                program,
                argument,
                surroundings,
            } => {
                let fault = |why| SignerError::Program {
                    program: program.clone(),
                    why,
                };
                let text = program::sign(
                    program,
                    &self.key,
                    argument,
                    surroundings,
                    namespace,
                    message,
                )
                .map_err(fault)?;
                let signature =
                    Signature::normalised(&text).map_err(|error| fault(error.to_string()))?;
                if signature.key() != &self.key {
                    return Err(fault(format!(
                        "it signed with {}, not with {}",
                        signature.key().fingerprint(),
                        self.key.fingerprint()
                    )));
                }
                self.checked(signature, namespace, message)
                    .map_err(|error| fault(error.to_string()))
            }
        }
    }

    /// Makes an unencrypted Ed25519 key at `path`, readable by its owner only, and `path`.pub.
    /// Overwrites nothing; makes the directory if it is missing.
    pub fn generate(path: &Path, comment: &str) -> Result<PublicKey, SignerError> {
        key_file::generate(path, comment)
    }

    fn checked(
        &self,
        signature: Signature,
        namespace: &str,
        message: &[u8],
    ) -> Result<Signature, SignatureFault> {
        signature.verify(namespace, message)?;
        Ok(signature)
    }
}

impl fmt::Display for Signer {
    /// Says which key it is and who holds it, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.key.fingerprint())?;
        match &self.means {
            Means::InProcess { path, .. } => write!(f, "from '{}'", path.display()),
            Means::Agent(_) => f.write_str("held by ssh-agent"),
            Means::Program { program, .. } => write!(f, "used by '{program}'"),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({self})")
    }
}

/// Which key git would take: the one that is named, or the first that the command prints.
fn named(settings: &KeySettings, surroundings: &Surroundings) -> Result<Named, SignerError> {
    if let Some(text) = settings
        .signing_key
        .as_deref()
        .filter(|key| !key.is_empty())
    {
        return match literal(text) {
            Some(key) => Ok(Named::Literal(key_file::parse_line(key)?)),
            None => Ok(Named::File(home_expanded(text, settings)?)),
        };
    }
    let command = settings.default_key_command.as_deref();
    let Some(command) = command.filter(|command| !command.trim().is_empty()) else {
        return Err(SignerError::NoKey);
    };
    let fault = |why| SignerError::Program {
        program: command.to_owned(),
        why,
    };
    let output = program::output_of(command, surroundings).map_err(fault)?;
    let output = String::from_utf8_lossy(&output);
    let first = output.lines().next().unwrap_or_default();
    match literal(first) {
        Some(key) => Ok(Named::Literal(key_file::parse_line(key)?)),
        None => Err(fault(
            "the first line it prints is no public key ('key::…' or 'ssh-…')".into(),
        )),
    }
}

/// The public key written out in a setting, if it is not a path. Git knows `key::` and `ssh-`;
/// the other kinds count only with base64 behind them, so that no file name is mistaken.
fn literal(text: &str) -> Option<&str> {
    let other = ["sk-", "ecdsa-sha2-"].iter().any(|p| text.starts_with(p)) && text.contains(' ');
    match text.strip_prefix("key::") {
        Some(key) => Some(key),
        None => (text.starts_with("ssh-") || other).then_some(text),
    }
}

fn home_expanded(text: &str, settings: &KeySettings) -> Result<PathBuf, SignerError> {
    let fault = |why: &str| SignerError::KeyFile {
        path: PathBuf::from(text),
        why: why.to_owned(),
    };
    match (text.strip_prefix("~/"), &settings.home) {
        (Some(rest), Some(home)) => Ok(home.join(rest)),
        (Some(_), None) => Err(fault("HOME is not set, so '~' stands for nothing")),
        (None, _) if text.starts_with('~') => Err(fault("write the path out instead of '~user'")),
        (None, _) => Ok(PathBuf::from(text)),
    }
}

/// The socket of the agent, if one listens and has the private half of `key`.
fn agent_holding(key: &PublicKey, socket: Option<&Path>) -> Result<PathBuf, SignerError> {
    let socket = socket.filter(|path| !path.as_os_str().is_empty());
    let socket = socket.ok_or_else(|| SignerError::Agent("is not running".into()))?;
    let held = Agent::connect(socket).and_then(|mut agent| agent.holds(key));
    match held.map_err(SignerError::Agent)? {
        true => Ok(socket.to_owned()),
        false => Err(SignerError::Agent(format!(
            "does not hold the key {}",
            key.fingerprint()
        ))),
    }
}
