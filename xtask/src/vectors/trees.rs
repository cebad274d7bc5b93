//! Trees that hold something they may not, and attachments that are not what an event says.

use gix::objs::Kind;

use super::Vectors;
use super::sound::attached;
use super::world::*;

type Rows = Vec<(String, String, String)>;

/// Adds a ledger whose newest entry has the rows of its tree changed.
fn shaped(to: &mut Vectors, name: &str, comment: &str, edit: impl Fn(&mut Chain, &mut Rows)) {
    let mut chain = Chain::acme();
    let mut draft = chain.next();
    let mut rows = chain.rows(&draft.tree);
    edit(&mut chain, &mut rows);
    draft.tree = put_rows(&mut chain, &rows);
    chain.add(&draft, &CI);
    to.add(&format!("tree_{name}"), "treeShape", comment, chain);
}

fn put_rows(chain: &mut Chain, rows: &Rows) -> String {
    let rows: Vec<(&str, &str, &str)> = rows
        .iter()
        .map(|(mode, name, id)| (mode.as_str(), name.as_str(), id.as_str()))
        .collect();
    chain.tree_of(&rows)
}

pub fn add(to: &mut Vectors) {
    modes_and_names(to);
    directories(to);
    policy_part(to);
    attachments(to);
}

fn modes_and_names(to: &mut Vectors) {
    for (name, mode, comment) in [
        ("symlink", "120000", "ledger.toml is a symbolic link"),
        ("executable", "100755", "ledger.toml is executable"),
        (
            "group_writable",
            "100664",
            "ledger.toml may be written by the group",
        ),
        ("gitlink", "160000", "ledger.toml is a submodule"),
        ("padded_mode", "0100644", "a mode with a leading zero"),
        (
            "directory",
            "40000",
            "ledger.toml has the mode of a directory",
        ),
    ] {
        shaped(to, name, comment, |_, rows| rows[2].0 = mode.into());
    }
    for (name, extra, comment) in [
        ("extra_file", "zzz", "a further file"),
        ("dot_git", "zz/.git", "a name with a slash"),
        ("twin_case", "ledger.toml2", "a file beside ledger.toml"),
    ] {
        shaped(to, name, comment, |_, rows| {
            let id = rows[0].2.clone();
            rows.push(("100644".into(), extra.into(), id));
        });
    }
    for (name, first, comment) in [
        ("git_name", ".git", "a file called .git"),
        ("git_short_name", "GIT~1", "a file called GIT~1"),
        (
            "git_zero_width",
            ".g\u{200c}it",
            "a name that some file systems read as .git",
        ),
        ("dot_dot", "..", "a file called .."),
        ("upper", "LEDGER.TOML", "a name that differs in case"),
    ] {
        shaped(to, name, comment, |_, rows| {
            let id = rows[0].2.clone();
            rows.insert(0, ("100644".into(), first.into(), id));
        });
    }
    for (at, name) in [(0, "readme"), (1, "signers"), (2, "policy")] {
        let comment = "one of the three files is not there";
        shaped(to, &format!("without_{name}"), comment, |_, rows| {
            rows.remove(at);
        });
    }
    shaped(to, "renamed", "README.md has another name", |_, rows| {
        rows[0].1 = "README".into()
    });
    let comment = "a name that a careless pattern takes for README.md";
    shaped(to, "lookalike", comment, |_, rows| {
        rows[0].1 = "READMEXmd".into()
    });
    shaped(to, "duplicate", "README.md stands twice", |_, rows| {
        let row = rows[0].clone();
        rows.insert(1, row);
    });
    shaped(to, "unsorted", "the files are not sorted", |_, rows| {
        rows.swap(0, 2)
    });
    shaped(to, "empty", "an empty tree", |_, rows| rows.clear());
    shaped(
        to,
        "extra_directory",
        "a further directory",
        |chain, rows| {
            let directory = chain.tree_of(&[]);
            rows.push(("40000".into(), "sub".into(), directory));
        },
    );
    let mut chain = Chain::acme();
    let mut draft = chain.next();
    let raw = chain.content(&draft.tree).to_vec();
    draft.tree = chain.put(Kind::Tree, &raw[..raw.len() - 1]);
    chain.add(&draft, &CI);
    to.add(
        "tree_cut",
        "treeShape",
        "the tree object ends inside an object id",
        chain,
    );
}

