//! The files of a repository, arranged so that one is read for another: directories that lead
//! elsewhere, refs that lead elsewhere, packs that are not what they are called.

use std::os::unix::fs::symlink;

use super::*;

fn git_dir(world: &World) -> std::path::PathBuf {
    world.path("r/.git")
}

fn tip(world: &World) -> String {
    world
        .git("r", &["rev-parse", LEDGER])
        .ok()
        .trim()
        .to_owned()
}

/// The verdict is the honest one: the whole ledger, sound.
#[track_caller]
fn unmoved(world: &World, what: &str) {
    let said = direct(world, "r", &["verify"]);
    assert_eq!(said.code, 0, "{what}: {said}");
    assert!(
        said.out
            .contains("sound: refs/heads/ledger, 4 entries, all checked"),
        "{what}: {said}"
    );
}

/// Nobody says that all is well.
#[track_caller]
fn not_sound(world: &World, what: &str) -> Said {
    let said = direct(world, "r", &["verify"]);
    assert!([1, 2, 128].contains(&said.code), "{what}: {said}");
    assert!(!said.out.contains("sound: "), "{what}: {said}");
    said
}

#[test]
fn a_git_file_that_leads_elsewhere() {
    for text in [
        "gitdir: /nonexistent\n",
        "gitdir: /etc\n",
        "gitdir: .\n",
        "gitdir: .git\n",
        "gitdir:\n",
        "",
        "gitdir: \0\n",
        "garbage",
    ] {
        let world = world();
        fs::rename(git_dir(&world), world.path("store")).expect("moved");
        fs::write(world.path("r/.git"), text).expect("a file");
        let said = not_sound(&world, text).code(128);
        assert!(said.err.starts_with("error: "), "{said}");
    }
    // one that leads to another ledger is that ledger, and pinned to be this one it is not
    let world = world();
    let print = world
        .git("r", &["config", "ledger.acme/payments.fingerprint"])
        .ok();
    world.repository("other");
    fs::rename(git_dir(&world), world.path("store")).expect("moved");
    fs::write(
        world.path("r/.git"),
        format!("gitdir: {}\n", world.path("other/.git").display()),
    )
    .expect("a file");
    let said = direct(
        &world,
        "r",
        &["verify", "--json", "--fingerprint", print.trim()],
    )
    .code(1);
    assert_eq!(findings(&said), ["fingerprintMismatch"]);
}

#[test]
fn a_common_directory_that_leads_elsewhere() {
    for text in ["/nonexistent\n", "/etc\n", "../../r\n", "", "\0"] {
        let world = world();
        fs::write(git_dir(&world).join("commondir"), text).expect("a file");
        let said = direct(&world, "r", &["verify"]);
        // no name at all is this directory
        let honest = text.is_empty() && said.out.contains(", 4 entries, all checked");
        assert!(said.code == 128 || honest, "{text:?}: {said}");
    }
    let world = world();
    fs::write(git_dir(&world).join("commondir"), ".\n").expect("a file");
    unmoved(&world, ".");
}

#[test]
fn a_branch_that_is_another_one() {
    let world = world();
    let honest = tip(&world);
    let loose = git_dir(&world).join(LEDGER);
    for text in [
        "ref: refs/heads/main\n",
        "ref: refs/heads/ledger\n",
        "ref: HEAD\n",
        "ref: ../../../../etc/passwd\n",
        "ref: refs/replace/x\n",
    ] {
        fs::write(&loose, text).expect("a ref");
        not_sound(&world, text);
        let said = direct(&world, "r", &["append", "dev.acme.built"]);
        assert_ne!(said.code, 0, "{text}: {said}");
        assert_eq!(fs::read_to_string(&loose).expect("a ref"), text);
    }
    // a ring
    for (name, to) in [
        ("HEAD", "refs/heads/a"),
        ("refs/heads/a", "refs/heads/b"),
        ("refs/heads/b", "refs/heads/a"),
    ] {
        fs::write(git_dir(&world).join(name), format!("ref: {to}\n")).expect("a ref");
    }
    fs::write(&loose, format!("{honest}\n")).expect("a ref");
    unmoved(&world, "a ring of other refs");
    fs::write(&loose, "ref: refs/heads/a\n").expect("a ref");
    not_sound(&world, "a ring");
    // a link in place of the file
    fs::remove_file(&loose).expect("a ref");
    fs::write(world.path("outside"), format!("{honest}\n")).expect("a file");
    symlink(world.path("outside"), &loose).expect("a link");
    let said = direct(&world, "r", &["append", "dev.acme.built"]);
    assert_eq!(
        fs::read_to_string(world.path("outside"))
            .expect("a file")
            .trim(),
        honest,
        "{said}"
    );
}

