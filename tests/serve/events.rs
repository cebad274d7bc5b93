//! CloudEvents over HTTP: binary, structured, batch; and who may send them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git_ledger::json::Value;

use super::client::{Answer, post};
use super::{KEY, SECRET, Serving};
use crate::world::World;

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";

fn send(serving: &Serving, headers: &[(&str, &str)], body: &str) -> Answer {
    let token = format!("Bearer {SECRET}");
    let mut all = vec![("Authorization", token.as_str())];
    all.extend(headers);
    serving.send(&post("/events", &all, body.as_bytes()))
}

fn event(id: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"dev.acme.built","source":"/ci","id":"{id}","data":{{"n":1}}}}"#
    )
}

#[test]
fn three_ways_to_send_one_event() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.acme.built"),
        ("ce-source", "/ci"),
        ("ce-id", "a"),
        ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ("Content-Type", "application/json"),
    ];
    assert_eq!(send(&serving, &binary, r#"{"n":1}"#).status, 201);
    let text = [
        &binary[..3],
        &[("ce-id", "b"), ("Content-Type", "text/plain")],
    ]
    .concat();
    assert_eq!(send(&serving, &text, "<b>").status, 201);
    let bare = [&binary[..3], &[("ce-id", "c")]].concat();
    assert_eq!(send(&serving, &bare, "").status, 201);
    assert_eq!(
        send(&serving, &[("Content-Type", STRUCTURED)], &event("d")).status,
        201
    );
    let batch = format!("[{},{},{}]", event("e"), event("f"), event("d"));
    let answer = send(&serving, &[("Content-Type", BATCH)], &batch);
    assert_eq!(answer.status, 201);
    let value = Value::parse(answer.body.as_bytes()).expect("JSON");
    let all = value.as_object().and_then(|o| o.get("events")?.as_array());
    let words: Vec<&str> = all
        .expect("events")
        .iter()
        .filter_map(|one| one.as_object()?.get("status")?.as_str())
        .collect();
    assert_eq!(words, ["recorded", "recorded", "duplicate"]);
    let lines: Vec<String> = serving
        .recorded()
        .iter()
        .map(|event| event.unrecorded().concat())
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"data":{"n":1},"datacontenttype":"application/json","id":"a","source":"/ci","specversion":"1.0","subject":"Euro € 😀","type":"dev.acme.built"}
    {"data_base64":"PGI+","datacontenttype":"text/plain","id":"b","source":"/ci","specversion":"1.0","type":"dev.acme.built"}
    {"id":"c","source":"/ci","specversion":"1.0","type":"dev.acme.built"}
    {"data":{"n":1},"id":"d","source":"/ci","specversion":"1.0","type":"dev.acme.built"}
    {"data":{"n":1},"id":"e","source":"/ci","specversion":"1.0","type":"dev.acme.built"}
    {"data":{"n":1},"id":"f","source":"/ci","specversion":"1.0","type":"dev.acme.built"}
    "#);
}

#[test]
fn an_id_names_one_event_and_the_policy_is_asked_of_each() {
    let world = World::new();
    world.repository("r");
    let public = world.public("ci");
    let types = ["--role", "writer", "--type", "dev.acme.*", "-y"];
    let add = [&["policy", "add-signer", "ci@acme", &public][..], &types].concat();
    world.ledger("r", &add).ok();
    let key = world.key("ci");
    let serving = Serving::start(&world, &["--key", key.to_str().expect("a path")]);
    let one = |text: &str| send(&serving, &[("Content-Type", STRUCTURED)], text);
    assert_eq!(one(&event("a")).status, 201);
    assert_eq!(one(&event("a")).status, 200);
    let other = event("a").replace("\"n\":1", "\"n\":2");
    let conflict = one(&other);
    assert_eq!(conflict.status, 409, "{conflict:?}");
    assert!(conflict.body.contains("\"number\":2"), "{conflict:?}");
    // one of a type that the key may not record, between two that it may
    let foreign = event("b").replace("dev.acme.built", "dev.other.built");
    let batch = format!("[{},{foreign},{},{other}]", event("c"), event("d"));
    let answer = send(&serving, &[("Content-Type", BATCH)], &batch);
    assert_eq!(answer.status, 422, "{answer:?}");
    let ids: Vec<String> = serving
        .recorded()
        .iter()
        .map(|e| e.id().to_owned())
        .collect();
    assert_eq!(ids[1..], ["a", "c", "d"], "after the policy entry");
}