fn directories(to: &mut Vectors) {
    let body = b"body".as_slice();
    let digest = |body: &[u8]| {
        use sha2::Digest as _;
        hex(&sha2::Sha256::digest(body))
    };
    let mut directory = |name: &str, comment: &str, build: &dyn Fn(&mut Chain, &str) -> String| {
        let mut chain = Chain::acme();
        let blob = chain.put(Kind::Blob, body);
        let id = build(&mut chain, &blob);
        let policy = acme();
        let mut draft = chain.draft(&CI, vec![attached("a", body)]);
        draft.tree = chain.files(
            policy.toml().as_bytes(),
            &policy.allowed_signers(),
            README,
            Some(&id),
        );
        chain.add(&draft, &CI);
        to.add(
            &format!("tree_attachments_{name}"),
            "treeShape",
            comment,
            chain,
        );
    };
    let (one, two) = (digest(body), digest(b"two"));
    directory("empty", "attachments is empty", &|chain, _| {
        chain.tree_of(&[])
    });
    directory(
        "executable",
        "an attachment is executable",
        &|chain, blob| chain.tree_of(&[("100755", &one, blob)]),
    );
    directory(
        "symlink",
        "an attachment is a symbolic link",
        &|chain, blob| chain.tree_of(&[("120000", &one, blob)]),
    );
    directory(
        "upper",
        "the name of an attachment in upper case",
        &|chain, blob| chain.tree_of(&[("100644", &one.to_uppercase(), blob)]),
    );
    directory("name", "an attachment with another name", &|chain, blob| {
        chain.tree_of(&[("100644", "body.txt", blob)])
    });
    directory(
        "extra",
        "a further file beside an attachment",
        &|chain, blob| chain.tree_of(&[("100644", &one, blob), ("100644", "x", blob)]),
    );
    directory("nested", "a directory in attachments", &|chain, blob| {
        let inner = chain.tree_of(&[("100644", &one, blob)]);
        chain.tree_of(&[("40000", &one, &inner)])
    });
    directory(
        "duplicate",
        "one attachment stands twice",
        &|chain, blob| chain.tree_of(&[("100644", &one, blob), ("100644", &one, blob)]),
    );
    directory(
        "unsorted",
        "the attachments are not sorted",
        &|chain, blob| {
            let other = chain.put(Kind::Blob, b"two");
            let (first, second) = if one < two {
                (&two, &one)
            } else {
                (&one, &two)
            };
            let id = |name: &String| {
                if *name == one {
                    blob.to_owned()
                } else {
                    other.clone()
                }
            };
            let (a, b) = (id(first), id(second));
            chain.tree_of(&[("100644", first, &a), ("100644", second, &b)])
        },
    );

    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", body)]);
    let filled = chain.files_with(&[body]);
    let mut rows = chain.rows(&filled);
    rows[2].0 = "040000".into();
    draft.tree = put_rows(&mut chain, &rows);
    chain.add(&draft, &CI);
    to.add(
        "tree_attachments_padded_mode",
        "treeShape",
        "the mode 040000",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", body)]);
    let filled = chain.files_with(&[body]);
    let mut rows = chain.rows(&filled);
    let row = rows.remove(2);
    rows.push(row);
    draft.tree = put_rows(&mut chain, &rows);
    chain.add(&draft, &CI);
    to.add(
        "tree_attachments_last",
        "treeShape",
        "attachments after ledger.toml",
        chain,
    );
}

fn policy_part(to: &mut Vectors) {
    let expect = "derivedMismatch";
    let policy = acme();
    let signers = policy.allowed_signers();
    for (name, signers, readme, comment) in [
        (
            "signers_extra",
            format!("{signers}eve@evil.example {}\n", EVE.text()),
            README.to_owned(),
            "a further key in allowed_signers",
        ),
        (
            "signers_missing",
            signers.lines().skip(1).map(|l| format!("{l}\n")).collect(),
            README.to_owned(),
            "a key is missing in allowed_signers",
        ),
        (
            "signers_namespaces",
            signers.replace("git,git-ledger-approval", "git"),
            README.to_owned(),
            "other namespaces in allowed_signers",
        ),
        (
            "signers_dated",
            signers.replace(" namespaces", " valid-before=\"20300101\",namespaces"),
            README.to_owned(),
            "a date in allowed_signers",
        ),
        (
            "signers_empty",
            String::new(),
            README.to_owned(),
            "an empty allowed_signers",
        ),
        (
            "readme",
            signers.clone(),
            README.replace("Do not edit", "Please edit"),
            "another README.md",
        ),
        (
            "readme_cut",
            signers.clone(),
            README.trim_end().to_owned(),
            "README.md without its last LF",
        ),
    ] {
        let mut chain = Chain::acme();
        let mut draft = chain.next();
        draft.tree = chain.files(policy.toml().as_bytes(), &signers, &readme, None);
        chain.add(&draft, &CI);
        to.add(&format!("tree_{name}"), expect, comment, chain);
    }
    let mut chain = Chain::empty(gix::hash::Kind::Sha1);
    let mut draft = chain.first(&policy);
    draft.tree = chain.files(policy.toml().as_bytes(), &signers, "mine\n", None);
    chain.add(&draft, &ALICE);
    to.add(
        "tree_first_readme",
        expect,
        "another README.md in entry 0",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.next();
    let other = acme().with(super::policy_text::Row::new(&EVE, &["admin"]));
    draft.tree = chain.files(
        other.toml().as_bytes(),
        &other.allowed_signers(),
        README,
        None,
    );
    chain.add(&draft, &CI);
    let comment = "the tree changes in an entry that changes no policy";
    to.add(
        "tree_unannounced_policy",
        "policyDigestMismatch",
        comment,
        chain.clone(),
    );
    chain.add(&chain.next(), &CI);
    let comment = "and back again in the next one";
    to.add(
        "tree_unannounced_and_back",
        "policyDigestMismatch",
        comment,
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.change(&ALICE, &acme().threshold(2));
    draft.tree = Chain::acme().tree;
    chain.add(&draft, &ALICE);
    let comment = "a policy entry names another policy than its tree holds";
    to.add(
        "tree_announced_only",
        "policyDigestMismatch",
        comment,
        chain,
    );

    let mut chain = Chain::empty(gix::hash::Kind::Sha1);
    let mut draft = chain.first(&policy);
    draft.policy = [7; 32];
    chain.add(&draft, &ALICE);
    to.add(
        "tree_first_digest",
        "policyDigestMismatch",
        "entry 0 names another policy than its tree holds",
        chain,
    );
}

fn attachments(to: &mut Vectors) {
    let mut chain = Chain::acme();
    let mut draft = chain.next();
    draft.tree = chain.files_with(&[b"body"]);
    chain.add(&draft, &CI);
    to.add(
        "attachment_unnamed",
        "attachmentUnnamed",
        "no event names the attachment",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", b"body")]);
    draft.tree = chain.files_with(&[b"body", b"more"]);
    chain.add(&draft, &CI);
    to.add(
        "attachment_one_unnamed",
        "attachmentUnnamed",
        "one of two attachments is named",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", b"body")]);
    draft.tree = chain.files_with(&[b"body"]);
    let tree = draft.tree.clone();
    chain.add(&draft, &CI);
    let mut draft = chain.next();
    draft.tree = tree;
    chain.add(&draft, &CI);
    to.add(
        "attachment_kept",
        "attachmentUnnamed",
        "an attachment stays in the tree of the next entry",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![attached("a", b"body")]), &CI);
    to.add(
        "attachment_absent",
        "attachmentAbsent",
        "an event names an attachment where there is none",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", b"body"), attached("b", b"more")]);
    draft.tree = chain.files_with(&[b"body"]);
    chain.add(&draft, &CI);
    to.add(
        "attachment_one_absent",
        "attachmentAbsent",
        "one of two named attachments is there",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", b"body")]);
    let filled = chain.files_with(&[b"body"]);
    let mut rows = chain.rows(&filled);
    let directory = chain.rows(&rows[2].2);
    let other = chain.put(Kind::Blob, b"other");
    rows[2].2 = chain.tree_of(&[("100644", &directory[0].1, &other)]);
    draft.tree = put_rows(&mut chain, &rows);
    chain.add(&draft, &CI);
    to.add(
        "attachment_digest",
        "attachmentDigest",
        "an attachment holds other bytes than its name says",
        chain,
    );

    for (name, format) in [
        ("", gix::hash::Kind::Sha1),
        ("_sha256", gix::hash::Kind::Sha256),
    ] {
        let mut chain = Chain::acme_in(format);
        let mut draft = chain.draft(&CI, vec![attached("a", b"body")]);
        draft.tree = chain.files_with(&[b"body"]);
        chain.add(&draft, &CI);
        let blob = chain.put(Kind::Blob, b"body");
        chain.lose(&blob);
        let comment = "an attachment is gone: what it said cannot be checked";
        to.add(
            &format!("attachment_missing{name}"),
            "attachmentUnreadable",
            comment,
            chain,
        );
    }

    let mut chain = Chain::acme();
    let mut draft = chain.draft(&CI, vec![attached("a", b"body")]);
    let filled = chain.files_with(&[b"body"]);
    let mut rows = chain.rows(&filled);
    let directory = chain.rows(&rows[2].2);
    let tree = chain.tree.clone();
    rows[2].2 = chain.tree_of(&[("100644", &directory[0].1, &tree)]);
    draft.tree = put_rows(&mut chain, &rows);
    chain.add(&draft, &CI);
    to.add(
        "attachment_kind",
        "objectKind",
        "an attachment is a tree",
        chain,
    );

    let mut chain = Chain::acme();
    let mut draft = chain.change(&ALICE, &acme().threshold(2));
    let policy = acme().threshold(2);
    let filled = chain.files_with(&[b"body"]);
    let directory = chain.rows(&filled)[2].2.clone();
    draft.tree = chain.files(
        policy.toml().as_bytes(),
        &policy.allowed_signers(),
        README,
        Some(&directory),
    );
    let reference = attached("x", b"body");
    let member = reference
        .line
        .split("\"id\"")
        .next()
        .unwrap_or_default()
        .trim_matches(['{', ','])
        .to_owned();
    draft.events[0] = draft.events[0].clone().with(&member);
    chain.add(&draft, &ALICE);
    to.add(
        "attachment_in_policy_entry",
        "policyEvent",
        "a policy entry brings an attachment",
        chain,
    );

    let mut chain = Chain::empty(gix::hash::Kind::Sha1);
    let mut draft = chain.first(&acme());
    draft.tree = chain.files_with(&[b"body"]);
    draft.events[0] = draft.events[0].clone().with(&member);
    chain.add(&draft, &ALICE);
    to.add(
        "attachment_in_first",
        "policyEvent",
        "entry 0 brings an attachment",
        chain,
    );
}
