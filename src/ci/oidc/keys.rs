//! The keys of an issuer: which of them may have signed a token, and the name of one for ever.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::Refusal;
use crate::json::{Object, Value, foreign};
use crate::merkle;

/// The largest set of keys that is read, in bytes; GitHub's has some 10,000.
pub const LONGEST: usize = 256 << 10;
/// The most keys of a set.
const MOST: usize = 100;

/// The keys of an issuer, as it publishes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(Vec<Object>);

/// One key that may have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    object: Object,
    form: Form,
}

/// The public numbers, base64url as RFC 7518 has them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Rsa { n: String, e: String },
    Curve { curve: Curve, x: String, y: String },
    Ed25519 { x: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
}

/// The method of this name, if a public key checks it.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

impl Keys {
    /// Reads a set of keys (RFC 7517, section 5).
    ///
    /// # Errors
    /// [`Refusal::Keys`] when it is none, or larger than any issuer's.
    pub fn parse(body: &[u8]) -> Result<Keys, Refusal> {
        let no = |why: &str| Refusal::Keys(why.to_owned());
        if body.len() > LONGEST {
            return Err(no("its set of keys is too large"));
        }
        let value = foreign::read(body).map_err(|why| Refusal::Keys(why.to_string()))?;
        let keys = value.as_object().and_then(|set| set.get("keys"));
        let keys = keys.and_then(Value::as_array);
        let keys = keys.ok_or_else(|| no("its set of keys is none"))?;
        if keys.len() > MOST {
            return Err(no("it has too many keys"));
        }
        // a key of a kind we do not know is none of ours
        let known = keys.iter().filter_map(Value::as_object).cloned();
        Ok(Keys(known.collect()))
    }

    /// The one key of this name.
    pub(super) fn named(&self, kid: &str) -> Result<Key, Refusal> {
        let named = |key: &&Object| key.get("kid").and_then(Value::as_str) == Some(kid);
        let found: Vec<&Object> = self.0.iter().filter(named).collect();
        match found.as_slice() {
            [key] => Key::read(key),
            others => Err(Refusal::Key(others.len())),
        }
    }
}

