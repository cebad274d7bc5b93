//! `git ledger clone`: an auditor's own copy, judged before there is a branch.

use std::fs;
use std::path::{Path, PathBuf};

use git_ledger::escape::printable;
use git_ledger::finding::Answer;
use git_ledger::git::{Depth, Fetch, RemoteUrl, Repository, Store, Transport, TransportError};
use git_ledger::json::Value;
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::marks::{Mark, Marks};
use git_ledger::merkle::{Hash, hex};
use git_ledger::report::mirrors::one_line;
use git_ledger::report::verdict::{self, Frame, clean};
use git_ledger::verified::Verifier;
use git_ledger::verify::{Request, Verdict, verify};

use super::context::{Context, deadline, parse_fingerprint};
use super::failure::{Exit, Failure};
use super::mirror::settled;
use super::terminal::{self, Progress};
use super::verified;

/// How many bytes may come.
const MAX_FETCH: u64 = 4 << 30;
/// The remote the clone came from.
const ORIGIN: &str = "origin";

/// Make an auditor's own copy of a ledger, verified before it is believed
///
/// Fetches the whole ledger branch into a new bare repository, checks everything, and keeps the
/// copy only if nothing is wrong. Give the fingerprint you were told by somebody you trust:
/// without it, a ledger that was replaced as a whole looks sound.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the ledger is
    #[arg(value_name = "URL")]
    url: String,
    /// The new repository [default: from the URL, with .git at the end]
    #[arg(value_name = "DIR")]
    place: Option<PathBuf>,
    /// The digest entry 0 must have
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<String>,
    /// The branch the ledger lives on
    #[arg(long, value_name = "BRANCH", default_value = "ledger")]
    branch: String,
    /// The ledger's name in the configuration [default: the name in its policy]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger clone`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let pinned = args
        .fingerprint
        .as_deref()
        .map(|text| {
            parse_fingerprint(text).ok_or_else(|| {
                Failure::usage(format!("'{text}' is no fingerprint"))
                    .hint("a fingerprint is sha256: and 64 hex digits")
            })
        })
        .transpose()?;
    let url = RemoteUrl::parse(&args.url, &context.directory)
        .map_err(|why| Failure::usage(why.to_string()))?;
    let target = target(context, args, &url)?;
    let reference = match args.branch.as_str() {
        "" => DEFAULT_REF.to_owned(),
        full if full.starts_with("refs/heads/") => full.to_owned(),
        branch => format!("refs/heads/{branch}"),
    };
    // made beside its place and moved there when it is whole, so that nothing half-made is left
    let above = target.parent().unwrap_or(Path::new("/"));
    let workshop = tempfile::Builder::new()
        .prefix(".git-ledger-clone-")
        .tempdir_in(above)
        .map_err(|why| Failure::cannot(format!("cannot write to '{}': {why}", above.display())))?;
    let place = workshop.path().join("repository");
    let fetched = fetch(context, args, &url, &place, &reference)?;
    let ledger = Ledger::new(fetched.repository.clone(), reference);
    let request = Request {
        pinned,
        ..Request::whole(fetched.tip)
    };
    let progress = Progress::of("verifying entries");
    let judged = verify(&ledger, &request, &|count| progress.at(count));
    progress.done();
    let now = context.clock()?;
    let answer = judged.answer();
    if answer == Answer::Sound {
        settle(args, &url, &ledger, &judged, pinned, now)?;
        move_to(&place, &target)?;
        // what was found is left where the next verification of the copy looks for it
        let repository = Repository::open(&context.environment, &target)?;
        let verifier = Verifier {
            ledger: &Ledger::new(repository, ledger.reference()),
            key: verified::key(context),
            now,
        };
        verifier.leave(&request, &judged, None);
    }
    let frame = Frame {
        subject: format!("{} at {url}", ledger.reference()),
        now,
        ignored: Vec::new(),
        ..Frame::default()
    };
    tell(args, &judged, &frame, &target, answer)
}

