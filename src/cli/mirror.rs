//! `git ledger mirror`: the copies of the ledger on other remotes.

mod arguments;

use std::time::Instant;

use git_ledger::escape::printable;
use git_ledger::finding::Answer;
use git_ledger::freshness::Limits;
use git_ledger::git::{Direction, FileLock, LockError, RemoteUrl};
use git_ledger::json::{Object, Value};
use git_ledger::marks::Marks;
use git_ledger::merkle::hex;
use git_ledger::mirror::{self, Counted, PullError, Pulled, Remote, Sent, State, Survey, Toward};
use git_ledger::report::mirrors;
use git_ledger::report::verdict::{clean, number};

use super::context::{Context, Opened, check_remote_name, deadline};
use super::failure::{Exit, Failure};
use super::{compare, terminal};
pub use arguments::Verb;
use arguments::{Add, Common, Forget, List, Pull, Push, Remove};

/// Runs `git ledger mirror`.
pub fn run(context: &Context, verb: Verb) -> Result<Exit, Failure> {
    let opened = context.open()?;
    match verb {
        Verb::Add(args) => add(&opened, &args),
        Verb::Remove(args) => remove(&opened, &args),
        Verb::Forget(args) => forget(&opened, &args),
        Verb::List(args) => list(&opened, &args),
        Verb::Push(args) => push(context, &opened, &args),
        Verb::Pull(args) => pull(context, &opened, &args),
        Verb::Status(args) => compare::run(context, &args),
    }
}

fn add(opened: &Opened, args: &Add) -> Result<Exit, Failure> {
    let name = &args.name;
    check_remote_name(name)?;
    let key = format!("remote.{name}.url");
    let known = opened.config.remote_url(name, Direction::Fetch);
    let url = match (&args.url, &known) {
        (Some(text), None) => parse(opened, text)?,
        (Some(text), Some(known)) => {
            let (wanted, there) = (parse(opened, text)?, parse(opened, known)?);
            if wanted != there {
                return Err(Failure::no(format!(
                    "the remote '{name}' exists already, at '{there}'"
                ))
                .hint(format!("git remote set-url {name} URL, or another name")));
            }
            there
        }
        (None, Some(known)) => parse(opened, known)?,
        (None, None) => {
            return Err(Failure::usage(format!(
                "there is no remote '{name}', and no URL was given"
            )));
        }
    };
    let settings = &opened.settings;
    let mirror = format!("ledger.{}.mirror", settings.name);
    let vouched = format!("ledger.{}.independent", settings.name);
    let listed = settings.mirrors.contains(name);
    if !args.dry_run {
        let repository = &opened.repository;
        let reference = format!("ledger.{}.ref", settings.name);
        if opened
            .config
            .get(&reference, git_ledger::git::Scope::Any)
            .is_none()
        {
            repository.set_config(&reference, &settings.reference)?;
        }
        if known.is_none() {
            repository.set_config(&key, &settled(&url))?;
        }
        if args.independent && !independent(opened).contains(name) {
            repository.add_config(&vouched, name)?;
        }
        if !listed {
            repository.add_config(&mirror, name)?;
        }
    }
    let what = match (args.dry_run, listed) {
        (true, _) => "would mirror",
        (false, true) => "mirrors already",
        (false, false) => "mirrors",
    };
    let text = if args.json {
        line(
            Object::new()
                .with("remote", name.as_str())
                .with("url", clean(&url.redacted()))
                .with(
                    "independent",
                    args.independent || independent(opened).contains(name),
                )
                .with("already", listed)
                .with("dry_run", args.dry_run),
        )
    } else {
        format!(
            "{what} {} to {name}: {}\n",
            printable(&settings.reference),
            printable(&parse(opened, &settled(&url))?.redacted())
        )
    };
    if !listed && !args.dry_run && !args.json {
        terminal::hint(&format!("git ledger mirror push {name}"));
    }
    terminal::answer(&text, Exit::Done)
}

