//! Alerts as each channel has them, with words in them that try to leave their place.

use super::*;

pub fn alert(evidence: &str) -> Alert {
    Alert {
        id: "a".repeat(64),
        kind: Kind::Found,
        severity: Severity::Breach,
        ledger: "acme/payments".into(),
        fingerprint: Some(format!("sha256:{}", "0".repeat(64))),
        name: "mirrorForked",
        meaning: "a remote holds another history".into(),
        place: "remote auditor".into(),
        entry: Some(17),
        commit: Some("9".repeat(40)),
        evidence: evidence.into(),
        since: 1_769_860_800,
        time: 1_769_860_860,
    }
}

/// Words that try to leave their place, in each field that is foreign.
fn hostile() -> Alert {
    let evil = "x\n::error::y%0A::set-output name=a::b\r\nPRIORITY=7\u{1b}[2J\u{202e}`<script>`";
    Alert {
        ledger: evil.into(),
        place: format!("remote {evil}"),
        ..alert(evil)
    }
}

#[test]
fn what_is_kept_comes_back() {
    let names = |name: &str| (name == "mirrorForked").then_some("mirrorForked");
    for alert in [alert("x"), hostile()] {
        let kept = Undelivered::new(alert.clone(), "webhook-1".into());
        let read = Undelivered::from_stored(&kept.stored(), &names).expect("an alert");
        assert_eq!(read.alert.id, alert.id);
        assert_eq!(read.alert.event(), read.alert.event());
        assert_eq!(read.channel, "webhook-1");
    }
    let kept = Undelivered::new(alert("x"), "webhook-1".into());
    assert_eq!(
        Undelivered::from_stored(&kept.stored(), &names),
        Some(kept.clone())
    );
    assert_eq!(Undelivered::from_stored(&kept.stored(), &|_| None), None);
}

#[test]
fn the_event_is_one_that_a_ledger_takes() {
    for alert in [alert("plain"), hostile(), alert(&"é".repeat(5000))] {
        let event = crate::event::Event::from_object(alert.event()).expect("an event");
        assert_eq!(event.kind(), ALERT);
        assert!(event.line().len() < 16 << 10);
    }
}

#[test]
fn an_annotation_is_one_line_whatever_was_found() {
    let line = annotation(&hostile());
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(
        line.starts_with("::error title=git ledger%3A mirrorForked::"),
        "{line}"
    );
    assert!(!line.contains('\u{1b}') && !line.contains('\u{202e}'));
    // what looked like an escape of theirs is text again
    assert!(line.contains("y%250A::set-output"), "{line}");
    let text = summary(&hostile());
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(text.matches('`').count(), 4, "{text}");
    let gone = Alert {
        kind: Kind::Gone,
        ..alert("x")
    };
    assert!(annotation(&gone).starts_with("::notice "));
}

#[test]
fn a_datagram_holds_its_fields_and_no_other() {
    let bytes = datagram(&hostile());
    let mut rest = bytes.as_slice();
    let mut names = Vec::new();
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        let (name, after) = rest.split_at(end);
        names.push(String::from_utf8_lossy(name).into_owned());
        let (length, after) = after[1..].split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
        rest = &after[usize::try_from(length).expect("a length") + 1..];
    }
    assert!(rest.is_empty());
    assert_eq!(
        names.iter().filter(|name| *name == "PRIORITY").count(),
        1,
        "{names:?}"
    );
    assert_eq!(names.len(), 9, "{names:?}");
}

#[test]
fn the_journal_takes_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("socket");
    assert!(to_journal(&alert("x"), &path).is_err());
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    let alert = hostile();
    to_journal(&alert, &path).expect("taken");
    let mut bytes = vec![0; 1 << 16];
    let length = socket.recv(&mut bytes).expect("a datagram");
    assert_eq!(bytes[..length], datagram(&alert));
}

#[test]
fn the_pause_grows_and_ends() {
    let mut kept = Undelivered::new(alert("x"), "c".into());
    let mut pauses = Vec::new();
    for _ in 0..40 {
        kept.failed(1000);
        pauses.push(kept.next - 1000);
    }
    assert_eq!(&pauses[..3], [10, 20, 40]);
    assert_eq!(pauses.last(), Some(&3600));
    assert!(pauses.is_sorted());
}

#[test]
fn an_address_is_never_shown() {
    let webhook = Webhook::new("https://hooks.example.com/T0/secret", None, None).expect("one");
    let channel = Channel::Webhook(Box::new(webhook));
    assert!(!format!("{channel:?}").contains("secret"));
    assert!(!channel.key().contains("secret"));
    assert!(Webhook::new("http://hooks.example.com/", None, None).is_err());
}
