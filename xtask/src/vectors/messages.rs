//! Messages, subjects, trailers and ranges in any but their one spelling. All are signed as they
//! stand: a writer with a key is the attacker here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Vectors;
use super::world::*;

/// Adds a ledger whose newest entry (number 3, so two hashes) has its message changed.
fn told(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    edit: impl Fn(Commit) -> Commit,
) {
    let mut chain = Chain::acme();
    chain.add(&chain.next(), &CI);
    let commit = edit(chain.next().commit());
    chain.add_commit(&commit, &CI);
    to.add(name, expect, comment, chain);
}

fn swapped(to: &mut Vectors, name: &str, expect: &str, comment: &str, from: &str, by: &str) {
    told(to, name, expect, comment, |commit| commit.message(from, by));
}

pub fn add(to: &mut Vectors) {
    shapes(to);
    subjects(to);
    trailers(to);
    ranges(to);
}

fn shapes(to: &mut Vectors) {
    let expect = "messageMalformed";
    told(to, "message_empty", expect, "no message at all", |commit| {
        Commit {
            message: Vec::new(),
            ..commit
        }
    });
    told(
        to,
        "message_no_final_lf",
        expect,
        "no LF at the end",
        |mut commit| {
            commit.message.pop();
            commit
        },
    );
    swapped(
        to,
        "message_no_events",
        expect,
        "no line between subject and trailers",
        "\n\n{",
        "\n{",
    );
    swapped(
        to,
        "message_one_block",
        expect,
        "no empty line before the trailers",
        "}\n\nL",
        "}\nL",
    );
    told(
        to,
        "message_subject_only",
        expect,
        "a subject alone",
        |commit| Commit {
            message: b"3 dev.git-ledger.push refs/heads/main\n".to_vec(),
            ..commit
        },
    );
    told(
        to,
        "message_latin1",
        expect,
        "a byte that is no UTF-8",
        |commit| commit.message_bytes(b"heads/main\",", b"heads/ma\xff\","),
    );
    told(
        to,
        "message_overlong",
        expect,
        "an overlong encoding of a slash",
        |commit| commit.message_bytes(b"heads/main\",", b"heads\xc0\xafmain\","),
    );
    told(
        to,
        "message_surrogate",
        expect,
        "a surrogate encoded as UTF-8",
        |commit| commit.message_bytes(b"heads/main\",", b"heads\xed\xa0\x80main\","),
    );
    told(
        to,
        "message_crlf",
        expect,
        "CRLF at the end of every line",
        |commit| Commit {
            message: String::from_utf8_lossy(&commit.message)
                .replace('\n', "\r\n")
                .into(),
            ..commit
        },
    );

    let mut chain = Chain::acme();
    let data = format!("\"data\":\"{}\"", "x".repeat(65_535));
    chain.add(&chain.draft(&CI, vec![push("big").with(&data)]), &CI);
    to.add(
        "message_too_large",
        "messageTooLarge",
        "a commit of more than 65,535 bytes",
        chain,
    );

    let mut chain = Chain::acme();
    let empty = chain.draft(&CI, vec![push("big").with("\"data\":\"\"")]);
    let size = empty
        .commit()
        .sealed("gpgsig", &empty.commit().sign(&CI).armour())
        .len();
    let data = format!("\"data\":\"{}\"", "x".repeat(65_536 - size));
    chain.add(&chain.draft(&CI, vec![push("big").with(&data)]), &CI);
    to.add(
        "message_one_too_many",
        "messageTooLarge",
        "a commit of 65,536 bytes",
        chain,
    );
}

