//! The guard over requests that no honest browser sends, and the routes against what is told of
//! them.

use std::collections::{BTreeMap, BTreeSet};

use hyper::Request;
use hyper::http::request::Parts;

use super::answers::Fault;
use super::api::DOCUMENT;
use super::guard::{Door, Reverse};
use super::routes::{API, Api};
use crate::webhook::{Scheme, Secret};

fn door() -> Door {
    Door {
        hosts: vec!["ledger.example".into(), "other.example:8443".into()],
        address: "127.0.0.1:8735".parse().unwrap(),
        token: None,
        reverse: None,
    }
}

fn asked(target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn fault(door: &Door, request: &Parts) -> Option<Fault> {
    door.lets(request).err().map(|problem| problem.fault)
}

#[test]
fn only_those_who_ask_for_this_host_are_let_in() {
    for host in [
        "127.0.0.1:8735",
        "localhost:8735",
        "LOCALHOST:8735",
        "[::1]:8735",
        "127.3.2.1:8735",
        "ledger.example",
        "Ledger.Example:443",
        "other.example:8443",
    ] {
        assert_eq!(
            fault(&door(), &asked("/", &[("host", host)])),
            None,
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "evil.example:8735",
        "localhost",
        "localhost:80",
        "localhost.evil.example:8735",
        "other.example",
        "127.0.0.1.evil.example:8735",
        "ledger.example.",
        "ledger.example@evil.example",
        "10.0.0.1:8735",
        "localhost:8735:8735",
        "localhost:+8735",
        "[::1",
        "",
        "ledger.example/x",
    ] {
        let found = fault(&door(), &asked("/", &[("host", host)]));
        assert_eq!(found, Some(Fault::Elsewhere), "{host}");
    }
    let twice = [("host", "localhost:8735"), ("host", "localhost:8735")];
    assert_eq!(fault(&door(), &asked("/", &twice)), Some(Fault::Asked));
    assert_eq!(fault(&door(), &asked("/", &[])), Some(Fault::Asked));
    // a target that names a host is held to it as well
    let host = [("host", "localhost:8735")];
    let other = asked("http://evil.example/", &host);
    assert_eq!(fault(&door(), &other), Some(Fault::Elsewhere));
    assert_eq!(
        fault(&door(), &asked("http://localhost:8735/", &host)),
        None
    );
}

#[test]
fn another_sites_page_can_link_here_and_no_more() {
    let with = |headers: &[(&str, &str)]| {
        let mut all = vec![("host", "localhost:8735")];
        all.extend(headers);
        fault(&door(), &asked("/", &all))
    };
    assert_eq!(with(&[("sec-fetch-site", "same-origin")]), None);
    assert_eq!(with(&[("sec-fetch-site", "none")]), None);
    for site in ["cross-site", "same-site"] {
        let followed = [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(with(&followed), None);
        let framed = [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
        ];
        assert_eq!(with(&framed), Some(Fault::Forbidden));
        let fetched = [("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")];
        assert_eq!(with(&fetched), Some(Fault::Forbidden));
    }
}

#[test]
fn paths_are_plain() {
    let host = [("host", "localhost:8735")];
    for path in [
        "/../x",
        "/l/x/../y",
        "/l/x/./",
        "/%00",
        "/%2e%2e/",
        "/a;b",
        "/...",
        "*",
    ] {
        assert_eq!(
            fault(&door(), &asked(path, &host)),
            Some(Fault::Asked),
            "{path}"
        );
    }
    let long = format!("/l/x/log?q={}", "a".repeat(8 << 10));
    assert_eq!(fault(&door(), &asked(&long, &host)), Some(Fault::TooLong));
}

#[test]
fn a_token_is_taken_as_bearer_or_as_password() {
    let mut door = door();
    let token = "a token that is long enough";
    door.token = Secret::new(Scheme::Bearer, token.as_bytes()).ok();
    let with = |value: &str| {
        let headers = [("host", "localhost:8735"), ("authorization", value)];
        fault(&door, &asked("/", &headers))
    };
    use base64::Engine as _;
    let basic = |text: &str| {
        let text = base64::engine::general_purpose::STANDARD.encode(text);
        format!("Basic {text}")
    };
    assert_eq!(with(&format!("Bearer {token}")), None);
    assert_eq!(with(&format!("bearer {token}")), None);
    assert_eq!(with(&basic(&format!("anybody:{token}"))), None);
    assert_eq!(with(&basic(&format!(":{token}"))), None);
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        token,
        "Basic !",
        &basic(token),
        &basic(&format!("{token}:")),
        &format!("Digest {token}"),
    ] {
        assert_eq!(with(wrong), Some(Fault::Stranger), "{wrong}");
    }
    let bare = [("host", "localhost:8735")];
    assert_eq!(fault(&door, &asked("/", &bare)), Some(Fault::Stranger));
    // whether it lives is no secret
    assert_eq!(fault(&door, &asked("/healthz", &bare)), None);
    // and the host goes first
    let evil = [("host", "evil.example")];
    assert_eq!(fault(&door, &asked("/", &evil)), Some(Fault::Elsewhere));
}

#[test]
fn a_proxy_names_exactly_one_reader() {
    let mut door = door();
    let users = ["alice".to_owned(), "bob".to_owned()];
    door.reverse = Reverse::new("X-Remote-User", &users).ok();
    let with = |headers: &[(&str, &str)]| {
        let mut all = vec![("host", "localhost:8735")];
        all.extend(headers);
        door.lets(&asked("/", &all))
            .map_err(|problem| problem.fault)
    };
    assert_eq!(
        with(&[("x-remote-user", "bob")]),
        Ok(Some("bob".to_owned()))
    );
    for wrong in [
        &[][..],
        &[("x-remote-user", "")],
        &[("x-remote-user", "Bob")],
        &[("x-remote-user", "alice, bob")],
        &[("x-remote-user", "alice"), ("x-remote-user", "alice")],
        &[("x_remote_user", "alice")],
    ] {
        assert_eq!(with(wrong), Err(Fault::Forbidden), "{wrong:?}");
    }
    for header in ["host", "authorization", "sec-fetch-site", "a b", ""] {
        assert!(Reverse::new(header, &users).is_err(), "{header}");
    }
}

/// What the API's document says of its paths: the path, and the names of its parameters.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document: serde_json::Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let base = document["servers"][0]["url"].as_str().expect("a server");
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().map(|(path, item)| {
        assert_eq!(item.as_object().map(|item| item.len()), Some(1), "{path}");
        let operation = &item["get"];
        let parameters = operation["parameters"].as_array();
        let names = parameters.into_iter().flatten();
        let names = names.map(|one| {
            let (name, place) = (one["name"].as_str(), one["in"].as_str());
            format!("{} {}", place.expect("a place"), name.expect("a name"))
        });
        for status in ["200", "400", "401", "403", "414", "421", "500", "503"] {
            assert!(
                operation["responses"][status].is_object(),
                "{path} {status}"
            );
        }
        (format!("{base}{path}"), names.collect())
    });
    each.collect()
}

#[test]
fn the_document_tells_each_route_and_no_other() {
    let routes = API.iter().map(|(path, what)| {
        let in_path = path.split('/').filter_map(|part| {
            let name = part.strip_prefix('{')?.strip_suffix('}')?;
            Some(format!("path {name}"))
        });
        let asks = what.asks().iter().map(|name| format!("query {name}"));
        let mut names: BTreeSet<String> = in_path.chain(asks).collect();
        if *what == Api::Tail {
            names.insert("header Last-Event-ID".to_owned());
        }
        ((*path).to_owned(), names)
    });
    assert_eq!(documented(), routes.collect());
}

#[test]
fn every_problem_has_a_status_a_name_and_a_title_of_its_own() {
    let all = [
        Fault::Asked,
        Fault::Stranger,
        Fault::Forbidden,
        Fault::Absent,
        Fault::Method,
        Fault::TooLong,
        Fault::Elsewhere,
        Fault::Broken,
        Fault::Later,
        Fault::Here,
    ];
    let words: BTreeSet<&str> = all.iter().map(|fault| fault.word()).collect();
    let titles: BTreeSet<&str> = all.iter().map(|fault| fault.title()).collect();
    let statuses: BTreeSet<u16> = all.iter().map(|fault| fault.status()).collect();
    assert_eq!((words.len(), titles.len(), statuses.len()), (10, 10, 10));
}
