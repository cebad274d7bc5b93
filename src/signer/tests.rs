//! Every way to a signature, with the real ssh-keygen and ssh-agent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

mod world;

use world::World;

const MESSAGE: &[u8] = b"an entry\n";

/// Finds, signs, and sees that the outcome is canonical, by the right key, and holds.
fn signs(settings: &KeySettings, expected: &PublicKey) -> Signer {
    let signer = Signer::find(settings).unwrap();
    assert_eq!(signer.public_key(), expected);
    let signature = signer.sign("git", MESSAGE).unwrap();
    let armour = signature.to_armour();
    let read = Signature::from_armour(armour.as_bytes()).unwrap();
    assert_eq!(read.key(), expected);
    assert_eq!(read.verify("git", MESSAGE), Ok(()));
    signer
}

fn refused(settings: &KeySettings) -> SignerError {
    let error = Signer::find(settings).unwrap_err();
    assert!(error.hint().is_some());
    error
}

#[test]
fn an_open_ed25519_file_signs_in_this_process() {
    let world = World::new();
    let key = world.key("id", &["-t", "ed25519"], "");
    let public = world.public(&key);
    for name in [key.clone(), "~/id".into(), "~/id.pub".into()] {
        let signer = signs(&world.settings(&name), &public);
        assert!(matches!(signer.means, Means::InProcess { .. }), "{name}");
    }
    // ssh-keygen named as git names it by default changes nothing; without the .pub as well.
    fs::remove_file(world.path("id.pub")).unwrap();
    let mut settings = world.settings(&key);
    settings.program = Some("ssh-keygen".into());
    let signer = signs(&settings, &public);
    assert!(matches!(signer.means, Means::InProcess { .. }));
    let shown = format!("{signer:?}");
    assert!(shown.contains(&public.fingerprint()), "{shown}");
}

#[test]
fn a_key_that_is_handed_over_as_text_needs_no_file() {
    let world = World::new();
    let key = world.key("id", &["-t", "ed25519"], "");
    let other = world.key("other", &["-t", "ed25519"], "");
    let public = world.public(&key);
    let text = fs::read_to_string(&key).unwrap();
    let packed = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &text);
    let folded = format!("{}\n{}\n", &packed[..76], &packed[76..]);
    let handed = |text: &str| KeySettings {
        key_text: Some(KeyText::new(text)),
        program: Some("/nowhere/program".into()),
        ..world.settings(&other)
    };
    let crlf = text.replace('\n', "\r\n");
    for text in [&text, text.trim_end(), &crlf, &packed, &folded] {
        let signer = signs(&handed(text), &public);
        assert!(matches!(signer.means, Means::InProcess { .. }));
    }
    let locked = world.key("locked", &["-t", "ed25519"], "secret");
    let rsa = world.key("rsa", &["-t", "rsa", "-b", "3072"], "");
    let read = |name: &str| fs::read_to_string(name).unwrap();
    for (text, why) in [
        (public.to_text(), "neither a private key nor base64"),
        ("AAAA".into(), "not a private key in OpenSSH format"),
        (
            packed[..100].to_owned(),
            "not a private key in OpenSSH format",
        ),
        (read(&locked), "it is encrypted"),
        (read(&rsa), "not an Ed25519 key"),
        ("A".repeat(70_000), "it is too long for a key"),
    ] {
        let error = refused(&handed(&text));
        let shown = format!("{error} {error:?} {:?}", handed(&text));
        assert!(shown.contains(why), "{shown}");
        // what was taken for a key is shown nowhere
        assert!(!shown.contains(&text), "{shown}");
    }
}

#[test]
fn other_kinds_of_key_files_are_used_by_ssh_keygen() {
    let world = World::new();
    for (name, options) in [
        ("e256", &["-t", "ecdsa", "-b", "256"][..]),
        ("e384", &["-t", "ecdsa", "-b", "384"]),
        ("rsa", &["-t", "rsa", "-b", "3072"]),
        ("old", &["-t", "rsa", "-b", "3072", "-m", "PEM"]),
    ] {
        let key = world.key(name, options, "");
        let signer = signs(&world.settings(&key), &world.public(&key));
        assert!(matches!(signer.means, Means::Program { .. }), "{name}");
        for turn in 0..4 {
            let message = [turn];
            let signature = signer.sign("git-ledger-approval", &message).unwrap();
            assert_eq!(signature.verify("git-ledger-approval", &message), Ok(()));
        }
    }
}

