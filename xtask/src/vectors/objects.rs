//! Objects that are missing, corrupt or of another kind; shallow histories; the anchor.

use gix::hash::Kind as Format;
use gix::objs::Kind;

use super::Vectors;
use super::sound::attached;
use super::world::*;

pub fn add(to: &mut Vectors) {
    missing(to);
    corrupt(to);
    kinds(to);
    anchor(to);
}

fn long() -> Chain {
    let mut chain = Chain::acme();
    for _ in 0..3 {
        chain.add(&chain.next(), &CI);
    }
    chain
}

fn missing(to: &mut Vectors) {
    let expect = "objectMissing";
    let mut chain = long();
    chain.lose(&chain.commits[1].clone());
    to.add(
        "object_missing_commit",
        expect,
        "a commit in the middle is gone",
        chain,
    );
    let mut chain = long();
    chain.lose(&chain.commits[0].clone());
    to.add(
        "object_missing_root",
        expect,
        "the first commit is gone",
        chain,
    );
    let mut chain = long();
    let tip = chain.tip.clone().expect("a tip");
    chain.lose(&tip);
    to.add(
        "object_missing_tip",
        expect,
        "the ref names a commit that is not there",
        chain,
    );
    let mut chain = long();
    chain.lose(&chain.tree.clone());
    to.add(
        "object_missing_tree",
        expect,
        "the tree of all entries is gone",
        chain,
    );
    for name in ["ledger.toml", "allowed_signers", "README.md"] {
        let mut chain = long();
        chain.lose(&chain.file(name));
        let short = name.split('.').next().unwrap_or_default().to_lowercase();
        to.add(
            &format!("object_missing_{short}"),
            expect,
            &format!("{name} is gone"),
            chain,
        );
    }
    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", b"body")]);
    draft.tree = chain.files_with(&[b"body"]);
    let rows = chain.rows(&draft.tree);
    chain.add(&draft, &CI);
    chain.lose(&rows[2].2);
    to.add(
        "object_missing_attachments",
        expect,
        "the directory attachments is gone",
        chain,
    );

    let mut chain = long();
    chain.shallow = Some(chain.commits[2].clone());
    chain.lose(&chain.commits[1].clone());
    chain.lose(&chain.commits[0].clone());
    to.add("shallow_cut", "shallow", "a clone of depth 3", chain);
    let mut chain = long();
    chain.shallow = Some(chain.commits[2].clone());
    let comment = "a boundary ends the walk even where the parent happens to be there";
    to.add("shallow_parent_present", "shallow", comment, chain);
    let mut chain = long();
    chain.shallow = Some(chain.commits[4].clone());
    to.add("shallow_tip", "shallow", "a clone of depth 1", chain);
    let mut chain = long();
    chain.shallow = Some(chain.commits[4].clone());
    chain.fingerprint = Some("0".repeat(64));
    let comment = "where the root was not reached, the fingerprint cannot be compared";
    to.add("shallow_pinned", "shallow", comment, chain);
    let mut chain = long();
    chain.shallow = Some(chain.commits[3].clone());
    chain.lose(&chain.commits[1].clone());
    let comment = "what is missing below a boundary is no breach";
    to.add("shallow_hole_below", "shallow", comment, chain);
    let mut chain = long();
    chain.shallow = Some(chain.commits[1].clone());
    chain.lose(&chain.commits[2].clone());
    let comment = "what is missing above a boundary is one";
    to.add("shallow_hole_above", "objectMissing", comment, chain);
}

