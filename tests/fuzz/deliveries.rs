//! What anybody on the net may send: deliveries, and the headers that should prove them.

use std::sync::LazyLock;

use git_ledger::event::Event;
use git_ledger::intake::lines::{self, Fields};
use git_ledger::intake::{self, Delivery, Source, github, text};
use git_ledger::merkle::{hex, sha256};
use git_ledger::webhook::{Headers, Refusal, Scheme, Secret, check};

/// The words of the first line for each source.
const SOURCES: &[(&str, Source)] = &[
    ("github", Source::GithubWebhook),
    ("audit", Source::GithubAuditLog),
    ("gitlab", Source::Gitlab),
    ("gitea", Source::Gitea),
    ("cloudevents", Source::Cloudevents),
    ("cdevents", Source::Cdevents),
    ("lines", Source::JsonLines),
];

/// A line `<source> [<event>]`, then a body.
pub fn intake(input: &[u8]) {
    let end = input
        .iter()
        .position(|b| *b == b'\n')
        .unwrap_or(input.len());
    let (head, body) = input.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let (word, kind) = head.split_once(' ').unwrap_or((&head, ""));
    let kind = Some(kind).filter(|kind| !kind.is_empty());
    let Some((_, source)) = SOURCES.iter().find(|(known, _)| *known == word) else {
        return;
    };
    let delivery = Delivery {
        source: *source,
        kind,
        base: None,
        body,
    };
    if let Ok(events) = intake::read(&delivery) {
        assert_eq!(intake::read(&delivery).as_ref(), Ok(&events));
        for event in &events {
            held(event);
            if matches!(
                source,
                Source::GithubWebhook | Source::Gitlab | Source::Gitea
            ) {
                assert_eq!(event.id(), format!("sha256:{}", hex(&sha256(body))));
                intake::kept(event, body).expect("an event");
            }
        }
    }
    let fields = Fields {
        id: Some("a.b".into()),
        time: Some("t".into()),
        subject: Some("a".into()),
    };
    if let Ok(event) = lines::event(&delivery, &fields) {
        held(&event);
    }
    if let Ok(Some(wrapped)) = github::wrapped(body) {
        assert!(wrapped.body.len() <= body.len());
    }
    let words = String::from_utf8_lossy(body);
    assert!(text::name(&words).chars().count() <= text::MAX_NAME);
    assert!(text::text(&words).chars().count() <= text::MAX_TEXT);
}

/// Whatever was sent, the record can hold it, and nobody is spoken for.
fn held(event: &Event) {
    let line = event.to_line();
    assert_eq!(Event::parse_canonical(line.as_bytes()).as_ref(), Ok(event));
    assert!(event.kind().bytes().all(|b| b.is_ascii_graphic()));
    assert!(!event.kind().starts_with("dev.git-ledger."));
    assert!(event.attachment().is_none() && event.attribute("recordedtime").is_none());
}

/// The secrets of the corpus, for each scheme.
static SECRETS: LazyLock<Vec<(Scheme, Secret)>> = LazyLock::new(|| {
    let text = b"It's a Secret to Everybody";
    let forges = [
        Scheme::GithubHmac,
        Scheme::GiteaHmac,
        Scheme::ForgejoHmac,
        Scheme::GitlabToken,
    ];
    let mut all: Vec<(Scheme, Secret)> = forges
        .iter()
        .map(|scheme| (*scheme, Secret::new(*scheme, text).expect("a secret")))
        .collect();
    let standard = Scheme::StandardWebhooks;
    let whsec = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    all.push((standard, Secret::new(standard, whsec).expect("a secret")));
    all
});

/// Lines `name: value`, an empty line, then a body.
pub fn webhook(input: &[u8]) {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = input.split_at(end.unwrap_or(input.len()));
    let body = body.get(2..).unwrap_or_default();
    let pairs: Vec<(String, Vec<u8>)> = head
        .split(|b| *b == b'\n')
        .filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let name = String::from_utf8_lossy(line.get(..colon)?).into_owned();
            Some((name, line.get(colon + 2..).unwrap_or_default().to_vec()))
        })
        .collect();
    let headers: Headers<'_> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let now = 1_614_265_330;
    if let Some(scheme) = Scheme::of(&headers) {
        assert!(headers.has(scheme.header()));
    }
    for (scheme, secret) in SECRETS.iter() {
        let judged = check(*scheme, &headers, body, std::slice::from_ref(secret), now);
        if headers.only(scheme.header()).is_err() {
            assert!(judged.is_err());
        }
        if let Err(refusal) = &judged {
            assert!(!refusal.word().is_empty() && !refusal.to_string().contains("Secret"));
            continue;
        }
        let nobody = check(*scheme, &headers, body, &[], now);
        assert_eq!(nobody, Err(Refusal::NoSecret));
        if *scheme != Scheme::GitlabToken {
            let other = [body, b"x"].concat();
            let moved = check(*scheme, &headers, &other, std::slice::from_ref(secret), now);
            assert_eq!(moved, Err(Refusal::Wrong(scheme.header())));
        }
    }
}
