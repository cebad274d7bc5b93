//! What entries are made of: a reader gives back the bytes it was given, or refuses them.

use git_ledger::audit::{self, Form, check};
use git_ledger::commit::{self, Draft, Link};
use git_ledger::entry::Entry;
use git_ledger::event::{Event, Pending};
use git_ledger::finding::Answer;
use git_ledger::json::{Value, plain};
use git_ledger::policy::Policy;
use git_ledger::proof::Statement;
use git_ledger::signature::KnownKeys;
use git_ledger::tree::{self, Tree};
use git_ledger::{merkle, proof, proposal};
use gix::hash::Kind as Format;
use gix::objs::Kind;

use super::stolen::HONEST;

/// The content of a commit object, in both object formats; and the message of one.
pub fn entry(input: &[u8]) {
    for format in [Format::Sha1, Format::Sha256] {
        let id = gix::objs::compute_hash(format, Kind::Commit, input).expect("no collision");
        let first = commit::first_parent(input, format);
        assert!(first.is_none() || commit::has_parent(input));
        let Ok(link) = Link::parse(id, input.to_vec()) else {
            continue;
        };
        assert!(input.len() <= commit::MAX_BYTES);
        assert_eq!(link.parent, first, "two readers see two parents");
        let draft = Draft {
            tree: link.tree,
            parent: link.parent,
            principal: link.principal.clone(),
            time: link.time,
            entry: link.entry.clone(),
        };
        assert_eq!(draft.payload(), link.payload());
        let again = draft.sign(&link.signature).expect("what was read");
        assert_eq!((again.raw(), again.id), (input, id));
        assert_eq!(again.digest(), merkle::leaf(input));
        let mut known = KnownKeys::new();
        known.insert(link.signature.key().clone());
        let among = Link::parse_among(id, input.to_vec(), &known).expect("the same link");
        assert_eq!(
            among.check_signature().is_ok(),
            link.check_signature().is_ok()
        );
    }
    if let Ok(entry) = Entry::parse(input) {
        assert_eq!(entry.message().as_bytes(), input);
    }
}

/// The content of a tree object, in both object formats.
pub fn tree(input: &[u8]) {
    for format in [Format::Sha1, Format::Sha256] {
        if let Ok(tree) = Tree::parse(input, format) {
            assert_eq!(tree.write(), input);
        }
        if let Ok(files) = tree::parse_attachments(input, format) {
            assert!(!files.is_empty());
            assert_eq!(tree::write_attachments(&files), input);
        }
    }
}

/// `ledger.toml`, as the record has it and as people write it.
pub fn policy(input: &[u8]) {
    let written = Policy::parse_any_spelling(input);
    match Policy::parse(input) {
        Ok(policy) => {
            assert_eq!(policy.to_toml().as_bytes(), input);
            assert_eq!(policy.digest(), merkle::sha256(input));
            assert_eq!(written.as_ref(), Ok(&policy));
        }
        Err(finding) => assert!(written.is_ok() || written == Err(finding)),
    }
    let Ok(policy) = written else {
        return;
    };
    let text = policy.to_toml();
    let again = Policy::parse(text.as_bytes()).expect("its own spelling");
    assert_eq!(again, policy);
    assert!(policy.admins().len() as u64 >= policy.threshold);
    assert!(policy.barred(&again).is_empty());
    assert_eq!(policy.follows(&again, u64::MAX), []);
    let signers = policy.allowed_signers();
    assert_eq!(signers.lines().count(), policy.signers.len());
    for (row, line) in policy.signers.iter().zip(signers.lines()) {
        assert_eq!(line.split(' ').count(), 4, "{line}");
        assert_eq!(
            policy.row(&row.key).map(|(_, found)| found),
            Some(row),
            "a key stands in two rows"
        );
    }
}

/// JSON, held against serde_json.
pub fn json(input: &[u8]) {
    let theirs = serde_json::from_slice::<serde_json::Value>(input);
    let plain = std::str::from_utf8(input).ok().and_then(plain::members);
    let value = match Value::parse(input) {
        Ok(value) => value,
        Err(_) => {
            assert!(Value::parse_canonical(input).is_err());
            assert_eq!(plain, None, "the short way took what is no value");
            return;
        }
    };
    if let Some(plain) = plain {
        let object = Value::parse_canonical(input).expect("the short way took it");
        let members = object
            .as_object()
            .into_iter()
            .flat_map(|object| object.iter());
        assert!(
            plain
                .iter()
                .map(|m| (m.name, m.value))
                .eq(members.map(|(name, value)| (name, value.plain())))
        );
    }
    let theirs = theirs.expect("what we read is JSON to others");
    assert!(same(&value, &theirs), "{value:?} is {theirs:?} to others");
    let text = value.to_canonical();
    assert_eq!(
        Value::parse_canonical(text.as_bytes()).as_ref(),
        Ok(&value),
        "{text}"
    );
    assert_eq!(
        Value::parse_canonical(input).is_ok(),
        text.as_bytes() == input
    );
    let back = serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    assert_eq!(back, theirs);
}

fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    use serde_json::Value as Their;
    match (ours, theirs) {
        (Value::Null, Their::Null) => true,
        (Value::Bool(a), Their::Bool(b)) => a == b,
        (Value::Integer(a), Their::Number(b)) => b.as_i64() == Some(*a),
        (Value::String(a), Their::String(b)) => a == b,
        (Value::Array(a), Their::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Their::Object(b)) => {
            a.iter().count() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

/// An event, as it comes in and as it stands in the record.
pub fn event(input: &[u8]) {
    let canonical = Event::parse_canonical(input);
    let Ok(event) = Event::parse(input) else {
        assert!(canonical.is_err());
        return;
    };
    let line = event.to_line();
    assert!(!line.contains('\n'));
    assert_eq!(
        Event::parse_canonical(line.as_bytes()).as_ref(),
        Ok(&event),
        "{line}"
    );
    assert_eq!(canonical.is_ok(), line.as_bytes() == input);
    let recorded = event.recorded("2026-01-01T00:00:00Z");
    assert_eq!(recorded.unrecorded().concat(), event.unrecorded().concat());
    Event::parse_canonical(recorded.to_line().as_bytes()).expect("an event");
    if let Ok(pending) = Pending::new(event.clone()) {
        assert!(pending.event.to_line().len() <= git_ledger::event::MAX_INLINE);
        match &pending.body {
            None => assert_eq!(pending.event, event),
            Some(body) => assert_eq!(
                pending.event.attachment(),
                Some(merkle::hex(&merkle::sha256(body)).as_str())
            ),
        }
    }
}

/// The file of a proposed policy.
pub fn proposal(input: &[u8]) {
    let Ok(read) = proposal::parse(input) else {
        return;
    };
    assert_eq!(read.to_text().as_bytes(), input);
    let base = read.base;
    read.objections(&read.policy, &base, base.number.saturating_add(1));
    let mut again = read.clone();
    for approval in read.approvals.clone() {
        again.add(approval);
    }
    assert_eq!(again, read, "an approval that is there is not added");
}

/// A receipt, or the evidence of a split, for the honest ledger: nobody signed anything else, so
/// nothing else may be proven.
pub fn proof(input: &[u8]) {
    let Ok(read) = proof::parse(input) else {
        return;
    };
    assert!(input.len() <= proof::MAX_BYTES);
    assert_eq!(read.to_bytes(), input);
    assert_ne!(read.judge(None).answer(), Answer::Sound, "by nobody's word");
    let links = &HONEST.links;
    let judged = read.judge(links.first().map(Link::digest));
    if judged.answer() != Answer::Sound {
        return;
    }
    match judged.statement.expect("what is shown") {
        Statement::Receipt(receipt) => {
            for shown in [&receipt.entry, &receipt.against] {
                let number = shown.entry.number() as usize;
                assert_eq!(Some(shown.digest()), links.get(number).map(Link::digest));
            }
        }
        Statement::Split(_) => panic!("nobody signed two histories"),
    }
}

/// A report: whatever its data are, the pages made of them hold them and no other markup, and
/// nobody's word makes it sound.
pub fn report(input: &[u8]) {
    let Ok(read) = check::read(input, "0000000000000000") else {
        return;
    };
    assert_eq!(read.form.is_some(), read.findings.is_empty());
    assert_ne!(
        Answer::of(&check::examine(&read.model, None)),
        Answer::Sound
    );
    for form in Form::ALL {
        let made = audit::render(&read.model, form);
        match form {
            Form::Html | Form::Print => {
                assert_eq!(made.matches("<script").count(), 1);
                assert_eq!(made.matches("</script").count(), 1);
            }
            Form::Markdown => assert_eq!(made.matches("-->").count(), 1),
            Form::Json => assert_eq!(made.lines().count(), 1),
        }
        let again = check::read(made.as_bytes(), "0000000000000000").expect("what was made");
        assert_eq!(again.form, Some(form));
        assert_eq!(again.model, read.model);
        assert!(again.findings.is_empty());
    }
}
