//! Every format, read by what takes it.

use std::fs;
use std::path::Path;
use std::process::Command;

use git_ledger::export::Format;

use super::{ledger, log};
use crate::world::{World, run};
use crate::{peers, recorded};

/// What the reader in Python says of an export: number and digest of each record.
#[track_caller]
fn read(world: &World, format: &str, export: &Path) -> Vec<(u64, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export");
    let mut command = Command::new(peers::python());
    command
        .arg("-B")
        .arg(here.join("read.py"))
        .args([format])
        .args([export, &world.path("log.jsonl"), &here]);
    let text = run(command, b"").ok();
    text.lines()
        .map(|line| {
            let (number, digest) = line.split_once(' ').expect("two words");
            (number.parse().expect("a number"), digest.to_owned())
        })
        .collect()
}

/// A record is found in the ledger by its digest, and proven by its number to somebody who has
/// the fingerprint alone.
#[track_caller]
fn prove(world: &World, fingerprint: &str, format: &str, number: u64, digest: &str) {
    let shown = world.ledger("r", &["show", digest, "--json"]).ok();
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["number"], number, "{format}");
    let receipt = world.path(format!("{format}.json"));
    let receipt = receipt.to_str().expect("UTF-8");
    let number = number.to_string();
    world.ledger("r", &["prove", &number, "-o", receipt]).ok();
    let check = [
        "check-proof",
        receipt,
        "--fingerprint",
        fingerprint,
        "--json",
    ];
    let judged = world.ledger("r", &check).ok();
    assert!(judged.contains(digest), "{format}: {judged}");
}

#[track_caller]
fn holds(format: &str) {
    let world = ledger();
    let entries = log(&world);
    let export = world.path("export");
    let path = export.to_str().expect("UTF-8");
    world
        .ledger("r", &["export", "--format", format, "-o", path])
        .ok();
    let found = read(&world, format, &export);
    let events: usize = entries
        .iter()
        .map(|entry| entry["events"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(found.len(), events, "{format}");
    let (number, digest) = found.last().expect("a record");
    let fingerprint = entries[0]["digest"].as_str().expect("a digest");
    prove(&world, fingerprint, format, *number, digest);
    // standard output holds the same bytes
    let mut command = recorded::binary(&world, "r", &["export", "--format", format]);
    let output = command.output().expect("an end");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        output.stdout,
        fs::read(&export).expect("an export"),
        "{format}"
    );
}

#[test]
fn cloudevents_lines() {
    holds("cloudevents-jsonl");
}

#[test]
fn cloudevents_array() {
    holds("cloudevents-batch");
}

#[test]
fn protobuf() {
    holds("protobuf");
}

#[test]
fn cdevents() {
    holds("cdevents");
}

#[test]
fn ocsf() {
    holds("ocsf");
}

#[test]
fn ecs() {
    holds("ecs");
}

#[test]
fn splunk() {
    holds("splunk-hec");
}

#[test]
fn otlp() {
    holds("otlp-json");
}

#[test]
fn cef() {
    holds("cef");
}

#[test]
fn csv() {
    holds("csv");
}

#[test]
fn parquet() {
    holds("parquet");
}

#[test]
fn no_format_is_without_a_reader() {
    let source = include_str!("consumers.rs");
    for (name, _) in Format::ALL {
        let call = format!("holds(\"{name}\")");
        assert!(source.contains(&call), "{name}");
    }
}

/// CDEvents that stay as they are, by the SDK of the project.
#[test]
fn the_sdk_of_cdevents_reads_its_own() {
    let world = ledger();
    let export = ["export", "--format", "cdevents", "--type", "dev.cdevents.*"];
    let text = world.ledger("r", &export).ok();
    let mut standard = 0;
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let kind = value["context"]["type"].as_str().expect("a type");
        if !kind.starts_with("dev.cdevents.") {
            continue;
        }
        standard += 1;
        let event: cdevents_sdk::CDEvent = serde_json::from_str(line).expect("a CDEvent");
        assert_eq!(event.ty(), kind);
        assert_eq!(event.subject().id().as_str(), "payments");
        let custom = event.custom_data().as_ref().expect("custom data");
        assert_eq!(custom["own"], super::HOSTILE[4]);
        assert_eq!(custom["gitledger"]["displaced"], "gitledger");
        assert_eq!(custom["gitledger"]["number"], 1);
    }
    assert_eq!(standard, 1, "{text}");
}

/// A row that began with a formula begins with an apostrophe, and nothing else changes.
#[test]
fn a_table_for_people_runs_nothing() {
    let world = ledger();
    let export = ["export", "--format", "csv", "--spreadsheet"];
    let text = world.ledger("r", &export).ok();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut formulas = 0;
    for row in reader.records() {
        for cell in &row.expect("a row") {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell}"
            );
            formulas += usize::from(cell.starts_with('\''));
        }
    }
    assert_eq!(formulas, 4);
    world
        .ledger("r", &["export", "--format", "ecs", "--spreadsheet"])
        .code(129);
}