#[test]
fn the_agent_signs_for_every_kind_of_key() {
    let mut world = World::new();
    world.start_agent();
    // A stranger first, with a certificate, that must not hide the keys behind it.
    let stranger = world.key("stranger", &["-t", "ed25519"], "");
    let ca = world.key("ca", &["-t", "ed25519"], "");
    let certify = ["-q", "-s", &ca, "-I", "x", "-n", "x", &stranger];
    let status = Command::new("ssh-keygen").args(certify).status().unwrap();
    assert!(status.success());
    world.add(&stranger, "");
    for (name, options) in [
        ("ed", &["-t", "ed25519"][..]),
        ("e256", &["-t", "ecdsa", "-b", "256"]),
        ("e384", &["-t", "ecdsa", "-b", "384"]),
        ("rsa", &["-t", "rsa", "-b", "3072"]),
    ] {
        let key = world.key(name, options, "secret word");
        let public = world.public(&key);
        world.add(&key, "secret word");
        // Encrypted on disk, only the .pub, only the text: the agent has it.
        let signer = signs(&world.settings(&key), &public);
        assert!(matches!(signer.means, Means::Agent(_)), "{name}");
        fs::remove_file(&key).unwrap();
        for named in [
            format!("{key}.pub"),
            format!("key::{public} a comment"),
            public.to_text(),
        ] {
            let signer = signs(&world.settings(&named), &public);
            assert!(matches!(signer.means, Means::Agent(_)), "{named}");
        }
        let signer = Signer::find(&world.settings(&public.to_text())).unwrap();
        for turn in 0..4 {
            let signature = signer.sign("git", &[turn]).unwrap();
            assert_eq!(signature.verify("git", &[turn]), Ok(()));
        }
    }
}

