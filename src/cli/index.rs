//! `git ledger index`: a database that finds entries without a walk; never more than a cache.

use git_ledger::index::{self, Built, Error, Index};
use git_ledger::json::{Object, Value};
use git_ledger::report::verdict::number;
use gix::ObjectId;

use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::terminal::{self, Progress};
use super::{log, verify};

/// Make the index, or bring it up to date
///
/// The index makes 'log' and 'stats' quick on long ledgers when they are given a filter. Making it
/// verifies what is new since the last time and takes in entries up to the first that is not sound;
/// what is newer is always read from the chain. Once there is an index, 'log' keeps it up to date. It
/// says only where to look: each entry shown is read from the chain and held against the filter.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Delete it and make it anew, from a verification of everything
    #[arg(long, conflicts_with_all = ["delete", "status"])]
    rebuild: bool,
    /// Delete it; nothing is lost but time
    #[arg(long, conflicts_with = "status")]
    delete: bool,
    /// Say whether there is one and how far it goes
    #[arg(long)]
    status: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger index`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    if args.delete {
        index::delete(&opened.ledger)?;
        return told(
            args,
            Object::new().with("deleted", true),
            "deleted the index",
        );
    }
    let tip = log::tip(&opened)?;
    if args.status {
        return status(&opened, args, tip);
    }
    if !opened.ledger.surroundings()?.boundary.is_empty() {
        return Err(failure(Error::Shallow));
    }
    if args.rebuild {
        index::delete(&opened.ledger)?;
    }
    let built = bring_up_to_date(&opened, tip).map_err(failure)??;
    let size = Index::size(&opened.ledger);
    let mut object = Object::new()
        .with("added", number(built.added))
        .with("bytes", number(size))
        .with("newest", built.newest.map_or(Value::Null, number));
    let mut text = match built.newest {
        Some(newest) => format!(
            "{} entries added, up to entry {newest}, {size} bytes",
            built.added
        ),
        None => "the index is empty: not even entry 0 is sound".to_owned(),
    };
    if let Some(finding) = &built.stopped {
        object.set("stopped_by", finding.id.name());
        text += &format!(
            "\nentries from the first that is not sound on ({}) are read from the chain every time",
            finding.id.name()
        );
        terminal::hint("'git ledger verify' tells all that is wrong");
    }
    told(args, object, &text)
}

fn told(args: &Args, object: Object, text: &str) -> Result<Exit, Failure> {
    let text = if args.json {
        Value::from(object).to_canonical()
    } else {
        text.to_owned()
    };
    terminal::answer(&(text + "\n"), Exit::Done)
}

fn status(opened: &Opened, args: &Args, tip: ObjectId) -> Result<Exit, Failure> {
    let path = index::path(&opened.ledger);
    let found = Index::find(&opened.ledger).map_err(failure)?;
    let mut object = Object::new().with("path", path.to_string_lossy().into_owned());
    let Some(found) = found else {
        object.set("there", false);
        return told(
            args,
            object,
            "there is no index; 'git ledger index' makes one",
        );
    };
    let size = Index::size(&opened.ledger);
    object.set("there", true);
    object.set("bytes", number(size));
    let text = match found.fits(&opened.ledger, tip).map_err(failure)? {
        Some(head) => {
            let newest = opened.ledger.link(tip).map(|link| link.entry.number());
            let behind = newest.map_or(0, |newest| newest.saturating_sub(head.position));
            object.set("newest", number(head.position));
            object.set("behind", number(behind));
            format!(
                "up to entry {}, {behind} behind, {size} bytes in {}",
                head.position,
                path.display()
            )
        }
        None => {
            object.set("newest", Value::Null);
            "the index is not of this chain, or empty, and is not used; 'git ledger index' makes it anew"
                .to_owned()
        }
    };
    told(args, object, &text)
}

/// Verifies what the index does not hold yet and takes it in.
fn bring_up_to_date(opened: &Opened, tip: ObjectId) -> Result<Result<Built, Failure>, Error> {
    let mut index = Index::open(&opened.ledger)?;
    let mut base = match index.fits(&opened.ledger, tip) {
        Err(error) if Index::is_lost(&error) => None,
        fits => fits?,
    };
    if base.is_none() {
        index = index.clear(&opened.ledger)?;
    }
    let judge = |base: Option<ObjectId>| {
        let pinned = opened.settings.fingerprint;
        verify::judge_from(opened, pinned, None, tip, base)
    };
    let (mut verdict, _) = match judge(base.as_ref().map(|head| head.commit)) {
        Ok(judged) => judged,
        Err(failure) => return Ok(Err(failure)),
    };
    if base.is_some() && !verdict.base_reached {
        index = index.clear(&opened.ledger)?;
        base = None;
        verdict = match judge(None) {
            Ok((verdict, _)) => verdict,
            Err(failure) => return Ok(Err(failure)),
        };
    }
    let progress = Progress::of("indexing entries");
    let built = index.extend(&opened.ledger, base.as_ref(), tip, &verdict, &|count| {
        progress.at(count);
    });
    progress.done();
    built.map(Ok)
}

/// The index of a ledger for a verb that selects, if there is one and it may be used. One that
/// cannot be opened is as good as none: the chain answers.
pub fn to_search(opened: &Opened) -> Result<Option<Index>, Failure> {
    if !opened.ledger.surroundings()?.boundary.is_empty() {
        return Ok(None);
    }
    Ok(Index::find(&opened.ledger).ok().flatten())
}

/// After a search: an index that turned out wrong is deleted, one that fell behind is brought up to
/// date if that takes a moment. What fails here costs only time.
pub fn look_after(opened: &Opened, misled: bool) {
    tend(opened, misled);
    if misled {
        terminal::tell(
            "note: the index did not fit what the ledger holds and was deleted; the chain answered",
        );
        terminal::hint("'git ledger index' makes it anew");
    }
}

/// The same without a word.
pub fn tend(opened: &Opened, misled: bool) {
    if misled {
        index::delete(&opened.ledger).ok();
        return;
    }
    let worth = || -> Result<Option<ObjectId>, Failure> {
        let Some(index) = to_search(opened)? else {
            return Ok(None);
        };
        let tip = log::tip(opened)?;
        let newest = opened.ledger.link(tip)?.entry.number();
        let worth = index.is_worth_extending(newest).map_err(failure)?;
        let fits = worth && index.fits(&opened.ledger, tip).map_err(failure)?.is_some();
        Ok(fits.then_some(tip))
    };
    if let Ok(Some(tip)) = worth() {
        bring_up_to_date(opened, tip).ok();
    }
}

fn failure(error: Error) -> Failure {
    let message = error.to_string();
    match error {
        Error::Ledger(error) => error.into(),
        Error::Io(error) => error.into(),
        Error::Shallow => Failure::cannot(message).hint("git fetch --unshallow brings them"),
        Error::Overtaken => {
            Failure::cannot(message).hint("let it finish; what it takes in need not be done twice")
        }
        Error::Database(_) | Error::Sql(_) => Failure::cannot(message)
            .hint("everything works without an index, only slower on long ledgers"),
    }
}