fn remove(opened: &Opened, args: &Remove) -> Result<Exit, Failure> {
    let (name, settings) = (&args.name, &opened.settings);
    let marks = opened.marks();
    let mark = marks.get(Some(name)).ok().flatten();
    let known = settings.mirrors.contains(name) || args.forget && mark.is_some();
    if !known {
        return Err(
            Failure::usage(format!("'{name}' is no mirror of this ledger"))
                .hint("git ledger mirror list"),
        );
    }
    if !args.dry_run {
        let repository = &opened.repository;
        repository.remove_config(&format!("ledger.{}.mirror", settings.name), name)?;
        repository.remove_config(&format!("ledger.{}.independent", settings.name), name)?;
        if args.forget {
            marks
                .forget(Some(name))
                .map_err(|why| Failure::cannot(why.to_string()))?;
        }
        mirror::clear(&opened.ledger, name)?;
    }
    let seen = mark.as_ref().map(|mark| mark.number);
    let text = if args.json {
        line(
            Object::new()
                .with("remote", name.as_str())
                .with(
                    "forgotten",
                    seen.filter(|_| args.forget).map_or(Value::Null, number),
                )
                .with("dry_run", args.dry_run),
        )
    } else {
        let is = if args.dry_run { "would be" } else { "is" };
        let memory = match (seen, args.forget) {
            (Some(seen), true) => format!("; that it held entry {seen} {is} forgotten"),
            (Some(seen), false) => {
                format!("; that it held entry {seen} is still remembered (--forget)")
            }
            (None, _) => String::new(),
        };
        format!("{} {is} no mirror any more{memory}\n", printable(name))
    };
    terminal::answer(&text, Exit::Done)
}

fn forget(opened: &Opened, args: &Forget) -> Result<Exit, Failure> {
    let marks = opened.marks();
    let mut text = String::new();
    for name in &args.names {
        let remote = (name != ".").then_some(name.as_str());
        let known = marks.get(remote).unwrap_or_else(|why| {
            terminal::tell(&format!("warning: {}", printable(&why.to_string())));
            why.recalled()
        });
        if !args.dry_run {
            marks
                .forget(remote)
                .map_err(|why| Failure::cannot(why.to_string()))?;
        }
        let (place, is) = match (remote, args.dry_run) {
            (None, true) => ("here".to_owned(), "would be"),
            (None, false) => ("here".to_owned(), "is"),
            (Some(name), true) => (format!("at {}", printable(name)), "would be"),
            (Some(name), false) => (format!("at {}", printable(name)), "is"),
        };
        text += &match (known, args.json) {
            (known, true) => line(
                Object::new()
                    .with("remote", remote.map_or(Value::Null, clean))
                    .with(
                        "forgotten",
                        known.map_or(Value::Null, |mark| number(mark.number)),
                    )
                    .with("dry_run", args.dry_run),
            ),
            (Some(mark), false) => format!(
                "that entry {} (sha256:{}) was seen {place} {is} forgotten\n",
                mark.number,
                hex(&mark.digest)
            ),
            (None, false) => format!("nothing that can be relied on was seen {place}\n"),
        };
    }
    terminal::answer(&text, Exit::Done)
}

fn list(opened: &Opened, args: &List) -> Result<Exit, Failure> {
    let marks = opened.marks();
    let mut text = String::new();
    for name in &opened.settings.mirrors {
        let url = remote(opened, name).map(|remote| remote.url.redacted());
        let mark = marks
            .get(Some(name))
            .map_err(|why| Failure::cannot(why.to_string()))?;
        let vouched = independent(opened).contains(name);
        text += &if args.json {
            line(
                Object::new()
                    .with("remote", clean(name))
                    .with("url", url.as_deref().map_or(Value::Null, clean))
                    .with("vouched", vouched)
                    .with(
                        "entry",
                        mark.as_ref()
                            .map_or(Value::Null, |mark| number(mark.number)),
                    )
                    .with(
                        "seen",
                        mark.as_ref().map_or(Value::Null, |mark| {
                            Value::from(git_ledger::date::rfc3339(mark.seen))
                        }),
                    ),
            )
        } else {
            let seen = mark.map_or_else(
                || "never seen".to_owned(),
                |mark| {
                    format!(
                        "entry {} seen {}",
                        mark.number,
                        git_ledger::date::rfc3339(mark.seen)
                    )
                },
            );
            format!(
                "{:<12} {}  {seen}{}\n",
                printable(name),
                url.map_or_else(|failure| printable(&failure.message), |url| printable(&url)),
                if vouched {
                    "  (vouched independent)"
                } else {
                    ""
                }
            )
        };
    }
    if opened.settings.mirrors.is_empty() && !args.json {
        terminal::hint("no mirrors yet: git ledger mirror add NAME URL");
    }
    terminal::answer(&text, Exit::Done)
}