#[test]
fn packed_refs_that_no_git_writes() {
    let honest = |world: &World| {
        world.git("r", &["pack-refs", "--all"]).ok();
        let path = git_dir(world).join("packed-refs");
        (fs::read_to_string(&path).expect("refs"), path)
    };
    let world = world();
    let (text, path) = honest(&world);
    let (new, old) = (tip(&world), world.git("r", &["rev-parse", "ledger~2"]).ok());
    let old = old.trim().to_owned();
    // a second line for the branch, before or after the first; names with control characters
    for more in [
        format!("{old} {LEDGER}\n"),
        format!("{old} {LEDGER}\r\n"),
        format!("{old} {LEDGER}\0x\n"),
        format!("{old}  {LEDGER}\n"),
        format!("{old} refs/heads/ledger\u{1b}[2J\n"),
        format!("{old} refs/heads/../heads/ledger\n"),
        format!("{old} {}\n", "x".repeat(1 << 20)),
        format!("{} {LEDGER}\n", &old[..39]),
        format!("^{old}\n"),
        "garbage\n".to_owned(),
    ] {
        for text in [
            format!("{text}{more}"),
            text.replacen('\n', &format!("\n{more}"), 1),
        ] {
            fs::write(&path, &text).expect("refs");
            let said = direct(&world, "r", &["verify"]);
            assert!([0, 1, 2, 128].contains(&said.code), "{more:?}: {said}");
            assert!(!said.out.contains('\u{1b}'), "{said}");
            // what is called sound is what stock git, too, calls the branch, or the newest entry
            if said.code == 0 {
                let stock = world.git("r", &["rev-parse", LEDGER]).out.trim().to_owned();
                let whole = said.out.contains(", 4 entries, all checked");
                assert!(whole || stock == old, "{more:?}: {said}");
            }
        }
    }
    // ten thousand others
    let mut many = text.lines().next().expect("a header").to_owned() + "\n";
    for number in 0..10_000 {
        many += &format!("{old} refs/heads/a{number:05}\n");
    }
    many += &format!("{new} {LEDGER}\n");
    fs::write(&path, many).expect("refs");
    unmoved(&world, "many refs");
}

#[test]
fn alternates_that_lead_round_and_round() {
    let world = world();
    let alternates = git_dir(&world).join("objects/info/alternates");
    let objects = git_dir(&world).join("objects");
    fs::create_dir_all(objects.join("info")).expect("a directory");
    for text in [
        format!("{}\n", objects.display()),
        "../objects\n".to_owned(),
        "/dev\n".to_owned(),
        "/dev/zero\n".to_owned(),
        "/proc/self/fd\n".to_owned(),
        "\"unclosed\n".to_owned(),
        "# a comment\n".to_owned(),
        format!("{}\n", "x/".repeat(4000)),
        "/nonexistent\n".repeat(2000),
    ] {
        fs::write(&alternates, &text).expect("a file");
        let said = direct(&world, "r", &["verify"]);
        let honest = said
            .out
            .contains("sound: refs/heads/ledger, 4 entries, all checked");
        assert_eq!(said.code == 0, honest, "{text:?}: {said}");
        // what cannot be followed may be refused, and is not called sound
        assert!(honest || said.code == 1, "{text:?}: {said}");
    }
    // two stores that lend each other what neither has
    let other = world.path("store");
    fs::create_dir_all(other.join("info")).expect("a directory");
    fs::write(
        other.join("info/alternates"),
        format!("{}\n", objects.display()),
    )
    .expect("a file");
    fs::write(&alternates, format!("{}\n", other.display())).expect("a file");
    let said = direct(&world, "r", &["verify", "--json"]);
    assert!(
        said.code == 1 || said.out.contains("\"entries\":4"),
        "{said}"
    );
    assert!(findings(&said).contains(&"alternates".to_owned()), "{said}");
}

