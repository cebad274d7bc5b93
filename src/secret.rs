//! What looks like a secret: by its name, or by how it is spelled.
//!
//! It errs on the careful side: what it takes for a secret is kept out of the record, and a digest
//! stands in its place. It cannot know a password that looks like a word; so values and texts enter
//! the record only for names that somebody gave, and this is the second lock, not the first.

/// A name that holds one of these, in any case, names a secret.
pub const WORDS: [&str; 14] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "KEY",
    "CREDENTIAL",
    "PRIVATE",
    "AUTH",
    "COOKIE",
    "SESSION",
    "DSN",
    "SIGNATURE",
    "WEBHOOK",
];

/// How well-known secrets begin, as their makers chose them to be found by; `eyJ` is base64 of `{"`,
/// with which a JSON Web Token begins.
pub const BEGINNINGS: &[&str] = &[
    "AGE-SECRET-KEY-",
    "AIza",
    "AKIA",
    "ASIA",
    "dop_v1_",
    "eyJ",
    "gho_",
    "ghp_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glcbt-",
    "gldt-",
    "glpat-",
    "glptt-",
    "glrt-",
    "hvs.",
    "npm_",
    "pypi-",
    "rk_live_",
    "sk-",
    "sk_live_",
    "whsec_",
    "xapp-",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "xoxs-",
    "ya29.",
];

/// A known beginning counts when so many letters and digits follow.
const AFTER_PREFIX: usize = 12;
/// A run of letters and digits this long may be a random one.
const LONG: usize = 24;

/// Whether a name is that of a secret.
pub fn is_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    WORDS.iter().any(|word| upper.contains(word))
        || ["PWD", "PASS", "PAT"].iter().any(|word| {
            upper
                .split(|c: char| !c.is_ascii_alphanumeric())
                .skip(1)
                .any(|part| part == *word)
        })
}

/// Whether a text holds what looks like a secret: a key, a token, a URL with a password, or a value
/// that is given to the name of one.
pub fn is_in(text: &str) -> bool {
    text.lines().any(is_in_line)
}

fn is_in_line(line: &str) -> bool {
    line.contains("-----BEGIN")
        || line.contains("PuTTY-User-Key-File")
        || has_password_in_url(line)
        || is_assigned(line)
        || tokens(line).any(is_token)
}

/// `scheme://user:password@host`.
fn has_password_in_url(line: &str) -> bool {
    line.match_indices("://").any(|(at, found)| {
        let rest = line.get(at + found.len()..).unwrap_or_default();
        let authority = rest
            .split(|c: char| c.is_whitespace() || "/?#\"'".contains(c))
            .next()
            .unwrap_or_default();
        authority
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
    })
}

/// `password: x`, `api_key = x`, `"secret":"x"`, `Authorization: x`, `--token x`, `Password=x;`.
fn is_assigned(line: &str) -> bool {
    let parts: Vec<&str> = line.split([':', '=']).collect();
    let named = parts.windows(2).any(|pair| {
        let name = pair[0].trim_end_matches(|c: char| c.is_whitespace() || "\"'`?+".contains(c));
        let name = name
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
            .next()
            .unwrap_or_default();
        let value = pair[1].trim_matches(|c: char| c.is_whitespace() || "\"'`>{[,".contains(c));
        !value.is_empty() && is_name(name)
    });
    let mut words = line.split_whitespace();
    let mut follows = false;
    let told = words.any(|word| {
        let now = follows && !word.is_empty();
        follows = matches!(word.to_ascii_lowercase().as_str(), "bearer" | "basic")
            || word
                .strip_prefix("--")
                .is_some_and(|name| !name.contains('=') && is_name(name));
        now
    });
    named || told
}

fn tokens(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.+".contains(c)))
        .filter(|token| !token.is_empty())
}

fn is_token(token: &str) -> bool {
    let known = BEGINNINGS.iter().any(|prefix| {
        token.strip_prefix(prefix).is_some_and(|rest| {
            rest.chars().filter(char::is_ascii_alphanumeric).count() >= AFTER_PREFIX
        })
    });
    known || token.split(['.', '-', '_']).any(is_random)
}

/// Long, and of all kinds of characters in no order: no word, no version, no hexadecimal digest.
fn is_random(run: &str) -> bool {
    if run.len() < LONG {
        return false;
    }
    let has = |kind: fn(&char) -> bool| run.chars().any(|c| kind(&c));
    let mixed =
        has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit);
    let mut kinds: Vec<char> = run.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    mixed && kinds.len() * 2 >= run.len().min(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "GITHUB_TOKEN",
            "db_password",
            "AWS_SECRET_ACCESS_KEY",
            "ApiKey",
            "PGPASSWD",
            "SENTRY_DSN",
            "MY_PRIVATE",
            "HTTP_AUTHORIZATION",
            "session_id",
            "Cookie",
            "DB_PWD",
            "MYSQL_PASS",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "PATH",
            "DEPLOY_ENV",
            "PWD",
            "REGION",
            "REPLICAS",
            "LANG",
            "COMPASS",
            "PATTERN",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn texts_with_secrets() {
        for text in [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "url: postgres://app:hunter2@db/prod",
            "password: hunter2",
            "  api_key = \"x\"",
            "{\"clientSecret\":\"x\"}",
            "Server=db;Password=x;",
            "Authorization: Basic dXNlcg==",
            "run --token abc",
            "run: curl -H 'X: Bearer abc'",
            "value ghp_0123456789abcdefABCD",
            "AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
            "x: Zk3mQ9vT1xLp7RbW2nYc5HsD8fJg",
        ] {
            assert!(is_in(text), "{text}");
        }
        for text in [
            "replicas: 3",
            "image: registry.example/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "url: https://db.example:5432/prod",
            "password:",
            "listen 80;",
            "path = /usr/share/applications/org.example.Application.desktop",
            "version: 1.22.1-2+deb12u10",
            "",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
