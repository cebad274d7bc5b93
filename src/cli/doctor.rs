//! `git ledger doctor`: whether what should prevent a rewrite is really on.

mod forge;
mod mend;

use std::time::SystemTime;

use git_ledger::doctor::forge::Facts;
use git_ledger::doctor::{Diagnosis, Place, State, examine, overall};
use git_ledger::git::Scope;
use git_ledger::inspection::{Site, observe};
use git_ledger::json::Value;
use git_ledger::report::doctor::{self, Colour};

use super::compare::Asked;
use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::hook::install::{OPTION, SCRIPTS};
use super::reconcile::last_look;
use super::run::closing;
use super::terminal;

/// Check that prevention is on: hooks, settings, keys, files, mirrors
///
/// Looks at the repository at hand, the machine around it, and, when given a token, at the rules
/// of the forge. Each line says what is wrong, why it matters and how to mend it. All in order
/// here is no proof: whoever administers the machine can go round it; verify and mirrors tell.
#[derive(Debug, clap::Args)]
#[command(after_long_help = doctor::table())]
pub struct Args {
    /// What the repository is for [default: seen from what is in it]
    #[arg(long = "as", value_name = "PLACE")]
    place: Option<As>,
    /// Mend what can be changed back, and say what was changed
    #[arg(long)]
    fix: bool,
    /// With --fix: show what would be changed, and change nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing; the exit status is the answer
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
    #[command(flatten)]
    forge: forge::Asking,
}

/// The places on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum As {
    /// Others push to it
    Server,
    /// Somebody works and records in it
    WorkTree,
    /// A copy that is only verified and compared
    Auditor,
}

/// Runs `git ledger doctor`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let mut changed = Vec::new();
    let mut opened = open(context)?;
    let asked = forge::facts(context, &opened, &args.forge)?;
    let (mut place, mut diagnoses) = look(context, args, &opened, asked.clone())?;
    if args.fix {
        changed = mend::all(context, &opened, &diagnoses, args.dry_run)?;
        if !args.dry_run && !changed.is_empty() {
            opened = open(context)?;
            (place, diagnoses) = look(context, args, &opened, asked)?;
        }
    }
    let subject = opened.repository.common_dir().display().to_string();
    let exit = match overall(&diagnoses) {
        State::Off => Exit::No,
        State::Unknown => Exit::Unknown,
        State::Ok | State::NotApplicable => Exit::Done,
    };
    if args.quiet {
        return Ok(exit);
    }
    if args.json {
        let object =
            doctor::json(&subject, place, &diagnoses, &changed).with("dry_run", args.dry_run);
        return terminal::answer(&(Value::from(object).to_canonical() + "\n"), exit);
    }
    let setting = opened.config.get("color.ui", Scope::Any);
    let colour = if terminal::colour(setting.as_deref()) {
        Colour::Shown
    } else {
        Colour::None
    };
    let mut text: String = changed.iter().map(|line| mend::line(line)).collect();
    text += &doctor::text(&subject, place, &diagnoses, colour);
    let fixable = diagnoses.iter().filter(|one| !one.fixes.is_empty()).count();
    if fixable > 0 && !args.fix {
        terminal::hint(&format!(
            "'git ledger doctor --fix' mends {fixable} of these; with --dry-run it only says how"
        ));
    }
    terminal::answer(&text, exit)
}

fn look(
    context: &Context,
    args: &Args,
    opened: &Opened,
    asked: Facts,
) -> Result<(Place, Vec<Diagnosis>), Failure> {
    let place = match args.place {
        Some(As::Server) => Place::Server,
        Some(As::WorkTree) => Place::WorkTree,
        Some(As::Auditor) => Place::Auditor,
        None => guess(opened)?,
    };
    let name = &opened.settings.name;
    let max_age = Asked::default().limits(opened)?.max_age;
    let spool = opened.spool();
    let scripts = [SCRIPTS, &[OPTION]].concat();
    let site = Site {
        place,
        ledger: &opened.ledger,
        config: &opened.config,
        name,
        pinned: opened.settings.fingerprint.is_some(),
        mirrors: &opened.settings.mirrors,
        key: context.key_settings(&opened.config, name, None),
        scripts: &scripts,
        spool: &spool,
        dead_steps: closing::dead(opened)?.len(),
        clock: context.clock()?,
        now: SystemTime::now(),
        reconciled: last_look(opened),
        max_age,
    };
    Ok((place, examine(&observe(&site, asked))))
}

/// The ledger here, however broken; where there is none, what a remote showed.
fn open(context: &Context) -> Result<Opened, Failure> {
    let opened = context.open()?;
    match opened.ledger.tip_id() {
        Ok(None) => context.open_to_read(),
        _ => Ok(opened),
    }
}

/// What the repository is for, from what is in it.
fn guess(opened: &Opened) -> Result<Place, Failure> {
    let repository = &opened.repository;
    let installed = opened.ledger.state_dir().join("hooks.json").exists();
    let fetched = opened
        .config
        .get_all("remote.origin.fetch", Scope::Any)
        .iter()
        .any(|spec| spec.contains(":refs/remotes/origin/"));
    Ok(if installed {
        Place::Server
    } else if repository.is_bare() {
        // as 'git ledger clone' makes one, and nobody else
        if fetched && opened.settings.mirrors.iter().any(|name| name == "origin") {
            Place::Auditor
        } else {
            Place::Server
        }
    } else if opened.ledger.reference() != opened.settings.reference {
        // only what a remote showed is here
        Place::Auditor
    } else {
        Place::WorkTree
    })
}
