//! What lies in the hooks directory, and whether git looks there.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::doctor::hooks::{Elsewhere, Facts, File, Program, Script};
use crate::git::{Origin, Scope};

use super::authority::{Accounts, read};
use super::{PLACE, Site};

/// By this line one of ours is known, whoever installed it.
const OURS: &str = "# Put here by `git ledger hook install`;";
/// A longer script is none of ours and is not read.
const LONGEST: u64 = 1 << 20;
/// Where a login without a profile looks for programs.
const LOGIN_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub(super) fn observe(site: &Site<'_>, accounts: &Accounts) -> Facts {
    let own = site.ledger.repository().common_dir().join("hooks");
    let mut named = None;
    let mut look = |name: &str| {
        let template = site.scripts.iter().find(|(hook, _)| *hook == name);
        let (file, program) = file(&own.join(name), name, template.map(|(_, text)| *text));
        named = named.take().or(program);
        file
    };
    let pre_receive = look("pre-receive");
    let post_receive = look("post-receive");
    let reference_transaction = look("reference-transaction");
    let transaction_chosen = match &reference_transaction {
        // where it was at work once, its going is no choice that anybody told of
        File::Absent => site.ledger.state_dir().join("transactions").is_dir(),
        File::Script { kind, .. } => *kind != Script::Foreign,
        _ => true,
    };
    Facts {
        pre_receive,
        post_receive,
        reference_transaction,
        transaction_chosen,
        elsewhere: elsewhere(site, &own),
        program: named.map_or(Program::Unnamed, |path| program(path, accounts)),
        writable: writable(site, &own, accounts),
        dir: own,
    }
}

fn file(path: &Path, name: &str, template: Option<&str>) -> (File, Option<PathBuf>) {
    let Ok(link) = fs::symlink_metadata(path) else {
        return (File::Absent, None);
    };
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(_) if link.is_symlink() => {
            let to = fs::read_link(path).unwrap_or_default();
            return (File::Dangling(to), None);
        }
        Err(why) => return (File::Unreadable(why.to_string()), None),
    };
    if !meta.is_file() {
        return (File::NotAFile, None);
    }
    if meta.len() == 0 {
        return (File::Empty, None);
    }
    let executable = may_execute(path);
    let bytes = match read(path, LONGEST) {
        Ok(bytes) => bytes,
        Err(_) if meta.len() > LONGEST => Vec::new(),
        // what this account can run but not read is not judged
        Err(why) => return (File::Unreadable(why.to_string()), None),
    };
    let ours = template.and_then(|template| program_in(template, &bytes));
    let kind = match &ours {
        Some(_) => Script::Ours,
        None => kind(name, &String::from_utf8_lossy(&bytes)),
    };
    let file = File::Script {
        kind,
        executable,
        missing_interpreter: missing_interpreter(&bytes),
    };
    (file, ours)
}

/// Whether the account that runs this may execute it.
fn may_execute(path: &Path) -> bool {
    let (access, flags) = (rustix::fs::Access::EXEC_OK, rustix::fs::AtFlags::EACCESS);
    rustix::fs::accessat(rustix::fs::CWD, path, access, flags).is_ok()
}

/// The program that a script names, if the rest of it is the template's, byte for byte.
fn program_in(template: &str, bytes: &[u8]) -> Option<PathBuf> {
    let (head, tail) = template.split_once(PLACE)?;
    let word = bytes
        .strip_prefix(head.as_bytes())?
        .strip_suffix(tail.as_bytes())?;
    let mut rest = word.strip_prefix(b"'")?;
    let mut path = Vec::new();
    loop {
        match rest {
            [b'\'', b'\\', b'\'', b'\'', after @ ..] => {
                path.push(b'\'');
                rest = after;
            }
            [b'\''] => return Some(PathBuf::from(std::ffi::OsString::from_vec(path))),
            [b'\'' | b'\n', ..] | [] => return None,
            [byte, after @ ..] => {
                path.push(*byte);
                rest = after;
            }
        }
    }
}

/// What a script that is not byte for byte ours does.
fn kind(name: &str, text: &str) -> Script {
    let code: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let calls = |line: &str| {
        [
            format!("git-ledger hook {name}"),
            format!("git ledger hook {name}"),
        ]
        .iter()
        .any(|call| line.contains(call))
            || line.contains(&format!("hook {name}")) && line.contains("$program")
    };
    let swallows = |line: &&str| {
        let plain: String = line.split_whitespace().collect::<Vec<_>>().join(" ");
        ["|| true", "|| :", "|| exit 0", "; true", "; :", "; exit 0"]
            .iter()
            .any(|end| plain.ends_with(end))
            || plain.ends_with(" &")
    };
    let Some(call) = code.iter().rposition(|line| calls(line)) else {
        return if text.lines().any(|line| line.starts_with(OURS)) {
            Script::Changed
        } else {
            Script::Foreign
        };
    };
    let handed_over = code.get(call).is_some_and(|line| line.starts_with("exec "));
    let rest = code.get(call + 1..).unwrap_or_default();
    let ends_well = rest
        .last()
        .is_some_and(|line| matches!(*line, "true" | ":" | "exit 0"));
    if code.get(call).is_some_and(swallows) || ends_well && !handed_over {
        Script::Swallows
    } else if text.lines().any(|line| line.starts_with(OURS)) {
        Script::Changed
    } else if handed_over && rest.is_empty() {
        Script::HandsOver
    } else {
        Script::Calls
    }
}

