//! Who can tamper with what is left behind, and what comes of it: time is lost, and no more.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use git_ledger::mac::{DigestKey, Purpose};
use git_ledger::merkle;

use super::*;

/// A repository of which everything was verified, with one entry more.
fn verified() -> World {
    let world = world(4);
    at_once(&world, "r", &["verify"]).ok();
    append(&world, "r", "5");
    world
}

/// Why all is read once the record or its surroundings were changed like this.
#[track_caller]
fn tampered(world: &World, change: impl FnOnce(&World)) -> String {
    change(world);
    let value = agree(world, "r");
    assert_eq!(value["answer"], "sound");
    let told = why(&value).to_owned();
    // and the next time what this one left is good
    assert_eq!(known(&agree(world, "r")), 5);
    told
}

/// Changes the body of a record and seals it again, as its owner could.
fn resealed(world: &World, place: &str, change: impl Fn(&str) -> String) {
    let path = record(world, place);
    let text = fs::read_to_string(&path).expect("a record");
    let (_, body) = text.split_once('\n').expect("two lines");
    let changed = change(body);
    assert_ne!(body, changed);
    let key = fs::read(world.path(KEY)).expect("a key");
    let key = DigestKey::parse(&key).expect("a key");
    let common = world
        .path(place)
        .join(".git")
        .canonicalize()
        .expect("a path");
    let bound = format!("{}\0refs/heads/ledger\0sha1", common.display());
    let seal = |body: &str| key.mac(Purpose::Verified, &[bound.as_bytes(), body.as_bytes()]);
    assert!(
        text.starts_with(&format!("git-ledger verified 1 {}\n", seal(body))),
        "{text}"
    );
    let sealed = format!("git-ledger verified 1 {}\n{changed}", seal(&changed));
    fs::write(path, sealed).expect("a record");
}

#[test]
fn a_record_that_is_gone_or_garbage() {
    let gone = tampered(&verified(), |world| {
        fs::remove_file(record(world, "r")).expect("a record");
    });
    assert_eq!(gone, "noRecord");
    for text in ["", "\0\0\0", "git-ledger verified 1 \n{}\n"] {
        let garbage = tampered(&verified(), |world| {
            fs::write(record(world, "r"), text).expect("a record");
        });
        assert_eq!(garbage, "forged");
    }
}

#[test]
fn a_record_with_one_field_changed() {
    let world = verified();
    let path = record(&world, "r");
    let honest = fs::read_to_string(&path).expect("a record");
    let (_, body) = honest.split_once('\n').expect("two lines");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let fields = body.as_object().expect("an object");
    assert!(fields.len() >= 12, "{fields:?}");
    for (name, value) in fields {
        let text = value.to_string();
        let other = match value {
            serde_json::Value::Array(_) => "[7]".to_owned(),
            _ => text.replace(['0', '1', '2', '3', '4', '5'], "6"),
        };
        let from = format!("\"{name}\":{text}");
        let changed = honest.replace(&from, &format!("\"{name}\":{other}"));
        assert_ne!(changed, honest, "{name}");
        fs::write(&path, changed).expect("a record");
        let said = at_once(&world, "r", &["verify", "--incremental", "--json"]);
        assert_eq!((why(&json(&said)), said.code), ("forged", 0), "{name}");
        fs::write(&path, &honest).expect("a record");
    }
}

#[test]
fn a_record_sealed_with_another_key() {
    // the attacker knows the form, and has a key, but not this one
    let forged = tampered(&verified(), |world| {
        let key = world.path(KEY);
        let (mine, path) = (fs::read(&key).expect("a key"), record(world, "r"));
        fs::write(&key, "7".repeat(64)).expect("a key");
        at_once(world, "r", &["verify"]).ok();
        let theirs = records(world, "r").into_iter().find(|other| *other != path);
        fs::rename(theirs.expect("a record"), &path).expect("a record");
        fs::write(&key, mine).expect("a key");
    });
    assert_eq!(forged, "forged");
}

#[test]
fn a_key_that_was_replaced_or_lost() {
    // a new key knows nothing of what the old one sealed
    for new in [Some("7".repeat(64)), None] {
        let world = verified();
        match new {
            Some(text) => fs::write(world.path(KEY), text).expect("a key"),
            None => fs::remove_file(world.path(KEY)).expect("a key"),
        }
        let said = at_once(&world, "r", &["verify", "--incremental", "--json"]);
        assert_eq!((why(&json(&said)), said.code), ("noRecord", 0));
        let said = at_once(&world, "r", &["verify", "--incremental", "--json"]);
        assert_eq!(known(&json(&said)), 5);
    }
}

