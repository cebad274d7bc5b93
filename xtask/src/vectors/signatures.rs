//! Signatures: every second spelling of one, every key that may not sign, every one that is bad.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Vectors;
use super::keys::{Key, fields, strings};
use super::policy_text::Row;
use super::sshsig::{BEGIN, END, Sshsig, armour, wrapped};
use super::world::*;

pub const SPELLING: &str = "signatureNonCanonical";

/// Adds a ledger whose newest entry, by this key, has its armour changed after signing.
fn rewritten(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    edit: impl Fn(&str) -> String,
) {
    let mut chain = Chain::acme();
    let commit = chain.next().commit();
    let armour = commit.sign(&CI).armour();
    chain.add_armoured(&commit, &edit(&armour));
    to.add(name, expect, comment, chain);
}

/// Adds a ledger whose newest entry, by this key, has fields of its signature changed.
pub fn refielded(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    key: &Key,
    edit: impl Fn(&mut Sshsig),
) {
    let policy = match acme().rows.iter().any(|row| row.principal == key.principal) {
        true => acme(),
        false => acme().with(Row::new(key, &["writer"])),
    };
    let mut chain = Chain::with_policy(&policy);
    let commit = chain.next_by(key).commit();
    let mut signature = commit.sign(key);
    edit(&mut signature);
    chain.add_signed(&commit, &signature);
    to.add(name, expect, comment, chain);
}

pub fn add(to: &mut Vectors) {
    absent(to);
    armours(to);
    blobs(to);
    namespaces(to);
    bad(to);
}

fn absent(to: &mut Vectors) {
    let mut chain = Chain::acme();
    let commit = chain.next().commit();
    chain.add_raw(&commit.payload());
    to.add(
        "signature_missing",
        "signatureMissing",
        "a commit that nobody signed",
        chain,
    );

    let mut chain = Chain::acme();
    let commit = chain.next().commit();
    let pasted = commit.sign(&CI).armour();
    chain.add_raw(&[commit.payload(), pasted.into_bytes()].concat());
    to.add(
        "signature_pasted",
        "signatureMissing",
        "the armour stands in the message",
        chain,
    );

    let kind = "signatureKind";
    for (name, text, comment) in [
        (
            "pgp",
            "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n",
            "a PGP signature",
        ),
        (
            "x509",
            "-----BEGIN SIGNED MESSAGE-----\nMII=\n-----END SIGNED MESSAGE-----\n",
            "an X.509 signature",
        ),
        ("empty", "\n", "an empty signature header"),
        (
            "garbage",
            "no signature\n",
            "a signature header with other text",
        ),
    ] {
        rewritten(to, &format!("signature_kind_{name}"), kind, comment, |_| {
            text.into()
        });
    }
    rewritten(
        to,
        "signature_leading_line",
        kind,
        "an empty line before the armour",
        |armour| format!("\n{armour}"),
    );
    rewritten(
        to,
        "signature_leading_space",
        kind,
        "a space before the armour",
        |armour| format!(" {armour}"),
    );
}

