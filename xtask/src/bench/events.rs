//! The events that ledgers are filled with: what a delivery pipeline says, made from a number, so
//! that two runs record the same but for the names that the program makes up.

use git_ledger::merkle::{hex, sha256};

const TYPES: [&str; 8] = [
    "dev.cdevents.service.deployed.0.3.0",
    "dev.cdevents.pipelinerun.started.0.3.0",
    "dev.cdevents.pipelinerun.finished.0.3.0",
    "dev.cdevents.artifact.published.0.3.0",
    "dev.cdevents.change.merged.0.3.0",
    "dev.cdevents.testsuiterun.finished.0.3.0",
    "com.github.pull_request_review.submitted",
    "dev.cdevents.service.rolledback.0.3.0",
];
const SERVICES: [&str; 10] = [
    "payments",
    "ledger-api",
    "checkout",
    "identity",
    "search",
    "mailer",
    "billing",
    "frontend",
    "gateway",
    "reports",
];
const OUTCOMES: [&str; 4] = ["success", "success", "success", "failure"];

/// Seconds since 1970 of the first event.
const BEGINNING: u64 = 1_735_689_600;

/// Which names events have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Made up by the program.
    Left,
    /// Given: the program must see that they are new.
    Given,
}

/// One event as a line of JSON, about 420 bytes; its commit is 40 hex digits and its id a UUID, 36
/// bytes that nothing can compress.
pub fn line(number: u64, names: Names) -> String {
    let seed = hex(&sha256(format!("event {number}").as_bytes()));
    let of = |from: usize, to: usize| seed.get(from..to).unwrap_or_default();
    let pick = |of: &[&'static str], by: u64| -> &'static str {
        let at = usize::try_from(by % of.len() as u64).unwrap_or_default();
        of.get(at).copied().unwrap_or_default()
    };
    // another order than the numbers', the same for ever
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17;
    let service = pick(&SERVICES, mixed);
    // one event in 100,000 rolls back, so that there is something to search for
    let kind = match number % 100_000 {
        777 => TYPES[7],
        _ => pick(TYPES.split_at(7).0, mixed / 16),
    };
    let id = match names {
        Names::Left => String::new(),
        Names::Given => format!(
            "\"id\":\"{}-{}-4{}-8{}-{}\",",
            of(0, 8),
            of(8, 12),
            of(13, 16),
            of(17, 20),
            of(20, 32)
        ),
    };
    let time = git_ledger::date::rfc3339(BEGINNING + number * 20);
    let commit = hex(&sha256(seed.as_bytes()));
    let commit = commit.get(..40).unwrap_or_default();
    format!(
        "{{\"specversion\":\"1.0\",{id}\"source\":\"https://ci.acme.example/{service}\",\
         \"type\":\"{kind}\",\"subject\":\"{service}/production\",\"time\":\"{time}\",\
         \"data\":{{\"environment\":\"production\",\"commit\":\"{commit}\",\"outcome\":\"{}\",\
         \"run\":\"https://ci.acme.example/{service}/runs/{}\",\"by\":\"user{}@acme.example\"}}}}\n",
        pick(&OUTCOMES, mixed / 128),
        100_000 + number,
        mixed % 400,
    )
}

/// Lines of these numbers.
pub fn lines(numbers: std::ops::Range<u64>, names: Names) -> String {
    numbers.map(|number| line(number, names)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_events_and_each_is_another() {
        for number in [0, 777, 999_999] {
            let text = line(number, Names::Given);
            let event = git_ledger::event::Event::parse(text.trim_end().as_bytes());
            let event = event.expect("an event");
            assert!((360..520).contains(&text.len()), "{}", text.len());
            assert_eq!(event.kind().contains("rolledback"), number == 777);
            assert_ne!(text, line(number + 1, Names::Given));
        }
    }
}
