//! The innermost part of a signature: the numbers a key made, in their one spelling.
//!
//! Every malleability that needs no key (S + L, n − s, spare zeros, spare flags) ends here.

use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Verifier as _;
use sha2::{Digest as _, Sha256, Sha512};

use super::SignedData;
use super::key::{KeyKind, Material, PublicKey};
use super::wire::{Reader, Spelling, WireFault, put_integer, put_string};

/// The order of NIST P-256.
const ORDER_P256: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of NIST P-384.
const ORDER_P384: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];
/// L, the order of the Ed25519 base point, least significant byte first.
const ORDER_ED25519: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
];

/// A token says that somebody touched it.
const USER_PRESENT: u8 = 0x01;
/// A token says that it checked a PIN or a finger.
const USER_VERIFIED: u8 = 0x04;

/// What a token adds to the message before it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Touch {
    flags: u8,
    counter: u32,
}

/// R, S and k of RFC 8032, section 5.1.7: the signature holds if [S]B − [k]A encodes to R.
#[derive(Debug, Clone, Copy)]
pub(super) struct Equation {
    /// R as it stands in the signature; perhaps no point at all.
    pub(super) r: [u8; 32],
    /// S, below the order.
    pub(super) s: [u8; 32],
    /// SHA-512 of R, A and the message, reduced by the order.
    pub(super) k: [u8; 32],
}

/// The numbers of one signature, checked for form but not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    values: Values,
    touch: Option<Touch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    /// Ed25519: R ‖ S, with S below the order.
    Edwards([u8; 64]),
    /// ECDSA: r ‖ s, each as long as the order. RSA: as long as the modulus.
    Wide(Vec<u8>),
}

impl Values {
    fn bytes(&self) -> &[u8] {
        match self {
            Values::Edwards(bytes) => bytes,
            Values::Wide(bytes) => bytes,
        }
    }
}

impl Numbers {
    /// Reads `string algorithm, string numbers[, byte flags, u32 counter]`.
    pub(super) fn read(key: &PublicKey, blob: &[u8], spelling: Spelling) -> Result<Self, String> {
        let kind = key.kind();
        let mut reader = Reader::new(blob);
        let algorithm = reader.string("the algorithm").map_err(said)?;
        if algorithm != kind.signature_name().as_bytes() {
            return Err(format!(
                "a key of type '{kind}' must sign with '{}'",
                kind.signature_name()
            ));
        }
        let field = reader.string("the signature").map_err(said)?;
        let values = match kind {
            KeyKind::Ed25519 | KeyKind::SkEd25519 => Values::Edwards(edwards(field)?),
            KeyKind::EcdsaP256 | KeyKind::SkEcdsaP256 => {
                Values::Wide(curve(field, &ORDER_P256, spelling)?)
            }
            KeyKind::EcdsaP384 => Values::Wide(curve(field, &ORDER_P384, spelling)?),
            KeyKind::Rsa => Values::Wide(rsa(field, key.material(), spelling)?),
        };
        let touch = if kind.is_token() {
            Some(Touch::read(&mut reader).map_err(said)?.checked()?)
        } else {
            None
        };
        reader.end().map_err(said)?;
        Ok(Numbers { values, touch })
    }

    /// Appends what [`Numbers::read`] reads, canonically.
    pub(super) fn write(&self, kind: KeyKind, out: &mut Vec<u8>) {
        put_string(out, kind.signature_name().as_bytes());
        let bytes = self.values.bytes();
        match kind {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::SkEcdsaP256 => {
                let (r, s) = bytes.split_at(bytes.len() / 2);
                let mut pair = Vec::with_capacity(bytes.len() + 10);
                put_integer(&mut pair, r);
                put_integer(&mut pair, s);
                put_string(out, &pair);
            }
            KeyKind::Ed25519 | KeyKind::SkEd25519 | KeyKind::Rsa => put_string(out, bytes),
        }
        if let Some(touch) = self.touch {
            out.push(touch.flags);
            out.extend_from_slice(&touch.counter.to_be_bytes());
        }
    }

    /// Whether `key` made these numbers over `signed`.
    pub(super) fn hold(&self, key: &PublicKey, signed: &SignedData<'_>) -> bool {
        let mut told = Vec::with_capacity(128);
        self.told(key, signed, |part| told.extend_from_slice(part));
        match key.material() {
            // The plain check of RFC 8032, not dalek's stricter one and never a random sum of many:
            // R is computed and compared as bytes, which is what ssh-keygen does.
            Material::Ed25519(point) => ed25519_dalek::Signature::from_slice(self.values.bytes())
                .is_ok_and(|signature| point.verify(&told, &signature).is_ok()),
            Material::Curve(point) => point.verify_sig(&told, self.values.bytes()).is_ok(),
            Material::Rsa { key, .. } => key.verify_sig(&told, self.values.bytes()).is_ok(),
        }
    }