fn push(context: &Context, opened: &Opened, args: &Push) -> Result<Exit, Failure> {
    if args.common.quiet && args.names.is_empty() && opened.settings.mirrors.is_empty() {
        return Ok(Exit::Done);
    }
    let mut remotes = remotes(opened, &args.names)?;
    let marks = opened.marks();
    let survey = survey(context, opened, &marks, args.common.timeout)?;
    let toward = if args.restore {
        Toward::Restored
    } else {
        Toward::AsItIs
    };
    if args.dry_run {
        let comparison = survey.compare(&remotes)?;
        let text = mirrors::text(&comparison, survey.clock);
        let text = if args.common.json {
            line(mirrors::json(&comparison).with("dry_run", true))
        } else {
            text + "nothing was sent\n"
        };
        return quietly(&args.common, &text, comparison.answer().into());
    }
    // one at a time: whoever waited finds most of the work done
    let state = opened.ledger.state_dir();
    git_ledger::durable::create_dir_all(&state)?;
    let path = state.join("push.lock");
    let (_lock, waited) = match FileLock::acquire(&path, Instant::now()) {
        Ok(lock) => (lock, false),
        Err(LockError::Busy { .. }) => (FileLock::acquire(&path, survey.deadline)?, true),
        Err(why) => return Err(why.into()),
    };
    if waited {
        let tip = opened.ledger.tip_id()?;
        let covered = |remote: &Remote| {
            let mark = marks.get(Some(&remote.name)).ok().flatten();
            mark.is_some() && mark.map(|mark| mark.commit) == tip
        };
        remotes.retain(|remote| !covered(remote));
    }
    let sent = mirror::push(&survey, &remotes, toward)?;
    let answer = sent.iter().map(Sent::answer).max().unwrap_or(Answer::Sound);
    let text: String = sent
        .iter()
        .map(|sent| {
            if args.common.json {
                line(mirrors::sent_json(sent))
            } else {
                mirrors::sent_text(sent)
            }
        })
        .collect();
    let text = if sent.is_empty() && !args.common.json {
        "another push has just brought everything there\n".to_owned()
    } else {
        text
    };
    quietly(&args.common, &text, answer.into())
}

fn pull(context: &Context, opened: &Opened, args: &Pull) -> Result<Exit, Failure> {
    let remotes = remotes(opened, &args.names)?;
    let marks = opened.marks();
    let survey = survey(context, opened, &marks, args.common.timeout)?;
    let pulled = if args.dry_run {
        Pulled {
            comparison: survey.compare(&remotes)?,
            taken: None,
            entries: 0,
        }
    } else {
        mirror::pull(&survey, &remotes).map_err(pull_failure)?
    };
    let comparison = &pulled.comparison;
    let text = if args.common.json {
        let taken = pulled.taken.as_ref().map_or(Value::Null, |(name, newest)| {
            Object::new()
                .with("remote", clean(name))
                .with("entries", number(pulled.entries))
                .with("commit", newest.commit.to_string())
                .into()
        });
        line(
            mirrors::json(comparison)
                .with("taken", taken)
                .with("dry_run", args.dry_run),
        )
    } else {
        let table = mirrors::text(comparison, survey.clock);
        let ahead = comparison
            .copies
            .iter()
            .any(|copy| matches!(copy.state, State::Ahead(_)));
        let did = match &pulled.taken {
            Some((name, newest)) => format!(
                "took {} entries from {}, all sound; the newest is entry {}, commit {}\n",
                pulled.entries,
                printable(name),
                newest.number,
                newest.commit
            ),
            None if args.dry_run && ahead => "nothing was taken: this was a rehearsal\n".to_owned(),
            None if ahead => "nothing was taken: what is new there is not sound\n".to_owned(),
            None => "nothing new\n".to_owned(),
        };
        format!("{table}{did}")
    };
    quietly(&args.common, &text, comparison.answer().into())
}

