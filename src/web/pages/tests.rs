//! Pages of hostile values: nothing of them becomes an element, an attribute or an address.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use gix::ObjectId;
use maud::Markup;

use crate::commit::Link;
use crate::event::Event;
use crate::exceptions::{Exception, Kind};
use crate::finding::{Finding, FindingId};
use crate::git::RemoteUrl;
use crate::mirror::{self, Comparison, Copy, Named, Remote, Tie};
use crate::policy::{Policy, Role};
use crate::query::tally::Tally;
use crate::query::trace::Stage;
use crate::query::{Selected, Step, What};
use crate::replay::Replay;
use crate::report::entries::Standing;
use crate::report::verdict::Frame;
use crate::verify::Verdict;

use super::super::answers::*;
use super::*;

/// What somebody might write wherever they may write.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}\u{200b}&amp;</title>\njavascript:alert(1)";
const NOW: u64 = 1_800_000_000;

/// The commits and the first policy of a ledger of the specification.
fn sample() -> (Vec<Link>, Policy) {
    let bytes = include_bytes!("../../../ledger-spec/vectors/sound_approval_kinds");
    let (mut links, mut policy) = (Vec::new(), None);
    let mut rest = bytes.as_slice();
    let mut begun = false;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        begun |= line.is_empty();
        let words: Vec<&str> = line.split(' ').collect();
        if let (true, [id, kind, size]) = (begun, words.as_slice()) {
            let size: usize = size.parse().expect("a size");
            let object = &rest[..size];
            rest = &rest[size + 1..];
            let id = ObjectId::from_hex(id.as_bytes()).expect("an id");
            match *kind {
                "commit" => links.push(Link::parse(id, object.to_vec()).expect("an entry")),
                "blob" if object.starts_with(b"spec = ") => policy = Policy::parse(object).ok(),
                _ => {}
            }
        }
    }
    links.sort_by_key(|link| link.entry.number());
    (links, policy.expect("a policy"))
}

fn hostile_event() -> Event {
    let text = serde_json::to_string(HOSTILE).expect("JSON");
    let line = format!(
        r#"{{"actor":{text},"data":{{{text}:[{text},{{"deep":{text}}}],"refs":[{{"kind":"update","ref":{text},"old":{text},"new":{text}}}],"env":{text},"outcome":{text}}},"id":{text},"source":{text},"specversion":"1.0","subject":{text},"time":{text},"type":{text}}}"#
    );
    Event::parse(line.as_bytes()).expect("an event")
}

fn row(mut link: Link, standing: Standing) -> Row {
    link.entry.events = vec![hostile_event(); 5];
    let selected = Selected {
        step: Step {
            commit: link.id,
            position: Some(link.entry.number() + 1),
            policy_changed: Some(true),
            gapless: true,
            what: What::Entry(Box::new(link)),
        },
        matching: vec![0, 1, 2, 3, 4],
    };
    Row { selected, standing }
}

fn broken(id: ObjectId) -> Row {
    let finding = Finding::new(FindingId::MessageMalformed, HOSTILE).at(Some(1), id);
    let step = Step {
        commit: id,
        position: None,
        policy_changed: None,
        gapless: false,
        what: What::Broken {
            finding,
            raw: Some(HOSTILE.into()),
        },
    };
    Row {
        selected: Selected {
            step,
            matching: Vec::new(),
        },
        standing: Standing::Unverified(HOSTILE.to_owned()),
    }
}

fn rows() -> Vec<Row> {
    let (links, _) = sample();
    let mut rows: Vec<Row> = links
        .iter()
        .cycle()
        .cloned()
        .zip([
            Standing::Claimed,
            Standing::Verified(vec![Role::Writer]),
            Standing::Breach(vec![FindingId::SignatureBad]),
            Standing::Unverified(HOSTILE.to_owned()),
        ])
        .map(|(link, standing)| row(link, standing))
        .collect();
    let id = rows[0].selected.step.commit;
    rows.push(broken(id));
    rows
}