fn subjects(to: &mut Vectors) {
    let expect = "subjectMismatch";
    for (name, from, by, comment) in [
        ("number", "3 dev", "4 dev", "another number in the subject"),
        (
            "type",
            "push refs",
            "pull refs",
            "another type in the subject",
        ),
        (
            "what",
            "refs/heads/main\n\n",
            "refs/heads/evil\n\n",
            "another ref in the subject",
        ),
        (
            "space",
            "refs/heads/main\n\n",
            "refs/heads/main \n\n",
            "a space at the end",
        ),
        (
            "suffix",
            "refs/heads/main\n\n",
            "refs/heads/main (+0)\n\n",
            "a suffix for no further event",
        ),
        (
            "second_line",
            "refs/heads/main\n\n",
            "refs/heads/main\nmore\n\n",
            "a second line",
        ),
        ("bom", "3 dev", "\u{feff}3 dev", "a byte order mark"),
        (
            "empty",
            "3 dev.git-ledger.push refs/heads/main\n\n",
            "\n\n",
            "an empty subject",
        ),
    ] {
        swapped(to, &format!("subject_{name}"), expect, comment, from, by);
    }
    let mut chain = Chain::acme();
    let draft = chain.draft(&CI, vec![push("a"), push("b")]);
    chain.add_commit(&draft.commit().message(" (+1)\n", "\n"), &CI);
    to.add(
        "subject_no_suffix",
        expect,
        "no suffix for a second event",
        chain,
    );
    let mut chain = Chain::acme();
    let draft = chain.draft(&CI, vec![push("a").about("caf\u{e9}")]);
    chain.add_commit(&draft.commit().message("caf?", "caf\u{e9}"), &CI);
    to.add(
        "subject_unreplaced",
        expect,
        "a character outside ASCII in the subject",
        chain,
    );
    let mut chain = Chain::acme();
    let long = "x".repeat(80);
    let draft = chain.draft(&CI, vec![push("a").about(&long)]);
    let cut = draft.subject();
    let commit = draft
        .commit()
        .message(&format!("{cut}\n"), &format!("{cut}x\n"));
    chain.add_commit(&commit, &CI);
    to.add("subject_uncut", expect, "a subject of 73 bytes", chain);
}

fn trailers(to: &mut Vectors) {
    let expect = "trailerMalformed";
    let seq = "Ledger-Seq: 3\n";
    for (name, from, by, comment) in [
        (
            "seq_padded",
            seq,
            "Ledger-Seq: 03\n",
            "a number with a leading zero",
        ),
        ("seq_negative", seq, "Ledger-Seq: -3\n", "a negative number"),
        (
            "seq_plus",
            seq,
            "Ledger-Seq: +3\n",
            "a number with a plus sign",
        ),
        ("seq_hex", seq, "Ledger-Seq: 0x3\n", "a number in hex"),
        (
            "seq_2_53",
            seq,
            "Ledger-Seq: 9007199254740992\n",
            "the number 2^53",
        ),
        (
            "seq_2_63",
            seq,
            "Ledger-Seq: 9223372036854775808\n",
            "the number 2^63",
        ),
        (
            "seq_space",
            seq,
            "Ledger-Seq: 3 \n",
            "a space after the number",
        ),
        ("seq_cr", seq, "Ledger-Seq: 3\r\n", "CR after the number"),
        (
            "seq_arabic",
            seq,
            "Ledger-Seq: \u{663}\n",
            "a digit of another script",
        ),
        ("seq_missing", seq, "", "no number"),
        (
            "seq_twice",
            seq,
            "Ledger-Seq: 3\nLedger-Seq: 3\n",
            "the number twice",
        ),
        (
            "seq_lower",
            seq,
            "ledger-seq: 3\n",
            "a trailer in lower case",
        ),
        (
            "seq_no_space",
            seq,
            "Ledger-Seq:3\n",
            "no space after the colon",
        ),
        ("policy_bare", "sha256:", "", "no sha256: before the digest"),
        ("policy_sha512", "sha256:", "sha512:", "another hash"),
        (
            "unknown",
            seq,
            "Signed-off-by: ci\nLedger-Seq: 3\n",
            "a trailer of another program first",
        ),
    ] {
        swapped(to, &format!("trailer_{name}"), expect, comment, from, by);
    }
    let after = |more: &'static str| {
        move |mut commit: Commit| {
            commit.message.extend_from_slice(more.as_bytes());
            commit
        }
    };
    told(
        to,
        "trailer_extra",
        expect,
        "an unknown trailer at the end",
        after("Signed-off-by: ci\n"),
    );
    told(
        to,
        "trailer_empty_line",
        expect,
        "an empty line at the end",
        after("\n"),
    );
    told(
        to,
        "trailer_block",
        expect,
        "a second block of trailers",
        after("\nX: y\n"),
    );
    told(
        to,
        "trailer_comment",
        expect,
        "a comment line",
        after("# comment\n"),
    );
    swapped(
        to,
        "trailer_leading_empty",
        expect,
        "two empty lines before the trailers",
        "}\n\nL",
        "}\n\n\nL",
    );
    swapped(
        to,
        "trailer_text",
        expect,
        "text between events and trailers",
        "}\n\nL",
        "}\n\ntext\n\nL",
    );
    let digest = |commit: &Commit| {
        let text = String::from_utf8_lossy(&commit.message).into_owned();
        text.split_once("sha256:")
            .map(|(_, rest)| rest[..64].to_owned())
            .expect("a digest")
    };
    told(
        to,
        "trailer_policy_upper",
        expect,
        "the digest in upper-case hex",
        |commit| {
            let digest = digest(&commit);
            commit.message(&digest, &digest.to_uppercase())
        },
    );
    told(
        to,
        "trailer_policy_short",
        expect,
        "a digest of 63 digits",
        |commit| {
            let digest = digest(&commit);
            commit.message(&digest, &digest[1..])
        },
    );
    told(
        to,
        "trailer_policy_missing",
        expect,
        "no Ledger-Policy",
        |commit| {
            let line = format!("Ledger-Policy: sha256:{}\n", digest(&commit));
            commit.message(&line, "")
        },
    );
    told(
        to,
        "trailer_order",
        expect,
        "Ledger-Policy before Ledger-Seq",
        |commit| {
            let line = format!("Ledger-Policy: sha256:{}\n", digest(&commit));
            let turned = format!("{line}{seq}");
            commit.message(&format!("{seq}{line}"), &turned)
        },
    );
}

