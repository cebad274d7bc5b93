//! Which row decides, where a new pattern goes, and what a change makes laxer.

use super::*;

/// A policy with these failure rows, each `mode pattern…`.
fn policy(rows: &[&str]) -> Policy {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAzAl9rACVXGsWy3YLyWFoMipJyyfQN2cG32+i1bOlxn";
    let mut text = format!(
        "spec = 1\nid = \"{}\"\nname = \"acme\"\n[admin]\nthreshold = 1\n\
         [[signer]]\nprincipal = \"ann@acme\"\nkey = \"{key}\"\nroles = [\"admin\"]\n",
        "0".repeat(32)
    );
    for row in rows {
        let (mode, patterns) = row.split_once(' ').unwrap();
        let patterns: Vec<String> = patterns.split(' ').map(|one| format!("{one:?}")).collect();
        text += &format!(
            "[[failure]]\ntypes = [{}]\nmode = \"{mode}\"\n",
            patterns.join(", ")
        );
    }
    Policy::parse(text.as_bytes()).unwrap()
}

/// The rows as [`policy`] takes them.
fn rows(policy: &Policy) -> Vec<String> {
    let row = |row: &FailClass| format!("{} {}", row.mode.word(), row.types.join(" "));
    policy.failures.iter().map(row).collect()
}

fn laxer(before: &[&str], after: &[&str]) -> Vec<String> {
    let word = |mode: Option<FailMode>| mode.map_or("-", FailMode::word);
    let all = relaxed(&policy(before), &policy(after));
    let one = |one: &Relaxed| format!("{} {} {}", one.class, word(one.from), word(one.to));
    all.iter().map(one).collect()
}

#[test]
fn the_first_row_that_fits_decides() {
    let policy = policy(&["closed a.b*", "spool a.* x", "closed *"]);
    for (kind, row, pattern) in [
        ("a.b", 1, "a.b*"),
        ("a.bc", 1, "a.b*"),
        ("a.c", 2, "a.*"),
        ("x", 2, "x"),
        ("xy", 3, "*"),
        ("", 3, "*"),
    ] {
        let decided = policy.decided(kind).unwrap();
        assert_eq!((decided.row, decided.pattern), (row, pattern), "{kind}");
        let spool = row == 2;
        assert_eq!(decided.mode == FailMode::Spool, spool, "{kind}");
    }
    assert_eq!(
        policy.decided("a.c").unwrap().to_string(),
        "'spool' for a.* ([[failure]] row 2)"
    );
}

#[test]
fn of_several_events_the_strictest_counts() {
    let policy = policy(&["closed a", "spool b"]);
    let mode = |kinds: &[&str]| Word::of(Some(&policy), kinds.iter().copied()).mode();
    assert_eq!(mode(&["b", "b"]), Some(FailMode::Spool));
    assert_eq!(mode(&["b", "c"]), None);
    assert_eq!(mode(&["b", "c", "a", "b"]), Some(FailMode::Closed));
    assert_eq!(mode(&[]), None);
    assert_eq!(
        Word::of(Some(&policy), ["b", "a"]).to_string(),
        "the ledger's policy says 'closed' for a ([[failure]] row 1)"
    );
}

#[test]
fn without_a_policy_deployments_and_pushes_are_closed() {
    let mode = |kind: &str| Word::of(None, [kind]).mode();
    for kind in [
        "dev.cdevents.environment.created.0.2.0",
        "dev.git-ledger.push",
    ] {
        assert_eq!(mode(kind), Some(FailMode::Closed), "{kind}");
    }
    assert_eq!(mode("dev.cdevents.build.started.0.2.0"), None);
    assert_eq!(
        Word::of(None, ["x", "dev.git-ledger.push"]),
        Word::Unread("dev.git-ledger.push")
    );
}

#[test]
fn without_a_row_there_is_no_mode() {
    assert_eq!(policy(&[]).fail_mode("a"), None);
    assert_eq!(policy(&["spool a"]).fail_mode("ab"), None);
}

#[test]
fn a_new_ledger_is_closed_for_deployments_and_pushes() {
    let first = Policy {
        failures: Policy::first_failures(),
        ..policy(&[])
    };
    Policy::parse(first.to_toml().as_bytes()).unwrap();
    for kind in [
        "dev.cdevents.service.deployed.0.2.0",
        "dev.cdevents.environment.modified.0.2.0",
        "dev.git-ledger.push",
        "dev.git-ledger.refs.changed",
    ] {
        assert_eq!(first.fail_mode(kind), Some(FailMode::Closed), "{kind}");
    }
    for kind in ["dev.cdevents.build.started.0.2.0", "com.github.push", "x"] {
        assert_eq!(first.fail_mode(kind), Some(FailMode::Spool), "{kind}");
    }
}

