//! Settings of a repository that name no program, and would mislead all the same.

use super::*;

fn configure(world: &World, text: &str) {
    let path = world.path("r/.git/config");
    let before = fs::read_to_string(&path).expect("settings");
    fs::write(path, before + text).expect("settings");
}

#[test]
fn signers_and_revocations_of_the_repository_are_not_read() {
    let world = world();
    let honest = direct(&world, "r", &["verify"]).ok();
    assert!(
        honest.contains("sound: refs/heads/ledger, 4 entries"),
        "{honest}"
    );
    let evil = world.path("signers");
    let revoked = world.path("revoked");
    fs::write(&evil, format!("ann@acme.org {}\n", world.public("mallory"))).expect("a file");
    configure(
        &world,
        &format!(
            "[gpg]\n\tformat = ssh\n\tminTrustLevel = ultimate\n[gpg \"ssh\"]\n\tallowedSignersFile = {}\n\trevocationFile = {}\n",
            evil.display(),
            revoked.display()
        ),
    );
    for text in [
        None,
        Some(String::new()),
        Some("garbage\n".to_owned()),
        Some(world.public("ann") + "\n"),
    ] {
        if let Some(text) = &text {
            fs::write(&revoked, text).expect("a file");
        }
        let said = direct(&world, "r", &["verify"]).ok();
        assert!(
            said.contains("sound: refs/heads/ledger, 4 entries"),
            "{text:?}: {said}"
        );
        let said = direct(&world, "r", &["log", "--verify", "--oneline"]).ok();
        assert_eq!(said.lines().count(), 4, "{text:?}: {said}");
    }
    // stock git believes both files
    let stock = world.git("r", &["verify-commit", LEDGER]);
    assert_ne!(stock.code, 0, "{stock}");
}

#[test]
fn a_work_tree_elsewhere_is_neither_read_nor_written() {
    let world = world();
    fs::create_dir(world.path("elsewhere")).expect("a directory");
    configure(
        &world,
        &format!(
            "[core]\n\tworktree = {}\n",
            world.path("elsewhere").display()
        ),
    );
    for arguments in [
        &["verify"][..],
        &["append", "dev.acme.built"],
        &["log"],
        &["show"],
    ] {
        direct(&world, "r", arguments).ok();
    }
    configure(&world, "[core]\n\tbare = true\n");
    for arguments in [
        &["verify"][..],
        &["append", "dev.acme.built"],
        &["log"],
        &["show"],
    ] {
        direct(&world, "r", arguments).ok();
    }
    let left = fs::read_dir(world.path("elsewhere"))
        .expect("a directory")
        .count();
    assert_eq!(left, 0);
}

#[test]
fn settings_that_cannot_be_read_are_no_verdict() {
    for text in [
        "[core\n",
        "[core]\n\tx = \"\n",
        "[a \"b]\n",
        "\0\0\0",
        "[core]\n\trepositoryformatversion = 99\n",
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha3\n",
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = evil:///x\n",
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tnothingKnown = 1\n",
    ] {
        let world = world();
        configure(&world, text);
        let said = direct(&world, "r", &["verify"]).code(128);
        assert!(
            said.err.starts_with("error: ") && said.out.is_empty(),
            "{text:?}: {said}"
        );
    }
}

#[test]
fn the_other_object_format_is_claimed() {
    let world = world();
    configure(
        &world,
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n",
    );
    let said = direct(&world, "r", &["verify"]);
    assert!([1, 2, 128].contains(&said.code), "{said}");
    assert!(!said.out.contains("sound: "), "{said}");
}

#[test]
fn includes_that_include_each_other_end() {
    let world = world();
    let [a, b] = ["a", "b"].map(|name| world.path(name));
    fs::write(&a, format!("[include]\n\tpath = {}\n", b.display())).expect("a file");
    fs::write(
        &b,
        format!("[include]\n\tpath = {0}\n\tpath = {0}\n", a.display()),
    )
    .expect("a file");
    configure(&world, &format!("[include]\n\tpath = {}\n", a.display()));
    let said = direct(&world, "r", &["verify"]).code(128);
    assert!(said.err.contains("too many included"), "{said}");
}

#[test]
fn the_settings_of_a_ledger_name_no_other_place() {
    for reference in [
        "../../../etc/passwd",
        "refs/heads/../../HEAD",
        "-x",
        "refs/replace/x",
        "HEAD",
        "refs/heads/ledger.lock",
        "refs/heads/ledger@{1}",
        "refs/heads/ledger~2",
        "refs/heads/a b",
        "refs//heads/ledger",
        "/etc/passwd",
    ] {
        let world = world();
        world
            .git("r", &["config", "ledger.acme/payments.ref", reference])
            .ok();
        let said = direct(&world, "r", &["verify"]);
        assert_ne!(said.code, 0, "{reference}: {said}");
        assert!(!said.out.contains("sound: "), "{reference}: {said}");
    }
    // a fingerprint that cannot be read is not the same as none
    for text in ["", "sha256:", "sha256:12", "none"] {
        let world = world();
        world
            .git("r", &["config", "ledger.acme/payments.fingerprint", text])
            .ok();
        direct(&world, "r", &["verify"]).code(128);
    }
}
