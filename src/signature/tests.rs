//! Every key type signed by the real ssh-keygen, every malleability refused by name.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use ed25519_dalek::{Signer as _, SigningKey};

use super::wire::put_string;
use super::*;

mod batch;
mod keys;
mod numbers;

const MESSAGE: &[u8] = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\na ledger entry\n";

/// Runs ssh-keygen; a machine without it fails the tests rather than skipping them.
fn ssh_keygen(args: &[&str], dir: &Path) -> bool {
    Command::new("ssh-keygen")
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("ssh-keygen must be installed")
        .success()
}

/// A fresh key of the given type and its signature over [`MESSAGE`] as ssh-keygen armours it.
fn signed_by_ssh_keygen(kind: &str, bits: &str, options: &[&str]) -> (PublicKey, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let made = [
        "-q", "-t", kind, "-b", bits, "-N", "", "-C", "", "-f", "key",
    ];
    assert!(ssh_keygen(&made, dir.path()));
    fs::write(dir.path().join("message"), MESSAGE).unwrap();
    let mut sign = vec!["-Y", "sign", "-q", "-n", "git", "-f", "key"];
    sign.extend_from_slice(options);
    sign.push("message");
    assert!(ssh_keygen(&sign, dir.path()));
    let public = fs::read_to_string(dir.path().join("key.pub")).unwrap();
    let key = PublicKey::parse_text(public.trim()).unwrap();
    let armour = fs::read(dir.path().join("message.sig")).unwrap();
    (key, armour)
}

/// Asks ssh-keygen whether it takes the armour as well.
fn ssh_keygen_accepts(key: &PublicKey, armour: &[u8]) -> bool {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("allowed"), format!("me {key}\n")).unwrap();
    fs::write(dir.path().join("sig"), armour).unwrap();
    fs::write(dir.path().join("message"), MESSAGE).unwrap();
    let args = [
        "-Y", "verify", "-n", "git", "-I", "me", "-f", "allowed", "-s", "sig",
    ];
    Command::new("ssh-keygen")
        .args(args)
        .current_dir(dir.path())
        .stdin(fs::File::open(dir.path().join("message")).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("ssh-keygen must be installed")
        .success()
}

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        put_string(&mut out, part);
    }
    out
}

fn ed25519_key(seed: u8) -> (SigningKey, PublicKey) {
    let secret = SigningKey::from_bytes(&[seed; 32]);
    let point = secret.verifying_key();
    let blob = strings(&[b"ssh-ed25519", point.as_bytes()]);
    (secret, PublicKey::from_blob(&blob).unwrap())
}

fn ed25519_answer(secret: &SigningKey, namespace: &str) -> Vec<u8> {
    let made = secret.sign(&signed_data(namespace, MESSAGE));
    strings(&[b"ssh-ed25519", &made.to_bytes()])
}

/// An SSHSIG blob of freely chosen fields.
struct Fields<'a> {
    version: u32,
    key: &'a [u8],
    namespace: &'a [u8],
    reserved: &'a [u8],
    hash: &'a [u8],
    answer: &'a [u8],
}

impl Fields<'_> {
    fn blob(&self) -> Vec<u8> {
        let mut out = b"SSHSIG".to_vec();
        out.extend_from_slice(&self.version.to_be_bytes());
        for field in [
            self.key,
            self.namespace,
            self.reserved,
            self.hash,
            self.answer,
        ] {
            put_string(&mut out, field);
        }
        out
    }
}

fn armoured(blob: &[u8], columns: usize) -> Vec<u8> {
    let base64 = STANDARD.encode(blob);
    let mut out = format!("{BEGIN}\n").into_bytes();
    for line in base64.as_bytes().chunks(columns) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(format!("{END}\n").as_bytes());
    out
}

fn why(result: Result<Signature, SignatureFault>) -> String {
    match result {
        Err(SignatureFault::NonCanonical(why)) => why,
        other => panic!("expected a refusal of form, got {other:?}"),
    }
}