fn comparison(id: ObjectId) -> Comparison {
    let named = Named {
        number: 7,
        digest: [7; 32],
        commit: id,
        time: Some(NOW),
        principal: Some(HOSTILE.to_owned()),
        subject: Some(HOSTILE.to_owned()),
    };
    let url =
        RemoteUrl::parse("https://user:secret@host.example/<b>\"'", Path::new("/")).expect("a URL");
    let copy = |state| Copy {
        remote: Remote {
            name: HOSTILE.to_owned(),
            url: url.clone(),
            push_url: url.clone(),
            vouched: false,
        },
        state,
        newest: Some(named.clone()),
        shared: Some(3),
        there: vec![id],
        split: Some((named.clone(), named.clone())),
        seen: Some(NOW),
        lacks_since: Some(NOW - 5000),
        why: Some(HOSTILE.to_owned()),
        findings: vec![Finding::new(FindingId::MirrorForked, HOSTILE)],
        evidence: vec![HOSTILE.to_owned()],
        tips: Vec::new(),
    };
    Comparison {
        here: Some(named.clone()),
        before: None,
        about_here: vec![Finding::new(FindingId::RolledBack, HOSTILE)],
        copies: vec![
            copy(mirror::State::Forked(4)),
            copy(mirror::State::Behind(4)),
            copy(mirror::State::Silent),
        ],
        ties: vec![(HOSTILE.to_owned(), HOSTILE.to_owned(), Tie::Address)],
        independent: 0,
        window: None,
    }
}

fn known() -> Known {
    let rows = rows();
    let id = rows[0].selected.step.commit;
    let mut tally = Tally::default();
    let mut replay = Replay::default();
    for row in &rows {
        tally.add(&row.selected);
        if let What::Entry(link) = &row.selected.step.what {
            replay.see(link);
        }
    }
    let exception = Exception {
        kind: Kind::ForcedPush,
        number: 3,
        commit: id,
        time: NOW,
        what: HOSTILE.to_owned(),
        who: vec![HOSTILE.to_owned()],
        why: HOSTILE.to_owned(),
    };
    let verdict = Verdict {
        findings: vec![
            Finding::new(FindingId::SignatureBad, HOSTILE).at(Some(2), id),
            Finding::new(FindingId::Shallow, HOSTILE),
        ],
        entries: 4,
        fingerprint: Some([1; 32]),
        pinned: false,
        tip: None,
        base_reached: false,
        misfit: None,
        name: Some(HOSTILE.to_owned()),
        known: None,
    };
    Known {
        name: Name {
            slug: "acme".to_owned(),
            ledger: HOSTILE.to_owned(),
            repository: HOSTILE.to_owned(),
            reference: HOSTILE.to_owned(),
        },
        now: NOW,
        newest: Some(Newest {
            number: 3,
            commit: id,
            digest: [3; 32],
            time: NOW,
        }),
        judged: Some(Arc::new(Judged {
            verdict,
            frame: Frame::default(),
            commit: id,
        })),
        unjudged: 2,
        judging: Some((1, 4)),
        remotes: Some(Arc::new(Remotes {
            asked: NOW - 100,
            comparison: Ok(comparison(id)),
        })),
        mirrors: 3,
        compare_every: Some(300),
        totals: Some(Arc::new(Totals {
            tally,
            read: 3,
            of: 4,
            policy_changes: vec![0, 2],
            exceptions: Explain {
                list: vec![exception],
                counts: BTreeMap::from([(Kind::ForcedPush, 900)]),
                limits: vec![HOSTILE.to_owned()],
            },
            state: Arc::new(replay),
            reviews: vec![Reviewed {
                number: 3,
                time: NOW,
                principal: HOSTILE.to_owned(),
                first: 0,
                last: 2,
                outcome: crate::review::Outcome::Clean,
            }],
        })),
        trouble: Some(HOSTILE.to_owned()),
    }
}

fn site(known: Option<Known>) -> Site {
    Site {
        known,
        reader: Some(HOSTILE.to_owned()),
    }
}