fn armours(to: &mut Vectors) {
    let mut change = |name: &str, comment: &str, edit: &dyn Fn(&str) -> String| {
        rewritten(
            to,
            &format!("signature_armour_{name}"),
            SPELLING,
            comment,
            edit,
        );
    };
    let base64 = |text: &str| -> String {
        let body = text
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(END));
        body.expect("armour").replace('\n', "")
    };
    change("text_after", "text after the END line", &|text| {
        format!("{text}trailing text\n")
    });
    change(
        "empty_line_after",
        "an empty line after the END line",
        &|text| format!("{text}\n"),
    );
    change("second", "a second block after the first", &|text| {
        format!("{text}{text}")
    });
    change("text_after_begin", "text after the BEGIN line", &|text| {
        text.replacen("-----\n", "----- x\n", 1)
    });
    change("one_line", "the base64 in one line", &|text| {
        armour(&base64(text), 9999)
    });
    change("60_columns", "the base64 in lines of 60", &|text| {
        armour(&base64(text), 60)
    });
    change("76_columns", "the base64 in lines of 76", &|text| {
        armour(&base64(text), 76)
    });
    change("blank_inside", "a space inside the base64", &|text| {
        text.replacen("U1NI", "U1N I", 1)
    });
    change("tab_inside", "a tab at the end of a line", &|text| {
        text.replacen("-----\nU", "-----\n\tU", 1)
    });
    change("cr", "CR at the end of a line of base64", &|text| {
        let mut text = text.to_owned();
        text.insert(BEGIN.len() + 70, '\r');
        text
    });
    change(
        "empty_line_inside",
        "an empty line inside the base64",
        &|text| text.replacen("-----\nU", "-----\n\nU", 1),
    );
    change("no_end", "no END line", &|text| text.replace(END, ""));
    change("end_misspelled", "another END line", &|text| {
        text.replace("END SSH SIGNATURE", "END SIGNATURE")
    });
    change("no_padding", "base64 without padding", &|text| {
        armour(base64(text).trim_end_matches('='), 70)
    });
    change(
        "spare_bits",
        "base64 with spare bits that are not zero",
        &|text| {
            let body = base64(text);
            let bare = body.strip_suffix('=').expect("one padding character");
            let last = bare.chars().last().expect("a character");
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let at = alphabet.find(last).expect("base64");
            assert!(at % 4 == 0, "zero spare bits");
            armour(
                &format!("{}{}=", &bare[..bare.len() - 1], &alphabet[at + 1..at + 2]),
                70,
            )
        },
    );
    change("url_alphabet", "base64 of the alphabet for URLs", &|text| {
        let body = base64(text);
        assert!(body.contains('/') || body.contains('+'));
        armour(&body.replace('/', "_").replace('+', "-"), 70)
    });
    change("nothing", "no base64 at all", &|_| format!("{BEGIN}{END}"));
}

fn blobs(to: &mut Vectors) {
    let mut change = |name: &str, comment: &str, edit: &dyn Fn(&mut Sshsig)| {
        refielded(
            to,
            &format!("signature_blob_{name}"),
            SPELLING,
            comment,
            &CI,
            edit,
        );
    };
    change("version_0", "SSHSIG version 0", &|signature| {
        signature.version = 0
    });
    change("version_2", "SSHSIG version 2", &|signature| {
        signature.version = 2
    });
    change("reserved", "the reserved field is filled", &|signature| {
        signature.reserved = b"x".to_vec()
    });
    change("hash_lie", "made with sha512, says sha256", &|signature| {
        signature.hash = b"sha256".to_vec()
    });
    change("hash_unknown", "a hash that does not exist", &|signature| {
        signature.hash = b"sha1".to_vec()
    });
    change("trailing", "a byte after the last field", &|signature| {
        signature.tail.push(0)
    });
    change(
        "inner_trailing",
        "a byte after the inner signature",
        &|signature| signature.inner.push(0),
    );
    change(
        "algorithm",
        "another algorithm than the key's type",
        &|signature| {
            signature.inner = strings(&[b"ssh-rsa", &fields(&signature.inner)[1]]);
        },
    );
    change("short", "a signature value of 63 bytes", &|signature| {
        let parts = fields(&signature.inner);
        signature.inner = strings(&[&parts[0], &parts[1][..63]]);
    });
    change(
        "touched",
        "flags and counter on a key that is no token",
        &|signature| {
            signature.inner.extend_from_slice(&[1, 0, 0, 0, 1]);
        },
    );

    let mut chain = Chain::acme();
    let commit = chain.next().commit();
    let mut signature = Sshsig::of(
        &CI,
        "git",
        CI.sign(&wrapped("git", "sha256", &commit.payload())),
    );
    signature.hash = b"sha256".to_vec();
    chain.add_signed(&commit, &signature);
    to.add(
        "signature_sha256",
        SPELLING,
        "an honest signature with sha256, which ssh-keygen accepts",
        chain,
    );

    rewritten(
        to,
        "signature_blob_magic",
        SPELLING,
        "another magic",
        |_| armour(&BASE64.encode(b"SSHSIH\0\0\0\x01"), 70),
    );
    rewritten(
        to,
        "signature_blob_cut",
        SPELLING,
        "the blob ends inside a field",
        |text| {
            let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            armour(&body[..120], 70)
        },
    );
}

