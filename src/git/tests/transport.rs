//! Remotes: hostile settings run nothing, deadlines hold, a shallow copy can be added to.

use super::*;

fn url(path: &Path) -> RemoteUrl {
    RemoteUrl::parse(path.to_str().unwrap(), Path::new("/")).unwrap()
}

fn fetch<'a>(url: &'a RemoteUrl, depth: Depth, haves: &'a [gix::ObjectId]) -> Fetch<'a> {
    Fetch {
        url,
        name: "refs/heads/main",
        depth,
        haves,
        max_bytes: 10 << 20,
    }
}

/// A bare remote with three commits on main, and an empty repository beside it.
fn remote_and_local(world: &World, format: &str) -> (PathBuf, Repository, gix::ObjectId) {
    let remote = world.init_bare(&format!("remote-{format}"), format);
    let there = world.open(&remote);
    let mut tip = None;
    for message in ["one", "two", "three"] {
        tip = Some(commit_on(&there, tip, message));
    }
    let tip = tip.unwrap();
    world.git(
        &remote,
        &["update-ref", "refs/heads/main", &tip.to_string()],
    );
    let local = world.init(&format!("local-{format}"), format);
    (remote, world.open(&local), tip)
}

#[test]
fn asks_fetches_and_pushes() {
    let world = World::new();
    for format in ["sha1", "sha256"] {
        let (remote, local, tip) = remote_and_local(&world, format);
        let before = world.git(local.git_dir(), &["for-each-ref"]);
        let scratch = local.common_dir().join("aside/scratch.git");
        let transport = local.transport(&scratch, Store::Main).unwrap();
        let url = url(&remote);
        let asked = |name| transport.ls_ref(&url, name, soon(20)).unwrap();
        assert_eq!(asked("refs/heads/main"), Some(tip));
        assert_eq!(asked("refs/heads/none"), None);

        assert_eq!(
            transport
                .fetch(&fetch(&url, Depth::Full, &[]), soon(20))
                .unwrap(),
            tip
        );
        let reader = local.reader().unwrap();
        reader.read(tip, gix::objs::Kind::Commit, 9999).unwrap();
        assert_eq!(
            world.git(local.git_dir(), &["rev-list", "--count", &tip.to_string()]),
            "3"
        );

        let new = commit_on(&local, Some(tip), "four");
        let push = |id, name| transport.push(&url, id, name, soon(20)).unwrap();
        assert_eq!(push(new, "refs/heads/main"), PushOutcome::Done);
        assert_eq!(push(new, "refs/heads/main"), PushOutcome::Done);
        assert_eq!(push(new, "refs/heads/other"), PushOutcome::Done);
        assert_eq!(world.git(&remote, &["rev-parse", "main"]), new.to_string());
        let stray = commit_on(&local, Some(tip), "stray");
        assert!(matches!(
            push(stray, "refs/heads/main"),
            PushOutcome::Refused(_)
        ));
        assert_eq!(world.git(&remote, &["rev-parse", "main"]), new.to_string());

        let got = transport
            .fetch(&fetch(&url, Depth::Full, &[tip]), soon(20))
            .unwrap();
        assert_eq!(got, new);
        let absent = Fetch {
            name: "refs/heads/none",
            ..fetch(&url, Depth::Full, &[])
        };
        let absent = transport.fetch(&absent, soon(20));
        assert!(
            matches!(absent, Err(TransportError::NoSuchRef(_))),
            "{absent:?}"
        );
        assert_eq!(world.git(local.git_dir(), &["for-each-ref"]), before);
        assert_eq!(world.git(&scratch, &["for-each-ref"]), "");
        assert!(!local.git_dir().join("shallow").exists());
        let left = std::fs::read_dir(local.objects_dir()).unwrap();
        let left = left.filter(|f| {
            f.as_ref()
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .starts_with("tmp_")
        });
        assert_eq!(left.count(), 0);
    }
}

