//! The same answers for programs: the objects that the verbs print with `--json`, and what pages
//! know besides. `openapi.json` beside this file says what they hold, and tests hold it to that.

use crate::date::rfc3339;
use crate::json::{Object, Value};
use crate::merkle::hex;
use crate::query::What;
use crate::report::entries::{json as entry_json, json_line};
use crate::report::policy_review::Past;
use crate::report::verdict::{self, clean, finding_json, number};
use crate::report::{exceptions, mirrors, policy_change, tally};
use crate::verify::Verdict;

use super::answers::{
    Book, EntryView, Fault, Known, Library, Page, PolicyChange, Problem, Row, Totals, Wanted,
};
use super::replay;
use super::routes::Api;
use super::server::{Answer, Asked};

/// What this API is, as it is served.
pub const DOCUMENT: &str = include_str!("openapi.json");

const JSON: &str = "application/json";
/// Findings about one copy that are told; all are counted.
const FINDINGS: usize = 1000;

/// The answer to a request, except to those that follow.
pub fn answer(library: &dyn Library, what: Api, asked: &Asked) -> Result<Answer, Problem> {
    let ask = &asked.ask;
    let object = match what {
        Api::Document => return Ok(Answer::Bytes(JSON, DOCUMENT.as_bytes().to_vec())),
        Api::Ledgers => {
            let all = library.books().iter();
            let all = all.map(|book| Value::from(ledger(&book.known())));
            Object::new().with("ledgers", all.collect::<Vec<_>>())
        }
        _ => {
            let book = asked.book(library)?;
            let known = book.known();
            match what {
                Api::Ledgers | Api::Document | Api::Tail => {
                    return Err(Problem::new(Fault::Here, "this is answered elsewhere"));
                }
                Api::Ledger => ledger(&known)
                    .with("verdict", verdict(&known))
                    .with("remotes", remotes(&known))
                    .with(
                        "totals",
                        known.totals.as_deref().map_or(Value::Null, totals),
                    ),
                Api::Entries => {
                    let (before, limit) = (ask.number("before")?, ask.count("limit")?);
                    page(&book.page(ask.text("q"), before, limit)?)
                }
                Api::Entry => entry(&book.entry(&Wanted::Number(asked.number()?))?),
                Api::Proof => return proof(&*book, asked.number()?),
                Api::Trace => {
                    let of = ask.text("of");
                    if of.is_empty() {
                        let problem = Problem::new(Fault::Asked, "of what is a trace wanted?");
                        return Err(
                            problem.hint("name a commit, ref, run, artifact or subject: of=")
                        );
                    }
                    let view = book.trace(of)?;
                    let steps = view.steps.iter().map(|(row, stages)| {
                        let stages = stages.iter().map(|stage| Value::from(stage.word()));
                        Value::from(self::row(row).with("stages", stages.collect::<Vec<_>>()))
                    });
                    let gaps = view.gaps.iter().map(|gap| clean(gap));
                    Object::new()
                        .with("of", clean(&view.of))
                        .with("steps", steps.collect::<Vec<_>>())
                        .with("gaps", gaps.collect::<Vec<_>>())
                        .with("looked_at", number(view.looked_at))
                        .with("gave_up", view.gave_up)
                }
                Api::Replay => replay::json(&replay::view(&*book, ask)?),
                Api::Policy => {
                    let history = book.policy()?;
                    let changes = history.changes.iter().filter_map(change);
                    Object::new()
                        .with("changes", changes.map(Value::from).collect::<Vec<_>>())
                        .with("complete", history.complete)
                }
                Api::PolicyChange => {
                    let found = book.policy_change(asked.number()?)?;
                    change(&found).ok_or_else(|| {
                        Problem::new(Fault::Broken, "the entry that changes it is broken")
                    })?
                }
                Api::Findings => findings(&known),
                Api::Remotes => remotes(&known),
                Api::Stats => {
                    let counted = book.stats(ask.text("q"))?;
                    tally::json(&counted.tally)
                        .with("query", clean(&counted.query))
                        .with("looked_at", number(counted.looked_at))
                        .with("gave_up", counted.gave_up)
                }
                Api::Exceptions => explained(&known),
            }
        }
    };
    Ok(Answer::Bytes(JSON, json_line(object).into_bytes()))
}