fn namespaces(to: &mut Vectors) {
    for (name, namespace) in [
        ("file", "file"),
        ("approval", "git-ledger-approval"),
        ("upper", "GIT"),
        ("space", "git "),
        ("ledger", "git-ledger"),
    ] {
        let mut chain = Chain::acme();
        let commit = chain.next().commit();
        chain.add_signed(&commit, &Sshsig::make(&CI, namespace, &commit.payload()));
        let comment = format!("signed in the namespace '{namespace}'");
        to.add(
            &format!("signature_namespace_{name}"),
            "signatureNamespace",
            &comment,
            chain,
        );
    }
}

fn bad(to: &mut Vectors) {
    let expect = "signatureBad";
    let mut change = |name: &str, comment: &str, key: &Key, edit: &dyn Fn(&mut Sshsig)| {
        refielded(
            to,
            &format!("signature_bad_{name}"),
            expect,
            comment,
            key,
            edit,
        );
    };
    let flip = |at: usize| {
        move |signature: &mut Sshsig| {
            let end = signature.inner.len() - at;
            signature.inner[end] ^= 1;
        }
    };
    change("r", "one bit of R differs", &CI, &flip(64));
    change("s", "one bit of S differs", &CI, &flip(20));
    change("p256", "one bit of s differs", &P256, &flip(20));
    change("p384", "one bit of s differs", &P384, &flip(20));
    change("rsa", "one bit of an RSA signature differs", &RSA, &flip(1));
    change(
        "sk_counter",
        "the token's counter was changed",
        &SK,
        &flip(1),
    );
    change(
        "key",
        "the key of another signer stands in the blob",
        &CI,
        &|signature| {
            signature.key = DORA.blob.clone();
        },
    );
    change(
        "namespace_lie",
        "made for the namespace 'file', says 'git'",
        &CI,
        &|signature| {
            let data = wrapped("file", "sha512", b"x");
            signature.inner = CI.sign(&data);
        },
    );

    let mut chain = Chain::acme();
    let commit = chain.next().commit();
    let inner = CI.sign_with_torsion(&wrapped("git", "sha512", &commit.payload()));
    chain.add_signed(&commit, &Sshsig::of(&CI, "git", inner));
    let comment =
        "R was moved by a point of order 8: verifiers that multiply by the cofactor accept it";
    to.add("signature_bad_torsion", expect, comment, chain);

    for (name, from, by, comment) in [
        (
            "message",
            "\"id\":\"p2\"",
            "\"id\":\"p3\"",
            "an event was changed after signing",
        ),
        ("time", "", "", "the time was changed after signing"),
    ] {
        let mut chain = Chain::acme();
        let commit = chain.next().commit();
        let signature = commit.sign(&CI);
        let commit = if name == "time" {
            let later =
                |commit: Commit| commit.head(&(START + 2).to_string(), &(START + 9).to_string());
            later(later(commit))
        } else {
            commit.message(from, by)
        };
        chain.add_signed(&commit, &signature);
        to.add(&format!("signature_bad_{name}"), expect, comment, chain);
    }
    let mut chain = Chain::acme();
    let old = chain.next().commit().sign(&CI);
    chain.add(&chain.next(), &CI);
    let commit = chain.next().commit();
    chain.add_signed(&commit, &old);
    to.add(
        "signature_bad_other_entry",
        expect,
        "the signature of another entry",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.next_by(&EVE);
    draft.principal = CI.principal.into();
    let commit = draft.commit();
    let mut signature = commit.sign(&EVE);
    signature.key = CI.blob.clone();
    chain.add_signed(&commit, &signature);
    to.add(
        "signature_bad_stranger",
        expect,
        "a stranger signs and puts the writer's key into the blob",
        chain,
    );

    let mut chain = Chain::acme();
    let commit = chain.next().commit();
    let signature = commit.sign(&CI);
    let change = acme().threshold(2);
    let draft = chain.change(&CI, &change);
    let forged = Commit {
        head: draft.commit().head,
        message: replaced(&draft.commit().message, b"c2", b"c9"),
    };
    chain.add_signed(&forged, &signature);
    let comment = "a policy change without key: who may sign is no question when nobody did";
    to.add("signature_bad_policy", expect, comment, chain);
}