#[test]
fn a_key_that_others_can_reach() {
    let world = verified();
    let (key, dir) = (world.path(KEY), world.path("home/.local/state/git-ledger"));
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let reason = |path: &Path| {
        let said = at_once(&world, "r", &["verify", "--incremental"]).code(0);
        let line = said.out.lines().find(|line| line.starts_with("all read "));
        let line = line.unwrap_or_else(|| panic!("{said}"));
        line.replace(&path.display().to_string(), "…")
    };
    mode(&key, 0o644);
    insta::assert_snapshot!(reason(&key), @"all read     no key of yours can be used: '…' can be read or written by others (chmod 600)");
    mode(&key, 0o600);
    mode(&dir, 0o775);
    insta::assert_snapshot!(reason(&dir), @"all read     no key of yours can be used: '…' can be written by others (chmod 700)");
    mode(&dir, 0o700);
    fs::rename(&key, world.path("key")).expect("a key");
    std::os::unix::fs::symlink(world.path("key"), &key).expect("a link");
    insta::assert_snapshot!(reason(&key), @"all read     no key of yours can be used: '…' is a link");
    fs::remove_file(&key).expect("a link");
    fs::rename(world.path("key"), &key).expect("a key");
    fs::write(world.path("r/.git/nothing"), "").expect("a file");
    let said = at_once(&world, "r", &["verify", "--incremental", "--json"]);
    assert_eq!(known(&json(&said)), 4);
}

#[test]
fn no_home_and_nothing_that_can_be_written() {
    let world = verified();
    let told = |change: &dyn Fn(&mut std::process::Command)| {
        let mut command = command(&world, "git-ledger");
        command.args(["verify", "--incremental", "--json"]);
        change(&mut command);
        let said = run(command, b"").code(0);
        let value = json(&said);
        assert_eq!(why(&value), "noKey");
        value["read_all_because"]["why"]
            .as_str()
            .expect("words")
            .to_owned()
    };
    let words = told(&|command| {
        command
            .env_remove("HOME")
            .env("GIT_CONFIG_GLOBAL", world.path("home/.gitconfig"));
    });
    insta::assert_snapshot!(words, @"no key of yours can be used: '$XDG_STATE_HOME, $HOME': neither names a directory");
    told(&|command| {
        command.env("XDG_STATE_HOME", "/dev/null");
    });
    // a relative path counts for nothing, and the one in the home is used
    let mut command = command(&world, "git-ledger");
    command.args(["verify", "--incremental", "--json"]);
    command.env("XDG_STATE_HOME", "state");
    assert_eq!(known(&json(&run(command, b"").code(0))), 4);
    assert!(!world.path("r/state").exists());
    // where nothing can be left, nothing is, and nobody is told
    let place = world.path("r/.git/git-ledger/verified");
    fs::remove_dir_all(&place).expect("records");
    fs::write(&place, "in the way").expect("a file");
    let said = at_once(&world, "r", &["verify"]).code(0);
    assert_eq!(said.err, "");
    let value = json(&at_once(
        &world,
        "r",
        &["verify", "--incremental", "--json"],
    ));
    assert_eq!(why(&value), "unreadable");
}

#[test]
fn a_record_of_another_repository_ledger_or_copy() {
    // a copy with everything in it, of the same user
    let world = verified();
    let mut command = world.command("", "cp");
    command.args(["-a", "r", "copy"]);
    run(command, b"").ok();
    let value = agree(&world, "copy");
    assert_eq!((why(&value), &value["answer"]), ("forged", &"sound".into()));
    assert_eq!(known(&agree(&world, "copy")), 5);
    // two ledgers in one repository do not know each other's
    world.git("r", &["branch", "-q", "other", "ledger~1"]).ok();
    let value = json(&at_once(
        &world,
        "r",
        &["--ledger", "other", "verify", "--incremental", "--json"],
    ));
    assert_eq!(why(&value), "noRecord");
    let (mine, other) = {
        let all = records(&world, "r");
        let name = merkle::hex(&merkle::sha256(b"refs/heads/other"));
        let is = |path: &PathBuf| path.display().to_string().contains(&name[..16]);
        let (other, mine): (Vec<PathBuf>, _) = all.into_iter().partition(is);
        (mine[0].clone(), other[0].clone())
    };
    fs::copy(other, &mine).expect("a record");
    let value = json(&at_once(
        &world,
        "r",
        &["verify", "--incremental", "--json"],
    ));
    assert_eq!((why(&value), &value["answer"]), ("forged", &"sound".into()));
}