/// A problem as RFC 9457 has it.
pub fn problem(problem: &Problem) -> Vec<u8> {
    let mut object = Object::new()
        .with(
            "type",
            format!("urn:git-ledger:problem:{}", problem.fault.word()),
        )
        .with("title", problem.fault.title())
        .with("status", number(problem.fault.status().into()))
        .with("detail", clean(&problem.detail));
    if let Some(hint) = &problem.hint {
        object.set("hint", clean(hint));
    }
    if let Some((_, at)) = &problem.at {
        let place = [at.start, at.end].map(|at| number(at as u64));
        object.set("at", place.to_vec());
    }
    json_line(object).into_bytes()
}

/// The file that proves an entry.
pub fn proof(book: &dyn Book, number: u64) -> Result<Answer, Problem> {
    let bytes = book.proof(number)?;
    let name = format!("{}-entry-{number}.proof", book.slug());
    Ok(Answer::File("application/octet-stream", name, bytes))
}

/// An entry as whoever follows is sent it.
pub fn row(row: &Row) -> Object {
    entry_json(&row.shown())
}

fn time(seconds: Option<u64>) -> Value {
    seconds.map_or(Value::Null, |seconds| Value::from(rfc3339(seconds)))
}

fn maybe(value: Option<u64>) -> Value {
    value.map_or(Value::Null, number)
}

/// What is known of a ledger, in short.
fn ledger(known: &Known) -> Object {
    let judged = known.judged.as_ref();
    let name = judged.and_then(|judged| judged.verdict.name.as_deref());
    let newest = known.newest.as_ref().map_or(Value::Null, |newest| {
        Object::new()
            .with("number", number(newest.number))
            .with("digest", format!("sha256:{}", hex(&newest.digest)))
            .with("commit", newest.commit.to_string())
            .with("time", rfc3339(newest.time))
            .into()
    });
    let judging = known.judging.map_or(Value::Null, |(done, of)| {
        Object::new()
            .with("done", number(done))
            .with("of", number(of))
            .into()
    });
    let answer = known.answer();
    Object::new()
        .with("slug", known.name.slug.as_str())
        .with("ledger", clean(&known.name.ledger))
        .with("repository", clean(&known.name.repository))
        .with("ref", clean(&known.name.reference))
        .with("name", name.map_or(Value::Null, clean))
        .with(
            "answer",
            answer.map_or(Value::Null, |answer| answer.word().into()),
        )
        .with("newest", newest)
        .with("judged", time(judged.map(|judged| judged.frame.now)))
        .with("judging", judging)
        .with("unjudged", number(known.unjudged))
        .with(
            "trouble",
            known.trouble.as_deref().map_or(Value::Null, clean),
        )
}

/// As `verify --json` tells it, with the first findings; what they come to is about all of them.
fn verdict(known: &Known) -> Value {
    let Some(judged) = &known.judged else {
        return Value::Null;
    };
    let whole = &judged.verdict;
    let short = Verdict {
        findings: whole.findings.iter().take(FINDINGS).cloned().collect(),
        entries: whole.entries,
        fingerprint: whole.fingerprint,
        pinned: whole.pinned,
        tip: whole.tip,
        base_reached: whole.base_reached,
        misfit: whole.misfit,
        name: whole.name.clone(),
        known: None,
    };
    let mut value = verdict::json(&short, &judged.frame);
    if let Value::Object(object) = &mut value {
        let first = whole.first_bad().and_then(|finding| finding.at);
        object.set("answer", whole.answer().word());
        object.set("first_bad", maybe(first));
        object.set("findings_in_all", number(whole.findings.len() as u64));
    }
    value
}

fn remotes(known: &Known) -> Object {
    let asked = known.remotes.as_ref();
    let (comparison, why) = match asked.map(|remotes| &remotes.comparison) {
        None => (Value::Null, Value::Null),
        Some(Ok(comparison)) => (mirrors::json(comparison).into(), Value::Null),
        Some(Err(why)) => (Value::Null, clean(why)),
    };
    Object::new()
        .with("mirrors", number(known.mirrors as u64))
        .with("every", maybe(known.compare_every))
        .with("asked", time(asked.map(|remotes| remotes.asked)))
        .with("comparison", comparison)
        .with("why", why)
}