    /// What the plain check of an Ed25519 signature computes with; `None` for the other kinds.
    pub(super) fn equation(&self, key: &PublicKey, signed: &SignedData<'_>) -> Option<Equation> {
        let (Values::Edwards(bytes), Material::Ed25519(point)) = (&self.values, key.material())
        else {
            return None;
        };
        let (r, s) = bytes.split_first_chunk::<32>()?;
        let s = s.first_chunk::<32>()?;
        let mut hash = Sha512::new().chain_update(r).chain_update(point.as_bytes());
        self.told(key, signed, |part| hash.update(part));
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        Some(Equation {
            r: *r,
            s: *s,
            k: k.to_bytes(),
        })
    }

    /// Tells, part by part, what the key itself signs: `signed`, or what a token makes of it.
    fn told(&self, key: &PublicKey, signed: &SignedData<'_>, mut tell: impl FnMut(&[u8])) {
        let Some(touch) = self.touch else {
            return signed.parts().into_iter().for_each(tell);
        };
        let mut hash = Sha256::new();
        signed
            .parts()
            .into_iter()
            .for_each(|part| hash.update(part));
        tell(key.application());
        tell(&[touch.flags]);
        tell(&touch.counter.to_be_bytes());
        tell(&hash.finalize());
    }
}

impl Touch {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireFault> {
        Ok(Touch {
            flags: reader.byte("the flags")?,
            counter: reader.u32("the counter")?,
        })
    }

    fn checked(self) -> Result<Self, String> {
        if self.flags & USER_PRESENT == 0 {
            return Err("the token was not touched (user presence is not set)".into());
        }
        if self.flags & !(USER_PRESENT | USER_VERIFIED) != 0 {
            return Err(format!("unknown token flags {:#04x}", self.flags));
        }
        Ok(self)
    }
}

fn said(fault: WireFault) -> String {
    fault.to_string()
}

fn edwards(field: &[u8]) -> Result<[u8; 64], String> {
    let numbers =
        <&[u8; 64]>::try_from(field).map_err(|_| "an Ed25519 signature has 64 bytes".to_owned())?;
    let below = numbers.iter().skip(32).rev().lt(ORDER_ED25519.iter().rev());
    if !below {
        return Err("S is not below the order of the curve".into());
    }
    Ok(*numbers)
}

fn curve(field: &[u8], order: &[u8], spelling: Spelling) -> Result<Vec<u8>, String> {
    let mut reader = Reader::new(field);
    let r = reader.integer("r", spelling).map_err(said)?;
    let s = reader.integer("s", spelling).map_err(said)?;
    reader.end().map_err(said)?;
    let r = scalar(r, order).ok_or("r is not between 0 and the order of the curve")?;
    let s = scalar(s, order).ok_or("s is not between 0 and the order of the curve")?;
    let mirrored = difference(order, &s);
    // The order is odd, so s and n − s are never equal: exactly one of them is the low one.
    let low = match spelling {
        _ if s < mirrored => s,
        Spelling::Foreign => mirrored,
        Spelling::Canonical => return Err("s is not the smaller of s and n − s".into()),
    };
    Ok([r, low].concat())
}

/// `value` as wide as `order`, if 0 < value < order.
fn scalar(value: &[u8], order: &[u8]) -> Option<Vec<u8>> {
    let pad = order.len().checked_sub(value.len())?;
    let mut wide = vec![0; pad];
    wide.extend_from_slice(value);
    let above_zero = wide.iter().any(|byte| *byte != 0);
    (above_zero && wide.as_slice() < order).then_some(wide)
}

/// `large` − `small`, both equally wide and `large` not below `small`.
fn difference(large: &[u8], small: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(large.len());
    let mut borrow = false;
    for (a, b) in large.iter().zip(small).rev() {
        let (step, under) = a.overflowing_sub(*b);
        let (step, again) = step.overflowing_sub(u8::from(borrow));
        borrow = under || again;
        out.push(step);
    }
    out.reverse();
    out
}

fn rsa(field: &[u8], material: &Material, spelling: Spelling) -> Result<Vec<u8>, String> {
    let length = match material {
        Material::Rsa { modulus_length, .. } => *modulus_length,
        Material::Ed25519(_) | Material::Curve(_) => return Err("not an RSA key".into()),
    };
    match length.checked_sub(field.len()) {
        Some(0) => Ok(field.to_vec()),
        // Some programs cut leading zeros; the number is the same.
        Some(pad) if spelling == Spelling::Foreign => {
            let mut wide = vec![0; pad];
            wide.extend_from_slice(field);
            Ok(wide)
        }
        _ => Err("an RSA signature is as long as its modulus".into()),
    }
}