/// The survey of a ledger's copies.
pub fn survey<'a>(
    context: &Context,
    opened: &'a Opened,
    marks: &'a Marks,
    timeout: u64,
) -> Result<Survey<'a>, Failure> {
    Ok(Survey {
        ledger: &opened.ledger,
        reference: &opened.settings.reference,
        marks,
        clock: context.clock()?,
        patience: timeout,
        deadline: deadline(timeout),
        max_bytes: opened.max_fetch(),
        pinned: opened.settings.fingerprint,
        counted: if independent(opened).iter().any(|name| name == ".") {
            Counted::RemotesAndThisCopy
        } else {
            Counted::Remotes
        },
        limits: Limits::default(),
        tips: &[],
    })
}

/// The remotes that were named, or the ledger's mirrors; each once.
pub fn remotes(opened: &Opened, names: &[String]) -> Result<Vec<Remote>, Failure> {
    let names = if names.is_empty() {
        &opened.settings.mirrors
    } else {
        names
    };
    if names.is_empty() {
        return Err(Failure::usage("the ledger has no mirrors")
            .hint("git ledger mirror add NAME URL, or name a remote"));
    }
    let mut found: Vec<Remote> = Vec::new();
    for name in names {
        if found.iter().all(|known| known.name != *name) {
            found.push(remote(opened, name)?);
        }
    }
    Ok(found)
}

fn remote(opened: &Opened, name: &str) -> Result<Remote, Failure> {
    let url = |direction| match opened.config.remote_url(name, direction) {
        Some(text) => parse(opened, &text),
        None => Err(Failure::usage(format!("there is no remote '{name}'"))
            .hint(format!("git ledger mirror add {name} URL"))),
    };
    Ok(Remote {
        name: name.to_owned(),
        url: url(Direction::Fetch)?,
        push_url: url(Direction::Push)?,
        vouched: independent(opened).iter().any(|known| known == name),
    })
}

/// Remotes that a person vouches for; `.` is this copy itself.
fn independent(opened: &Opened) -> Vec<String> {
    let key = format!("ledger.{}.independent", opened.settings.name);
    opened.config.get_all(&key, git_ledger::git::Scope::Any)
}

fn parse(opened: &Opened, text: &str) -> Result<RemoteUrl, Failure> {
    let repository = &opened.repository;
    let base = repository.work_tree().unwrap_or(repository.git_dir());
    RemoteUrl::parse(text, base).map_err(|why| Failure::usage(why.to_string()))
}

/// The address as it is written down: a path without detours, if it is one that exists.
pub fn settled(url: &RemoteUrl) -> String {
    url.local_path()
        .filter(|_| !url.as_str().starts_with("file:"))
        .and_then(|path| path.canonicalize().ok())
        .and_then(|path| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| url.as_str().to_owned())
}

fn pull_failure(error: PullError) -> Failure {
    match error {
        PullError::Ledger(error) => error.into(),
        PullError::Lock(error) => error.into(),
        other => Failure::cannot(other.to_string()).hint("the local branch is where it was"),
    }
}

fn quietly(common: &Common, text: &str, exit: Exit) -> Result<Exit, Failure> {
    if common.quiet {
        return Ok(exit);
    }
    terminal::answer(text, exit)
}

fn line(object: Object) -> String {
    Value::from(object).to_canonical() + "\n"
}