fn ranges(to: &mut Vectors) {
    let expect = "rangeMalformed";
    let hashes = |commit: &Commit| -> Vec<String> {
        let text = String::from_utf8_lossy(&commit.message).into_owned();
        let (_, line) = text.split_once("Ledger-Range: ").expect("a range");
        line.trim_end().split(' ').map(str::to_owned).collect()
    };
    let mut range = |name: &str, comment: &str, edit: &dyn Fn(&[String]) -> String| {
        told(to, &format!("range_{name}"), expect, comment, |commit| {
            let old = hashes(&commit);
            commit.message(&old.join(" "), &edit(&old))
        });
    };
    range("too_few", "one hash for the number 3", &|old| {
        old[0].clone()
    });
    range("too_many", "three hashes for the number 3", &|old| {
        format!("{} {} {}", old[0], old[1], old[1])
    });
    range("two_spaces", "two spaces between hashes", &|old| {
        old.join("  ")
    });
    range("comma", "a comma between hashes", &|old| old.join(","));
    range("trailing_space", "a space at the end", &|old| {
        format!("{} ", old.join(" "))
    });
    range("no_padding", "base64 without padding", &|old| {
        old.join(" ").replace('=', "")
    });
    range("hex", "hashes in hex", &|_| {
        format!("{} {}", "0".repeat(64), "0".repeat(64))
    });
    range("short", "a hash of 31 bytes", &|old| {
        format!("{} {}", old[0], BASE64.encode([7; 31]))
    });
    range("long", "a hash of 33 bytes", &|old| {
        format!("{} {}", old[0], BASE64.encode([7; 33]))
    });
    range(
        "spare_bits",
        "base64 with spare bits that are not zero",
        &|old| format!("{} {}B=", old[0], "A".repeat(42)),
    );
    range("url_alphabet", "base64 of the alphabet for URLs", &|old| {
        format!("{} {}=", old[0], "_".repeat(42) + "8")
    });
    range("empty", "an empty range", &|_| String::new());
    told(
        to,
        "range_missing",
        expect,
        "no range for the number 3",
        |commit| {
            let line = format!("Ledger-Range: {}\n", hashes(&commit).join(" "));
            commit.message(&line, "")
        },
    );
    let mut chain = Chain::empty(gix::hash::Kind::Sha1);
    let mut draft = chain.first(&acme());
    draft.range = vec![[7; 32]];
    chain.add_commit(&draft.commit(), &ALICE);
    to.add("range_in_first", expect, "entry 0 has a range", chain);
    swapped(
        to,
        "range_number_skewed",
        expect,
        "a number with other set bits than the range has hashes",
        "Ledger-Seq: 3",
        "Ledger-Seq: 4",
    );
}