struct Fetched {
    repository: Repository,
    tip: gix::ObjectId,
}

/// A new repository of the remote's object format that holds the remote's ledger, on no branch.
fn fetch(
    context: &Context,
    args: &Args,
    url: &RemoteUrl,
    place: &Path,
    reference: &str,
) -> Result<Fetched, Failure> {
    let by = deadline(args.timeout);
    let silent = |why: TransportError| match why {
        TransportError::NoSuchRef(_) => absent(url, reference),
        why => Failure {
            exit: Exit::Unknown,
            ..Failure::cannot(format!(
                "'{url}' {}",
                one_line(&silence(&why, args.timeout))
            ))
        }
        .hint("nothing was kept; is the address right, and may you read there?"),
    };
    let environment = &context.environment;
    let make = |format| -> Result<(Repository, Transport), Failure> {
        let made = Repository::create_bare(environment, place, format, reference)?;
        let transport = made
            .transport(&workbench(&made), Store::Main)
            .map_err(|why| Failure::cannot(why.to_string()))?;
        Ok((made, transport))
    };
    let (mut repository, mut transport) = make(gix::hash::Kind::Sha1)?;
    let format = transport
        .remote_format(url, reference, by)
        .map_err(silent)?
        .ok_or_else(|| absent(url, reference))?;
    if format != gix::hash::Kind::Sha1 {
        fs::remove_dir_all(place)?;
        (repository, transport) = make(format)?;
    }
    let wanted = Fetch {
        url,
        name: reference,
        depth: Depth::Full,
        haves: &[],
        max_bytes: MAX_FETCH,
    };
    let progress = Progress::of("fetching kilobytes");
    let tip = transport.fetch_watched(&wanted, by, &|bytes| progress.at(bytes >> 10));
    progress.done();
    let tip = tip.map_err(silent)?;
    let repository = Repository::open(environment, repository.git_dir())?;
    Ok(Fetched { repository, tip })
}

fn workbench(repository: &Repository) -> PathBuf {
    repository.common_dir().join("git-ledger").join("transport")
}

fn silence(why: &TransportError, timeout: u64) -> String {
    match why {
        TransportError::Silent => format!("gave no answer within {timeout} s"),
        other => other.to_string(),
    }
}

fn absent(url: &RemoteUrl, reference: &str) -> Failure {
    Failure {
        exit: Exit::Unknown,
        ..Failure::cannot(format!("'{url}' has no '{reference}'"))
    }
    .hint("--branch names the branch the ledger lives on; nothing was kept")
}

/// Sets the branch, the configuration and the marks.
fn settle(
    args: &Args,
    url: &RemoteUrl,
    ledger: &Ledger,
    judged: &Verdict,
    pinned: Option<Hash>,
    now: u64,
) -> Result<(), Failure> {
    let repository = ledger.repository();
    let name = args
        .name
        .as_deref()
        .or(judged.name.as_deref())
        .unwrap_or("ledger");
    let (reference, set) = (ledger.reference(), |key: &str, value: &str| {
        repository.set_config(key, value)
    });
    set("remote.origin.url", &settled(url))?;
    // no plus sign: a plain 'git fetch' must not follow a rewind either
    let tracked = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    set(
        "remote.origin.fetch",
        &format!("{reference}:refs/remotes/{ORIGIN}/{tracked}"),
    )?;
    set("remote.origin.tagOpt", "--no-tags")?;
    set(&format!("ledger.{name}.ref"), reference)?;
    if let Some(pinned) = pinned {
        let text = format!("sha256:{}", hex(&pinned));
        set(&format!("ledger.{name}.fingerprint"), &text)?;
    }
    set(&format!("ledger.{name}.mirror"), ORIGIN)?;
    let Some((_, _, tip, _)) = judged.tip else {
        return Err(Failure::cannot("the newest entry could not be read"));
    };
    let link = ledger.link(tip)?;
    ledger.advance(None, &link)?;
    let (marks, mark) = (Marks::of(ledger), Mark::of(&link, now));
    for remote in [None, Some(ORIGIN)] {
        marks
            .raise(remote, &mark)
            .map_err(|why| Failure::cannot(why.to_string()))?;
    }
    // made anew whenever it is needed, and the path in it is about to change
    fs::remove_dir_all(workbench(repository))?;
    Ok(())
}

