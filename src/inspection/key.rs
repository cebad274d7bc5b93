//! The signing key: which it is, where it lies, and where else it is used.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::doctor::Place;
use crate::doctor::key::{Facts, File};
use crate::event::PUSH;
use crate::git::Scope;
use crate::hook::push_event::CERTIFICATE;
use crate::policy::Role;
use crate::signature::PublicKey;
use crate::signer::{KeySettings, Signer, SignerError};

use super::Site;
use super::authority::{Accounts, read};

/// No file with a key is longer.
const LONGEST: u64 = 4 << 20;

pub(super) fn observe(site: &Site<'_>, accounts: &Accounts) -> Facts {
    let mut facts = Facts::default();
    if site.place == Place::Auditor {
        return facts;
    }
    let path = site
        .key
        .signing_key
        .as_deref()
        .and_then(|text| private_file(text, &site.key));
    facts.file = path.as_ref().and_then(|path| {
        let meta = fs::metadata(path).ok()?;
        Some(File {
            path: path.clone(),
            mode: meta.mode(),
            other_owner: (meta.uid() != accounts.me).then(|| accounts.name(meta.uid())),
        })
    });
    // nobody is asked for a passphrase here
    let settings = KeySettings {
        terminal: false,
        ..site.key.clone()
    };
    let (key, found) = match Signer::find(&settings) {
        Ok(signer) => {
            let key = signer.public_key().clone();
            let fingerprint = key.fingerprint();
            (Some(key), Some(Ok(fingerprint)))
        }
        Err(SignerError::NoKey) => (None, None),
        Err(error) => {
            match &error {
                SignerError::Encrypted { .. } => facts.attended = Some(error.to_string()),
                SignerError::Key(fault) => {
                    facts.kind = Some(("the key".to_owned(), Some(fault.to_string())));
                }
                _ => {}
            }
            let hint = error.hint().unwrap_or_default();
            let beside = path.as_ref().map(|path| {
                let mut name = path.as_os_str().to_owned();
                name.push(".pub");
                PathBuf::from(name)
            });
            (
                beside.and_then(public),
                Some(Err((error.to_string(), hint))),
            )
        }
    };
    facts.found = found;
    let Some(key) = key else { return facts };
    if key.kind().is_token() {
        facts.attended = Some("the key is in a token that wants to be touched".into());
    }
    facts.kind = Some((key.kind().name().to_owned(), None));
    facts.policy = policy(site, &key);
    facts.elsewhere = elsewhere(site, &key);
    facts
}

/// The file of the private half, if the setting names one that is there.
fn private_file(text: &str, settings: &KeySettings) -> Option<PathBuf> {
    let path = match (text.strip_prefix("~/"), &settings.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    };
    let beside = path
        .extension()
        .filter(|extension| *extension == "pub")
        .map(|_| path.with_extension(""));
    let private =
        |path: &PathBuf| read(path, LONGEST).is_ok_and(|bytes| bytes.starts_with(b"-----BEGIN "));
    [Some(path), beside]
        .into_iter()
        .flatten()
        .find(private)?
        .canonicalize()
        .ok()
}

fn public(path: PathBuf) -> Option<PublicKey> {
    keys(&String::from_utf8_lossy(&read(&path, LONGEST).ok()?)).next()
}

/// The keys in lines of `[options] type base64 [comment]`.
fn keys(text: &str) -> impl Iterator<Item = PublicKey> + '_ {
    text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        words.windows(2).find_map(|pair| match pair {
            [kind, base64] => PublicKey::parse_text(&format!("{kind} {base64}")).ok(),
            _ => None,
        })
    })
}

fn policy(site: &Site<'_>, key: &PublicKey) -> Option<Result<String, String>> {
    let tip = site.ledger.tip().ok()?;
    let fingerprint = key.fingerprint();
    let Some((_, row)) = tip.policy.row(key) else {
        return Some(Err(format!("{fingerprint} is not in the policy")));
    };
    let records = row.has(Role::Writer) || row.has(Role::Admin);
    let pushes = row.allows_type(PUSH) && row.allows_type(CERTIFICATE);
    Some(if row.retired {
        Err(format!("the row of {} is retired", row.principal))
    } else if !records && site.place == Place::Server {
        Err(format!("{} is no writer", row.principal))
    } else if !pushes && site.place == Place::Server {
        Err(format!(
            "{} may not record pushes: {}",
            row.principal,
            row.types.join(", ")
        ))
    } else {
        Ok(row.principal.to_string())
    })
}

/// Other uses of the key that can be seen from here.
fn elsewhere(site: &Site<'_>, key: &PublicKey) -> Vec<String> {
    let mut found = Vec::new();
    let user = site.config.get("user.signingKey", Scope::Any);
    let of_user = KeySettings {
        signing_key: user.clone(),
        default_key_command: None,
        program: None,
        terminal: true,
        ..site.key.clone()
    };
    let same = user.is_some()
        && match Signer::find(&of_user) {
            Ok(signer) => signer.public_key() == key,
            // the same setting, whatever is wrong with the key
            Err(_) => user == site.key.signing_key,
        };
    if same {
        found.push(format!(
            "user.signingKey, which signs commits and tags (says {})",
            site.origin("user.signingKey")
        ));
    }
    if let Some(home) = &site.key.home {
        let path = home.join(".ssh/authorized_keys");
        let text = read(&path, LONGEST).unwrap_or_default();
        if keys(&String::from_utf8_lossy(&text)).any(|known| known == *key) {
            found.push(format!("a key to log in with (says '{}')", path.display()));
        }
    }
    found
}
