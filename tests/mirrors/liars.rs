//! Servers that hang, drip, shout, lie and bomb: each ends in time with a state and a reason, the
//! repository stays as it was, and no process is left behind.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::servers::liar::{Liar, advertise, hang, http_request, packet, read_packet, wanted};

use super::*;

/// Seconds a remote has.
const PATIENCE: u64 = 2;
/// What a machine that is busy with other tests may take longer.
const SLACK: Duration = Duration::from_secs(5);

const CAPABILITIES: &str = "side-band-64k ofs-delta no-progress agent=x";

/// What must not change: references and the number of objects.
fn contents(world: &World, dir: &str) -> (String, String) {
    (
        world.git(dir, &["for-each-ref"]).ok(),
        world.git(dir, &["count-objects", "-v"]).ok(),
    )
}

/// Processes that still have this world in their environment.
fn left_behind(world: &World) -> Vec<String> {
    let root = world.path("").display().to_string();
    let processes = fs::read_dir("/proc").expect("Linux");
    let mut found = Vec::new();
    for process in processes.flatten().map(|item| item.path()) {
        let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let environ = String::from_utf8_lossy(&read("environ")).into_owned();
        if environ.contains(root.trim_end_matches('/')) {
            found.push(String::from_utf8_lossy(&read("cmdline")).replace('\0', " "));
        }
    }
    found
}

/// Compares with one remote at this address, and holds the command to its time, the repository to
/// its contents and the processes to their end.
#[track_caller]
fn ask(world: &World, url: &str) -> Said {
    ask_for(world, url, PATIENCE)
}

/// As [`ask`], with so many seconds.
#[track_caller]
fn ask_for(world: &World, url: &str, patience: u64) -> Said {
    world.git("r", &["config", "remote.liar.url", url]).ok();
    let before = contents(world, "r");
    let timeout = patience.to_string();
    let mut command = world.command("r", "git-ledger");
    command.args(["compare", "--timeout", &timeout, "liar"]);
    let begun = Instant::now();
    let said = run(command, b"");
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(patience + 1) + SLACK,
        "{took:?}: {said}"
    );
    println!("answered after {} ms", took.as_millis());
    assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'));
    assert!(!said.out.contains('\r') && !said.err.contains('\r'));
    assert_eq!(contents(world, "r"), before, "{said}");
    let until = Instant::now() + Duration::from_secs(3);
    while !left_behind(world).is_empty() {
        assert!(Instant::now() < until, "{:?}", left_behind(world));
        std::thread::sleep(Duration::from_millis(20));
    }
    said
}

/// As [`ask`], of a remote that gives no answer that can be used, for this reason.
#[track_caller]
fn silent(world: &World, url: &str, reason: &str) {
    let said = ask(world, url).code(2);
    assert!(said.out.contains("\nsilent  liar"), "{said}");
    assert!(
        said.out.contains("unknown mirrorSilent - -\tliar: "),
        "{said}"
    );
    assert!(said.out.contains(reason), "{said}");
}

