//! The stage of the demo: a directory, and the environment everybody in the play runs in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use git_ledger::escape::printable;
use git_ledger::signer::{KeySettings, Signer};

use super::super::context::Context;
use super::super::failure::Failure;
use super::super::terminal;

/// The stage: a directory, and the environment everybody in the play runs in.
pub struct Stage {
    pub root: PathBuf,
    pub environment: Vec<(String, std::ffi::OsString)>,
}

/// What a command said.
pub struct Said {
    pub text: String,
    pub code: i32,
}
/// A home of its own, the running binary on PATH, no outer configuration.
pub fn environment(
    context: &Context,
    root: &Path,
) -> Result<Vec<(String, std::ffi::OsString)>, Failure> {
    let own = std::env::current_exe()?;
    let own = own.parent().unwrap_or(Path::new("/")).to_owned();
    let path = context
        .environment
        .get("PATH")
        .map(|path| path.to_owned())
        .unwrap_or_default();
    let paths = std::iter::once(own).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(paths).map_err(|why| Failure::cannot(why.to_string()))?;
    let home = root.join("home");
    fs::create_dir_all(&home)?;
    let config = "[user]\n\tname = Dev\n\temail = dev@demo\n[init]\n\tdefaultBranch = main\n[push]\n\tdefault = nothing\n[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n";
    fs::write(home.join(".gitconfig"), config)?;
    Ok(vec![
        ("PATH".into(), path),
        ("HOME".into(), home.into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        ("GIT_ADVICE".into(), "0".into()),
        ("LC_ALL".into(), "C".into()),
    ])
}
impl Stage {
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Runs a command and hands back what it said.
    pub fn quiet(&self, dir: &str, words: &[&str]) -> Result<Said, Failure> {
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| Failure::cannot("nothing to run"))?;
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.path(dir))
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .map_err(|why| Failure::cannot(format!("cannot run '{program}': {why}")))?;
        let text = [output.stdout, output.stderr].concat();
        Ok(Said {
            text: String::from_utf8_lossy(&text).into_owned(),
            code: output.status.code().unwrap_or(-1),
        })
    }

    /// A command that must succeed, unseen.
    pub fn must(&self, dir: &str, words: &[&str]) -> Result<String, Failure> {
        let said = self.quiet(dir, words)?;
        if said.code != 0 {
            return Err(Failure::cannot(format!(
                "the demo broke at: {}\n{}",
                words.join(" "),
                said.text
            )));
        }
        Ok(said.text)
    }

    /// A command that is shown with what it says; it must end with this code.
    pub fn show(&self, dir: &str, words: &[&str], code: i32) -> Result<String, Failure> {
        let said = self.quiet(dir, words)?;
        let mut text = format!("\n  [{dir}] $ {}\n", words.join(" "));
        for line in said.text.lines() {
            text += &format!("    {}\n", printable(&line.replace('\t', "  ")));
        }
        if said.code != 0 {
            text += &format!("    (exit {})\n", said.code);
        }
        terminal::print(&text)?;
        if said.code != code {
            return Err(Failure::cannot(format!(
                "the demo broke: '{}' ended with {}, not {code}",
                words.join(" "),
                said.code
            )));
        }
        Ok(said.text)
    }

    pub fn signer(&self, name: &str) -> Result<Signer, Failure> {
        let key = self.path("keys").join(name).to_string_lossy().into_owned();
        Ok(Signer::find(&KeySettings {
            signing_key: Some(key),
            ..KeySettings::default()
        })?)
    }
}
pub fn tell(text: &str) -> Result<(), Failure> {
    terminal::print(&format!("\n{text}\n"))
}
