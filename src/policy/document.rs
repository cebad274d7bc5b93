//! `ledger.toml` as a document: its tables, and the rules that need no other policy to be seen.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::finding::{Finding, FindingId};
use crate::principal::Principal;
use crate::signature::{KeyFault, PublicKey};

use super::{Compromised, FailClass, FailMode, Mirror, Policy, Role, SPEC, Signer};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    spec: u64,
    id: String,
    name: String,
    admin: AdminTable,
    #[serde(default)]
    signer: Vec<SignerTable>,
    #[serde(default)]
    compromised: Vec<CompromisedTable>,
    #[serde(default)]
    mirror: Vec<MirrorTable>,
    #[serde(default)]
    failure: Vec<FailureTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdminTable {
    threshold: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerTable {
    principal: String,
    key: String,
    roles: Vec<Role>,
    types: Option<Vec<String>>,
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompromisedTable {
    key: String,
    since: u64,
    vouched: Option<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MirrorTable {
    name: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureTable {
    types: Vec<String>,
    mode: FailMode,
}
/// The policy a TOML document spells.
pub fn read(table: toml::Table) -> Result<Policy, Finding> {
    let document: Document = table
        .try_into()
        .map_err(|why: toml::de::Error| malformed(why.message()))?;
    if document.spec != SPEC {
        return Err(malformed(format!("spec is {}, not {SPEC}", document.spec)));
    }
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if document.id.len() != 32 || !document.id.bytes().all(hex) {
        return Err(malformed(format!(
            "id is not 32 lower-case hex digits: {:?}",
            document.id
        )));
    }
    plain("name", &document.name, 100)?;
    // what is malformed is told before a key that is no use, so each row is read in two steps
    let signers: Vec<Keyed<Signer>> = all(document.signer, signer)?;
    if signers.is_empty() {
        return Err(malformed("no signer"));
    }
    let compromised: Vec<Keyed<Compromised>> = all(document.compromised, compromised)?;
    let mirrors = all(document.mirror, mirror)?;
    let names: BTreeSet<&str> = mirrors.iter().map(|mirror| mirror.name.as_str()).collect();
    if names.len() != mirrors.len() {
        return Err(malformed("one mirror name stands in two rows"));
    }
    let failures: Vec<FailClass> = all(document.failure, failure)?;
    let patterns = failures.iter().flat_map(|row| &row.types);
    patterns_are_good("the failure rows", patterns)?;
    let (id, name, threshold) = (document.id, document.name, document.admin.threshold);
    if threshold == 0 || threshold > crate::json::MAX_INTEGER as u64 {
        return Err(malformed(format!("threshold is {threshold}")));
    }
    let signers: Vec<Signer> = signers.into_iter().collect::<Result<_, _>>()?;
    let compromised = compromised.into_iter().collect::<Result<_, _>>()?;
    let mut keys = BTreeSet::new();
    for row in &signers {
        if !keys.insert(row.key.blob().to_vec()) {
            let detail = format!("{} stands in two rows", row.key.fingerprint());
            return Err(Finding::new(FindingId::PolicyDuplicateKey, detail));
        }
    }
    let policy = Policy {
        id,
        name,
        threshold,
        signers,
        compromised,
        mirrors,
        failures,
    };
    check_compromised(&policy)?;
    let admins = policy.admins().len() as u64;
    if admins < threshold {
        let detail = format!("{admins} unretired admin principals, threshold {threshold}");
        return Err(Finding::new(FindingId::PolicyLockout, detail));
    }
    Ok(policy)
}

fn check_compromised(policy: &Policy) -> Result<(), Finding> {
    let fault = |why: String| Err(Finding::new(FindingId::PolicyCompromised, why));
    let mut keys = BTreeSet::new();
    for row in &policy.compromised {
        let name = row.key.fingerprint();
        if !keys.insert(row.key.blob()) {
            return fault(format!("{name} stands in two compromised rows"));
        }
        match policy.row(&row.key) {
            Some((_, signer)) if signer.retired => {}
            Some(_) => return fault(format!("{name} is compromised and not retired")),
            None => return fault(format!("{name} is compromised and in no signer row")),
        }
        if !ascending(&row.vouched) || row.vouched.first().is_some_and(|first| *first < row.since) {
            return fault(format!("vouched of {name} is not ascending from since on"));
        }
    }
    Ok(())
}

/// A row, or what is wrong with its key.
type Keyed<T> = Result<T, Finding>;

fn all<A, B>(rows: Vec<A>, read: fn(A) -> Result<B, Finding>) -> Result<Vec<B>, Finding> {
    rows.into_iter().map(read).collect()
}

fn signer(table: SignerTable) -> Result<Keyed<Signer>, Finding> {
    let principal = Principal::parse(&table.principal)
        .ok_or_else(|| malformed(format!("not a principal: {:?}", table.principal)))?;
    plain_key(&table.key)?;
    if table.roles.is_empty() || !ascending(&table.roles) {
        return Err(malformed(format!(
            "roles of {principal} are empty, twice or out of order"
        )));
    }
    let types = match table.types {
        Some(types) if types.is_empty() => {
            return Err(malformed(format!("types of {principal} is empty")));
        }
        types => types.unwrap_or_default(),
    };
    patterns_are_good(&format!("the types of {principal}"), &types)?;
    let retired = match table.state.as_deref() {
        None => false,
        Some("retired") => true,
        Some(other) => {
            return Err(malformed(format!(
                "state of {principal} is {other:?}, not \"retired\""
            )));
        }
    };
    Ok(key(&table.key).map(|key| Signer {
        principal,
        key,
        roles: table.roles,
        types,
        retired,
    }))
}

fn compromised(table: CompromisedTable) -> Result<Keyed<Compromised>, Finding> {
    let limit = crate::json::MAX_INTEGER as u64;
    let vouched = match table.vouched {
        Some(vouched) if vouched.is_empty() => return Err(malformed("vouched is empty")),
        vouched => vouched.unwrap_or_default(),
    };
    plain_key(&table.key)?;
    if table.since > limit || vouched.iter().any(|number| *number > limit) {
        return Err(malformed("a number above 2^53 − 1"));
    }
    Ok(key(&table.key).map(|key| Compromised {
        key,
        since: table.since,
        vouched,
    }))
}

fn mirror(table: MirrorTable) -> Result<Mirror, Finding> {
    plain("a mirror's name", &table.name, 100)?;
    plain("a mirror's url", &table.url, 1000)?;
    Ok(Mirror {
        name: table.name,
        url: table.url,
    })
}

fn failure(table: FailureTable) -> Result<FailClass, Finding> {
    if table.types.is_empty() {
        return Err(malformed("types of a failure row is empty"));
    }
    Ok(FailClass {
        types: table.types,
        mode: table.mode,
    })
}

/// Event types, exact or with a final `*`, none twice.
fn patterns_are_good<'a>(
    place: &str,
    patterns: impl IntoIterator<Item = &'a String>,
) -> Result<(), Finding> {
    let mut seen = BTreeSet::new();
    for kind in patterns {
        plain("a type", kind, 200)?;
        if kind.trim_end_matches('*').len() + 1 < kind.len() || kind[..kind.len() - 1].contains('*')
        {
            return Err(malformed(format!(
                "{kind:?} has a * that is not its last character"
            )));
        }
        if !seen.insert(kind) {
            return Err(malformed(format!("{kind:?} stands twice in {place}")));
        }
    }
    Ok(())
}

/// Not a policy.
pub fn malformed(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::PolicyMalformed, why)
}

fn key(text: &str) -> Result<PublicKey, Finding> {
    PublicKey::parse_text(text).map_err(|fault| {
        let id = match fault {
            KeyFault::Malformed(_) | KeyFault::Weak(_) | KeyFault::Unsupported(_) => {
                FindingId::PolicyKey
            }
        };
        Finding::new(id, format!("{text}: {fault}"))
    })
}

/// Printable ASCII without `"` and `\`, 1 to `most` bytes.
fn plain(what: &str, text: &str, most: usize) -> Result<(), Finding> {
    let fits = |b: u8| (0x20..=0x7e).contains(&b) && b != b'"' && b != b'\\';
    if text.is_empty() || text.len() > most || !text.bytes().all(fits) {
        return Err(malformed(format!(
            "{what} is not 1 to {most} printable ASCII characters without \" and \\: {text:?}"
        )));
    }
    Ok(())
}

/// What no string of a policy may hold, a key may not hold either; the rest is for the key to say.
fn plain_key(text: &str) -> Result<(), Finding> {
    if text.is_empty() {
        Ok(())
    } else {
        plain("a key", text, super::MAX_BYTES)
    }
}

/// Strictly ascending is also the simplest way to say "none twice".
fn ascending<T: PartialOrd>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}