#[test]
fn a_shallow_copy_can_be_added_to() {
    let world = World::new();
    for format in ["sha1", "sha256"] {
        let (remote, local, tip) = remote_and_local(&world, format);
        let transport = local
            .transport(&local.common_dir().join("scratch.git"), Store::Scratch)
            .unwrap();
        let url = url(&remote);
        for round in 0..2 {
            let seen = transport
                .fetch(&fetch(&url, Depth::One, &[]), soon(20))
                .unwrap();
            let scratch = transport.repository().unwrap();
            assert!(!scratch.shallow().unwrap().is_empty());
            let new = commit_on(&scratch, Some(seen), &format!("added {round}"));
            let pushed = transport
                .push(&url, new, "refs/heads/main", soon(20))
                .unwrap();
            assert_eq!(pushed, PushOutcome::Done);
            assert_eq!(world.git(&remote, &["rev-parse", "main"]), new.to_string());
        }
        assert_eq!(world.git(&remote, &["rev-list", "--count", "main"]), "5");
        world.git(&remote, &["fsck", "--strict"]);
        let main = local.reader().unwrap();
        assert!(main.read(tip, gix::objs::Kind::Commit, 9999).is_err());
        assert!(!local.git_dir().join("shallow").exists());
        // And the rest can be had later.
        transport
            .fetch(&fetch(&url, Depth::Full, &[]), soon(20))
            .unwrap();
        assert!(
            transport
                .repository()
                .unwrap()
                .shallow()
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn a_shallow_repository_can_push_and_fetch() {
    let world = World::new();
    let (remote, _, tip) = remote_and_local(&world, "sha1");
    let clone = world.path("clone");
    let from = format!("file://{}", remote.display());
    world.git(
        world.dir.path(),
        &["clone", "-q", "--depth=1", &from, clone.to_str().unwrap()],
    );
    let local = world.open(&clone);
    let transport = local
        .transport(&local.common_dir().join("s.git"), Store::Main)
        .unwrap();
    let new = commit_on(&local, Some(tip), "four");
    let url = url(&remote);
    let pushed = transport
        .push(&url, new, "refs/heads/main", soon(20))
        .unwrap();
    assert_eq!(pushed, PushOutcome::Done);
    let got = transport
        .fetch(&fetch(&url, Depth::Full, &[tip]), soon(20))
        .unwrap();
    assert_eq!(got, new);
    world.git(&clone, &["fsck", "--strict"]);
}

#[test]
fn hostile_settings_of_the_repository_run_nothing() {
    let world = World::new();
    let (remote, local, tip) = remote_and_local(&world, "sha1");
    let marker = world.path("marker");
    let evil = world.path("evil");
    std::fs::write(
        &evil,
        format!("#!/bin/sh\necho \"$0 $*\" >>'{}'\n", marker.display()),
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&evil, executable).unwrap();
    let run = evil.to_str().unwrap();
    let path = remote.to_str().unwrap();
    let hooks = local.git_dir().join("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "pre-push",
        "reference-transaction",
        "post-index-change",
        "fsmonitor",
    ] {
        std::fs::copy(&evil, hooks.join(hook)).unwrap();
    }
    for (key, value) in [
        ("core.fsmonitor", run),
        ("core.sshCommand", run),
        ("core.gitProxy", run),
        ("core.askPass", run),
        ("core.editor", run),
        ("core.pager", run),
        ("core.alternateRefsCommand", run),
        ("credential.helper", run),
        ("gpg.program", run),
        ("gpg.ssh.program", run),
        ("push.gpgSign", "true"),
        ("remote.origin.url", path),
        ("remote.origin.uploadpack", run),
        ("remote.origin.receivepack", run),
        ("uploadpack.packObjectsHook", run),
        ("protocol.ext.allow", "always"),
        ("core.hooksPath", hooks.to_str().unwrap()),
    ] {
        world.git(local.git_dir(), &["config", key, value]);
    }
    let key = format!("remote.{path}.uploadpack");
    world.git(local.git_dir(), &["config", &key, run]);
    let key = format!("url.ext::{run} .insteadOf");
    world.git(local.git_dir(), &["config", &key, path]);
    std::fs::remove_file(&marker).ok();

    let scratch = local.common_dir().join("scratch.git");
    std::fs::create_dir_all(scratch.join("hooks")).unwrap();
    std::fs::copy(&evil, scratch.join("hooks/pre-push")).unwrap();
    std::fs::copy(local.git_dir().join("config"), scratch.join("config")).unwrap();
    std::fs::write(scratch.join("commondir"), local.git_dir().to_str().unwrap()).unwrap();

    let url = url(&remote);
    for store in [Store::Main, Store::Scratch] {
        let transport = local.transport(&scratch, store).unwrap();
        let name = "refs/heads/main";
        assert!(transport.ls_ref(&url, name, soon(20)).unwrap().is_some());
        let got = transport
            .fetch(&fetch(&url, Depth::Full, &[tip]), soon(20))
            .unwrap();
        let new = commit_on(&transport.repository().unwrap(), Some(got), "more");
        let new = match store {
            Store::Main => commit_on(&local, Some(got), "more"),
            Store::Scratch => new,
        };
        let pushed = transport.push(&url, new, name, soon(20)).unwrap();
        assert_eq!(pushed, PushOutcome::Done);
    }
    local.set_config("some.key", "value").unwrap();
    let ran = std::fs::read_to_string(&marker).unwrap_or_default();
    assert_eq!(ran, "", "something ran");
    // Plain git does run them, so the trap is real.
    world.git_output(local.git_dir(), &["ls-remote", "origin"]);
    assert!(marker.exists());
}

#[test]
fn a_hanging_remote_is_left_at_the_deadline() {
    let world = World::new();
    let (_, local, tip) = remote_and_local(&world, "sha1");
    let ended = world.path("still-there");
    let ssh = world.path("ssh.sh");
    let script = format!(
        "#!/bin/sh\n(sleep 3; echo x >'{}') &\nwait\n",
        ended.display()
    );
    std::fs::write(&ssh, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&ssh, executable).unwrap();
    let environment = world.environment.clone().with("GIT_SSH_COMMAND", &ssh);
    let local = Repository::open(&environment, local.git_dir()).unwrap();
    let transport = local
        .transport(&local.common_dir().join("s.git"), Store::Main)
        .unwrap();
    let url = RemoteUrl::parse("ssh://host/x", Path::new("/")).unwrap();
    let begun = Instant::now();
    let soon = || Instant::now() + Duration::from_millis(300);
    let name = "refs/heads/main";
    assert!(matches!(
        transport.ls_ref(&url, name, soon()),
        Err(TransportError::Silent)
    ));
    let fetched = transport.fetch(&fetch(&url, Depth::Full, &[]), soon());
    assert!(
        matches!(fetched, Err(TransportError::Silent)),
        "{fetched:?}"
    );
    let pushed = transport.push(&url, tip, name, soon());
    assert!(matches!(pushed, Err(TransportError::Silent)), "{pushed:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    // Nor does anything it had started live on.
    std::thread::sleep(Duration::from_millis(3200));
    assert!(!ended.exists());
}

#[test]
fn too_much_is_not_taken() {
    let world = World::new();
    let (remote, local, tip) = remote_and_local(&world, "sha1");
    let there = world.open(&remote);
    let mut noise = vec![0; 3 << 20];
    getrandom::fill(&mut noise).unwrap();
    let blob = there.write_object(gix::objs::Kind::Blob, &noise).unwrap();
    let mut tree = b"100644 noise\0".to_vec();
    tree.extend_from_slice(blob.as_slice());
    let tree = there.write_object(gix::objs::Kind::Tree, &tree).unwrap();
    let text =
        format!("tree {tree}\nparent {tip}\nauthor {COMMITTER}\ncommitter {COMMITTER}\n\nbig\n");
    let big = there
        .write_object(gix::objs::Kind::Commit, text.as_bytes())
        .unwrap();
    world.git(
        &remote,
        &["update-ref", "refs/heads/main", &big.to_string()],
    );
    let transport = local
        .transport(&local.common_dir().join("s.git"), Store::Main)
        .unwrap();
    let url = url(&remote);
    let small = Fetch {
        max_bytes: 1 << 20,
        ..fetch(&url, Depth::Full, &[])
    };
    let refused = transport.fetch(&small, soon(20));
    assert!(
        matches!(refused, Err(TransportError::TooLarge)),
        "{refused:?}"
    );
    assert!(
        local
            .reader()
            .unwrap()
            .read(big, gix::objs::Kind::Commit, 9999)
            .is_err()
    );
    assert_eq!(
        transport
            .fetch(&fetch(&url, Depth::Full, &[]), soon(20))
            .unwrap(),
        big
    );
}

#[test]
fn names_are_matched_whole() {
    let world = World::new();
    let (remote, local, tip) = remote_and_local(&world, "sha1");
    world.git(
        &remote,
        &[
            "update-ref",
            "refs/heads/x/refs/heads/name",
            &tip.to_string(),
        ],
    );
    let transport = local
        .transport(&local.common_dir().join("s.git"), Store::Main)
        .unwrap();
    let asked = transport
        .ls_ref(&url(&remote), "refs/heads/name", soon(20))
        .unwrap();
    assert_eq!(asked, None);
    let nowhere = transport.ls_ref(&url(&world.path("nowhere")), "refs/heads/name", soon(20));
    assert!(
        matches!(nowhere, Err(TransportError::Unreachable(_))),
        "{nowhere:?}"
    );
}

#[test]
fn what_a_refusing_remote_says_is_kept() {
    let world = World::new();
    let (remote, local, tip) = remote_and_local(&world, "sha1");
    let hook = remote.join("hooks/pre-receive");
    std::fs::create_dir_all(remote.join("hooks")).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho no thanks >&2\nexit 1\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, executable).unwrap();
    let transport = local
        .transport(&local.common_dir().join("s.git"), Store::Main)
        .unwrap();
    let url = url(&remote);
    transport
        .fetch(&fetch(&url, Depth::Full, &[]), soon(20))
        .unwrap();
    let new = commit_on(&local, Some(tip), "four");
    let pushed = transport
        .push(&url, new, "refs/heads/main", soon(20))
        .unwrap();
    let PushOutcome::Refused(text) = pushed else {
        panic!("{pushed:?}");
    };
    assert!(
        text.contains("pre-receive hook declined") && text.contains("no thanks"),
        "{text}"
    );
}

#[test]
fn only_extra_headers_are_taken_from_the_repository() {
    use std::io::{Read, Write};
    let world = World::new();
    let (_, local, _) = remote_and_local(&world, "sha1");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let key = format!("http.{base}.extraheader");
    world.git(
        local.git_dir(),
        &["config", &key, "Authorization: from local"],
    );
    world.git(local.git_dir(), &["config", "http.userAgent", "from local"]);
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..count]);
        }
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer).unwrap();
        String::from_utf8(request).unwrap()
    });
    let environment = world
        .environment
        .clone()
        .with("GIT_CONFIG_COUNT", "1")
        .with("GIT_CONFIG_KEY_0", "http.extraheader")
        .with("GIT_CONFIG_VALUE_0", "X-Own: from user");
    let local = Repository::open(&environment, local.git_dir()).unwrap();
    let scratch = local.common_dir().join("s.git");
    let transport = local.transport(&scratch, Store::Main).unwrap();
    let url = RemoteUrl::parse(&format!("{base}x"), Path::new("/")).unwrap();
    let asked = transport.ls_ref(&url, "refs/heads/main", soon(20));
    assert!(
        matches!(asked, Err(TransportError::Unreachable(_))),
        "{asked:?}"
    );
    let request = heard.join().unwrap();
    assert!(request.contains("Authorization: from local"), "{request}");
    assert!(!request.contains("User-Agent: from local"), "{request}");
}