fn page() -> Page {
    Page {
        query: HOSTILE.to_owned(),
        rows: rows(),
        before: Some(9),
        limit: 50,
        older: Some(4),
        looked_at: 12,
        gave_up: true,
        by_index: true,
        cut_off: true,
    }
}

/// Every page there is, of hostile values.
fn all() -> Vec<(&'static str, Markup)> {
    let (_, policy) = sample();
    let known = known();
    let site_of = site(Some(known.clone()));
    let problem = Problem {
        at: Some((HOSTILE.to_owned(), 2..11)),
        ..Problem::new(Fault::Asked, HOSTILE).hint(HOSTILE)
    };
    let mut before = policy.clone();
    before.name = HOSTILE.to_owned();
    let change = PolicyChange {
        row: rows().remove(1),
        before: Some(before),
        after: Some(policy.clone()),
    };
    let view = |row: Row| EntryView {
        position: row.number(),
        row,
        previous: Some(1),
        next: Some(3),
        raw: Some(HOSTILE.into()),
        attachments: vec![("ab".repeat(32), None)],
        roles: Some(vec![Role::Admin]),
        policy: Some((None, Some(policy.clone()))),
        related: vec![("subject", HOSTILE.to_owned())],
    };
    let traced = TraceView {
        of: HOSTILE.to_owned(),
        steps: rows()
            .into_iter()
            .zip([
                vec![Stage::Push],
                vec![Stage::Gap],
                vec![Stage::Run],
                vec![Stage::Other],
                vec![],
            ])
            .collect(),
        gaps: vec![HOSTILE.to_owned()],
        looked_at: 4,
        gave_up: true,
    };
    let mut folded = Replay::default();
    for row in &rows() {
        if let What::Entry(link) = &row.selected.step.what {
            folded.see(link);
        }
    }
    let replayed = ReplayView {
        from: 0,
        to: 3,
        at: 2,
        row: rows().remove(2),
        around: rows(),
        replay: folded,
        policy: Some(0),
    };
    let fresh = Known {
        judged: None,
        totals: None,
        remotes: None,
        newest: None,
        trouble: None,
        judging: None,
        ..known.clone()
    };
    let history = PolicyHistory {
        changes: vec![change.clone()],
        complete: false,
    };
    vec![
        (
            "ledgers",
            ledgers(&site(None), &[known.clone(), fresh.clone()]),
        ),
        ("overview", overview(&site_of, &known, &page())),
        (
            "overview, fresh",
            overview(
                &site(Some(fresh.clone())),
                &fresh,
                &Page {
                    rows: Vec::new(),
                    ..page()
                },
            ),
        ),
        ("timeline", timeline(&site_of, Ok(&page()), HOSTILE, true)),
        (
            "timeline, wrong",
            timeline(&site_of, Err(&problem), HOSTILE, false),
        ),
        ("entry", entry(&site_of, &view(rows().remove(1)))),
        ("entry, broken", entry(&site_of, &view(rows().remove(4)))),
        ("trace", trace(&site_of, HOSTILE, Some(Ok(&traced)))),
        ("trace, asked", trace(&site_of, "", None)),
        (
            "trace, wrong",
            trace(&site_of, HOSTILE, Some(Err(&problem))),
        ),
        ("replay", replay(&site_of, Ok(&replayed))),
        ("replay, wrong", replay(&site_of, Err(&problem))),
        ("policy", policy_page(&site_of, &history)),
        ("policy change", policy_change(&site_of, &change)),
        ("findings", findings(&site_of, &known)),
        ("findings, fresh", findings(&site_of, &fresh)),
        ("exceptions", exceptions(&site_of, &known)),
        ("help", help(&site_of)),
        ("error", error(&site(None), &problem)),
    ]
}

use super::policy as policy_page;

