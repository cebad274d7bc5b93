//! One spelling for each key, and no weak ones.

use super::*;
use crate::signature::wire::put_integer;

fn fault(blob: &[u8]) -> KeyFault {
    PublicKey::from_blob(blob).unwrap_err()
}

fn modulus(bits: usize) -> Vec<u8> {
    let mut out = vec![0xab; bits / 8];
    *out.last_mut().unwrap() = 0xad;
    out
}

fn rsa(exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let mut out = strings(&[b"ssh-rsa"]);
    put_integer(&mut out, exponent);
    put_integer(&mut out, modulus);
    out
}

#[test]
fn the_text_of_a_key_has_one_spelling() {
    let (_, key) = ed25519_key(1);
    let text = key.to_text();
    assert_eq!(PublicKey::parse_text(&text).unwrap(), key);
    let base64 = text.strip_prefix("ssh-ed25519 ").unwrap();
    for other in [
        String::new(),
        "ssh-ed25519".into(),
        "ssh-ed25519 ".into(),
        format!("{text} comment"),
        format!("{text}\n"),
        format!(" {text}"),
        format!("ssh-ed25519  {base64}"),
        format!("ecdsa-sha2-nistp256 {base64}"),
        format!("{text}===="),
        format!("ssh-ed25519 {}", "A".repeat(1_000_000)),
    ] {
        assert!(
            matches!(PublicKey::parse_text(&other), Err(KeyFault::Malformed(_))),
            "{other:.60}"
        );
    }
    let one = strings(&[b"ssh-ed25519", &[1]]);
    assert!(PublicKey::from_blob(&one).is_err());
}

#[test]
fn the_fingerprint_is_the_one_ssh_keygen_prints() {
    let (_, key) = ed25519_key(1);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.pub");
    fs::write(&path, format!("{key}\n")).unwrap();
    let out = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(&path)
        .output()
        .expect("ssh-keygen must be installed");
    let printed = String::from_utf8(out.stdout).unwrap();
    assert_eq!(printed.split(' ').nth(1), Some(key.fingerprint().as_str()));
}

#[test]
fn points_that_are_no_good_are_refused() {
    let point = |bytes: &[u8]| strings(&[b"ssh-ed25519", bytes]);
    let mut one = [0u8; 32];
    one[0] = 1;
    assert!(matches!(fault(&point(&one)), KeyFault::Weak(_)));
    // y = 0 has order four.
    assert!(matches!(fault(&point(&[0; 32])), KeyFault::Weak(_)));
    let mut minus_zero = one;
    minus_zero[31] = 0x80;
    assert!(matches!(fault(&point(&minus_zero)), KeyFault::Malformed(_)));
    // y = p + 1, the same point as y = 1.
    let mut above = [0xff; 32];
    above[0] = 0xee;
    above[31] = 0x7f;
    assert!(matches!(fault(&point(&above)), KeyFault::Malformed(_)));
    let mut two = [0u8; 32];
    two[0] = 2;
    assert!(matches!(fault(&point(&two)), KeyFault::Malformed(_)));
    assert!(matches!(fault(&point(&[9; 31])), KeyFault::Malformed(_)));
}

#[test]
fn curve_points_are_uncompressed_and_on_the_curve() {
    let (key, _) = signed_by_ssh_keygen("ecdsa", "256", &[]);
    let name = b"ecdsa-sha2-nistp256";
    let good = &key.blob()[key.blob().len() - 65..];
    let with = |curve: &[u8], point: &[u8]| strings(&[name, curve, point]);
    assert_eq!(PublicKey::from_blob(&with(b"nistp256", good)).unwrap(), key);
    let mut off = good.to_vec();
    off[64] ^= 1;
    assert_eq!(
        fault(&with(b"nistp256", &off)),
        KeyFault::Malformed("not a point on the curve".into())
    );
    let mut hybrid = good.to_vec();
    hybrid[0] = 6 | (good[64] & 1);
    let mut compressed = good[..33].to_vec();
    compressed[0] = 2 | (good[64] & 1);
    for point in [&hybrid[..], &compressed, &[0], &[]] {
        assert_eq!(
            fault(&with(b"nistp256", point)),
            KeyFault::Malformed("the point is not uncompressed".into())
        );
    }
    let mut zero = vec![0; 65];
    zero[0] = 4;
    assert!(matches!(
        fault(&with(b"nistp256", &zero)),
        KeyFault::Malformed(_)
    ));
    assert!(matches!(
        fault(&with(b"nistp384", good)),
        KeyFault::Malformed(_)
    ));
}

#[test]
fn rsa_keys_are_long_and_minimal() {
    const E: &[u8] = &[1, 0, 1];
    for bits in [3072, 4096, 8192] {
        assert_eq!(
            PublicKey::from_blob(&rsa(E, &modulus(bits)))
                .unwrap()
                .kind(),
            KeyKind::Rsa
        );
    }
    assert!(matches!(fault(&rsa(E, &modulus(2048))), KeyFault::Weak(_)));
    let mut short = modulus(3072);
    short[0] = 0x7f;
    assert!(matches!(fault(&rsa(E, &short)), KeyFault::Weak(_)));
    assert!(matches!(
        fault(&rsa(E, &modulus(8200))),
        KeyFault::Unsupported(_)
    ));
    assert!(matches!(
        fault(&rsa(&[3], &modulus(3072))),
        KeyFault::Weak(_)
    ));
    let mut even = modulus(3072);
    *even.last_mut().unwrap() = 0xac;
    assert!(matches!(fault(&rsa(E, &even)), KeyFault::Weak(_)));
    let padded = strings(&[b"ssh-rsa", E, &[&[0, 0][..], &modulus(3072)].concat()]);
    assert!(matches!(fault(&padded), KeyFault::Malformed(_)));
    let negative = strings(&[b"ssh-rsa", E, &modulus(3072)]);
    assert!(matches!(fault(&negative), KeyFault::Malformed(_)));
}

#[test]
fn kinds_that_do_not_count_are_named() {
    for (name, weak) in [
        ("ssh-dss", true),
        ("ecdsa-sha2-nistp521", false),
        ("ssh-ed25519-cert-v01@openssh.com", false),
        ("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", false),
        ("ssh-ed448", false),
    ] {
        let from_text = PublicKey::parse_text(&format!("{name} AAAA")).unwrap_err();
        let from_blob = fault(&strings(&[name.as_bytes(), b"x"]));
        assert_eq!(from_text, from_blob);
        match from_blob {
            KeyFault::Weak(_) => assert!(weak, "{name}"),
            KeyFault::Unsupported(_) => assert!(!weak, "{name}"),
            KeyFault::Malformed(why) => panic!("{name}: {why}"),
        }
    }
}

#[test]
fn a_token_names_its_application() {
    let (_, plain) = ed25519_key(1);
    let point = &plain.blob()[19..];
    let key = |application: &[u8]| {
        PublicKey::from_blob(&strings(&[
            b"sk-ssh-ed25519@openssh.com",
            point,
            application,
        ]))
    };
    assert!(key(b"ssh:").is_ok());
    assert!(key(&[b'a'; 255]).is_ok());
    for application in [&b""[..], b"ssh:\n", b"\xff", &[b'a'; 256]] {
        assert!(matches!(key(application), Err(KeyFault::Malformed(_))));
    }
}