#[test]
fn every_kind_of_key_that_ssh_keygen_makes_is_accepted_and_comes_back() {
    for (kind, bits, expected) in [
        ("ed25519", "256", KeyKind::Ed25519),
        ("ecdsa", "256", KeyKind::EcdsaP256),
        ("ecdsa", "384", KeyKind::EcdsaP384),
        ("rsa", "3072", KeyKind::Rsa),
    ] {
        let (key, theirs) = signed_by_ssh_keygen(kind, bits, &[]);
        assert_eq!(key.kind(), expected);
        assert_eq!(PublicKey::from_blob(key.blob()).unwrap(), key);
        // OpenSSH does not care which of s and n − s it writes; we write the smaller one.
        let signature = Signature::normalised(&theirs).unwrap();
        let ours = signature.to_armour();
        assert_eq!(Signature::from_armour(ours.as_bytes()).unwrap(), signature);
        assert_eq!(
            Signature::from_blob(&signature.to_blob()).unwrap(),
            signature
        );
        assert_eq!(signature.key(), &key);
        assert_eq!(signature.verify("git", MESSAGE), Ok(()));
        assert!(ssh_keygen_accepts(&key, ours.as_bytes()), "{kind} {bits}");
        assert_eq!(
            signature.verify("git", b"something else"),
            Err(SignatureFault::Bad)
        );
        assert_eq!(
            signature.verify("file", MESSAGE),
            Err(SignatureFault::Namespace("git".into()))
        );
        if matches!(expected, KeyKind::Ed25519 | KeyKind::Rsa) {
            assert_eq!(ours.as_bytes(), theirs.as_slice());
        }
    }
}

#[test]
fn the_armour_has_one_spelling() {
    let (secret, key) = ed25519_key(1);
    let answer = ed25519_answer(&secret, "git");
    let signature = Signature::from_parts(&key, "git", &answer).unwrap();
    let blob = signature.to_blob();
    let good = signature.to_armour();
    assert_eq!(armoured(&blob, 70), good.as_bytes());
    assert_eq!(
        Signature::from_armour(good.as_bytes()),
        Ok(signature.clone())
    );

    for columns in [64, 69, 71, 76, 10_000] {
        let other = armoured(&blob, columns);
        assert_eq!(
            why(Signature::from_armour(&other)),
            "lines are not wrapped at 70 columns"
        );
        assert_eq!(Signature::normalised(&other), Ok(signature.clone()));
    }
    let begin = "no line feed after the BEGIN line";
    let end = "does not end with the END line";
    let base64 = "not canonical base64";
    let wrap = "lines are not wrapped at 70 columns";
    for (other, reason) in [
        (format!("{good}more\n"), end),
        (format!("{good}\n"), end),
        (format!("{good}{good}"), base64),
        (good.trim_end().to_owned(), end),
        (good.replace('\n', "\r\n"), begin),
        (good.replacen("-\n", "-\n\n", 1), wrap),
        (good.replacen("-----\n", "----- \n", 1), begin),
        (good.replacen("-\nU1", "-\n U1", 1), base64),
        (good.replacen("-----END", "\n-----END", 1), wrap),
        (format!("{BEGIN}\n{END}\n"), "does not begin with 'SSHSIG'"),
    ] {
        assert_eq!(
            why(Signature::from_armour(other.as_bytes())),
            reason,
            "{other}"
        );
    }
    let huge = format!("{BEGIN}\n{}\n{END}\n", "A".repeat(100_000));
    assert_eq!(
        why(Signature::from_armour(huge.as_bytes())),
        "longer than any sound signature"
    );
    for other in [
        "",
        "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n",
        "\n-----BEGIN SSH SIGNATURE-----\n",
    ] {
        assert_eq!(
            Signature::from_armour(other.as_bytes()),
            Err(SignatureFault::NotSsh)
        );
    }
}

#[test]
fn spare_bits_of_the_last_base64_character_must_be_zero() {
    // A blob whose length leaves spare bits: a namespace of 4 bytes shifts it by one.
    let (secret, key) = ed25519_key(1);
    for namespace in ["git", "git4", "git-5"] {
        let answer = ed25519_answer(&secret, namespace);
        let good = Signature::from_parts(&key, namespace, &answer)
            .unwrap()
            .to_armour();
        let Some(at) = good.find("=\n").or(good.find("==\n")) else {
            continue;
        };
        let at = good[..at].trim_end_matches('=').len() - 1;
        let mut bytes = good.clone().into_bytes();
        // The next letter of the alphabet differs in the lowest, spare bit only.
        bytes[at] += 1;
        assert_eq!(why(Signature::from_armour(&bytes)), "not canonical base64");
        let unpadded = good.replace('=', "");
        assert_eq!(
            why(Signature::from_armour(unpadded.as_bytes())),
            "not canonical base64"
        );
    }
}