#[test]
fn packs_that_are_not_what_they_are_called() {
    let world = world();
    world
        .git("r", &["repack", "-q", "-a", "-d", "--write-bitmap-index"])
        .ok();
    world
        .git("r", &["multi-pack-index", "write", "--no-progress"])
        .ok();
    let dir = git_dir(&world).join("objects/pack");
    unmoved(&world, "one pack");
    let file = |end: &str| {
        let files = fs::read_dir(&dir)
            .expect("packs")
            .map(|file| file.expect("a file").path());
        let mut files = files.filter(|path| path.to_string_lossy().ends_with(end));
        files.next().unwrap_or_else(|| panic!("no {end}"))
    };
    // what only helps to find things may be anything
    for end in [".bitmap", ".rev", "multi-pack-index"] {
        let path = file(end);
        let honest = fs::read(&path).expect("a file");
        fs::remove_file(&path).expect("a file");
        for damage in [
            Vec::new(),
            vec![0; 4096],
            honest[..honest.len() / 2].to_vec(),
            honest.iter().rev().copied().collect(),
        ] {
            fs::write(&path, damage).expect("a file");
            let said = direct(&world, "r", &["verify"]);
            assert!([0, 1, 2, 128].contains(&said.code), "{end}: {said}");
            if said.code == 0 {
                assert!(
                    said.out.contains(", 4 entries, all checked"),
                    "{end}: {said}"
                );
            }
            fs::remove_file(&path).expect("a file");
        }
        fs::write(&path, honest).expect("a file");
    }
    unmoved(&world, "as it was");
    // the same pack twice, and one whose index is another's
    let (pack, index) = (file(".pack"), file(".idx"));
    for end in ["pack", "idx"] {
        let from = if end == "pack" { &pack } else { &index };
        fs::copy(from, dir.join(format!("pack-{}.{end}", "0".repeat(40)))).expect("a copy");
    }
    unmoved(&world, "the same pack twice");
    world.repository("other");
    world.git("other", &["repack", "-q", "-a", "-d"]).ok();
    let foreign = fs::read_dir(world.path("other/.git/objects/pack")).expect("packs");
    let foreign = foreign
        .map(|file| file.expect("a file").path())
        .find(|path| path.extension().is_some_and(|end| end == "pack"));
    let twin = dir.join(format!("pack-{}.pack", "0".repeat(40)));
    fs::remove_file(&twin).expect("a pack");
    fs::copy(foreign.expect("a pack"), &twin).expect("a pack");
    let said = direct(&world, "r", &["verify"]);
    assert!([0, 1, 2, 128].contains(&said.code), "{said}");
    assert_eq!(
        said.code == 0,
        said.out.contains(", 4 entries, all checked"),
        "{said}"
    );
    // an index alone, a pack alone
    fs::remove_file(&twin).expect("a pack");
    let said = direct(&world, "r", &["verify"]);
    assert_eq!(
        said.code == 0,
        said.out.contains(", 4 entries, all checked"),
        "{said}"
    );
}

