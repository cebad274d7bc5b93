//! The files of a host: what belongs into them, what stands there, and what differs.
//!
//! Their one source is `hooks/`. What is filled in is a branch of plain characters and names of
//! workflows, each quoted as YAML quotes.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use git_ledger::durable;
use git_ledger::escape::printable;
use similar::TextDiff;

use super::host::Host;
use crate::cli::failure::Failure;

const ACTION: &str = include_str!("../../../hooks/action/action.yml");
const RECORD: &str = include_str!("../../../hooks/action/record.sh");
const WORKFLOW: &str = include_str!("../../../hooks/workflows/git-ledger.yml");
const WORKFLOW_GITEA: &str = include_str!("../../../hooks/workflows/gitea.yml");
const COMPONENT: &str = include_str!("../../../hooks/gitlab/ledger.yml");
const RULESET: &str = include_str!("../../../hooks/settings/github-ruleset.json");
const PROTECTION_GITEA: &str = include_str!("../../../hooks/settings/gitea-protection.json");

/// The action that keeps files with a run, in the version GitHub wants, and in the last that
/// Gitea and Forgejo can serve.
const UPLOAD: &str = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2";
const UPLOAD_GITEA: &str =
    "actions/upload-artifact@a8a3f3ad30e3422c9c7b888a15615d19a852ae32 # v3.1.3";

/// No file of ours is longer; a longer one differs.
const LONGEST: u64 = 1 << 20;

/// A file that belongs into the work tree.
pub struct File {
    /// Its path from the top of the work tree.
    pub path: String,
    /// What belongs into it.
    pub text: String,
    /// What stands there.
    pub state: State,
}

/// What stands where a file belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Missing,
    /// Just this.
    Same,
    /// Something else.
    Differs(String),
}

impl State {
    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            State::Missing => "missing",
            State::Same => "same",
            State::Differs(_) => "differs",
        }
    }

    /// One word for people, afterwards.
    pub fn done(&self) -> &'static str {
        match self {
            State::Missing => "wrote",
            State::Same => "unchanged",
            State::Differs(_) => "replaced",
        }
    }
}

impl File {
    /// How much differs, in few words.
    pub fn difference(&self) -> String {
        let State::Differs(old) = &self.state else {
            return "nothing differs".to_owned();
        };
        let diff = TextDiff::from_lines(old.as_str(), self.text.as_str());
        let count = |tag| {
            diff.iter_all_changes()
                .filter(|one| one.tag() == tag)
                .count()
        };
        format!(
            "{} lines would go, {} would come",
            count(similar::ChangeTag::Delete),
            count(similar::ChangeTag::Insert)
        )
    }

    /// The whole of a new file, or what differs.
    pub fn difference_shown(&self) -> String {
        let old = match &self.state {
            State::Differs(old) => old.as_str(),
            State::Missing | State::Same => "",
        };
        let diff = TextDiff::from_lines(old, &self.text);
        let text = diff.unified_diff().context_radius(3).to_string();
        text.lines()
            .map(|line| format!("    {}\n", printable(&line.replace('\t', "    "))))
            .collect()
    }
}