/// Lists the ledger at this commit and then does something.
fn listing(
    commit: &str,
    then: impl Fn(&mut std::net::TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Liar {
    let line = format!("{commit} {LEDGER}");
    Liar::start(move |stream| {
        advertise(stream, std::slice::from_ref(&line), CAPABILITIES)?;
        if wanted(stream)? {
            then(stream)
        } else {
            Ok(())
        }
    })
}

const NEVER_SEEN: &str = "7777777777777777777777777777777777777777";
const LATE: &str = "no answer within 2 s";

#[test]
fn one_that_hangs_before_the_advertisement() {
    let world = world();
    let liar = Liar::start(hang);
    silent(&world, &liar.git(), LATE);
    silent(&world, &liar.http(), LATE);
}

#[test]
fn one_that_hangs_inside_the_advertisement() {
    let world = world();
    let liar = Liar::start(|stream| {
        read_packet(stream)?;
        stream.write_all(b"004077")?;
        hang(stream)
    });
    silent(&world, &liar.git(), LATE);
    let web = Liar::start(|stream| {
        http_request(stream)?;
        let kind = "application/x-git-upload-pack-advertisement";
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n001e"
        )?;
        hang(stream)
    });
    silent(&world, &web.http(), LATE);
}

#[test]
fn one_that_drips_a_byte_now_and_then() {
    let world = world();
    let liar = Liar::start(|stream| {
        for byte in b"0040".iter().chain([b'7'; 60].iter()).cycle() {
            stream.write_all(&[*byte])?;
            std::thread::sleep(Duration::from_millis(150));
        }
        Ok(())
    });
    silent(&world, &liar.git(), LATE);
}

#[test]
fn one_that_keeps_the_line_alive_for_ever() {
    let world = world();
    for packets in [&b"0005\x01"[..], b"000b\x02hello\n", b"0009\x02\x1b[2J"] {
        let liar = listing(NEVER_SEEN, move |stream| {
            loop {
                stream.write_all(packets)?;
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        silent(&world, &liar.git(), LATE);
    }
}

#[test]
fn one_that_advertises_references_without_end() {
    let world = world();
    let flood = |stream: &mut std::net::TcpStream| -> std::io::Result<()> {
        let lines = (0..1000).flat_map(|n| packet(format!("{NEVER_SEEN} refs/x/{n}\n")));
        let lines: Vec<u8> = lines.collect();
        loop {
            stream.write_all(&lines)?;
        }
    };
    let liar = Liar::start(move |stream| {
        read_packet(stream)?;
        stream.write_all(&packet(format!("{NEVER_SEEN} HEAD\0agent=x\n")))?;
        flood(stream)
    });
    // where the system tells what a process has read, long before the deadline
    let said = ask_for(&world, &liar.git(), 30).code(2);
    let reasons = ["it sent more than allowed", "takes more memory"];
    assert!(
        reasons.iter().any(|reason| said.out.contains(reason)),
        "{said}"
    );
    let web = Liar::start(move |stream| {
        http_request(stream)?;
        let kind = "application/x-git-upload-pack-advertisement";
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n")?;
        stream.write_all(&packet("# service=git-upload-pack\n"))?;
        stream.write_all(b"0000")?;
        stream.write_all(&packet(format!("{NEVER_SEEN} HEAD\0agent=x\n")))?;
        flood(stream)
    });
    let said = ask_for(&world, &web.http(), 30).code(2);
    assert!(
        reasons.iter().any(|reason| said.out.contains(reason)),
        "{said}"
    );
}

#[test]
fn one_that_advertises_the_ledger_twice() {
    let world = world();
    let (one, two) = (
        tip(&world, "r"),
        world.git("r", &["rev-parse", "ledger~1"]).ok(),
    );
    let lines = [
        format!("{one} {LEDGER}"),
        format!("{} {LEDGER}", two.trim()),
    ];
    let liar = Liar::start(move |stream| advertise(stream, &lines, CAPABILITIES));
    silent(&world, &liar.git(), "more than once");
}

#[test]
fn one_with_impossible_names_is_read_past_them() {
    let world = world();
    let one = tip(&world, "r");
    let names = [
        "refs/heads/../../x",
        "refs/heads/\u{1b}[31mred",
        "-x",
        "refs/heads/ledger/../ledger",
        "refs/heads/ledger ",
        "xrefs/heads/ledger",
        "refs/remotes/x/refs/heads/ledger",
        LEDGER,
    ];
    let lines: Vec<String> = names.iter().map(|name| format!("{one} {name}")).collect();
    let symrefs = format!(
        "{CAPABILITIES} symref=HEAD:HEAD symref={LEDGER}:refs/heads/a symref=refs/heads/a:{LEDGER}"
    );
    let liar = Liar::start(move |stream| advertise(stream, &lines, &symrefs));
    let said = ask(&world, &liar.git()).code(0);
    assert!(said.out.contains("\nlevel  liar"), "{said}");
}

#[test]
fn one_that_only_has_names_that_end_like_ours_is_missing() {
    let world = world();
    let one = tip(&world, "r");
    let lines = [
        format!("{one} refs/x/{LEDGER}"),
        format!("{one} {LEDGER}^{{}}"),
    ];
    let liar = Liar::start(move |stream| advertise(stream, &lines, CAPABILITIES));
    let said = ask(&world, &liar.git()).code(2);
    assert!(
        said.out.contains("\nmissing  liar") || said.out.contains("\nsilent  liar"),
        "{said}"
    );
}

#[test]
fn one_that_lies_about_the_object_format() {
    let world = world();
    let line = format!("{} {LEDGER}", tip(&world, "r"));
    let liar = Liar::start(move |stream| {
        let lie = format!("{CAPABILITIES} object-format=sha256");
        advertise(stream, std::slice::from_ref(&line), &lie)?;
        hang(stream)
    });
    silent(&world, &liar.git(), "liar: ");
}

#[test]
fn one_that_shouts_in_an_error_packet() {
    let world = world();
    let liar = Liar::start(|stream| {
        read_packet(stream)?;
        stream.write_all(&packet("ERR \u{1b}]0;owned\u{7}\rall is well\n"))
    });
    // git itself leaves nothing of the escapes; what it leaves, we escape
    silent(&world, &liar.git(), "]0;owned");
}

#[test]
fn one_that_ends_in_the_middle_of_nothing() {
    let world = world();
    for bytes in [&b""[..], b"zzzz", b"fff0", b"0003", b"0000"] {
        let liar = Liar::start(move |stream| {
            read_packet(stream)?;
            stream.write_all(bytes)
        });
        let said = ask(&world, &liar.git()).code(2);
        assert!(said.out.contains("liar"), "{said}");
    }
}

#[test]
fn one_that_sends_us_elsewhere() {
    let world = world();
    let elsewhere = Liar::start(hang);
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let to = elsewhere.http();
        let liar = Liar::start(move |stream| {
            http_request(stream)?;
            write!(
                stream,
                "HTTP/1.1 {status}\r\nLocation: {to}/info/refs?service=git-upload-pack\r\n\
                 Content-Length: 0\r\n\r\n"
            )
        });
        silent(&world, &liar.http(), "liar: ");
    }
    assert_eq!(
        elsewhere.calls(),
        0,
        "nobody is asked but the remote itself"
    );
}

/// A pack with one object of this kind and size, whose bytes never end.
fn endless(kind: u8, size: u64) -> Vec<u8> {
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
    let mut left = size >> 4;
    let mut byte = kind << 4 | (size & 15) as u8;
    while left > 0 {
        pack.push(byte | 0x80);
        byte = (left & 0x7f) as u8;
        left >>= 7;
    }
    pack.push(byte);
    pack.extend_from_slice(b"\x78\x01");
    pack
}

/// Sends bytes on the first band.
fn band(stream: &mut std::net::TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for part in bytes.chunks(65_000) {
        let payload: Vec<u8> = std::iter::once(1).chain(part.iter().copied()).collect();
        stream.write_all(&packet(payload))?;
    }
    Ok(())
}

#[test]
fn one_that_sends_more_than_the_limit() {
    let world = world();
    world
        .git("r", &["config", "ledger.acme/payments.maxFetch", "3000000"])
        .ok();
    // a file that never ends, in blocks that are not compressed
    let liar = listing(NEVER_SEEN, |stream| {
        band(stream, &endless(3, 1 << 40))?;
        let mut block = b"\0\xff\xff\0\0".to_vec();
        block.resize(5 + 65_535, b'x');
        loop {
            band(stream, &block)?;
        }
    });
    silent(&world, &liar.git(), "it sent more than allowed");
    let mut command = world.command("r/.git", "du");
    command.args(["-sk", "git-ledger"]);
    let kept = run(command, b"").ok();
    let kilobytes = kept.split_whitespace().next().map(str::parse::<u64>);
    assert!(matches!(kilobytes, Some(Ok(0..=1000))), "{kept}");
}

#[test]
fn one_with_a_commit_of_600_megabytes() {
    let world = world();
    let liar = listing(NEVER_SEEN, |stream| {
        let size = 600_000_000;
        let mut pack = endless(1, size);
        pack.truncate(pack.len() - 2);
        let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        for _ in 0..size / 1_000_000 {
            deflated.write_all(&[b'x'; 1_000_000])?;
        }
        pack.extend(deflated.finish()?);
        pack.extend([0; 20]);
        band(stream, &pack)?;
        stream.write_all(b"0000")?;
        hang(stream)
    });
    let said = ask_for(&world, &liar.git(), 30).code(2);
    let reasons = ["takes more memory than allowed", "SHA1 mismatch"];
    assert!(
        reasons.iter().any(|reason| said.out.contains(reason)),
        "{said}"
    );
}

#[test]
fn one_with_a_file_that_inflates_a_thousandfold() {
    let world = world();
    copy(&world, "evil", 0);
    let mut command = world.command("evil", "git");
    command.args(["hash-object", "-w", "--stdin"]);
    let blob = run(command, &vec![0; 100 << 20]).ok();
    let mut command = world.command("evil", "git");
    command.arg("mktree");
    let listing = format!("100644 blob {}\tledger.toml\n", blob.trim());
    let tree = run(command, listing.as_bytes()).ok();
    let commit = ["commit-tree", "-p", LEDGER, "-m", "boom", tree.trim()];
    let bomb = world.git("evil", &commit).ok();
    world.git("evil", &["update-ref", LEDGER, bomb.trim()]).ok();
    force(&world, "evil", "two");
    let two = world.path("two.git").display().to_string();
    let said = ask_for(&world, &two, 30).code(1);
    assert!(said.out.contains("ahead 1  liar"), "{said}");
    assert!(said.out.contains("breach mirrorBreach 4 "), "{said}");
    assert!(said.out.contains("could not be kept as evidence"), "{said}");
}

#[test]
fn one_with_very_deep_deltas() {
    let world = world();
    copy(&world, "evil", 0);
    let mut stream = String::new();
    let filler = "some line of a file that hardly changes\n".repeat(50);
    for n in 0..3000 {
        let text = format!("{filler}{n}\n");
        stream += &format!("blob\nmark :{}\ndata {}\n{text}\n", n + 1, text.len());
    }
    stream += &format!("commit {LEDGER}\ncommitter x <x> 1 +0000\ndata 1\nx\nfrom {LEDGER}^0\n");
    for n in 0..3000 {
        stream += &format!("M 100644 :{} f{n}\n", n + 1);
    }
    let mut command = world.command("evil", "git");
    command.args(["fast-import", "--quiet", "--depth=4000", "--force"]);
    run(command, stream.as_bytes()).ok();
    world
        .git(
            "evil",
            &["push", "-q", "../two.git", &format!("+{LEDGER}:{LEDGER}")],
        )
        .ok();
    let two = world.path("two.git").display().to_string();
    world.git("r", &["config", "remote.liar.url", &two]).ok();
    let said = world
        .ledger("r", &["compare", "--timeout", "20", "liar"])
        .code(1);
    assert!(said.out.contains("breach mirrorBreach 4 "), "{said}");
}

#[test]
fn one_that_is_cut_off_or_lacks_objects() {
    let world = world();
    copy(&world, "more", 0);
    for subject in ["d", "e"] {
        append(&world, "more", subject);
    }
    let from = format!("file://{}", world.path("more").display());
    let clone = ["clone", "-q", "--bare", "--branch=ledger", &from];
    let shallow = [&clone[..], &["--depth=1", "cut.git"]].concat();
    world.git("", &shallow).ok();
    let cut = format!("file://{}", world.path("cut.git").display());
    silent(&world, &cut, "liar: ");
    assert!(!world.path("r/.git/shallow").exists());
    let lost = world.git("more", &["rev-parse", "ledger~1"]).ok();
    let (dir, file) = lost.trim().split_at(2);
    let object = world.path("more/.git/objects").join(dir).join(file);
    fs::remove_file(object).expect("an object");
    silent(&world, &from, "liar: ");
}

#[test]
fn one_that_calls_its_history_shallow_unasked() {
    let world = world();
    let newest = tip(&world, "r");
    copy(&world, "more", 0);
    append(&world, "more", "d");
    let ahead = tip(&world, "more");
    let pack = {
        let mut command = world.command("more", "git");
        command.args(["pack-objects", "--stdout", "--revs", "-q"]);
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("git");
        let mut stdin = child.stdin.take().expect("a pipe");
        write!(stdin, "{ahead}\n^{newest}\n").expect("a pipe");
        drop(stdin);
        child.wait_with_output().expect("a pack").stdout
    };
    let line = format!("{ahead} {LEDGER}");
    let liar = Liar::start(move |stream| {
        read_packet(stream)?;
        stream.write_all(&packet(format!("{line}\0{CAPABILITIES} shallow filter\n")))?;
        stream.write_all(&packet(format!("shallow {ahead}\n")))?;
        stream.write_all(b"0000")?;
        if wanted(stream)? {
            band(stream, &pack)?;
            stream.write_all(b"0000")?;
        }
        Ok(())
    });
    silent(&world, &liar.git(), "liar: ");
    assert!(!world.path("r/.git/shallow").exists());
}

#[test]
fn a_liar_keeps_no_honest_remote_from_its_answer() {
    let world = world();
    let liar = Liar::start(hang);
    world
        .git("r", &["config", "remote.liar.url", &liar.git()])
        .ok();
    let said = world
        .ledger("r", &["compare", "--timeout", "2", "liar", "one", "two"])
        .code(2);
    for row in ["silent  liar", "level   one", "level   two"] {
        assert!(said.out.contains(row), "{said}");
    }
}