fn corrupt(to: &mut Vectors) {
    let expect = "objectCorrupt";
    let mut chain = long();
    chain.corrupt(
        &chain.commits[2].clone(),
        b"refs/heads/main",
        b"refs/heads/evil",
    );
    to.add(
        "object_corrupt_commit",
        expect,
        "a commit in the middle was overwritten in place",
        chain,
    );
    let mut chain = long();
    chain.corrupt(
        &chain.commits[4].clone(),
        b"refs/heads/main",
        b"refs/heads/evil",
    );
    to.add(
        "object_corrupt_tip",
        expect,
        "the newest commit was overwritten in place",
        chain,
    );
    let mut chain = long();
    let signed = chain.content(&chain.commits[2]).to_vec();
    let other = chain.commits[3].clone();
    let at = chain
        .objects
        .iter()
        .position(|object| object.id == other)
        .expect("an object");
    chain.objects[at].bytes = signed;
    to.add(
        "object_corrupt_swapped",
        expect,
        "one signed entry stands under the id of another",
        chain,
    );
    let mut chain = long();
    chain.corrupt(
        &chain.file("ledger.toml"),
        b"threshold = 1",
        b"threshold = 2",
    );
    to.add(
        "object_corrupt_blob",
        expect,
        "ledger.toml was overwritten in place",
        chain,
    );
    let mut chain = long();
    chain.corrupt(
        &chain.tree.clone(),
        b"100644 README.md",
        b"100755 README.md",
    );
    to.add(
        "object_corrupt_tree",
        expect,
        "the tree was overwritten in place",
        chain,
    );
    let mut chain = Chain::acme_in(Format::Sha256);
    chain.add(&chain.next(), &CI);
    chain.corrupt(
        &chain.commits[1].clone(),
        b"refs/heads/main",
        b"refs/heads/evil",
    );
    to.add(
        "object_corrupt_sha256",
        expect,
        "the same in the SHA-256 object format",
        chain,
    );
    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", b"body")]);
    draft.tree = chain.files_with(&[b"body"]);
    chain.add(&draft, &CI);
    let blob = chain.put(Kind::Blob, b"body");
    chain.corrupt(&blob, b"body", b"bodx");
    to.add(
        "object_corrupt_attachment",
        expect,
        "an attachment was overwritten in place",
        chain,
    );
}

fn kinds(to: &mut Vectors) {
    let expect = "objectKind";
    for kind in [Kind::Blob, Kind::Tree, Kind::Tag] {
        let mut chain = Chain::acme();
        let id = match kind {
            Kind::Tree => chain.tree.clone(),
            Kind::Tag => {
                let tip = chain.tip.clone().unwrap_or_default();
                let text = format!("object {tip}\ntype commit\ntag t\ntagger t <t> 0 +0000\n\nt\n");
                chain.put(Kind::Tag, text.as_bytes())
            }
            _ => chain.put(Kind::Blob, b"no entry"),
        };
        chain.tip = Some(id);
        to.add(
            &format!("object_kind_tip_{kind}"),
            expect,
            &format!("the ref names a {kind}"),
            chain,
        );
    }
    let mut chain = Chain::acme();
    let mut draft = chain.next();
    draft.parent = Some(chain.tree.clone());
    chain.add(&draft, &CI);
    to.add("object_kind_parent", expect, "the parent is a tree", chain);
    let mut chain = Chain::acme();
    let mut draft = chain.next();
    draft.tree = chain.file("README.md");
    chain.add(&draft, &CI);
    to.add("object_kind_tree", expect, "the tree is a blob", chain);
    let mut chain = Chain::acme();
    let mut draft = chain.next();
    let (toml, signers) = (chain.file("ledger.toml"), chain.file("allowed_signers"));
    let tree = chain.tree.clone();
    draft.tree = chain.tree_of(&[
        ("100644", "README.md", &tree),
        ("100644", "allowed_signers", &signers),
        ("100644", "ledger.toml", &toml),
    ]);
    chain.add(&draft, &CI);
    to.add(
        "object_kind_file",
        expect,
        "README.md with the mode of a file is a tree",
        chain,
    );
}

fn anchor(to: &mut Vectors) {
    let expect = "fingerprintMismatch";
    let mut chain = Chain::acme();
    chain.fingerprint = Some("0".repeat(64));
    to.add(
        "anchor_other",
        expect,
        "entry 0 is not the one the ledger is pinned to",
        chain,
    );
    let mut other = acme();
    other.id = "f".repeat(32);
    let mut chain = Chain::with_policy(&other);
    chain.add(&chain.next(), &CI);
    chain.fingerprint = Some(hex(&Chain::acme().digests[0]));
    let comment = "the whole ledger was replaced by another, sound in itself";
    to.add("anchor_replaced", expect, comment, chain);
    let mut chain = Chain::empty(Format::Sha1);
    let commit = chain.first(&acme()).commit().head(" +0000\n", " +0100\n");
    chain.add_commit(&commit, &ALICE);
    chain.fingerprint = Some("0".repeat(64));
    let comment = "a first commit that is no entry is compared all the same";
    to.add(
        "anchor_malformed_root",
        "fingerprintMismatch identityMalformed",
        comment,
        chain,
    );
}
