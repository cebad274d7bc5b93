//! Charts as SVG: bars over time, a small line of them, shares.
//!
//! Horizontal places are percentages and vertical ones pixels, so a chart is as wide as its place
//! and its text stays as large as all text. Each says the same in words or in a table.

mod span;

use maud::{Markup, html};

use super::marks::{count, number};
use span::Span;

/// Height of the bars, and of what stands above and below them, in pixels.
const PLOT: f64 = 120.0;
const ABOVE: f64 = 18.0;
const BELOW: f64 = 20.0;
/// Days of a small chart.
const SPARK: u64 = 30;

/// The address of what happened from one day to another.
pub type LinkOf<'a> = &'a dyn Fn(&str, &str) -> String;

/// Counts by day.
pub struct Activity<'a> {
    /// What is counted when, as a title.
    pub caption: &'a str,
    /// Days (`YYYY-MM-DD`) and counts.
    pub days: &'a [(&'a str, u64)],
    /// What one and what many are called.
    pub unit: (&'a str, &'a str),
    /// Where what happened from one day to another is shown.
    pub link: Option<LinkOf<'a>>,
}

/// Bars by day, week, month or year, whichever gives a number of bars that can be told apart.
pub fn bars(activity: &Activity<'_>) -> Markup {
    let Some(span) = Span::of(activity.days) else {
        return html! { p.quiet { (activity.caption) ": nothing yet" } };
    };
    let (one, many) = activity.unit;
    let top = nice(span.bars.iter().map(|bar| bar.count).max().unwrap_or(0));
    let slot = 100.0 / span.bars.len() as f64;
    let base = ABOVE + PLOT;
    let address = |bar: &span::Bar| activity.link.map(|link| link(&bar.from, &bar.to));
    html! {
        figure.chart {
            figcaption { (activity.caption) ", by " (span.grain.word()) }
            svg width="100%" height=(base + BELOW) role="group" aria-label={ (activity.caption) ": " (summary(&span, activity.unit)) } {
                @for (value, height) in [(top / 2, PLOT / 2.0), (top, PLOT)] {
                    // a half that is no number has no line
                    @if value == top || top.is_multiple_of(2) {
                        line.grid x1="0" x2="100%" y1=(base - height) y2=(base - height) {}
                        text.tick x="0" y=(base - height - 4.0) aria-hidden="true" { (number(value)) }
                    }
                }
                line.axis x1="0" x2="100%" y1=(base) y2=(base) {}
                @for (at, bar) in span.bars.iter().enumerate().filter(|(_, bar)| bar.count > 0) {
                    @let height = (PLOT * bar.count as f64 / top as f64).max(2.0);
                    @let x = percent(slot * (at as f64 + 0.1));
                    @let says = format!("{}: {}", bar.words(), count(bar.count, one, many));
                    @match address(bar) {
                        Some(address) => a href=(address) tabindex="-1" {
                            title { (says) }
                            rect.hit x=(x) width=(percent(slot * 0.8)) y=(ABOVE) height=(PLOT) {}
                            rect.bar x=(x) width=(percent(slot * 0.8)) y=(decimal(base - height)) height=(decimal(height)) {}
                        },
                        None => rect.bar x=(x) width=(percent(slot * 0.8)) y=(decimal(base - height)) height=(decimal(height)) { title { (says) } },
                    }
                }
                @for (x, anchor, label) in span.ticks() {
                    text.tick x=(percent(x)) y=(base + 14.0) text-anchor=(anchor) aria-hidden="true" { (label) }
                }
            }
            details {
                summary { "as a table" }
                table {
                    caption { (activity.caption) ", by " (span.grain.word()) }
                    thead { tr { th scope="col" { (span.grain.word()) } th.count scope="col" { (many) } } }
                    tbody {
                        @for bar in span.bars.iter().filter(|bar| bar.count > 0) {
                            tr {
                                th scope="row" {
                                    @match address(bar) {
                                        Some(address) => a href=(address) { (bar.words()) },
                                        None => (bar.words()),
                                    }
                                }
                                td.count { (number(bar.count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The last thirty days up to a time (seconds since 1970), as small as a word.
pub fn spark(days: &[(&str, u64)], now: u64) -> Markup {
    let first = (now / 86_400).saturating_sub(SPARK - 1);
    let counts: Vec<u64> = (first..first + SPARK)
        .map(|day| {
            let day = crate::date::rfc3339(day * 86_400);
            let day = day.get(..10).unwrap_or_default();
            let found = days.binary_search_by_key(&day, |(day, _)| day);
            found
                .ok()
                .and_then(|at| days.get(at))
                .map_or(0, |(_, count)| *count)
        })
        .collect();
    let (sum, most) = (
        counts.iter().sum::<u64>(),
        counts.iter().copied().max().unwrap_or(0),
    );
    let says = format!(
        "{} in its last {SPARK} days",
        count(sum, "entry", "entries")
    );
    html! {
        svg.spark width="120" height="24" viewBox="0 0 120 24" role="img" aria-label=(says) {
            title { (says) }
            line.axis x1="0" x2="120" y1="23.5" y2="23.5" {}
            @for (at, value) in counts.iter().enumerate().filter(|(_, value)| **value > 0) {
                @let height = (22.0 * *value as f64 / most as f64).max(2.0);
                rect.bar x=(at * 4) width="3" y=(decimal(23.0 - height)) height=(decimal(height)) {}
            }
        }
    }
}

/// Counts with the share each has of all of them, the largest first.
pub fn shares(caption: &str, unit: &str, rows: &[(Markup, u64)], others: u64) -> Markup {
    let all = rows.iter().map(|(_, count)| count).sum::<u64>() + others;
    let row = |label: &Markup, count: u64| {
        let share = if all == 0 {
            0.0
        } else {
            100.0 * count as f64 / all as f64
        };
        html! {
            tr {
                th scope="row" { (label) }
                td.share { svg width="100%" height="8" aria-hidden="true" focusable="false" {
                    rect.rail width="100%" height="8" rx="2" {}
                    rect.bar width=(percent(share)) height="8" rx="2" {}
                } }
                td.count { (number(count)) }
            }
        }
    };
    html! {
        table.shares {
            caption { (caption) }
            colgroup { col.label; col; col.number; }
            thead.heard { tr { th scope="col" { "what" } td {} th scope="col" { (unit) } } }
            tbody {
                @for (label, count) in rows { (row(label, *count)) }
                @if others > 0 { (row(&html! { "others" }, others)) }
            }
        }
    }
}

fn summary(span: &Span, (one, many): (&str, &str)) -> String {
    let all = span.bars.iter().map(|bar| bar.count).sum();
    let first = span.bars.iter().find(|bar| bar.count > 0);
    let last = span.bars.iter().rfind(|bar| bar.count > 0);
    let (Some(first), Some(last)) = (first, last) else {
        return count(all, one, many);
    };
    format!(
        "{} from {} to {}",
        count(all, one, many),
        first.from,
        last.to
    )
}

/// The least of 1, 2, 4, 5, 10, 20 … that is not less.
fn nice(most: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [1, 2, 4, 5, 8] {
            let top = step.saturating_mul(factor);
            if top >= most.max(1) {
                return top;
            }
        }
        step = step.saturating_mul(10);
    }
}

fn percent(value: f64) -> String {
    format!("{}%", decimal(value))
}

/// Three decimals at most: pages with a hundred bars are read over slow lines, too.
fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(days: &[(&str, u64)]) -> String {
        let link = |from: &str, to: &str| format!("/log?q=since%3A{from}+until%3A{to}");
        bars(&Activity {
            caption: "Entries",
            days,
            unit: ("entry", "entries"),
            link: Some(&link),
        })
        .into_string()
    }

    #[test]
    fn one_day_is_a_chart_and_none_is_a_sentence() {
        assert_eq!(activity(&[]), "<p class=\"quiet\">Entries: nothing yet</p>");
        insta::assert_snapshot!(activity(&[("2026-11-30", 3)]));
    }

    #[test]
    fn the_scale_is_round() {
        let tops: Vec<u64> = [0, 1, 2, 3, 6, 9, 11, 99, 101, 3_000_000].map(nice).into();
        assert_eq!(tops, [1, 1, 2, 4, 8, 10, 20, 100, 200, 4_000_000]);
        assert!(nice(u64::MAX) == u64::MAX);
        // a bar of the largest count there is stays in the picture
        assert!(!activity(&[("2026-11-30", u64::MAX)]).contains("y=\"-"));
    }

    #[test]
    fn small_charts_show_the_last_days_only() {
        let now = 1_769_860_800; // 2026-01-31
        let days = [("2025-06-01", 9), ("2026-01-02", 1), ("2026-01-31", 4)];
        let small = spark(&days, now).into_string();
        assert!(small.contains("5 entries in its last 30 days"), "{small}");
        assert_eq!(small.matches("<rect").count(), 2);
        assert!(spark(&[], 0).into_string().contains("0 entries"));
    }

    #[test]
    fn shares_are_of_everything() {
        let rows = [(html! { "a" }, 3), (html! { "b" }, 1)];
        let table = shares("Types", "events", &rows, 4).into_string();
        assert!(
            table.contains("width=\"37.5%\"") && table.contains("width=\"50%\""),
            "{table}"
        );
        assert!(
            shares("x", "y", &[(html! { "a" }, 0)], 0)
                .into_string()
                .contains("width=\"0%\"")
        );
    }
}
