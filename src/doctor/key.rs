//! The signing key: whether it can be used, by whom, and for what else.

use std::path::PathBuf;

use super::{Check, Diagnosis, Fix, Place};

/// What was seen of the key.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its fingerprint, or why it cannot be used and what to do about it.
    pub found: Option<Result<String, (String, String)>>,
    /// The private key's file, if it lies in one.
    pub file: Option<File>,
    /// What keeps it from signing with nobody there.
    pub attended: Option<String>,
    /// Its kind, and why that is too weak if it is.
    pub kind: Option<(String, Option<String>)>,
    /// Whether the policy lets it record: why not, or by which principal; none where there is no
    /// policy to ask.
    pub policy: Option<Result<String, String>>,
    /// Where else it is seen to be used.
    pub elsewhere: Vec<String>,
}

/// The file a private key lies in.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path, links followed.
    pub path: PathBuf,
    /// Its permissions.
    pub mode: u32,
    /// Whose it is, if not of the account that runs this.
    pub other_owner: Option<String>,
}

/// The checks of the key.
pub fn examine(place: Place, facts: &Facts) -> Vec<Diagnosis> {
    const REST: [Check; 6] = [
        Check::KeyPermissions,
        Check::KeyOwner,
        Check::KeyUnattended,
        Check::KeyPolicy,
        Check::KeyKind,
        Check::KeyPurpose,
    ];
    let weak = matches!(facts.kind, Some((_, Some(_))));
    let found = match &facts.found {
        Some(Ok(fingerprint)) => Diagnosis::ok(Check::KeyFound, fingerprint.clone()),
        Some(Err(_)) | None if place == Place::Auditor => {
            Diagnosis::not_applicable(Check::KeyFound, "nothing is recorded from here")
        }
        // said by the check whose matter it is
        _ if facts
            .file
            .as_ref()
            .is_some_and(|file| file.mode & 0o077 != 0) =>
        {
            Diagnosis::ok(Check::KeyFound, "it is there")
        }
        _ if facts.attended.is_some() || weak => Diagnosis::ok(Check::KeyFound, "it is there"),
        Some(Err((why, mend))) => Diagnosis::off(Check::KeyFound, why.clone(), mend.clone()),
        None => Diagnosis::off(
            Check::KeyFound,
            "no signing key is configured",
            "git config ledger.<name>.signingKey PATH",
        ),
    };
    let mut all = vec![found];
    if place == Place::Auditor {
        let why = "nothing is recorded from here";
        all.extend(REST.map(|check| Diagnosis::not_applicable(check, why)));
        return all;
    }
    all.extend([
        permissions(facts.file.as_ref()),
        owner(facts.file.as_ref()),
        unattended(place, facts),
        policy(facts),
        kind(facts),
        purpose(facts),
    ]);
    all
}

fn permissions(file: Option<&File>) -> Diagnosis {
    const CHECK: Check = Check::KeyPermissions;
    let Some(file) = file else {
        return Diagnosis::not_applicable(CHECK, "no private key in a file");
    };
    let shown = format!(
        "'{}' has permissions {:04o}",
        file.path.display(),
        file.mode & 0o7777
    );
    if file.mode & 0o077 == 0 {
        return Diagnosis::ok(CHECK, shown);
    }
    let off = Diagnosis::off(
        CHECK,
        shown,
        format!(
            "chmod 600 '{}'; and if others were there meanwhile, rotate the key",
            file.path.display()
        ),
    );
    if file.other_owner.is_some() {
        return off;
    }
    off.fix(Fix::Chmod {
        path: file.path.clone(),
        mode: 0o600,
    })
}

fn owner(file: Option<&File>) -> Diagnosis {
    const CHECK: Check = Check::KeyOwner;
    match file {
        None => Diagnosis::not_applicable(CHECK, "no private key in a file"),
        Some(file) => match &file.other_owner {
            None => Diagnosis::ok(CHECK, "it belongs to the account that uses it"),
            Some(owner) => Diagnosis::off(
                CHECK,
                format!("'{}' belongs to {owner}", file.path.display()),
                "make a key of this account's own and let it in: git ledger policy add-signer",
            ),
        },
    }
}

fn unattended(place: Place, facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::KeyUnattended;
    match (&facts.attended, place) {
        (_, Place::WorkTree) => Diagnosis::not_applicable(CHECK, "somebody is there to be asked"),
        (None, _) if facts.found.as_ref().is_some_and(Result::is_ok) || facts.file.is_some() => {
            Diagnosis::ok(CHECK, "it needs nobody")
        }
        (None, _) => Diagnosis::not_applicable(CHECK, "no key was found"),
        (Some(why), _) => Diagnosis::off(
            CHECK,
            why.clone(),
            "a key of the server's own, without a passphrase and with permissions 0600; or an agent that outlives logins",
        ),
    }
}

fn policy(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::KeyPolicy;
    match &facts.policy {
        None => Diagnosis::not_applicable(CHECK, "there is no key, or no policy to ask"),
        Some(Ok(principal)) => Diagnosis::ok(CHECK, format!("it records as {principal}")),
        Some(Err(why)) => Diagnosis::off(
            CHECK,
            why.clone(),
            "an admin lets a key in: git ledger policy add-signer PRINCIPAL KEY --role writer",
        ),
    }
}

fn kind(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::KeyKind;
    match &facts.kind {
        None => Diagnosis::not_applicable(CHECK, "no key was found"),
        Some((kind, None)) => Diagnosis::ok(CHECK, kind.clone()),
        Some((kind, Some(why))) => Diagnosis::off(
            CHECK,
            format!("{kind}: {why}"),
            "ssh-keygen -t ed25519 makes one that may",
        ),
    }
}

fn purpose(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::KeyPurpose;
    if !matches!(facts.found, Some(Ok(_))) && facts.file.is_none() {
        return Diagnosis::not_applicable(CHECK, "no key was found");
    }
    if facts.elsewhere.is_empty() {
        return Diagnosis::ok(CHECK, "no other use of it is seen");
    }
    Diagnosis::off(
        CHECK,
        format!("it is also {}", facts.elsewhere.join(", and ")),
        "ssh-keygen -t ed25519 -f ~/.ssh/ledger; git config ledger.<name>.signingKey ~/.ssh/ledger; git ledger policy add-signer",
    )
}