#[test]
fn an_old_record_put_back() {
    let world = verified();
    let path = record(&world, "r");
    let old = fs::read(&path).expect("a record");
    assert_eq!(known(&agree(&world, "r")), 4);
    append(&world, "r", "6");
    assert_eq!(known(&agree(&world, "r")), 5);
    // it is genuine, and costs the entries that came since
    fs::write(&path, old).expect("a record");
    assert_eq!(known(&agree(&world, "r")), 4);
}

#[test]
fn a_record_by_another_version_or_from_the_future() {
    let version = |text: &str| {
        tampered(&verified(), |world| {
            resealed(world, "r", |body| {
                let (before, after) = body.split_once("\"version\":\"").expect("a version");
                let (_, after) = after.split_once('"').expect("a string");
                format!("{before}\"version\":\"{text}\"{after}")
            });
        })
    };
    let number = env!("CARGO_PKG_VERSION");
    for other in [
        "",
        "0.0.1 1 0",
        &format!("{number} 2 0"),
        &format!("{number} 1 0000000000000000"),
    ] {
        assert_eq!(version(other), "version", "{other}");
    }
    let later = crate::world::EPOCH + 3600;
    for (field, at, told) in [
        ("verified", 301, Some("future")),
        ("whole_verified", 301, Some("future")),
    ] {
        let world = verified();
        resealed(&world, "r", |body| {
            let from = format!("\"{field}\":{later}");
            body.replace(&from, &format!("\"{field}\":{}", later + at))
        });
        assert_eq!(Some(why(&agree(&world, "r"))), told);
    }
}

#[test]
fn what_its_owner_could_write_is_still_held_against_the_ledger() {
    // these seals are good: what they cover is compared all the same
    let digest = tampered(&verified(), |world| {
        resealed(world, "r", |body| {
            let (before, after) = body.split_once("\"digest\":\"").expect("a digest");
            format!("{before}\"digest\":\"{}{}", "0".repeat(64), &after[64..])
        });
    });
    assert_eq!(digest, "entry");
    let number = tampered(&verified(), |world| {
        resealed(world, "r", |body| {
            body.replace("\"number\":4", "\"number\":3")
        });
    });
    assert_eq!(number, "entry");
    let keys = tampered(&verified(), |world| {
        resealed(world, "r", |body| {
            let (before, after) = body.split_once("\"compromised\":\"").expect("a digest");
            format!(
                "{before}\"compromised\":\"{}{}",
                "0".repeat(64),
                &after[64..]
            )
        });
    });
    assert_eq!(keys, "compromised");
    let notes = tampered(&verified(), |world| {
        resealed(world, "r", |body| {
            let note = r#""notes":[{"at":1,"evidence":"","id":"signatureBad"}]"#;
            body.replace("\"notes\":[]", note)
        });
    });
    assert_eq!(notes, "version");
}

#[test]
fn a_breach_is_never_left_as_sound() {
    let world = verified();
    let path = record(&world, "r");
    let honest = fs::read(&path).expect("a record");
    // an entry that a key signs which no policy names, with whatever git lets through
    let commit = world.git("r", &["cat-file", "commit", "ledger"]).ok();
    let wound = commit.replacen("\"id\":\"5\"", "\"id\":\"6\"", 1);
    fs::write(world.path("wound"), &wound).expect("a file");
    let words = [
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--literally",
        "../wound",
    ];
    let id = world.git("r", &words).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", id.trim()])
        .ok();
    for extent in ["--incremental", "--full"] {
        let said = at_once(&world, "r", &["verify", extent, "--json"]).code(1);
        assert_eq!(json(&said)["findings"][0]["id"], "signatureBad");
        assert_eq!(fs::read(&path).expect("a record"), honest, "{extent}");
    }
    assert_eq!(why(&agree(&world, "r")), "notSound");
    // what goes on above it is no better, and neither is it without the record
    fs::remove_file(&path).expect("a record");
    assert_eq!(agree(&world, "r")["answer"], "breach");
    assert_eq!(records(&world, "r"), Vec::<PathBuf>::new());
    // nor is what cannot be told
    fs::write(
        world.path("r/.git/shallow"),
        world.git("r", &["rev-parse", "ledger~1"]).ok(),
    )
    .expect("a file");
    world
        .git("r", &["update-ref", "refs/heads/ledger", "ledger~1"])
        .ok();
    at_once(&world, "r", &["mirror", "forget", "."]).ok();
    at_once(&world, "r", &["verify"]).code(2);
    assert_eq!(records(&world, "r"), Vec::<PathBuf>::new());
}