#[test]
fn what_came_stays_until_a_reference_reaches_it() {
    let world = World::new();
    let (remote, local, tip) = remote_and_local(&world, "sha1");
    let packs = local.objects_dir().join("pack");
    let kept = || {
        let files = std::fs::read_dir(&packs).unwrap().flatten();
        let names = files.map(|file| file.file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".keep")).count()
    };
    let (url, scratch) = (url(&remote), local.common_dir().join("aside.git"));
    let open = || local.transport(&scratch, Store::Main).unwrap();
    let transport = open();
    let fetched = fetch(&url, Depth::Full, &[]);
    transport.fetch(&fetched, soon(20)).unwrap();
    assert_eq!(kept(), 1);
    // the housekeeping of somebody else, while no reference of ours has moved
    let repack = ["repack", "-a", "-d", "-q"];
    world.git(local.git_dir(), &repack);
    let reader = local.fresh_reader().unwrap();
    reader.read(tip, gix::objs::Kind::Commit, 9999).unwrap();
    // one that is alive is left alone, and one of a person too
    std::fs::write(packs.join("pack-x.keep"), "mine\n").unwrap();
    let other = open();
    assert_eq!(kept(), 2);
    drop(transport);
    assert_eq!(kept(), 1);
    drop(other);
    // one of a killed process goes when the next one comes
    let dead = packs.join("pack-y.keep");
    std::fs::write(&dead, "git-ledger, until its references have moved\n").unwrap();
    drop(open());
    assert!(!dead.exists());
    assert_eq!(kept(), 1);
}
