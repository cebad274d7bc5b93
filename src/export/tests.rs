//! What holds for every format, whatever an event says.

use super::*;
use crate::json::Value;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const COMMIT: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Everything that ends a line, a field or a value somewhere.
const HOSTILE: &str = "a\r\nb|c=d\\e\"f',\t=1+1\u{2028}\u{202e}\u{0}z";

fn event(text: &str) -> Event {
    Event::parse(text.as_bytes()).expect("an event")
}

fn hostile() -> Event {
    let text = serde_json::to_string(HOSTILE).expect("JSON");
    event(&format!(
        r#"{{"data":{{"x":{text}}},"id":{text},"ledgernumber":"9","ledgerdisplaced":"none","source":{text},"specversion":"1.0","subject":{text},"type":{text}}}"#
    ))
}

fn record(event: &Event) -> Record<'_> {
    Record {
        ledger: Some(DIGEST),
        number: Some(7),
        digest: Some(DIGEST),
        commit: COMMIT,
        index: 0,
        events: 1,
        signer: Some("ci@acme"),
        key: Some("SHA256:k"),
        standing: "verified",
        why: "",
        recorded: 1_769_860_800,
        event,
    }
}

fn document(format: Format, options: Options, event: &Event, times: usize) -> Vec<u8> {
    let mut encoder = format.encoder(options);
    let mut out = Vec::new();
    encoder.head(&mut out);
    for _ in 0..times {
        encoder.record(&record(event), &mut out).expect("a record");
    }
    encoder.tail(&mut out).expect("a tail");
    out
}

#[test]
fn no_record_breaks_out_of_its_line() {
    let hostile = hostile();
    for (name, format) in Format::ALL {
        if matches!(format, Format::Csv | Format::Parquet | Format::Protobuf) {
            continue;
        }
        let text = String::from_utf8(document(format, Options::default(), &hostile, 2));
        let text = text.expect("UTF-8");
        let lines = match format {
            Format::CloudeventsBatch => 4,
            Format::OtlpJson => 1,
            _ => 2,
        };
        let ends = text.matches(['\n', '\r', '\u{2028}', '\u{b}', '\u{c}']);
        assert_eq!(ends.count(), lines, "{name}: {text}");
        let hidden = text.chars().filter(|c| crate::escape::is_hidden(*c));
        assert_eq!(hidden.count(), lines, "{name}: {text}");
    }
}

#[test]
fn what_the_ledger_says_wins() {
    let hostile = hostile();
    let text = document(Format::CloudeventsJsonl, Options::default(), &hostile, 1);
    let value = Value::parse(&text).expect("JSON");
    let object = value.as_object().expect("an object");
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    assert_eq!(text("ledgernumber"), Some("7"));
    assert_eq!(text("ledgerdigest"), Some(DIGEST));
    assert_eq!(
        text("ledgerdisplaced"),
        Some("ledgernumber ledgerdisplaced")
    );
    assert_eq!(text("subject"), Some(HOSTILE));
}

#[test]
fn integers_that_cloudevents_has_not_become_strings() {
    let event = event(
        r#"{"a":2147483647,"b":2147483648,"data":2147483648,"id":"1","source":"s","specversion":"1.0","type":"t"}"#,
    );
    let text = document(Format::CloudeventsJsonl, Options::default(), &event, 1);
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(text.starts_with(r#"{"a":2147483647,"b":"2147483648","data":2147483648,"#));
}

#[test]
fn cef_escapes_by_place() {
    let text = document(Format::Cef, Options::default(), &hostile(), 1);
    let text = String::from_utf8(text).expect("UTF-8");
    let before: Vec<&str> = text.split("rt=").collect();
    // six separators and the last one before the extension; the others are escaped
    let head = before.first().copied().unwrap_or_default();
    assert_eq!(head.replace("\\|", "").matches('|').count(), 7, "{head}");
    assert!(head.contains("a<U+000D><U+000A>b\\|c=d\\\\e"), "{head}");
    assert!(text.contains("cs6=a\\r\\nb|c\\=d\\\\e\"f',<U+0009>\\=1+1<U+2028><U+202E><U+0000>z "));
}

#[test]
fn formulas_are_told_to_be_text_on_request_only() {
    let event =
        event(r#"{"id":"=1+1","source":"s","specversion":"1.0","subject":"@x","type":"-t"}"#);
    let cells = |cells| Options {
        cells,
        header: Header::LeftOut,
        ..Options::default()
    };
    let line = |cells_of| {
        let text = document(Format::Csv, cells(cells_of), &event, 1);
        String::from_utf8(text).expect("UTF-8")
    };
    assert!(line(Cells::Exact).contains(",=1+1,s,-t,@x,,"));
    assert!(line(Cells::Spreadsheet).contains(",'=1+1,s,'-t,'@x,,"));
    assert!(line(Cells::Exact).ends_with("\r\n"));
}

#[test]
fn an_empty_document_is_a_document() {
    let event = hostile();
    let text = |format| document(format, Options::default(), &event, 0);
    assert_eq!(text(Format::CloudeventsBatch), b"[\n]\n");
    assert_eq!(text(Format::OtlpJson), b"");
    assert!(text(Format::Csv).starts_with(b"record,ledger,number,"));
    assert!(text(Format::Parquet).ends_with(b"PAR1"));
}

#[test]
fn otlp_lines_hold_a_thousand() {
    let event = hostile();
    let text = document(Format::OtlpJson, Options::default(), &event, 2001);
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    assert_eq!(lines.len(), 4);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        Value::parse(line).expect("JSON");
    }
}

#[test]
fn what_is_broken_is_an_alarm() {
    let event = event(&format!(
        r#"{{"data":{{}},"id":"x","source":"s","specversion":"1.0","type":"{ENTRY_BROKEN}"}}"#
    ));
    let mut encoder = Format::Ocsf.encoder(Options::default());
    let mut out = Vec::new();
    let broken = Record {
        signer: None,
        key: None,
        digest: None,
        standing: "breach",
        why: "objectMissing",
        ..record(&event)
    };
    encoder.record(&broken, &mut out).expect("a record");
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(text.contains(r#""class_uid":2004"#), "{text}");
    assert!(text.contains(r#""severity_id":5"#), "{text}");
    assert_eq!(broken.id(), format!("{COMMIT}/0"));
}
