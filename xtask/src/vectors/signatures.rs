//! Signatures: every second spelling of one, every key that may not sign, every one that is bad.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Vectors;
use super::keys::{Key, ORDER_P256, ORDER_P384, fields, high, integer, pair, plus_order, strings};
use super::policy_text::Row;
use super::sshsig::{BEGIN, END, Sshsig, armour, wrapped};
use super::world::*;

const SPELLING: &str = "signatureNonCanonical";

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
fn refielded(
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

/// The same, with the value inside the inner signature changed.
fn revalued(
    to: &mut Vectors,
    name: &str,
    comment: &str,
    key: &Key,
    edit: impl Fn(&[u8]) -> Vec<u8>,
) {
    refielded(to, name, SPELLING, comment, key, |signature| {
        let token = key.kind.starts_with("sk-");
        let split = signature.inner.len() - if token { 5 } else { 0 };
        let (body, touch) = signature.inner.split_at(split);
        let parts = fields(body);
        let value = edit(&parts[1]);
        signature.inner = [strings(&[&parts[0], &value]), touch.to_vec()].concat();
    });
}

pub fn add(to: &mut Vectors) {
    absent(to);
    armours(to);
    blobs(to);
    numbers(to);
    keys(to);
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

fn numbers(to: &mut Vectors) {
    revalued(
        to,
        "signature_s_plus_l",
        "Ed25519 with S + L, which OpenSSH 9.2 accepts",
        &CI,
        plus_order,
    );
    revalued(
        to,
        "signature_sk_s_plus_l",
        "the same from a token",
        &SK,
        plus_order,
    );
    let flip =
        |order: &'static [u8]| move |value: &[u8]| pair(&high(&plain(value, order.len()), order));
    revalued(
        to,
        "signature_p256_high_s",
        "ECDSA with the larger of s and n - s",
        &P256,
        flip(&ORDER_P256),
    );
    revalued(
        to,
        "signature_p384_high_s",
        "the same on the curve P-384",
        &P384,
        flip(&ORDER_P384),
    );
    revalued(
        to,
        "signature_sk_p256_high_s",
        "the same from a token",
        &SK_P256,
        flip(&ORDER_P256),
    );
    revalued(
        to,
        "signature_p256_padded",
        "an mpint with a zero to spare",
        &P256,
        |value| {
            let parts = fields(value);
            strings(&[&[&[0], parts[0].as_slice()].concat(), &parts[1]])
        },
    );
    revalued(
        to,
        "signature_p256_negative",
        "an mpint that is negative",
        &P256,
        |value| strings(&[&[0x80], &fields(value)[1]]),
    );
    revalued(to, "signature_p256_zero", "r is zero", &P256, |value| {
        strings(&[&[], &fields(value)[1]])
    });
    revalued(
        to,
        "signature_p256_r_above",
        "r is the order of the curve",
        &P256,
        |value| strings(&[&integer(&ORDER_P256), &fields(value)[1]]),
    );
    revalued(
        to,
        "signature_p256_trailing",
        "a byte after s",
        &P256,
        |value| [value, &[0]].concat(),
    );
    revalued(
        to,
        "signature_rsa_padded",
        "RSA with a zero to spare",
        &RSA,
        |value| [&[0], value].concat(),
    );
    revalued(
        to,
        "signature_rsa_short",
        "RSA shorter than its modulus",
        &RSA,
        |value| value[1..].to_vec(),
    );

    let mut rsa = |name: &str, comment: &str, inner: &dyn Fn(&[u8]) -> Vec<u8>| {
        refielded(to, name, SPELLING, comment, &RSA, |signature| {
            signature.inner = inner(&signature.inner);
        });
    };
    rsa(
        "signature_rsa_sha1_name",
        "RSA under the name ssh-rsa",
        &|inner| strings(&[b"ssh-rsa", &fields(inner)[1]]),
    );
    rsa(
        "signature_rsa_sha256_name",
        "RSA under the name rsa-sha2-256",
        &|inner| strings(&[b"rsa-sha2-256", &fields(inner)[1]]),
    );
    let mut chain = Chain::with_policy(&acme().with(Row::new(&RSA, &["writer"])));
    let commit = chain.next_by(&RSA).commit();
    let inner = RSA.sign_rsa_sha256(&wrapped("git", "sha512", &commit.payload()));
    chain.add_signed(&commit, &Sshsig::of(&RSA, "git", inner));
    to.add(
        "signature_rsa_sha256",
        SPELLING,
        "an honest RSA signature with SHA-256, which ssh-keygen accepts",
        chain,
    );

    for (name, flags, comment) in [
        ("untouched", 0, "nobody touched the token"),
        (
            "verified_only",
            4,
            "the token checked its user and was not touched",
        ),
        ("flags", 0x41, "an unknown flag"),
    ] {
        let mut chain = Chain::with_policy(&acme().with(Row::new(&SK, &["writer"])));
        let commit = chain.next_by(&SK).commit();
        let inner = SK.sign_touched(&wrapped("git", "sha512", &commit.payload()), flags);
        chain.add_signed(&commit, &Sshsig::of(&SK, "git", inner));
        to.add(&format!("signature_sk_{name}"), SPELLING, comment, chain);
    }
    refielded(
        to,
        "signature_sk_no_counter",
        SPELLING,
        "a token's signature without counter",
        &SK,
        |signature| {
            signature.inner.truncate(signature.inner.len() - 4);
        },
    );
    refielded(
        to,
        "signature_sk_webauthn",
        SPELLING,
        "the webauthn form of a token's signature",
        &SK_P256,
        |signature| {
            let value = fields(&signature.inner[..signature.inner.len() - 5])[1].clone();
            let name = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com";
            let more = strings(&[b"https://acme.example", b"{}", b""]);
            signature.inner = [strings(&[name, &value]), vec![1, 0, 0, 0, 7], more].concat();
        },
    );
}

/// r ‖ s, each this wide, of `mpint r, mpint s`.
fn plain(value: &[u8], width: usize) -> Vec<u8> {
    fields(value).iter().fold(Vec::new(), |mut out, number| {
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        out.resize(out.len() + width - number.len(), 0);
        out.extend_from_slice(number);
        out
    })
}

fn keys(to: &mut Vectors) {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut twisted = identity;
    twisted[31] = 0x80;
    let mut large = [0xff; 32];
    (large[0], large[31]) = (0xf0, 0x7f);
    let mut off = [0; 32];
    off[0] = 2;
    let weak = [&[0xc1u8], [0x35u8; 254].as_slice(), &[0x37]].concat();
    let modulus = fields(&RSA.blob)[2].clone();
    let mut even = modulus.clone();
    if let Some(last) = even.last_mut() {
        *last &= 0xfe;
    }
    let point = fields(&P256.blob)[2].clone();
    let mut moved = point.clone();
    if let Some(last) = moved.last_mut() {
        *last ^= 1;
    }
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    for (name, blob, comment) in [
        (
            "small_order",
            strings(&[b"ssh-ed25519", &identity]),
            "the neutral element, for which anybody can sign",
        ),
        (
            "sign_on_zero",
            strings(&[b"ssh-ed25519", &twisted]),
            "a sign on x = 0",
        ),
        (
            "y_too_large",
            strings(&[b"ssh-ed25519", &large]),
            "y is not below p",
        ),
        (
            "off_curve",
            strings(&[b"ssh-ed25519", &off]),
            "no point of the curve",
        ),
        (
            "short",
            strings(&[b"ssh-ed25519", &[7; 31]]),
            "an Ed25519 key of 31 bytes",
        ),
        (
            "trailing",
            [CI.blob.as_slice(), &[0]].concat(),
            "a byte after the key",
        ),
        (
            "rsa_2048",
            strings(&[b"ssh-rsa", &[1, 0, 1], &integer(&weak)]),
            "RSA with 2048 bits",
        ),
        (
            "rsa_exponent",
            strings(&[b"ssh-rsa", &[3], &modulus]),
            "RSA with the exponent 3",
        ),
        (
            "rsa_even",
            strings(&[b"ssh-rsa", &[1, 0, 1], &even]),
            "an even RSA modulus",
        ),
        (
            "rsa_padded",
            strings(&[b"ssh-rsa", &[0, 1, 0, 1], &modulus]),
            "an RSA exponent with a zero to spare",
        ),
        (
            "dsa",
            strings(&[b"ssh-dss", &[1], &[1], &[1], &[1]]),
            "a DSA key",
        ),
        (
            "p521",
            strings(&[b"ecdsa-sha2-nistp521", b"nistp521", &[4; 133]]),
            "a curve that is not known",
        ),
        (
            "p256_off_curve",
            strings(&[b"ecdsa-sha2-nistp256", b"nistp256", &moved]),
            "no point of the curve P-256",
        ),
        (
            "p256_compressed",
            strings(&[b"ecdsa-sha2-nistp256", b"nistp256", &compressed]),
            "a compressed point",
        ),
        (
            "p256_curve_name",
            strings(&[b"ecdsa-sha2-nistp256", b"nistp384", &point]),
            "the name of another curve",
        ),
        (
            "certificate",
            strings(&[b"ssh-ed25519-cert-v01@openssh.com", &[0; 32]]),
            "a certificate",
        ),
        (
            "sk_no_application",
            strings(&[SK.kind.as_bytes(), &fields(&SK.blob)[1], b""]),
            "a token key for nothing",
        ),
        (
            "unknown",
            strings(&[b"ssh-unknown", b"x"]),
            "a type that does not exist",
        ),
        ("empty", Vec::new(), "no key"),
    ] {
        refielded(
            to,
            &format!("signature_key_{name}"),
            "signatureKey",
            comment,
            &CI,
            |signature| {
                signature.key = blob.clone();
            },
        );
    }
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