#[test]
fn an_encrypted_key_without_agent_or_terminal_is_refused_at_once() {
    let mut world = World::new();
    let key = world.key("id", &["-t", "ed25519"], "secret word");
    let started = Instant::now();
    for name in [key.clone(), format!("{key}.pub")] {
        let error = refused(&world.settings(&name));
        assert!(
            matches!(&error, SignerError::Encrypted { path } if *path == world.path("id")),
            "{error}"
        );
    }
    // An agent that does not hold it changes nothing; nor does a socket nobody listens at.
    world.start_agent();
    assert!(matches!(
        refused(&world.settings(&key)),
        SignerError::Encrypted { .. }
    ));
    let mut settings = world.settings(&key);
    settings.agent_socket = Some(world.path("nobody"));
    assert!(matches!(refused(&settings), SignerError::Encrypted { .. }));
    // An old PEM file shows only when it is used that it is encrypted: an error, not a prompt.
    let old = world.key(
        "old",
        &["-t", "rsa", "-b", "3072", "-m", "PEM"],
        "secret word",
    );
    let signer = Signer::find(&world.settings(&old)).unwrap();
    let error = signer.sign("git", MESSAGE).unwrap_err();
    assert!(matches!(error, SignerError::Program { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_key_without_its_private_half_says_that_the_agent_lacks_it() {
    let mut world = World::new();
    let key = world.key("id", &["-t", "ed25519"], "");
    let public = world.public(&key);
    let other = world.key("other", &["-t", "ed25519"], "");
    fs::remove_file(&key).unwrap();
    // A private key of another name beside it is not taken for it.
    fs::rename(other, &key).unwrap();
    let error = refused(&world.settings(&format!("{key}.pub")));
    assert_eq!(error.to_string(), "ssh-agent is not running");
    world.start_agent();
    for name in [format!("{key}.pub"), public.to_text()] {
        let error = refused(&world.settings(&name));
        assert_eq!(
            error.to_string(),
            format!("ssh-agent does not hold the key {}", public.fingerprint())
        );
    }
}

#[test]
fn a_signing_program_is_called_as_git_calls_it() {
    let mut world = World::new();
    let key = world.key("id", &["-t", "ecdsa"], "");
    let public = world.public(&key);
    let log = world.name("log");
    let script = format!("#!/bin/sh\necho \"$@\" >>'{log}'\nexec ssh-keygen \"$@\"\n");
    let program = world.program("program", &script);
    let mut settings = world.settings(&key);
    settings.program = Some("~/program".into());
    let signer = signs(&settings, &public);
    assert!(format!("{signer}").ends_with(&format!("used by '{program}'")));
    // An Ed25519 key that could be read here goes to the program all the same.
    let second = world.key("second", &["-t", "ed25519"], "");
    settings.signing_key = Some(second.clone());
    signs(&settings, &world.public(&second));
    // A literal key needs an agent, and -U.
    world.start_agent();
    world.add(&key, "");
    settings.agent_socket = Some(world.socket());
    settings.signing_key = Some(format!("key::{public}"));
    signs(&settings, &public);

    let lines = fs::read_to_string(world.path("log")).unwrap();
    let lines: Vec<Vec<&str>> = lines.lines().map(|l| l.split(' ').collect()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0][..5], ["-Y", "sign", "-n", "git", "-f"]);
    assert_eq!(lines[0][5], key);
    assert_eq!(lines[0].len(), 7);
    assert_eq!(lines[1][5], second);
    assert_eq!(lines[2][6], "-U");
    assert_eq!(lines[2].len(), 8);
}

#[test]
fn what_a_signing_program_returns_is_not_believed() {
    let world = World::new();
    let key = world.key("id", &["-t", "ed25519"], "");
    let other = world.key("other", &["-t", "ed25519"], "");
    let mut settings = world.settings(&key);
    let cases = [
        ("exit 3", "it failed (exit status: 3)"),
        ("echo 'no luck' >&2; exit 1", "exit status: 1): no luck"),
        ("exit 0", "it wrote no signature"),
        (
            r#"for p; do :; done; echo hello >"$p.sig""#,
            "not an SSH signature",
        ),
        (
            &format!("exec ssh-keygen -Y sign -n git -f '{other}' \"$7\""),
            "it signed with SHA256:",
        ),
        (
            r#"exec ssh-keygen -Y sign -n file -f "$6" "$7""#,
            "another namespace: 'file'",
        ),
        (
            r#"echo x >>"$7"; exec ssh-keygen -Y sign -n git -f "$6" "$7""#,
            "does not match the signed bytes",
        ),
        (
            r#"exec ssh-keygen -Y sign -O hashalg=sha256 -n git -f "$6" "$7""#,
            "the hash is not sha512",
        ),
    ];
    for (body, expected) in cases {
        let script = format!("#!/bin/sh\n{body}\n");
        settings.program = Some(world.program("program", &script));
        let error = Signer::find(&settings).unwrap().sign("git", MESSAGE);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{body}: {error}");
    }
    settings.program = Some(world.name("missing"));
    let error = Signer::find(&settings).unwrap().sign("git", MESSAGE);
    assert!(error.unwrap_err().to_string().contains("cannot be started"));
}

#[test]
fn the_default_key_command_names_a_key_when_nothing_else_does() {
    let mut world = World::new();
    let key = world.key("id", &["-t", "ed25519"], "");
    let public = world.public(&key);
    world.start_agent();
    world.add(&key, "");
    let mut settings = world.settings("");
    for command in [
        "ssh-add -L".to_owned(),
        format!("cat '{key}.pub'"),
        format!("printf 'key::%s\\nssh-rsa rubbish\\n' '{public}'"),
    ] {
        settings.default_key_command = Some(command);
        signs(&settings, &public);
    }
    for (command, expected) in [
        ("echo", "the first line it prints is no public key"),
        ("printf '\\n%s\\n' ssh-ed25519", "the first line it prints"),
        ("false", "it failed (exit status: 1)"),
        ("no-such-command-anywhere", "cannot be started"),
        ("echo 'ssh", "unclosed quote"),
        // Words, not a shell line.
        (
            "true | ssh-add -L",
            "the first line it prints is no public key",
        ),
    ] {
        settings.default_key_command = Some(command.into());
        let error = refused(&settings);
        assert!(matches!(error, SignerError::Program { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{command}: {error}");
    }
    settings.default_key_command = Some("echo ssh-ed25519 AAAA".into());
    assert!(matches!(refused(&settings), SignerError::Key(_)));
}

#[test]
fn what_cannot_be_a_key_file_is_explained() {
    let world = World::new();
    assert!(matches!(
        refused(&KeySettings::default()),
        SignerError::NoKey
    ));
    let why = |name: &str| refused(&world.settings(name)).to_string();
    assert!(why(&world.name("missing")).ends_with("no such file"));
    assert!(why(&world.name("")).ends_with("not a file"));
    assert!(why("~root/key").contains("instead of '~user'"));
    world.write("empty", "", 0o600);
    assert!(why("~/empty").ends_with("no key in it"));
    world.write("text", "hello world\n", 0o600);
    assert!(why("~/text").contains("unsupported public key"));
    world.write("pem", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n", 0o600);
    assert!(why("~/pem").contains("not a private key in OpenSSH format"));
    let weak = world.key("weak", &["-t", "rsa", "-b", "2048"], "");
    assert!(why(&weak).starts_with("weak public key"));
    let p521 = world.key("p521", &["-t", "ecdsa", "-b", "521"], "");
    assert!(why(&p521).starts_with("unsupported public key"));
    let mut homeless = world.settings("~/key");
    homeless.home = None;
    assert!(refused(&homeless).to_string().contains("HOME is not set"));
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    let mut world = World::new();
    let key = world.key("id", &["-t", "ed25519"], "");
    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let error = refused(&world.settings(&key));
        assert!(matches!(error, SignerError::Exposed { .. }), "{error}");
        assert!(error.to_string().contains("chmod 600"));
    }
    // Lent to an agent, the file is not needed.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    world.start_agent();
    world.add(&key, "");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let signer = signs(&world.settings(&key), &world.public(&key));
    assert!(matches!(signer.means, Means::Agent(_)));
}

#[test]
fn a_new_key_is_private_and_overwrites_nothing() {
    let world = World::new();
    let path = world.path("new/dir/id_ledger");
    let key = Signer::generate(&path, "ledger@example").unwrap();
    let public = world.path("new/dir/id_ledger.pub");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let line = fs::read_to_string(&public).unwrap();
    assert_eq!(line, format!("{key} ledger@example\n"));
    // ssh-keygen reads the same key out of it.
    let out = Command::new("ssh-keygen")
        .args(["-y", "-f"])
        .arg(&path)
        .output()
        .expect("ssh-keygen must be installed");
    assert_eq!(String::from_utf8(out.stdout).unwrap(), line);
    signs(&world.settings(&path.display().to_string()), &key);

    let before = fs::read(&path).unwrap();
    assert!(Signer::generate(&path, "").is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    let beside = world.path("beside");
    fs::write(world.path("beside.pub"), "mine").unwrap();
    assert!(Signer::generate(&beside, "").is_err());
    assert!(!beside.exists());
    assert!(Signer::generate(&world.path("x"), "two\nlines").is_err());
    let plain = Signer::generate(&world.path("plain"), "").unwrap();
    assert_eq!(
        fs::read_to_string(world.path("plain.pub")).unwrap(),
        format!("{plain}\n")
    );
}

#[test]
fn an_agent_that_misbehaves_is_not_waited_for_and_not_believed() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    let world = World::new();
    let (_, public) = (
        world.key("id", &["-t", "ed25519"], ""),
        world.public(&world.name("id")),
    );
    let listener = UnixListener::bind(world.path("odd")).unwrap();
    let answers: [(&[u8], &str); 6] = [
        (b"", "hung up"),
        (
            b"\xff\xff\xff\xff\x0c",
            "sent an answer of 4294967295 bytes",
        ),
        (b"\0\0\0\0", "sent an answer of 0 bytes"),
        (b"\0\0\0\x01\x05", "refused to list its keys"),
        (b"\0\0\0\x05\x0c\xff\xff\xff\xff", "ends inside a key"),
        (
            b"\0\0\0\x09\x0c\0\0\0\x01\xff\xff\xff\xff",
            "ends inside a key",
        ),
    ];
    let replies: Vec<Vec<u8>> = answers.iter().map(|(bytes, _)| bytes.to_vec()).collect();
    let served = std::thread::spawn(move || {
        for reply in replies {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&reply).unwrap();
        }
    });
    for (_, expected) in answers {
        let error = Agent::connect(&world.path("odd"))
            .unwrap()
            .holds(&public)
            .unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    served.join().unwrap();
}