fn totals(totals: &Totals) -> Value {
    tally::json(&totals.tally)
        .with("read", number(totals.read))
        .with("of", number(totals.of))
        .into()
}

fn page(page: &Page) -> Object {
    let rows = page.rows.iter().map(|entry| Value::from(row(entry)));
    Object::new()
        .with("query", clean(&page.query))
        .with("entries", rows.collect::<Vec<_>>())
        .with("older", maybe(page.older))
        .with("looked_at", number(page.looked_at))
        .with("gave_up", page.gave_up)
        .with("by_index", page.by_index)
        .with("cut_off", page.cut_off)
}

fn entry(view: &EntryView) -> Object {
    let attachments = view.attachments.iter().map(|(digest, size)| {
        Value::from(
            Object::new()
                .with("digest", digest.as_str())
                .with("size", maybe(*size)),
        )
    });
    let related = view.related.iter().map(|(key, value)| {
        Value::from(Object::new().with("key", *key).with("value", clean(value)))
    });
    let mut object = row(&view.row)
        .with("previous", maybe(view.previous))
        .with("next", maybe(view.next))
        .with("attachments", attachments.collect::<Vec<_>>())
        .with("related", related.collect::<Vec<_>>());
    if let What::Entry(link) = &view.row.selected.step.what {
        let roots = link.entry.range.roots().iter();
        object.set(
            "range",
            roots.map(|root| Value::from(hex(root))).collect::<Vec<_>>(),
        );
    }
    if let Some((before, Some(own))) = &view.policy {
        let lines = policy_change::lines(before.as_ref(), own);
        let lines: Vec<Value> = lines.iter().map(|line| clean(line)).collect();
        object.set("policy_difference", lines);
    }
    object
}

fn change(change: &PolicyChange) -> Option<Object> {
    let What::Entry(link) = &change.row.selected.step.what else {
        return None;
    };
    let past = Past {
        link,
        signer: String::new(),
        before: change.before.as_ref(),
        after: change.after.as_ref(),
    };
    Some(past.json().with("standing", change.row.standing.word()))
}

fn findings(known: &Known) -> Object {
    let judged = known.judged.as_ref();
    let here = judged.map(|judged| {
        let all = judged.verdict.findings.iter().take(FINDINGS);
        all.map(finding_json).collect::<Vec<_>>()
    });
    let in_all = judged.map_or(0, |judged| judged.verdict.findings.len());
    let asked = known.remotes.as_ref();
    let comparison = asked.and_then(|remotes| remotes.comparison.as_ref().ok());
    let there = comparison.map(|comparison| {
        let about_here = comparison.about_here.iter().map(finding_json);
        let copies = comparison.copies.iter().map(|copy| {
            let all = copy.findings.iter().map(finding_json);
            Value::from(
                Object::new()
                    .with("remote", clean(&copy.remote.name))
                    .with("state", copy.state.word())
                    .with("findings", all.collect::<Vec<_>>()),
            )
        });
        (about_here.collect::<Vec<_>>(), copies.collect::<Vec<_>>())
    });
    let (remembered, there) = there.unwrap_or_default();
    let answer = known.answer();
    Object::new()
        .with(
            "answer",
            answer.map_or(Value::Null, |answer| answer.word().into()),
        )
        .with("judged", time(judged.map(|judged| judged.frame.now)))
        .with("here", here.unwrap_or_default())
        .with("here_in_all", number(in_all as u64))
        .with("asked", time(asked.map(|remotes| remotes.asked)))
        .with("remembered", remembered)
        .with("remotes", there)
}

fn explained(known: &Known) -> Object {
    let none = Totals::default();
    let totals = known.totals.as_deref();
    let explain = &totals.unwrap_or(&none).exceptions;
    let mut counts = Object::new();
    for (kind, count) in &explain.counts {
        counts.set(kind.word(), number(*count));
    }
    let list = explain.list.iter();
    let list = list.map(|found| Value::from(exceptions::one_json(found)));
    let limits = explain.limits.iter().map(|limit| clean(limit));
    Object::new()
        .with("counts", counts)
        .with("exceptions", list.collect::<Vec<_>>())
        .with("limits", limits.collect::<Vec<_>>())
        .with("complete", totals.is_some_and(Totals::is_complete))
}