fn move_to(place: &Path, target: &Path) -> Result<(), Failure> {
    fs::rename(place, target).map_err(|why| {
        Failure::cannot(format!("cannot make '{}': {why}", target.display()))
            .hint("nothing was kept; somebody else may have made it meanwhile")
    })?;
    Ok(git_ledger::durable::sync_dir(
        target.parent().unwrap_or(Path::new("/")),
    )?)
}

/// The directory that is to be made; refused when something is in it.
fn target(context: &Context, args: &Args, url: &RemoteUrl) -> Result<PathBuf, Failure> {
    let named = match &args.place {
        Some(place) => place.clone(),
        None => PathBuf::from(directory_name(url.as_str()).ok_or_else(|| {
            Failure::usage("the URL does not tell what to call the copy").hint("name a directory")
        })?),
    };
    let target = context.directory.join(named);
    let empty = match fs::read_dir(&target) {
        Ok(mut items) => items.next().is_none(),
        Err(why) => why.kind() == std::io::ErrorKind::NotFound,
    };
    let above = target.parent().is_some_and(Path::is_dir);
    if !empty {
        return Err(
            Failure::usage(format!("'{}' is there already", target.display()))
                .hint("name another directory"),
        );
    }
    if !above {
        return Err(Failure::usage(format!(
            "there is no directory above '{}'",
            target.display()
        )));
    }
    Ok(target)
}

/// The last part of an address, as git takes it, with `.git` at the end.
fn directory_name(url: &str) -> Option<String> {
    let path = url.trim_end_matches('/');
    let path = path.strip_suffix("/.git").unwrap_or(path);
    let last = path.rsplit(['/', ':']).next()?;
    let bare = last.strip_suffix(".git").unwrap_or(last);
    let plain = !bare.is_empty() && bare != "." && bare != ".." && !bare.starts_with('-');
    plain.then(|| format!("{bare}.git"))
}

fn tell(
    args: &Args,
    judged: &Verdict,
    frame: &Frame,
    target: &Path,
    answer: Answer,
) -> Result<Exit, Failure> {
    let target = target.canonicalize().unwrap_or(target.to_owned());
    let shown = printable(&target.display().to_string());
    let sound = answer == Answer::Sound;
    if args.json {
        let value = match verdict::json(judged, frame) {
            Value::Object(object) => object
                .with("directory", if sound { clean(&shown) } else { Value::Null })
                .into(),
            other => other,
        };
        return terminal::answer(&(value.to_canonical() + "\n"), answer.into());
    }
    let mut text = verdict::text(judged, frame);
    if !sound {
        text += "nothing was kept\n";
    } else {
        text += &format!("cloned into  {shown}\n");
        if !judged.pinned {
            text += "\nNOT PINNED: nobody has said that this is the ledger you mean; one that was \
                     replaced as a whole would look just so.\n\
                     Compare the fingerprint above with the one you were given, then:\n  \
                     git ledger verify --fingerprint SHA256 --pin\n";
        }
    }
    terminal::answer(&text, answer.into())
}

#[cfg(test)]
mod tests {
    use super::directory_name;

    #[test]
    fn the_address_names_the_copy() {
        for (url, name) in [
            ("https://h/acme/payments.git", Some("payments.git")),
            ("git@h:payments", Some("payments.git")),
            ("/srv/payments/.git", Some("payments.git")),
            ("/srv/payments/", Some("payments.git")),
            ("https://h/", Some("h.git")),
            ("/", None),
            ("/srv/..", None),
        ] {
            assert_eq!(directory_name(url).as_deref(), name, "{url}");
        }
    }
}
