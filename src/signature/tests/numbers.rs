//! The numbers of a signature: low s, S below L, a token that was touched.

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::signature::wire::put_integer;

#[test]
fn about_half_of_all_ecdsa_signatures_need_the_smaller_s() {
    let dir = tempfile::tempdir().unwrap();
    let made = ["-q", "-t", "ecdsa", "-N", "", "-f", "key"];
    assert!(ssh_keygen(&made, dir.path()));
    let (mut low, mut high) = (0, 0);
    for turn in 0..64 {
        let message = dir.path().join("m");
        fs::write(&message, [turn]).unwrap();
        let sign = ["-Y", "sign", "-q", "-n", "git", "-f", "key", "m"];
        assert!(ssh_keygen(&sign, dir.path()));
        let armour = fs::read(dir.path().join("m.sig")).unwrap();
        fs::remove_file(dir.path().join("m.sig")).unwrap();
        match Signature::from_armour(&armour) {
            Ok(_) => low += 1,
            Err(SignatureFault::NonCanonical(why)) => {
                assert_eq!(why, "s is not the smaller of s and n − s");
                high += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
        let mended = Signature::normalised(&armour).unwrap();
        assert_eq!(mended.verify("git", &[turn]), Ok(()));
        assert!(Signature::from_armour(mended.to_armour().as_bytes()).is_ok());
    }
    // 2^-63 is the chance that an honest run lands on one side only.
    assert!(low > 0 && high > 0, "{low} low, {high} high");
}

#[test]
fn a_token_signature_needs_a_touch_and_no_unknown_flag() {
    let secret = SigningKey::from_bytes(&[7; 32]);
    let blob = strings(&[
        b"sk-ssh-ed25519@openssh.com",
        secret.verifying_key().as_bytes(),
        b"ssh:",
    ]);
    let key = PublicKey::from_blob(&blob).unwrap();
    assert_eq!(key.kind(), KeyKind::SkEd25519);
    let answer = |flags: u8| {
        let mut told = Sha256::digest(b"ssh:").to_vec();
        told.push(flags);
        told.extend_from_slice(&41u32.to_be_bytes());
        told.extend_from_slice(&Sha256::digest(signed_data("git", MESSAGE)));
        let made = secret.sign(&told).to_bytes();
        let mut out = strings(&[b"sk-ssh-ed25519@openssh.com", &made]);
        out.push(flags);
        out.extend_from_slice(&41u32.to_be_bytes());
        out
    };
    for flags in [0x01, 0x05] {
        let signature = Signature::from_parts(&key, "git", &answer(flags)).unwrap();
        assert_eq!(signature.verify("git", MESSAGE), Ok(()));
        let armour = signature.to_armour();
        assert_eq!(
            Signature::from_armour(armour.as_bytes()).unwrap(),
            signature
        );
        assert!(ssh_keygen_accepts(&key, armour.as_bytes()));
    }
    for flags in [0x00, 0x04, 0x03, 0x41, 0x81] {
        assert!(
            matches!(
                Signature::from_parts(&key, "git", &answer(flags)),
                Err(SignatureFault::NonCanonical(_))
            ),
            "{flags:#x}"
        );
    }
    // The flags are under the signature: setting one afterwards breaks it.
    let mut lifted = answer(0x01);
    let at = lifted.len() - 5;
    lifted[at] = 0x05;
    let signature = Signature::from_parts(&key, "git", &lifted).unwrap();
    assert_eq!(signature.verify("git", MESSAGE), Err(SignatureFault::Bad));
}

#[test]
fn a_token_of_the_nist_curve_is_accepted_too() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let name = b"sk-ecdsa-sha2-nistp256@openssh.com";
    let point = pair.public_key().as_ref();
    let key = PublicKey::from_blob(&strings(&[name, b"nistp256", point, b"ssh:"])).unwrap();
    let mut told = Sha256::digest(b"ssh:").to_vec();
    told.extend_from_slice(&[1, 0, 0, 0, 9]);
    told.extend_from_slice(&Sha256::digest(signed_data("git", MESSAGE)));
    let made = pair.sign(&SystemRandom::new(), &told).unwrap();
    let mut numbers = Vec::new();
    put_integer(&mut numbers, &made.as_ref()[..32]);
    put_integer(&mut numbers, &made.as_ref()[32..]);
    let mut answer = strings(&[name, &numbers]);
    answer.extend_from_slice(&[1, 0, 0, 0, 9]);
    let signature = Signature::from_parts(&key, "git", &answer).unwrap();
    assert_eq!(signature.verify("git", MESSAGE), Ok(()));
    assert!(ssh_keygen_accepts(&key, signature.to_armour().as_bytes()));
}

#[test]
fn ed25519_s_plus_l_is_refused() {
    let (secret, key) = ed25519_key(1);
    let answer = ed25519_answer(&secret, "git");
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut twin = answer.clone();
    let start = twin.len() - 32;
    let mut carry = 0u16;
    for (byte, add) in twin[start..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    let reason = "S is not below the order of the curve";
    assert_eq!(why(Signature::from_parts(&key, "git", &twin)), reason);
    // S = L itself stands for zero: refused as well.
    let mut zero = answer;
    zero[start..].copy_from_slice(&order);
    assert_eq!(why(Signature::from_parts(&key, "git", &zero)), reason);
}

#[test]
fn ecdsa_numbers_have_one_spelling() {
    let (key, armour) = signed_by_ssh_keygen("ecdsa", "384", &[]);
    let good = Signature::normalised(&armour).unwrap();
    let blob = good.to_blob();
    let mut reader = Reader::new(&blob);
    reader.take(10, "").unwrap();
    for _ in 0..4 {
        reader.string("").unwrap();
    }
    let mut answer = Reader::new(reader.string("").unwrap());
    answer.string("").unwrap();
    let mut pair = Reader::new(answer.string("").unwrap());
    let r = pair.string("").unwrap().to_vec();
    let s = pair.string("").unwrap().to_vec();

    let read = |parts: &[&[u8]]| {
        let answer = strings(&[b"ecdsa-sha2-nistp384", &strings(parts)]);
        Signature::from_blob(
            &Fields {
                version: 1,
                key: key.blob(),
                namespace: b"git",
                reserved: b"",
                hash: b"sha512",
                answer: &answer,
            }
            .blob(),
        )
    };
    assert_eq!(read(&[&r, &s]), Ok(good.clone()));
    let padded = |number: &[u8]| [&[0], number].concat();
    assert_eq!(
        why(read(&[&padded(&r), &s])),
        "r is not a minimal positive integer"
    );
    assert_eq!(
        why(read(&[&r, &padded(&s)])),
        "s is not a minimal positive integer"
    );
    assert!(why(read(&[&[], &s])).starts_with("r is not between"));
    assert!(why(read(&[&r, &[]])).starts_with("s is not between"));
    assert!(why(read(&[&r, &[0x7f; 49]])).starts_with("s is not between"));
    assert_eq!(
        why(read(&[&[0xff; 48], &s])),
        "r is not a minimal positive integer"
    );
    assert!(why(read(&[&padded(&[0xff; 48]), &s])).starts_with("r is not between"));
    assert_eq!(why(read(&[&r, &s, b""])), "4 bytes too many at the end");
    let swapped = read(&[&s, &r]);
    assert!(swapped.is_err() || swapped.unwrap().verify("git", MESSAGE).is_err());
}