fn missing_interpreter(bytes: &[u8]) -> Option<String> {
    let line = bytes
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = line.trim_ascii_start();
    let word = line.split(|byte| byte.is_ascii_whitespace()).next()?;
    let path = Path::new(OsStr::from_bytes(word));
    (!may_execute(path)).then(|| String::from_utf8_lossy(word).into_owned())
}

fn program(named: PathBuf, accounts: &Accounts) -> Program {
    let runs = |path: &Path| path.is_file() && may_execute(path);
    if runs(&named) {
        return match accounts.exposed(&named) {
            Some((exposed, _)) => Program::Writable(exposed),
            None => Program::There(named),
        };
    }
    let found = std::env::split_paths(LOGIN_PATH)
        .map(|dir| dir.join("git-ledger"))
        .find(|path| runs(path));
    match found {
        Some(found) => Program::OnPath { named, found },
        None => Program::Gone(named),
    }
}

/// Where `core.hooksPath` sends git, unless that is the repository's own directory.
fn elsewhere(site: &Site<'_>, own: &Path) -> Option<Elsewhere> {
    const KEY: &str = "core.hooksPath";
    let repository = site.ledger.repository();
    let path = site
        .config
        .get_path(KEY, Scope::Any, repository.environment())?;
    let base = repository.work_tree().unwrap_or(repository.git_dir());
    let there = base.join(&path);
    let same = there == own
        || there
            .canonicalize()
            .is_ok_and(|dir| own.canonicalize().is_ok_and(|own| own == dir));
    if same {
        return None;
    }
    let origin = site.config.origin(KEY, Scope::Any);
    let file = repository.common_dir().join("config");
    let trusted =
        site.config.get_bytes(KEY, Scope::Trusted) == site.config.get_bytes(KEY, Scope::Any);
    let overridable = match &origin {
        Some(Origin::File(place)) => *place == file || trusted,
        _ => false,
    };
    let files = fs::read_dir(&there).map_or(0, |entries| entries.flatten().count());
    Some(Elsewhere {
        path: path.display().to_string(),
        origin: origin.map(|origin| origin.to_string()).unwrap_or_default(),
        files,
        overridable,
        own: own.to_owned(),
    })
}

/// Hooks, their directory, and what links lead to, that others can write.
fn writable(site: &Site<'_>, own: &Path, accounts: &Accounts) -> Vec<(PathBuf, u32)> {
    let shared = super::repository::group_may_write(site);
    let mut places = vec![own.to_owned()];
    for name in [
        "pre-receive",
        "post-receive",
        "update",
        "reference-transaction",
    ] {
        places.push(own.join(name));
        places.push(own.join(format!("{name}.before-ledger")));
    }
    places
        .into_iter()
        .filter_map(|place| {
            let place = place.canonicalize().ok()?;
            let meta = fs::metadata(&place).ok()?;
            accounts
                .writable_by_others(&meta, shared)
                .then(|| (place, meta.mode()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_a_script_does() {
        let template = "#!/bin/sh\nprogram=@PROGRAM@\nexec \"$program\" hook pre-receive\n";
        let named = |word: &str| program_in(template, template.replace(PLACE, word).as_bytes());
        assert_eq!(named("'/a b'"), Some(PathBuf::from("/a b")));
        assert_eq!(named(r"'/a'\''b'"), Some(PathBuf::from("/a'b")));
        assert_eq!(named("'/a'; true '"), None);
        assert_eq!(named("/a"), None);
        for (text, kind_of) in [
            ("#!/bin/sh\nexit 0\n", Script::Foreign),
            (
                "#!/bin/sh\n# git ledger hook pre-receive\n",
                Script::Foreign,
            ),
            ("exec git ledger hook pre-receive\n", Script::HandsOver),
            ("git ledger hook pre-receive || true\n", Script::Swallows),
            ("git ledger hook pre-receive\nexit 0\n", Script::Swallows),
            ("git ledger hook pre-receive &\n", Script::Swallows),
            (
                "git ledger hook pre-receive || exit 1\necho done\n",
                Script::Calls,
            ),
            (
                "# Put here by `git ledger hook install`; x\n\"$program\" hook pre-receive || true\n",
                Script::Swallows,
            ),
            (
                "# Put here by `git ledger hook install`; x\nexec \"$program\" hook pre-receive --new\n",
                Script::Changed,
            ),
        ] {
            assert_eq!(kind("pre-receive", text), kind_of, "{text}");
        }
    }
}