#[test]
fn the_state_directory_of_this_program_led_elsewhere() {
    let world = world();
    direct(&world, "r", &["verify"]).ok();
    let state = git_dir(&world).join("git-ledger");
    let away = world.path("away");
    // what was seen elsewhere, by another ledger, is not what was seen here
    world.repository("other");
    for subject in ["1", "2", "3", "4", "5", "6"] {
        append(&world, "other", subject);
    }
    direct(&world, "other", &["verify"]).ok();
    fs::rename(&state, &away).expect("moved");
    symlink(world.path("other/.git/git-ledger"), &state).expect("a link");
    let said = direct(&world, "r", &["verify"]);
    assert!([1, 2, 128].contains(&said.code), "{said}");
    fs::remove_file(&state).expect("a link");
    // a link to a directory of nobody's, and one to nowhere
    symlink("/proc", &state).expect("a link");
    let said = direct(&world, "r", &["append", "dev.acme.built"]);
    assert_ne!(said.code, 0, "{said}");
    fs::remove_file(&state).expect("a link");
    symlink("/nonexistent", &state).expect("a link");
    let said = direct(&world, "r", &["append", "dev.acme.built"]);
    assert!([0, 128].contains(&said.code), "{said}");
    fs::remove_file(&state).expect("a link");
    fs::rename(&away, &state).expect("moved");
    let said = direct(&world, "r", &["verify"]).ok();
    assert!(said.contains("all checked"), "{said}");
}

#[test]
fn a_sparse_and_a_partial_clone_say_what_they_lack() {
    let world = world();
    world
        .git("r", &["config", "uploadpack.allowFilter", "true"])
        .ok();
    let from = format!("file://{}", world.path("r").display());
    for (filter, code) in [("blob:none", 1), ("tree:0", 1)] {
        let name = filter.replace(':', "-");
        let clone = [
            "clone", "-q", "--bare", "--filter", filter, "--branch", "ledger", &from, &name,
        ];
        world.git("", &clone).ok();
        let said = direct(&world, &name, &["verify", "--json"]).code(code);
        assert!(
            findings(&said).iter().all(|id| id == "objectMissing"),
            "{filter}: {said}"
        );
    }
    let clone = [
        "clone", "-q", "--sparse", "--branch", "ledger", &from, "sparse",
    ];
    world.git("", &clone).ok();
    let said = direct(&world, "sparse", &["verify"]).ok();
    assert!(said.contains(", 4 entries, all checked"), "{said}");
}

#[test]
fn files_of_this_program_are_no_way_out() {
    let world = world();
    mirror(&world, "one");
    direct(&world, "r", &["verify"]).ok();
    let mut command = world.command("r", "git-ledger");
    command.args(["append", "dev.acme.built", "--id", "waits"]);
    run(command, b"").ok();
    let precious = world.path("precious");
    let kept = "what the user keeps somewhere else\n".repeat(100);
    let files = walkdir::WalkDir::new(git_dir(&world).join("git-ledger")).into_iter();
    let files = files.chain(walkdir::WalkDir::new(git_dir(&world).join("logs")));
    let files = files.map(|file| file.expect("a file"));
    let files: Vec<_> = files
        .filter(|file| file.file_type().is_file())
        .map(|file| file.into_path())
        .collect();
    assert!(files.len() > 5, "{files:?}");
    let mut copy = world.command("", "cp");
    copy.args(["-a", "r", "kept"]);
    run(copy, b"").ok();
    for file in files {
        fs::remove_dir_all(world.path("r")).expect("a copy");
        let mut copy = world.command("", "cp");
        copy.args(["-a", "kept", "r"]);
        run(copy, b"").ok();
        fs::write(&precious, &kept).expect("a file");
        fs::remove_file(&file).expect("a file");
        symlink(&precious, &file).expect("a link");
        for arguments in [
            &["append", "dev.acme.built"][..],
            &["verify"],
            &["compare"],
            &["mirror", "push"],
            &["flush"],
            &[
                "append",
                "dev.acme.built",
                "--push",
                "one",
                "--timeout",
                "2",
            ],
        ] {
            let said = direct(&world, "r", arguments);
            let now = fs::read_to_string(&precious).expect("a file");
            assert_eq!(now, kept, "{} {arguments:?}: {said}", file.display());
            assert!([0, 1, 2, 128].contains(&said.code), "{said}");
        }
    }
}
