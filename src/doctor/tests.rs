//! What needs another account or another machine to be planted for real: judged from facts.

use std::path::PathBuf;

use super::*;

fn facts(place: Place) -> Facts {
    Facts {
        place,
        hooks: hooks::Facts::default(),
        settings: settings::Facts::default(),
        account: account::Facts::default(),
        key: key::Facts::default(),
        repository: repository::Facts::default(),
        ledger: ledger::Facts::default(),
        programs: programs::Facts::default(),
        forge: forge::Facts::default(),
    }
}

#[track_caller]
fn state(facts: &Facts, check: Check) -> State {
    let all = examine(facts);
    all.iter().find(|one| one.check == check).unwrap().state
}

#[test]
fn every_check_is_answered_once_everywhere() {
    for place in [Place::Server, Place::WorkTree, Place::Auditor] {
        let checks: Vec<Check> = examine(&facts(place)).iter().map(|one| one.check).collect();
        assert_eq!(checks, Check::ALL, "{}", place.word());
    }
    let names: std::collections::BTreeSet<&str> = Check::ALL.iter().map(|c| c.name()).collect();
    assert_eq!(names.len(), Check::ALL.len());
}

#[test]
fn what_is_off_says_how_to_mend_it() {
    for place in [Place::Server, Place::WorkTree, Place::Auditor] {
        for one in examine(&facts(place)) {
            let wrong = matches!(one.state, State::Off | State::Unknown);
            assert_eq!(wrong, !one.mend.is_empty(), "{}", one.check);
            assert!(wrong || one.fixes.is_empty(), "{}", one.check);
            assert!(!one.detail.is_empty(), "{}", one.check);
        }
    }
}

#[test]
fn another_account() {
    let mut facts = facts(Place::Server);
    assert_eq!(state(&facts, Check::AccountOwner), State::Ok);
    facts.account.other_owner = Some("git".into());
    assert_eq!(state(&facts, Check::AccountOwner), State::Unknown);

    facts.repository.foreign = vec![(PathBuf::from("/r.git/config"), "mallory".into())];
    assert_eq!(state(&facts, Check::RepositoryOwner), State::Off);

    facts.account.writers.shells = vec!["mallory".into()];
    assert_eq!(state(&facts, Check::AccountShell), State::Off);

    let file = |mode, owner: Option<&str>| key::File {
        path: "/k".into(),
        mode,
        other_owner: owner.map(str::to_owned),
    };
    facts.key.file = Some(file(0o600, Some("mallory")));
    assert_eq!(state(&facts, Check::KeyOwner), State::Off);
    assert_eq!(state(&facts, Check::KeyPermissions), State::Ok);
    // nobody changes the permissions of another's file
    facts.key.file = Some(file(0o644, Some("mallory")));
    let all = examine(&facts);
    let permissions = all.iter().find(|one| one.check == Check::KeyPermissions);
    assert!(permissions.is_some_and(|one| one.state == State::Off && one.fixes.is_empty()));
    assert_eq!(overall(&all), State::Off);
}

#[test]
fn locks_of_somebody_at_work_are_left_alone() {
    let mut facts = facts(Place::Server);
    let lock = |age, held| repository::Lock {
        path: "/r.git/HEAD.lock".into(),
        age,
        held,
    };
    for (lock, expected) in [
        (lock(repository::FRESH_LOCK - 1, false), State::Ok),
        (lock(repository::FRESH_LOCK, true), State::Ok),
        (lock(repository::FRESH_LOCK, false), State::Off),
    ] {
        facts.repository.locks = vec![lock];
        assert_eq!(state(&facts, Check::StaleLocks), expected);
    }
}

#[test]
fn fsync_as_git_reads_it() {
    let mut facts = facts(Place::Server);
    for (value, expected) in [
        ("all", State::Ok),
        ("committed,reference", State::Ok),
        ("default,loose-object,reference", State::Ok),
        ("committed", State::Off),
        ("reference", State::Off),
        ("all,none", State::Off),
        ("none,all", State::Ok),
        ("all,-pack", State::Off),
        ("gibberish", State::Off),
    ] {
        facts.settings.fsync.value = Some(value.into());
        assert_eq!(state(&facts, Check::Fsync), expected, "{value}");
    }
}

#[test]
fn reconciliation_that_is_late() {
    let mut facts = facts(Place::Server);
    assert_eq!(state(&facts, Check::Reconcile), State::NotApplicable);
    facts.ledger.reconciled = Some(3600);
    assert_eq!(state(&facts, Check::Reconcile), State::Ok);
    facts.ledger.reconciled = Some(8 * 86_400);
    assert_eq!(state(&facts, Check::Reconcile), State::Off);
}
