//! Headers: bytes that git reads as a commit and that are no entry.

use super::Vectors;
use super::world::*;

/// Adds a ledger of three entries whose last has these headers changed, and is signed like that.
pub fn head(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    edit: impl Fn(&Chain, Commit) -> Commit,
) {
    let mut chain = Chain::acme();
    let commit = edit(&chain, chain.next().commit());
    chain.add_commit(&commit, &CI);
    to.add(name, expect, comment, chain);
}

/// The lines of the headers.
fn lines(commit: &Commit) -> Vec<String> {
    let text = String::from_utf8(commit.head.clone()).expect("text");
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn reordered(commit: Commit, order: &[usize]) -> Commit {
    let lines = lines(&commit);
    let head: String = order.iter().map(|at| lines[*at].as_str()).collect();
    Commit {
        head: head.into(),
        ..commit
    }
}

pub fn add(to: &mut Vectors) {
    headers(to);
    unsigned_headers(to);
    parents(to);
}

fn headers(to: &mut Vectors) {
    let expect = "headerMalformed";
    for (name, order, comment) in [
        ("tree_missing", vec![1, 2, 3], "no tree"),
        ("author_missing", vec![0, 1, 3], "no author"),
        ("committer_missing", vec![0, 1, 2], "no committer"),
        (
            "order_committer",
            vec![0, 1, 3, 2],
            "committer before author",
        ),
        (
            "order_parent",
            vec![0, 2, 3, 1],
            "the parent after the committer",
        ),
        ("order_tree", vec![1, 0, 2, 3], "the tree after the parent"),
    ] {
        head(
            to,
            &format!("header_{name}"),
            expect,
            comment,
            |_, commit| reordered(commit, &order),
        );
    }
    for (name, order, comment) in [
        ("tree", vec![0, 0, 1, 2, 3], "two trees"),
        ("author", vec![0, 1, 2, 2, 3], "two authors"),
        ("committer", vec![0, 1, 2, 3, 3], "two committers"),
    ] {
        let name = format!("header_duplicate_{name}");
        head(to, &name, "headerDuplicate", comment, |_, commit| {
            reordered(commit, &order)
        });
    }
    let tree = Chain::acme().tree;
    let edits: [(&str, String, String, &str); 8] = [
        (
            "tree_upper",
            format!("tree {tree}"),
            format!("tree {}", tree.to_uppercase()),
            "the tree in upper-case hex",
        ),
        (
            "tree_short",
            tree.clone(),
            tree[..39].into(),
            "a tree id of 39 digits",
        ),
        (
            "tree_sha256",
            tree.clone(),
            "0".repeat(64),
            "a SHA-256 tree id in a SHA-1 commit",
        ),
        (
            "two_spaces",
            "tree ".into(),
            "tree  ".into(),
            "two spaces after a name",
        ),
        (
            "trailing_space",
            tree.clone(),
            format!("{tree} "),
            "a space after the tree id",
        ),
        (
            "crlf",
            format!("{tree}\n"),
            format!("{tree}\r\n"),
            "CR at the end of a header",
        ),
        (
            "folded",
            format!("{tree}\n"),
            format!("{tree}\n more\n"),
            "a folded tree header",
        ),
        (
            "folded_author",
            " +0000\ncommitter".into(),
            " +0000\n \ncommitter".into(),
            "a folded author header",
        ),
    ];
    for (name, from, by, comment) in edits {
        head(
            to,
            &format!("header_{name}"),
            expect,
            comment,
            |_, commit| commit.head(&from, &by),
        );
    }
    head(
        to,
        "header_no_value",
        expect,
        "a tree header without a value",
        |chain, commit| commit.head(&format!("tree {}", chain.tree), "tree"),
    );
    for (name, line, comment) in [
        (
            "encoding",
            "encoding ISO-8859-1\n",
            "an encoding header, by which git log would show other text",
        ),
        ("hg", "HG:extra branch\n", "a header of another program"),
        (
            "nameless",
            " \n",
            "an empty continuation line as a header of its own",
        ),
        (
            "gpgsig_sha256_signed",
            "gpgsig-sha256 x\n",
            "the signature header of the other object format, signed for",
        ),
    ] {
        // the line that begins with a space continues the committer
        let expect = if line == " \n" {
            "headerMalformed"
        } else {
            "headerUnknown"
        };
        head(
            to,
            &format!("header_{name}"),
            expect,
            comment,
            |_, mut commit| {
                commit.head.extend_from_slice(line.as_bytes());
                commit
            },
        );
    }
    head(
        to,
        "header_mergetag",
        "headerUnknown",
        "a mergetag",
        |chain, mut commit| {
            let tip = chain.tip.clone().unwrap_or_default();
            let tag = format!(
                "mergetag object {tip}\n type commit\n tag t\n tagger t <t> 0 +0000\n \n t\n"
            );
            commit.head.extend_from_slice(tag.as_bytes());
            commit
        },
    );
    head(
        to,
        "header_first_unknown",
        "headerUnknown",
        "an unknown header before the tree",
        |_, mut commit| {
            commit.head = [b"note x\n", commit.head.as_slice()].concat();
            commit
        },
    );

    let mut chain = Chain::acme();
    let commit = chain.next().commit();
    let raw = commit.sealed("gpgsig", &commit.sign(&CI).armour());
    let end = raw
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .expect("an empty line");
    chain.add_raw(&raw[..=end]);
    to.add(
        "header_only",
        expect,
        "headers without an empty line and a message",
        chain,
    );
}

/// Headers that nobody signed for: git leaves them out before it checks the signature.
fn unsigned_headers(to: &mut Vectors) {
    let sealed = |chain: &Chain| {
        let commit = chain.next().commit();
        let armour = commit.sign(&CI).armour();
        (commit, armour)
    };
    let mut twin =
        |name: &str, expect: &str, comment: &str, build: &dyn Fn(&Commit, &str) -> Vec<u8>| {
            let mut chain = Chain::acme();
            let (commit, armour) = sealed(&chain);
            chain.add_raw(&build(&commit, &armour));
            to.add(name, expect, comment, chain);
        };
    let between = |commit: &Commit, armour: &str, more: &str| -> Vec<u8> {
        let raw = commit.sealed("gpgsig", armour);
        let at = raw
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .expect("an empty line");
        [&raw[..=at], more.as_bytes(), &raw[at + 1..]].concat()
    };
    let folded = |armour: &str| armour.trim_end().replace('\n', "\n ");
    twin(
        "header_gpgsig_sha256",
        "headerUnknown",
        "a twin without any key: git drops gpgsig-sha256 before it checks",
        &|commit, armour| between(commit, armour, "gpgsig-sha256 anything\n"),
    );
    twin(
        "header_after_signature",
        "headerUnknown",
        "an unknown header after the signature",
        &|commit, armour| between(commit, armour, "x y\n"),
    );
    twin(
        "header_duplicate_gpgsig_same",
        "headerDuplicate",
        "the same signature twice",
        &|commit, armour| between(commit, armour, &format!("gpgsig {}\n", folded(armour))),
    );
    twin(
        "header_duplicate_gpgsig_good_bad",
        "headerDuplicate",
        "a good signature, then a bad one",
        &|commit, armour| between(commit, armour, "gpgsig bad\n"),
    );
    twin(
        "header_duplicate_gpgsig_bad_good",
        "headerDuplicate",
        "a bad signature, then a good one",
        &|commit, armour| {
            let mut twice = commit.clone();
            twice.head.extend_from_slice(b"gpgsig bad\n");
            twice.sealed("gpgsig", armour)
        },
    );
    twin(
        "header_gpgsig_before_committer",
        "headerMalformed",
        "the signature header before the committer",
        &|commit, armour| {
            let seal = format!("gpgsig {}\ncommitter ", folded(armour));
            let head = replaced(&commit.head, b"committer ", seal.as_bytes());
            [head.as_slice(), b"\n", &commit.message].concat()
        },
    );
    twin(
        "header_gpgsig_other_format",
        "headerUnknown",
        "signed only under the header of the other object format",
        &|commit, armour| commit.sealed("gpgsig-sha256", armour),
    );
    let mut chain = Chain::acme_in(gix::hash::Kind::Sha256);
    let (commit, armour) = sealed(&chain);
    let seal = format!(
        "gpgsig {}\ngpgsig-sha256 {}\n",
        folded(&armour),
        folded(&armour)
    );
    chain.add_raw(
        &[
            commit.head.as_slice(),
            seal.as_bytes(),
            b"\n",
            &commit.message,
        ]
        .concat(),
    );
    let comment = "gpgsig beside gpgsig-sha256 in the SHA-256 object format";
    to.add("header_gpgsig_in_sha256", "headerUnknown", comment, chain);
}

fn parents(to: &mut Vectors) {
    let more = |ids: Vec<String>| {
        move |_: &Chain, commit: Commit| {
            let lines: String = ids.iter().map(|id| format!("parent {id}\n")).collect();
            commit.head("author", &format!("{lines}author"))
        }
    };
    let chain = Chain::acme();
    let (root, tip) = (chain.commits[0].clone(), chain.commits[1].clone());
    head(
        to,
        "parent_merge",
        "parentCount",
        "a merge",
        more(vec![root.clone()]),
    );
    head(
        to,
        "parent_same_twice",
        "parentCount",
        "one parent twice",
        more(vec![tip.clone()]),
    );
    head(
        to,
        "parent_octopus",
        "parentCount",
        "three parents",
        more(vec![root, tip.clone()]),
    );
    let expect = "headerMalformed";
    head(
        to,
        "parent_upper",
        expect,
        "the parent in upper-case hex",
        |_, commit| commit.head(&tip, &tip.to_uppercase()),
    );
    head(
        to,
        "parent_short",
        expect,
        "a parent id of 39 digits",
        |_, commit| commit.head(&tip, &tip[..39]),
    );
    head(
        to,
        "parent_sha256",
        expect,
        "a SHA-256 parent in a SHA-1 commit",
        |_, commit| commit.head(&tip, &"1".repeat(64)),
    );
}