/// The files of a host, by what the work tree says about itself.
pub fn of(host: Host, branch: &str, top: &Path) -> Result<Vec<(String, String)>, Failure> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    if !branch.bytes().all(plain) {
        return Err(Failure::usage(format!(
            "the branch '{branch}' cannot stand in the files of a host"
        ))
        .hint("take one of letters, digits and . _ - /"));
    }
    let filled = |text: &str| {
        text.replace("@BRANCH@", branch)
            .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
    };
    let file = |path: &str, text: String| (path.to_owned(), text);
    let gitea = |dir: &str| {
        let settled = |text: &str| filled(text).replace("@DIR@", dir);
        vec![
            file(
                &format!("{dir}/actions/git-ledger/action.yml"),
                filled(ACTION).replace(UPLOAD, UPLOAD_GITEA),
            ),
            file(
                &format!("{dir}/actions/git-ledger/record.sh"),
                RECORD.to_owned(),
            ),
            file(
                &format!("{dir}/workflows/git-ledger.yml"),
                settled(WORKFLOW_GITEA),
            ),
            file(
                &format!("{dir}/git-ledger-protection.json"),
                filled(PROTECTION_GITEA),
            ),
        ]
    };
    Ok(match host {
        Host::GitHub => vec![
            file(".github/actions/git-ledger/action.yml", filled(ACTION)),
            file(".github/actions/git-ledger/record.sh", RECORD.to_owned()),
            file(
                ".github/workflows/git-ledger.yml",
                filled(WORKFLOW).replace("@WORKFLOWS@", &workflows(top)),
            ),
            file(".github/git-ledger-ruleset.json", filled(RULESET)),
        ],
        Host::Gitea => gitea(".gitea"),
        Host::Forgejo => gitea(".forgejo"),
        Host::GitLab => {
            let mut files = vec![file(".gitlab/git-ledger.yml", filled(COMPONENT))];
            // one that is there is the project's own, and is changed by hand
            if fs::symlink_metadata(top.join(".gitlab-ci.yml")).is_err() {
                let include = "include:\n  - local: .gitlab/git-ledger.yml\n";
                files.push(file(".gitlab-ci.yml", include.to_owned()));
            }
            files
        }
        Host::Server => Vec::new(),
    })
}

/// The names of the workflows that are there, as a YAML list without its brackets.
fn workflows(top: &Path) -> String {
    let dir = top.join(".github/workflows");
    let mut names: Vec<String> = fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
        .filter(|name| name != "git-ledger.yml")
        .filter_map(|name| {
            let text = durable::read(&dir.join(&name), LONGEST).ok()?;
            let text = String::from_utf8(text).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("name:"));
            let said = line.map(|said| unquoted(said.trim()).to_owned());
            // the host's own name for a workflow that has none
            said.or(Some(format!(".github/workflows/{name}")))
        })
        .filter(|name| !name.is_empty() && name.len() <= 200 && printable(name) == *name)
        .map(|name| format!("'{}'", name.replace('\'', "''")))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        names.push("'CI'".to_owned());
    }
    names.join(", ")
}

/// A scalar without the quotes around the whole of it.
fn unquoted(text: &str) -> &str {
    let between = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(text)
}

/// What stands where the files belong. A link on the way is somebody's trap or mistake.
pub fn look(top: &Path, files: Vec<(String, String)>) -> Result<Vec<File>, Failure> {
    let look = |(path, text): (String, String)| {
        let place = within(top, &path)?;
        let state = match durable::read(&place, LONGEST) {
            Ok(bytes) if bytes == text.as_bytes() => State::Same,
            Ok(bytes) => State::Differs(String::from_utf8_lossy(&bytes).into_owned()),
            Err(why) if why.kind() == io::ErrorKind::NotFound => State::Missing,
            Err(why) => {
                return Err(Failure::cannot(format!("cannot read '{path}': {why}"))
                    .hint("nothing was done"));
            }
        };
        Ok(File { path, text, state })
    };
    files.into_iter().map(look).collect()
}

/// The place of a file, which no link leads out of the work tree.
fn within(top: &Path, path: &str) -> Result<PathBuf, Failure> {
    let mut place = top.to_owned();
    for part in Path::new(path).components() {
        if let Component::Normal(part) = part {
            place.push(part);
        }
        if fs::symlink_metadata(&place).is_ok_and(|found| found.is_symlink()) {
            return Err(Failure::no(format!(
                "'{}' is a link, and is not followed",
                place.display()
            ))
            .hint("nothing was done"));
        }
    }
    Ok(place)
}

/// Writes a file.
pub fn write(top: &Path, file: &File) -> Result<(), Failure> {
    let place = within(top, &file.path)?;
    if let Some(dir) = place.parent() {
        durable::create_dir_all(dir)?;
    }
    Ok(durable::write(&place, file.text.as_bytes())?)
}