impl Key {
    fn read(object: &Object) -> Result<Key, Refusal> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        // the number as it is, so that it has one spelling
        let number = |name: &str| {
            let bytes = text(name).and_then(|text| BASE64URL.decode(text).ok());
            bytes
                .filter(|bytes| !bytes.is_empty())
                .map(|bytes| BASE64URL.encode(bytes))
                .ok_or(Refusal::KeyUse("a number of it is missing"))
        };
        let sized = |name: &str, size: usize| {
            number(name).and_then(|text| match BASE64URL.decode(&text) {
                Ok(bytes) if bytes.len() == size => Ok(text),
                _ => Err(Refusal::KeyUse("a number of it has the wrong length")),
            })
        };
        let form = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => Form::Rsa {
                n: number("n")?,
                e: number("e")?,
            },
            (Some("EC"), Some("P-256")) => Form::Curve {
                curve: Curve::P256,
                x: sized("x", 32)?,
                y: sized("y", 32)?,
            },
            (Some("EC"), Some("P-384")) => Form::Curve {
                curve: Curve::P384,
                x: sized("x", 48)?,
                y: sized("y", 48)?,
            },
            (Some("OKP"), Some("Ed25519")) => Form::Ed25519 { x: sized("x", 32)? },
            _ => return Err(Refusal::KeyUse("it is of a kind that is not known")),
        };
        Ok(Key {
            object: object.clone(),
            form,
        })
    }

    /// The key, if it may be used with this method (RFC 8725, section 3.1).
    pub(super) fn for_algorithm(&self, algorithm: Algorithm) -> Result<DecodingKey, Refusal> {
        let text = |name: &str| self.object.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return Err(Refusal::KeyUse("it is not for signatures"));
        }
        if text("alg").is_some_and(|named| self::algorithm(named) != Some(algorithm)) {
            return Err(Refusal::KeyUse("it is for another method"));
        }
        let malformed = |_| Refusal::KeyUse("it is no public key");
        match (&self.form, algorithm) {
            (
                Form::Rsa { n, e },
                Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512,
            ) => DecodingKey::from_rsa_components(n, e).map_err(malformed),
            (
                Form::Curve {
                    curve: Curve::P256,
                    x,
                    y,
                },
                Algorithm::ES256,
            )
            | (
                Form::Curve {
                    curve: Curve::P384,
                    x,
                    y,
                },
                Algorithm::ES384,
            ) => DecodingKey::from_ec_components(x, y).map_err(malformed),
            (Form::Ed25519 { x }, Algorithm::EdDSA) => {
                DecodingKey::from_ed_components(x).map_err(malformed)
            }
            _ => Err(Refusal::KeyUse("it is for another method")),
        }
    }

    /// The digest of its public numbers, base64url: the same wherever and however it is published
    /// (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let object = match &self.form {
            Form::Rsa { n, e } => Object::new()
                .with("kty", "RSA")
                .with("n", n.as_str())
                .with("e", e.as_str()),
            Form::Curve { curve, x, y } => Object::new()
                .with("kty", "EC")
                .with(
                    "crv",
                    match curve {
                        Curve::P256 => "P-256",
                        Curve::P384 => "P-384",
                    },
                )
                .with("x", x.as_str())
                .with("y", y.as_str()),
            Form::Ed25519 { x } => Object::new()
                .with("kty", "OKP")
                .with("crv", "Ed25519")
                .with("x", x.as_str()),
        };
        BASE64URL.encode(merkle::sha256(
            Value::from(object).to_canonical().as_bytes(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638, section 3.1.
    const EXAMPLE: &str = r#"{"keys":[{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}"#;

    #[test]
    fn the_thumbprint_is_the_one_of_the_standard() {
        let keys = Keys::parse(EXAMPLE.as_bytes()).expect("keys");
        let key = keys.named("2011-04-29").expect("a key");
        assert_eq!(
            key.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        assert!(key.for_algorithm(Algorithm::RS256).is_ok());
        for other in [Algorithm::RS512, Algorithm::ES256, Algorithm::HS256] {
            assert!(key.for_algorithm(other).is_err(), "{other:?}");
        }
        assert_eq!(keys.named("other").err(), Some(Refusal::Key(0)));
    }

    #[test]
    fn sets_that_are_none() {
        let many = format!("{{\"keys\":[{}1]}}", "1,".repeat(MOST));
        let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(LONGEST));
        for bad in [
            "",
            "[]",
            "{}",
            "{\"keys\":{}}",
            many.as_str(),
            large.as_str(),
        ] {
            assert!(Keys::parse(bad.as_bytes()).is_err());
        }
        let twice = EXAMPLE.replace("]}", ",{\"kid\":\"2011-04-29\"}]}");
        let keys = Keys::parse(twice.as_bytes()).expect("keys");
        assert_eq!(keys.named("2011-04-29").err(), Some(Refusal::Key(2)));
    }

    #[test]
    fn keys_that_are_for_something_else() {
        let refused = |key: &str| {
            let set = format!("{{\"keys\":[{key}]}}");
            let keys = Keys::parse(set.as_bytes()).expect("keys");
            keys.named("k")
                .and_then(|key| key.for_algorithm(Algorithm::ES256))
                .is_err()
        };
        let number = BASE64URL.encode([1; 32]);
        let short = BASE64URL.encode([1; 31]);
        let key = |more: &str, x: &str| {
            format!(r#"{{"kid":"k","kty":"EC","crv":"P-256","x":"{x}","y":"{number}"{more}}}"#)
        };
        assert!(!refused(&key("", &number)));
        assert!(refused(&key(r#","use":"enc""#, &number)));
        assert!(refused(&key(r#","alg":"ES384""#, &number)));
        assert!(refused(&key(r#","alg":"HS256""#, &number)));
        assert!(refused(&key("", &short)));
        assert!(refused(&key("", "%%")));
        assert!(refused(r#"{"kid":"k","kty":"oct","k":"AAAA"}"#));
        assert!(refused(r#"{"kid":"k","kty":"EC","crv":"secp256k1"}"#));
    }
}