#[test]
fn a_pattern_comes_where_it_decides() {
    let set = |before: &[&str], patterns: &[&str], mode: Option<FailMode>| {
        let patterns: Vec<String> = patterns.iter().map(|one| (*one).to_owned()).collect();
        let after = policy(before).with_fail_mode(&patterns, mode);
        Policy::parse(after.to_toml().as_bytes()).unwrap();
        for (pattern, mode) in patterns.iter().filter_map(|one| Some((one, mode?))) {
            assert_eq!(of_class(&after, pattern), Some(mode), "{pattern}");
        }
        rows(&after)
    };
    let (closed, spool) = (Some(FailMode::Closed), Some(FailMode::Spool));
    assert_eq!(set(&[], &["*"], spool), ["spool *"]);
    assert_eq!(set(&["spool *"], &["a"], closed), ["closed a", "spool *"]);
    assert_eq!(set(&["spool *"], &["a"], spool), ["spool a *"]);
    // narrower ones keep their say
    assert_eq!(
        set(&["closed a.b", "spool *"], &["a.*"], spool),
        ["closed a.b", "spool a.* *"]
    );
    // a row is split where a pattern must come between
    assert_eq!(
        set(&["spool a.b *"], &["a.*"], closed),
        ["spool a.b", "closed a.*", "spool *"]
    );
    // one that stands already moves, and changes its mode
    assert_eq!(
        set(&["closed a b", "spool *"], &["a"], spool),
        ["closed b", "spool a *"]
    );
    assert_eq!(
        set(&["spool *", "closed a"], &["a"], closed),
        ["closed a", "spool *"]
    );
    assert_eq!(
        set(&["spool *"], &["a.*", "a.b.*"], closed),
        ["closed a.b.* a.*", "spool *"]
    );
    assert_eq!(
        set(&["closed a b", "spool *"], &["a", "*"], None),
        ["closed b"]
    );
    assert_eq!(set(&["closed a"], &["a"], None), Vec::<String>::new());
}

#[test]
fn what_becomes_laxer_is_told_by_class() {
    assert_eq!(laxer(&["closed *"], &["closed *"]), Vec::<String>::new());
    assert_eq!(laxer(&["spool *"], &["closed *"]), Vec::<String>::new());
    assert_eq!(laxer(&["closed a"], &["spool a"]), ["a closed spool"]);
    assert_eq!(laxer(&["closed a"], &[]), ["a closed -"]);
    assert_eq!(laxer(&[], &["spool a"]), ["a - spool"]);
    // a row before it takes the say away
    assert_eq!(
        laxer(&["closed a"], &["spool a*", "closed a"]),
        ["a* - spool", "a closed spool"]
    );
    // another order
    assert_eq!(
        laxer(&["closed a.*", "spool *"], &["spool *", "closed a.*"]),
        ["a.* closed spool"]
    );
    // deployments and pushes are told apart, whatever pattern makes them laxer
    assert_eq!(
        laxer(&["closed *"], &["spool *"]),
        [
            "dev.cdevents.service.* closed spool",
            "dev.cdevents.environment.* closed spool",
            "dev.git-ledger.push closed spool",
            "dev.git-ledger.refs.changed closed spool",
            "* closed spool",
        ]
    );
    let one = "dev.cdevents.service.deployed*";
    let all = relaxed(
        &policy(&["closed *"]),
        &policy(&[&format!("spool {one}"), "closed *"]),
    );
    assert_eq!(all.len(), 1);
    assert!(
        all.iter()
            .all(|known| known.class == one && known.is_deployment())
    );
    assert!(!all.iter().any(Relaxed::is_refs));
}

/// Held against the plain meaning, type by type: each type that is laxer lies in a class that is
/// told with the same modes, and each class that is told holds such a type.
#[test]
fn no_class_is_left_out() {
    let patterns = [
        "*",
        "a*",
        "a",
        "ab*",
        "ab",
        "b",
        "dev.git-ledger.push",
        "dev.*",
    ];
    let kinds = [
        "",
        "a",
        "ab",
        "abc",
        "ac",
        "b",
        "bc",
        "c",
        "dev.git-ledger.push",
        "dev.cdevents.service.x",
    ];
    let mut tried = 0;
    let modes = ["closed", "spool"];
    let row = |at: usize| format!("{} {}", modes[at % 2], patterns[at / 2 % patterns.len()]);
    for first in 0..16 {
        for second in 0..16 {
            for third in 0..16 {
                if first / 2 == second / 2 {
                    continue;
                }
                let (before, after) = ([row(first), row(second)], [row(third)]);
                let (before, after) = (policy(&[&before[0], &before[1]]), policy(&[&after[0]]));
                for (old, new) in [(&before, &after), (&after, &before)] {
                    let told = relaxed(old, new);
                    for kind in kinds {
                        let (from, to) = (old.fail_mode(kind), new.fail_mode(kind));
                        let fits = |one: &Relaxed| {
                            fits(&one.class, kind) && (one.from, one.to) == (from, to)
                        };
                        let said = told.iter().any(fits);
                        assert!(laxity(to) <= laxity(from) || said, "{kind}: {told:?}");
                    }
                    for one in &told {
                        assert_eq!(
                            (of_class(old, &one.class), of_class(new, &one.class)),
                            (one.from, one.to)
                        );
                        assert!(laxity(one.to) > laxity(one.from), "{one:?}");
                    }
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 2 * 16 * 14 * 16);
}
