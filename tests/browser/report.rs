//! The report for an auditor in a browser, from a file, without a network.

use std::fs;

use super::web::drive;
use super::{foreign, honest, told_by_others};
use crate::world::World;

#[test]
fn a_report_opens_offline_and_nothing_in_it_acts() {
    let seen = |words: Option<&[&str]>, known: &str| {
        let world = World::new();
        match words {
            None => honest(&world),
            Some(words) => told_by_others(&world, words),
        }
        let page = world.path("report.html").display().to_string();
        let report = ["report", "--profile", "soc2", "--output", &page];
        let said = world.ledger("r", &report);
        assert!(said.code <= 2, "{said}");
        let seen = drive(&world, "offline.js", &[&page, known]);
        let text = fs::read_to_string(&page).expect("a report");
        (seen, text)
    };
    let world = World::new();
    let file = world.path("shape.json");
    let file = file.to_str().expect("a path");
    // an ordinary ledger, and one of the same events with harmless words: what these are made of
    let (ordinary, _) = seen(None, "-");
    let (harmless, _) = seen(Some(foreign::HONEST), "-");
    let mut shape = Vec::new();
    for seen in [&ordinary, &harmless] {
        shape.extend(seen["shape"].as_array().expect("a shape").clone());
        assert!(seen["paper"].as_u64() > Some(10_000), "{seen}");
    }
    let shape = serde_json::json!({ "shape": shape }).to_string();
    fs::write(file, shape).expect("a file");
    let (_, text) = seen(Some(foreign::HOSTILE), file);
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}
