//! The range of entries a replay steps through, and the state as of one of them.

use super::answers::{Book, Fault, Problem, ReplayView};
use super::ask::Ask;
use crate::date::rfc3339;
use crate::json::{Object, Value};
use crate::query::What;
use crate::replay::{Kind, Replay};
use crate::report::entries;
use crate::report::verdict::{clean, number};

/// What a replay can be asked.
pub const NAMES: &[&str] = &["from", "to", "at"];
/// Entries that are folded for one state; what none of them speaks of is not known.
const LEAD: usize = 2_000;
/// Entries of a range that nobody said the length of.
const LENGTH: u64 = 50;
/// Entries shown before and behind the one in question.
const AROUND: u64 = 3;

/// The state that is asked for.
///
/// # Errors
/// When the numbers make no sense, or the entries cannot be read.
pub fn view(book: &dyn Book, ask: &Ask) -> Result<ReplayView, Problem> {
    let known = book.known();
    let newest = known.newest.as_ref().map(|newest| newest.number);
    let newest = newest.ok_or_else(|| {
        Problem::new(
            Fault::Absent,
            "there is no entry that can be read to begin with",
        )
    })?;
    let [from, to, at] = range(
        newest,
        ask.number("from")?,
        ask.number("to")?,
        ask.number("at")?,
    )?;
    let before = book.page("", at.checked_add(1), LEAD)?;
    let mut replay = Replay::default();
    for row in before.rows.iter().rev() {
        if let What::Entry(link) = &row.selected.step.what {
            replay.see(link);
        }
    }
    let row = before.rows.into_iter().next().ok_or_else(|| {
        Problem::new(Fault::Later, "the entries are still being counted").hint("try again soon")
    })?;
    let end = at.saturating_add(AROUND).min(newest).saturating_add(1);
    let around = book.page("", Some(end), usize::try_from(2 * AROUND + 1).unwrap_or(1))?;
    let changes = known
        .totals
        .as_ref()
        .map(|totals| totals.policy_changes.as_slice());
    let policy = changes
        .unwrap_or_default()
        .iter()
        .rfind(|change| **change <= at)
        .copied();
    Ok(ReplayView {
        from,
        to,
        at,
        row,
        around: around.rows,
        replay,
        policy,
    })
}

/// The same for programs.
pub fn json(view: &ReplayView) -> Object {
    let things = |kind| {
        let things = view.replay.things(kind);
        let things = things.map(|(name, thing)| {
            let state = |state: &Option<String>| state.as_deref().map_or(Value::Null, clean);
            let object = Object::new()
                .with("place", clean(&name.place))
                .with("name", clean(&name.own))
                .with("state", state(&thing.now))
                .with("before", state(&thing.was))
                .with("number", number(thing.number))
                .with("time", rfc3339(thing.time))
                .with("how", thing.how)
                .with("changed", view.replay.is_fresh(thing));
            Value::from(object)
        });
        things.collect::<Vec<_>>()
    };
    Object::new()
        .with("from", number(view.from))
        .with("to", number(view.to))
        .with("at", number(view.at))
        .with("entry", entries::json(&view.row.shown()))
        .with("deployments", things(Kind::Deployment))
        .with("refs", things(Kind::Ref))
        .with("settings", things(Kind::Setting))
        .with("runs", things(Kind::Run))
        .with("policy", view.policy.map_or(Value::Null, number))
        .with("since", view.replay.first().map_or(Value::Null, number))
        .with("left_out", view.replay.left_out())
}

/// First, last and chosen entry; what nobody asked for is near what somebody did.
fn range(
    newest: u64,
    from: Option<u64>,
    to: Option<u64>,
    at: Option<u64>,
) -> Result<[u64; 3], Problem> {
    let wrong = |why: &str| {
        Err(Problem::new(Fault::Asked, why).hint(format!(
            "the newest entry is {newest}; from is not above to, and at lies between"
        )))
    };
    if [from, to, at]
        .into_iter()
        .flatten()
        .any(|number| number > newest)
        && to.is_none()
    {
        return wrong("there is no such entry yet");
    }
    let last = to.map(|to| to.min(newest));
    let first = from.unwrap_or_else(|| match (at, last) {
        (Some(at), _) => at.saturating_sub(LENGTH / 5),
        (None, last) => last.unwrap_or(newest).saturating_sub(LENGTH - 1),
    });
    let last = last.unwrap_or_else(|| {
        first
            .max(at.unwrap_or(0))
            .saturating_add(LENGTH - 1)
            .min(newest)
    });
    let at = at.unwrap_or(first);
    if first > last {
        return wrong("the range is empty");
    }
    if !(first..=last).contains(&at) {
        return wrong("that entry is not in the range");
    }
    Ok([first, last, at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_near_what_is() {
        let asked = |from, to, at| range(1000, from, to, at).ok();
        assert_eq!(asked(None, None, None), Some([951, 1000, 951]));
        assert_eq!(asked(Some(10), None, None), Some([10, 59, 10]));
        assert_eq!(asked(None, Some(100), None), Some([51, 100, 51]));
        assert_eq!(asked(None, None, Some(5)), Some([0, 54, 5]));
        assert_eq!(asked(None, None, Some(1000)), Some([990, 1000, 1000]));
        assert_eq!(asked(Some(1), Some(9), Some(5)), Some([1, 9, 5]));
        assert_eq!(asked(Some(990), Some(5000), None), Some([990, 1000, 990]));
        assert_eq!(range(0, None, None, None).ok(), Some([0, 0, 0]));
        for (from, to, at) in [
            (Some(9), Some(1), None),
            (Some(1), Some(9), Some(10)),
            (Some(1001), None, None),
            (None, None, Some(u64::MAX)),
        ] {
            assert_eq!(asked(from, to, at), None, "{from:?} {to:?} {at:?}");
        }
    }
}