/// The tags of a page: name and attributes with their values. Fails where a page is not written as
/// maud writes it.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with('/') || rest.starts_with('!') {
            continue;
        }
        let end = rest.find([' ', '>']).expect("a tag ends");
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let mut attributes = Vec::new();
        while let Some(more) = rest.strip_prefix(' ') {
            let end = more.find(['=', ' ', '>']).expect("an attribute ends");
            let attribute = more[..end].to_owned();
            rest = &more[end..];
            let mut value = String::new();
            if let Some(more) = rest.strip_prefix("=\"") {
                let end = more.find('"').expect("a value ends");
                value = more[..end].to_owned();
                rest = &more[end + 1..];
            }
            attributes.push((attribute, value));
        }
        assert!(
            rest.starts_with('>'),
            "{name}: {}",
            &rest[..40.min(rest.len())]
        );
        tags.push((name, attributes));
    }
    tags
}

fn html_attribute(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    escaped.replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn no_foreign_word_becomes_part_of_a_page() {
    let scripts: BTreeSet<&str> = BTreeSet::from(["/assets/app.js"]);
    for (name, page) in all() {
        let page = page.into_string();
        // a field holds what was typed into it, so that it can be sent again
        let field = format!(" value=\"{}\"", html_attribute(HOSTILE));
        let page = page.replace(&field, "");
        for hidden in ['\u{202e}', '\u{200b}'] {
            assert!(!page.contains(hidden), "{name} holds {hidden:?}");
        }
        for (tag, attributes) in tags(&page) {
            let value = |wanted: &str| {
                attributes
                    .iter()
                    .find(|(name, _)| name == wanted)
                    .map(|(_, value)| value.as_str())
            };
            assert!(
                !matches!(
                    tag.as_str(),
                    "img" | "style" | "iframe" | "object" | "embed" | "base"
                ),
                "{name}: <{tag}>"
            );
            if tag == "script" {
                assert!(
                    value("src").is_some_and(|src| scripts.contains(src)),
                    "{name}"
                );
            }
            for (attribute, value) in &attributes {
                assert!(
                    !attribute.starts_with("on") && attribute != "style",
                    "{name}: {tag} {attribute}"
                );
                if matches!(attribute.as_str(), "href" | "action" | "src" | "data-tail") {
                    assert!(
                        value.starts_with('/') && !value.starts_with("//")
                            || value.starts_with('#'),
                        "{name}: {value}"
                    );
                    let plain = |c: char| c.is_ascii_alphanumeric() || "/?=&;%#-._~".contains(c);
                    assert!(value.chars().all(plain), "{name}: {value}");
                }
            }
        }
    }
}

#[test]
fn every_page_can_be_walked() {
    for (name, page) in all() {
        let page = page.into_string();
        let tags = tags(&page);
        let count = |wanted: &str| tags.iter().filter(|(tag, _)| tag == wanted).count();
        assert_eq!((count("h1"), count("main")), (1, 1), "{name}");
        // headings follow each other without a step left out
        let mut last = 0;
        for (tag, _) in &tags {
            let Some(level) = tag
                .strip_prefix('h')
                .and_then(|level| level.parse::<u32>().ok())
            else {
                continue;
            };
            assert!(level <= last + 1, "{name}: h{level} after h{last}");
            last = level;
        }
        let mut ids = BTreeSet::new();
        for (tag, attributes) in &tags {
            for (attribute, value) in attributes {
                if attribute == "id" {
                    assert!(ids.insert(value.clone()), "{name}: two of id {value}");
                }
            }
            let has = |wanted: &str| attributes.iter().any(|(name, _)| name == wanted);
            if tag == "th" {
                assert!(has("scope"), "{name}: a head without scope");
            }
        }
        assert_eq!(count("table"), count("caption"), "{name}");
    }
}

#[test]
fn a_breach_is_said_first_and_plainly() {
    let known = known();
    let page = overview(&site(Some(known.clone())), &known, &page()).into_string();
    let (breach, chart) = (page.find(">breach<"), page.find("class=\"chart\""));
    assert!(breach.is_some() && breach < chart, "{breach:?} {chart:?}");
    assert!(page.contains("first at <a class=\"place\" href=\"/l/acme/entry/2\">entry 2</a>"));
}