#[test]
fn what_is_no_event_is_told_and_not_recorded() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &["--source", "/ci", "--max-body", "100000"]);
    let of = |kind: &str, body: &str| send(&serving, &[("Content-Type", kind)], body).status;
    let good = event("a");
    for (status, kind, body) in [
        (415, "application/json", good.as_str()),
        (415, "text/plain", &good),
        (400, STRUCTURED, "{"),
        (400, STRUCTURED, "[]"),
        (400, STRUCTURED, "{}"),
        (400, BATCH, &good),
        (400, BATCH, "[]"),
        (400, BATCH, "[1]"),
        (400, STRUCTURED, &good.replace("1.0", "0.3")),
        (
            400,
            STRUCTURED,
            &good.replace("dev.acme.built", "dev.git-ledger.push"),
        ),
        (400, STRUCTURED, &good.replace("\"n\":1", "\"n\":1,\"n\":2")),
        (400, STRUCTURED, &good.replace("dev.acme.built", "dev acme")),
        (400, STRUCTURED, &good.replace("/ci", "/c i")),
        (400, STRUCTURED, &good.replace("/ci", "/ci\\u0007")),
        (
            400,
            STRUCTURED,
            &good.replace("\"id\"", "\"time\":\"yesterday\",\"id\""),
        ),
        (
            400,
            STRUCTURED,
            &good.replace("\"id\"", "\"recordedtime\":\"x\",\"id\""),
        ),
        (
            400,
            STRUCTURED,
            &good.replace(
                "\"data\":{\"n\":1}",
                &format!("\"dataref\":\"attachments/{}\"", "a".repeat(64)),
            ),
        ),
        (403, STRUCTURED, &good.replace("/ci", "/elsewhere")),
        (
            413,
            STRUCTURED,
            &good.replace("\"n\":1", &format!("\"n\":\"{}\"", "x".repeat(100_000))),
        ),
        (
            400,
            STRUCTURED,
            &good.replace("\"a\"", &format!("\"{}\"", "x".repeat(20_000))),
        ),
    ] {
        assert_eq!(of(kind, body), status, "{body}");
    }
    let many = format!("[{}]", vec![event("x"); 1001].join(","));
    let more = Serving::start(&world, &[]);
    assert_eq!(send(&more, &[("Content-Type", BATCH)], &many).status, 413);
    drop(more);
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-type", "t"),
        ("ce-source", "/ci"),
        ("ce-id", "a"),
        ("Content-Type", "application/json"),
    ];
    let with = |more: (&str, &str)| send(&serving, &[&binary[..], &[more]].concat(), "1").status;
    for more in [
        ("ce-subject", "%zz"),
        ("ce-subject", "%ff"),
        ("ce-subject", "a\u{e9}"),
        ("ce-subject", ""),
        ("ce-data", "x"),
        ("ce-dataref", "x"),
        ("ce-data_base64", "AA=="),
        ("ce-Some-Thing", "x"),
        ("ce-id", "b"),
        ("ce-time", "now"),
        ("ce-subject", "%00"),
    ] {
        assert_eq!(with(more), 400, "{more:?}");
    }
    assert_eq!(serving.recorded().len(), 0);
}

#[test]
fn a_token_for_all_and_a_signature_where_it_covers_the_event() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let body = event("a");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a time").as_secs().to_string();
    let key = STANDARD
        .decode(KEY.trim_start_matches("whsec_"))
        .expect("a key");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let tag = aws_lc_rs::hmac::sign(&key, format!("m1.{now}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
    let signed = [
        ("webhook-id", "m1"),
        ("webhook-timestamp", now.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let plain = |headers: &[(&str, &str)], body: &str| {
        serving
            .send(&post("/events", headers, body.as_bytes()))
            .status
    };
    let structured = [("Content-Type", STRUCTURED)];
    assert_eq!(plain(&[&signed[..], &structured].concat(), &body), 201);
    assert_eq!(
        plain(&[&signed[..], &structured].concat(), &event("b")),
        401
    );
    assert_eq!(plain(&structured, &body), 401);
    // the headers of a binary event are not under the signature
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-type", "t"),
        ("ce-source", "/ci"),
        ("ce-id", "b"),
        ("Content-Type", "application/json"),
    ];
    assert_eq!(plain(&[&signed[..], &binary].concat(), &body), 401);
    for token in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        SECRET,
        "Bearer a secret that is long enougH",
    ] {
        let headers = [&structured[..], &[("Authorization", token)]].concat();
        assert_eq!(plain(&headers, &event("c")), 401, "{token}");
    }
    let lower = format!("bearer {SECRET}");
    let headers = [&structured[..], &[("Authorization", lower.as_str())]].concat();
    assert_eq!(plain(&headers, &event("c")), 201);
    assert_eq!(serving.recorded().len(), 2);
}
