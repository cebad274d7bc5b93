//! The ledger's own state in this clone, and its mirrors without asking them.

use std::collections::BTreeSet;

use crate::doctor::ledger::{Facts, Mirror, Tip};
use crate::git::{Direction, RefError, RemoteUrl, Repository, Scope, store_files};
use crate::hook::outstanding::Outstanding;
use crate::ledger::LedgerError;
use crate::marks::Marks;
use crate::mirror::independence::{self, Place};
use crate::policy::{FailMode, Policy, relaxed};

use super::Site;
use super::authority::read;

/// No longer log is read.
const LONGEST_LOG: u64 = 2 << 20;

pub(super) fn observe(site: &Site<'_>) -> Facts {
    let ledger = site.ledger;
    let state = ledger.state_dir();
    let format = ledger.repository().object_format();
    let newest = ledger.tip();
    let may_wait = newest.as_ref().ok().map(|tip| may_wait(&tip.policy));
    let tip = match newest {
        Ok(tip) => Tip::Entry(
            tip.link.entry.number(),
            site.clock.saturating_sub(tip.link.time),
        ),
        Err(LedgerError::Absent(_)) => Tip::Absent,
        Err(LedgerError::Ref(RefError::Symbolic { .. } | RefError::Garbage { .. })) => Tip::NoRef,
        Err(why) => Tip::Broken(why.to_string()),
    };
    let marks = Marks::of(ledger);
    let mut bad_marks: Vec<String> = marks
        .get(None)
        .err()
        .into_iter()
        .map(|why| why.to_string())
        .collect();
    let mut mirrors = Vec::new();
    let mut places = Vec::new();
    for name in site.mirrors {
        let (mirror, place) = mirror(site, name);
        let seen = match marks.get(Some(name)) {
            Ok(mark) => mark.map(|mark| mark.number),
            Err(why) => {
                bad_marks.push(why.to_string());
                None
            }
        };
        mirrors.push(Mirror { seen, ..mirror });
        places.extend(place.map(|place| (name.as_str(), place)));
    }
    let (names, places): (Vec<&str>, Vec<Place>) = places.into_iter().unzip();
    let independent: BTreeSet<usize> = independence::groups(&places).into_iter().collect();
    let spooled = site.spool.list().unwrap_or_default();
    let awaited = Outstanding::new(state.join("pushes"), format).list();
    Facts {
        reference: ledger.reference().to_owned(),
        tip,
        pinned: site.pinned,
        bad_marks,
        spooled: spooled.iter().filter(|waiting| waiting.is_ok()).count(),
        bad_spool: spooled
            .into_iter()
            .filter_map(|waiting| waiting.err().map(|why| why.path))
            .collect(),
        may_wait,
        outstanding: awaited
            .unwrap_or_default()
            .iter()
            .filter(|push| !is_alive(push.process))
            .count(),
        dead_steps: site.dead_steps,
        max_age: site.max_age,
        reconciled: site.reconciled.map(|then| site.clock.saturating_sub(then)),
        mirrors,
        this_copy_counts: vouched(site).iter().any(|name| name == "."),
        independent: independent.len(),
        ties: ties(&names, &places),
        format: format.to_string(),
        push_trouble: trouble(&state.join("mirror.log")),
    }
}

fn vouched(site: &Site<'_>) -> Vec<String> {
    let key = format!("ledger.{}.independent", site.name);
    site.config.get_all(&key, Scope::Any)
}

fn mirror(site: &Site<'_>, name: &str) -> (Mirror, Option<Place>) {
    let repository = site.ledger.repository();
    let mut mirror = Mirror {
        name: name.to_owned(),
        ..Mirror::default()
    };
    let Some(text) = site.config.remote_url(name, Direction::Push) else {
        mirror.trouble = Some("there is no such remote".into());
        return (mirror, None);
    };
    let base = repository.work_tree().unwrap_or(repository.git_dir());
    let url = match RemoteUrl::parse(&text, base) {
        Ok(url) => url,
        Err(why) => {
            let why = why.to_string();
            mirror.trouble = why.lines().next().map(str::to_owned);
            return (mirror, None);
        }
    };
    if let Some(path) = url.local_path() {
        let open = |place: std::path::PathBuf| Repository::open(repository.environment(), &place);
        let found = open(path.join(".git"))
            .or_else(|_| open(path.clone()))
            .or_else(|why| open(path.with_extension("git")).map_err(|_| why));
        match found {
            Ok(there) => mirror.format = Some(there.object_format().to_string()),
            Err(why) => mirror.trouble = why.to_string().lines().next().map(str::to_owned),
        }
    }
    let place = Place {
        address: url.as_str().trim_end_matches('/').to_owned(),
        host: url.host(),
        files: store_files(&url),
        vouched: vouched(site).iter().any(|known| known == name),
    };
    (mirror, Some(place))
}

fn ties(names: &[&str], places: &[Place]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, (name, place)) in names.iter().zip(places).enumerate() {
        for (other, earlier) in names.iter().zip(places).take(at) {
            if let Some(tie) = independence::tie(earlier, place) {
                found.push(format!("{other} and {name}: they {}", tie.words()));
            }
        }
    }
    found
}

/// The deployments and pushes that a policy lets wait in the spool.
fn may_wait(policy: &Policy) -> Vec<String> {
    let strict = Policy {
        failures: Policy::first_failures(),
        ..policy.clone()
    };
    let laxer = relaxed(&strict, policy).into_iter();
    laxer
        .filter(|one| one.is_deployment() || one.is_refs())
        .filter(|one| one.to == Some(FailMode::Spool))
        .map(|one| one.class)
        .collect()
}

/// The last line of trouble in the log of pushes to mirrors.
fn trouble(log: &std::path::Path) -> Option<String> {
    let bytes = read(log, LONGEST_LOG).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let last = text.lines().rev().find(|line| line.starts_with("error: "));
    Some(last?.trim_start_matches("error: ").to_owned())
}

fn is_alive(process: i64) -> bool {
    let pid = i32::try_from(process)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    match pid.map(rustix::process::test_kill_process) {
        None => false,
        Some(Ok(())) => true,
        Some(Err(error)) => error == rustix::io::Errno::PERM,
    }
}