#[test]
fn what_was_lost_or_damaged_since_is_told_not_to_be_seen() {
    let world = verified();
    let id = world.git("r", &["rev-parse", "ledger~3"]).ok();
    let (fan, rest) = id.trim().split_at(2);
    fs::remove_file(world.path("r/.git/objects").join(fan).join(rest)).expect("an object");
    let said = at_once(&world, "r", &["verify", "--incremental"]).ok();
    assert!(
        said.contains("whether their objects were lost or damaged since is not seen"),
        "{said}"
    );
    for word in ["--full", "--json"] {
        let said = at_once(&world, "r", &["verify", word]).code(1);
        assert!(said.out.contains("objectMissing"), "{said}");
    }
    // and as soon as anything is wrong, all is read
    let tip = world.git("r", &["rev-parse", "ledger"]).ok();
    let (fan, rest) = tip.trim().split_at(2);
    let path = world.path("r/.git/objects").join(fan).join(rest);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::write(&path, "garbage").expect("an object");
    let value = agree(&world, "r");
    assert_eq!(value["answer"], "breach");
}

#[test]
fn what_new_entries_are_judged_by_must_be_there() {
    let world = verified();
    let id = world.git("r", &["rev-parse", "ledger:ledger.toml"]).ok();
    let (fan, rest) = id.trim().split_at(2);
    fs::remove_file(world.path("r/.git/objects").join(fan).join(rest)).expect("an object");
    let value = agree(&world, "r");
    assert_eq!(
        (&value["answer"], &value["findings"][0]["id"]),
        (&"breach".into(), &"objectMissing".into())
    );
}

#[test]
fn configuration_asks_for_less_only_where_the_user_wrote_it() {
    let world = verified();
    let extent = |said: Said| json(&said).get("not_read_again").is_some();
    let plain = || at_once(&world, "r", &["verify", "--json"]);
    let set = |scope: &str, key: &str, value: &str| {
        world.git("r", &["config", scope, key, value]).ok();
    };
    assert!(!extent(plain()));
    // whoever may write the repository's configuration cannot have less verified
    set("--local", "ledger.acme/payments.verify", "incremental");
    let said = plain();
    assert!(said.err.starts_with("warning: "), "{said}");
    assert!(!extent(said));
    set("--global", "ledger.verify", "incremental");
    assert!(extent(plain()));
    set("--local", "ledger.acme/payments.verify", "full");
    assert!(!extent(plain()));
    world
        .git("r", &["config", "--unset", "ledger.acme/payments.verify"])
        .ok();
    assert!(extent(plain()));
    assert!(!extent(at_once(
        &world,
        "r",
        &["verify", "--full", "--json"]
    )));
    set("--global", "ledger.verify", "quick");
    let said = plain().code(129);
    insta::assert_snapshot!(said.err, @"error: ledger.verify says neither full nor incremental: 'quick'");
    // what is asked for on the command line goes before it
    assert!(extent(at_once(
        &world,
        "r",
        &["verify", "--incremental", "--json"]
    )));
    at_once(&world, "r", &["verify", "--incremental", "--full"]).code(129);
}

#[test]
fn many_at_once_leave_one_that_is_whole() {
    let world = verified();
    let children: Vec<_> = (0..8)
        .map(|at| {
            let mut command = command(&world, "git-ledger");
            command.args([
                "verify",
                if at % 2 == 0 {
                    "--incremental"
                } else {
                    "--full"
                },
                "--quiet",
            ]);
            command.spawn().expect("a process")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("an end").success());
    }
    let left = fs::read_dir(world.path("r/.git/git-ledger/verified")).expect("a directory");
    assert_eq!(left.count(), 1);
    let value = agree(&world, "r");
    assert!([4, 5].contains(&known(&value)), "{value}");
}