#[test]
fn every_field_of_the_blob_is_fixed() {
    let (secret, key) = ed25519_key(1);
    let answer = ed25519_answer(&secret, "git");
    let honest = || Fields {
        version: 1,
        key: key.blob(),
        namespace: b"git",
        reserved: b"",
        hash: b"sha512",
        answer: &answer,
    };
    let read = |fields: Fields<'_>| Signature::from_blob(&fields.blob());
    assert_eq!(read(honest()).unwrap().verify("git", MESSAGE), Ok(()));

    let version = |version| Fields {
        version,
        ..honest()
    };
    assert_eq!(why(read(version(0))), "version 0, not 1");
    assert_eq!(why(read(version(2))), "version 2, not 1");
    let reserved = Fields {
        reserved: b"x",
        ..honest()
    };
    assert_eq!(why(read(reserved)), "the reserved field is not empty");
    for hash in [&b"sha256"[..], b"SHA512", b""] {
        assert_eq!(
            why(read(Fields { hash, ..honest() })),
            "the hash is not sha512"
        );
    }
    for namespace in [&b""[..], b"git\0", b"g\xc3\xafit", &[b'a'; 256]] {
        assert!(
            why(read(Fields {
                namespace,
                ..honest()
            }))
            .starts_with("the namespace")
        );
    }
    let other_namespace = read(Fields {
        namespace: b"file",
        ..honest()
    })
    .unwrap();
    assert_eq!(
        other_namespace.verify("git", MESSAGE),
        Err(SignatureFault::Namespace("file".into()))
    );
    assert_eq!(
        other_namespace.verify("file", MESSAGE),
        Err(SignatureFault::Bad)
    );

    let mut trailing = honest().blob();
    trailing.push(0);
    assert_eq!(
        why(Signature::from_blob(&trailing)),
        "1 bytes too many at the end"
    );
    let mut inner_trailing = answer.clone();
    inner_trailing.push(0);
    let fields = Fields {
        answer: &inner_trailing,
        ..honest()
    };
    assert_eq!(why(read(fields)), "1 bytes too many at the end");
    let mut key_trailing = key.blob().to_vec();
    key_trailing.push(0);
    let fields = Fields {
        key: &key_trailing,
        ..honest()
    };
    assert!(matches!(
        read(fields),
        Err(SignatureFault::Key(KeyFault::Malformed(_)))
    ));
    let whole = honest().blob();
    for cut in 0..whole.len() {
        assert!(Signature::from_blob(&whole[..cut]).is_err(), "{cut}");
    }
    let wrong_name = strings(&[b"rsa-sha2-512", &[0; 64]]);
    let fields = Fields {
        answer: &wrong_name,
        ..honest()
    };
    assert!(why(read(fields)).starts_with("a key of type 'ssh-ed25519' must sign"));
}

#[test]
fn no_flipped_bit_survives() {
    let (secret, key) = ed25519_key(1);
    let answer = ed25519_answer(&secret, "git");
    let good = Signature::from_parts(&key, "git", &answer).unwrap();
    let armour = good.to_armour().into_bytes();
    for at in 0..armour.len() {
        for bit in 0..8 {
            let mut bad = armour.clone();
            bad[at] ^= 1 << bit;
            let outcome =
                Signature::from_armour(&bad).and_then(|signature| signature.verify("git", MESSAGE));
            assert!(outcome.is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_sha256_signature_of_ssh_keygen_is_refused() {
    let (_, armour) = signed_by_ssh_keygen("ed25519", "256", &["-O", "hashalg=sha256"]);
    assert_eq!(
        why(Signature::from_armour(&armour)),
        "the hash is not sha512"
    );
    assert_eq!(
        why(Signature::normalised(&armour)),
        "the hash is not sha512"
    );
}

#[test]
fn known_keys_change_no_answer() {
    let (secret, key) = ed25519_key(1);
    let (_, other) = ed25519_key(2);
    let answer = ed25519_answer(&secret, "git");
    let armour = Signature::from_parts(&key, "git", &answer)
        .unwrap()
        .to_armour();
    for known in [
        KnownKeys::new(),
        KnownKeys::from_iter([other.clone()]),
        KnownKeys::from_iter([other.clone(), key.clone()]),
    ] {
        let read = Signature::from_armour_among(armour.as_bytes(), &known).unwrap();
        assert_eq!(read.key(), &key);
        assert_eq!(read.verify("git", MESSAGE), Ok(()));
    }
}
