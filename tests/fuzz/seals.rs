//! Signatures, keys and push certificates: one spelling, and none that others would not take.

use std::process::{Command, Stdio};
use std::sync::LazyLock;

use git_ledger::policy::{Policy, Role, Signer};
use git_ledger::principal::Principal;
use git_ledger::push_certificate::{self, Carried, Status};
use git_ledger::signature::{PublicKey, Signature, SignatureFault};
use gix::ObjectId;

use super::stolen::Thief;

/// What the signatures of the corpus were made over.
pub const MESSAGE: &[u8] = b"an entry\n";

/// SSHSIG, armoured and bare, and the keys in it.
pub fn signature(input: &[u8]) {
    if let Ok(signature) = Signature::from_armour(input) {
        assert_eq!(signature.to_armour().as_bytes(), input);
        canonical(&signature);
    }
    if let Ok(signature) = Signature::from_blob(input) {
        assert_eq!(signature.to_blob(), input);
        canonical(&signature);
    }
    if let Ok(signature) = Signature::normalised(input) {
        canonical(&signature);
    }
    if let Ok(key) = PublicKey::from_blob(input) {
        assert_eq!(key.blob(), input);
        assert_eq!(PublicKey::parse_text(&key.to_text()), Ok(key));
    }
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(key) = PublicKey::parse_text(text)
    {
        assert_eq!(PublicKey::from_blob(key.blob()), Ok(key));
    }
}

/// What a signature that was read must be.
fn canonical(signature: &Signature) {
    let (armour, blob) = (signature.to_armour(), signature.to_blob());
    assert_eq!(
        Signature::from_armour(armour.as_bytes()).as_ref(),
        Ok(signature)
    );
    assert_eq!(Signature::from_blob(&blob).as_ref(), Ok(signature));
    assert_eq!(
        Signature::normalised(armour.as_bytes()).as_ref(),
        Ok(signature)
    );
    let verdict = signature.verify("git", MESSAGE);
    assert!(signature.verify("git-ledger-approval", MESSAGE).is_err() || verdict.is_err());
}

/// A signature over [`MESSAGE`], held against `ssh-keygen -Y check-novalidate`: what we take it
/// takes, and what it takes and we do not is a matter of spelling or of a weak key.
pub fn keygen(input: &[u8]) {
    let ours = Signature::from_armour(input).and_then(|signature| signature.verify("git", MESSAGE));
    let taken = taken_by_keygen(input);
    match ours {
        Ok(()) => assert!(taken, "ssh-keygen does not take what we take"),
        Err(SignatureFault::Bad) => assert!(!taken, "ssh-keygen takes what we call bad"),
        Err(_) => {}
    }
}

fn taken_by_keygen(armour: &[u8]) -> bool {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("signature");
    std::fs::write(&file, armour).expect("a file");
    // a file, not a pipe: it may refuse the signature before it reads what was signed
    let message = dir.path().join("message");
    std::fs::write(&message, MESSAGE).expect("a file");
    let told = Command::new("ssh-keygen")
        .args(["-q", "-Y", "check-novalidate", "-n", "git", "-s"])
        .arg(&file)
        .stdin(std::fs::File::open(&message).expect("a file"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    told.expect("ssh-keygen must be installed").success()
}

const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";
const REF: &[u8] = b"refs/heads/main";
const NONCE: &[u8] = b"1767225600-abc";

/// The certificate that fits the push: what an honest pusher signs.
pub fn honest_certificate() -> Vec<u8> {
    let mut text = format!(
        "certificate version 0.1\npusher SHA256:x 1767225600 +0000\npushee https://git.acme.example\nnonce {}\npush-option o\n\n{OLD} {NEW} ",
        String::from_utf8_lossy(NONCE)
    )
    .into_bytes();
    text.extend_from_slice(REF);
    text.push(b'\n');
    let seal = PUSHER.sign("git", &text);
    text.extend_from_slice(seal.to_armour().as_bytes());
    text
}

static PUSHER: LazyLock<Thief> = LazyLock::new(|| Thief::new("ci@acme.example", 3));
static HONEST: LazyLock<Vec<u8>> = LazyLock::new(honest_certificate);
static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
    id: "0123456789abcdef0123456789abcdef".into(),
    name: "acme".into(),
    threshold: 1,
    signers: vec![Signer {
        principal: Principal::parse("ci@acme.example").expect("a principal"),
        key: PUSHER.key.clone(),
        roles: vec![Role::Writer, Role::Admin],
        types: Vec::new(),
        retired: false,
    }],
    compromised: Vec::new(),
    mirrors: Vec::new(),
    failures: Vec::new(),
});

/// A push certificate; only the text that the key signed may be called good.
pub fn certificate(input: &[u8]) {
    let id = |hex: &str| hex.parse::<ObjectId>().expect("an id");
    let carried = Carried {
        updates: vec![(id(OLD), id(NEW), REF)],
        options: vec![b"o"],
        nonce: Some(NONCE),
        nonce_status: Some("OK"),
    };
    let judged = push_certificate::judge(input, &carried, &POLICY);
    let begin = b"-----BEGIN SSH SIGNATURE-----\n";
    let signed = |text: &[u8]| -> Vec<u8> {
        let at = text.windows(begin.len()).position(|part| part == begin);
        text[..at.unwrap_or(text.len())].to_vec()
    };
    match judged.status {
        Status::Good => assert_eq!(signed(input), signed(&HONEST), "nobody signed this"),
        Status::Stale => panic!("the nonce is fresh"),
        Status::Bad | Status::Unknown => assert_ne!(input, HONEST.as_slice()),
    }
    judged.object();
}
