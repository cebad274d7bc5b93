//! Days gathered into as many bars as can be told apart.

use chrono::{Datelike, Days, Months, NaiveDate};

/// The most bars a chart has before it gathers more days in one.
const MOST: usize = 120;
/// The most days shown by month: fifteen years are 180 narrow bars, a year each were too few.
const DECADES: usize = 15 * 366;
/// The fewest places for bars: one day alone is no wall.
const LEAST: usize = 14;

/// How much time a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// One bar.
#[derive(Debug)]
pub struct Bar {
    /// Its first day.
    pub from: String,
    /// Its last day.
    pub to: String,
    /// What was counted.
    pub count: u64,
    begin: NaiveDate,
}

/// All bars, the oldest first, without holes.
#[derive(Debug)]
pub struct Span {
    /// What each stands for.
    pub grain: Grain,
    /// The bars.
    pub bars: Vec<Bar>,
}

impl Grain {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
            Grain::Year => "year",
        }
    }

    /// The first day of what holds this day.
    fn begin(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Grain::Day => Some(day),
            Grain::Week => {
                day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())))
            }
            Grain::Month => day.with_day(1),
            Grain::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        }
    }

    /// The first day of the next one.
    fn next(self, begin: NaiveDate) -> Option<NaiveDate> {
        match self {
            Grain::Day => begin.succ_opt(),
            Grain::Week => begin.checked_add_days(Days::new(7)),
            Grain::Month => begin.checked_add_months(Months::new(1)),
            Grain::Year => begin.checked_add_months(Months::new(12)),
        }
    }

    /// So many before it.
    fn back(self, begin: NaiveDate, count: usize) -> Option<NaiveDate> {
        let count = u32::try_from(count).ok()?;
        match self {
            Grain::Day => begin.checked_sub_days(Days::new(count.into())),
            Grain::Week => begin.checked_sub_days(Days::new(7 * u64::from(count))),
            Grain::Month => begin.checked_sub_months(Months::new(count)),
            Grain::Year => begin.checked_sub_months(Months::new(12 * count)),
        }
    }

    fn label(self, day: NaiveDate, with_year: bool) -> String {
        let format = match (self, with_year) {
            (Grain::Day, false) => "%-d %b",
            (Grain::Day | Grain::Week, _) => "%-d %b %Y",
            (Grain::Month, _) => "%b %Y",
            (Grain::Year, _) => "%Y",
        };
        day.format(format).to_string()
    }
}

impl Bar {
    /// The days it stands for.
    pub fn words(&self) -> String {
        if self.from == self.to {
            self.from.clone()
        } else {
            format!("{} to {}", self.from, self.to)
        }
    }
}

impl Span {
    /// The bars for these days; none without days. What is no day is left out.
    pub fn of(days: &[(&str, u64)]) -> Option<Span> {
        let parse = |day: &str| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok();
        let mut days: Vec<(NaiveDate, u64)> = days
            .iter()
            .filter_map(|(day, count)| Some((parse(day)?, *count)))
            .collect();
        days.sort_unstable();
        let (first, last) = (days.first()?.0, days.last()?.0);
        let length = usize::try_from((last - first).num_days()).ok()? + 1;
        let grain = match length {
            0..=MOST => Grain::Day,
            _ if length <= 7 * MOST => Grain::Week,
            _ if length <= DECADES => Grain::Month,
            _ => Grain::Year,
        };
        let end = grain.begin(last)?;
        let begin = grain.begin(first)?.min(grain.back(end, LEAST - 1)?);
        let mut bars = Vec::new();
        let mut days = days.into_iter().peekable();
        let mut at = begin;
        while at <= end {
            let next = grain.next(at)?;
            let mut count = 0_u64;
            while let Some((_, more)) = days.next_if(|(day, _)| *day < next) {
                count = count.saturating_add(more);
            }
            bars.push(Bar {
                from: at.to_string(),
                to: next.pred_opt()?.to_string(),
                count,
                begin: at,
            });
            at = next;
        }
        Some(Span { grain, bars })
    }

    /// Where to write which date: percentage, anchor, words.
    pub fn ticks(&self) -> Vec<(f64, &'static str, String)> {
        let last = self.bars.len().saturating_sub(1);
        let parts = if self.grain == Grain::Week { 2 } else { 3 };
        let places = (0..=parts).map(|part| last * part / parts);
        let ticks = places.enumerate().filter_map(|(part, at)| {
            let (x, anchor) = match part {
                0 => (0.0, "start"),
                _ if part == parts => (100.0, "end"),
                _ => (100.0 * (at as f64 + 0.5) / (last + 1) as f64, "middle"),
            };
            let label = self.grain.label(self.bars.get(at)?.begin, part == 0);
            Some((x, anchor, label))
        });
        ticks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(length: u64) -> Span {
        let first = NaiveDate::from_ymd_opt(2015, 3, 31).expect("a day");
        let days: Vec<String> = (0..length)
            .map(|at| (first + Days::new(at)).to_string())
            .collect();
        let days: Vec<(&str, u64)> = days.iter().map(|day| (day.as_str(), 2)).collect();
        Span::of(&days).expect("bars")
    }

    #[test]
    fn every_length_of_time_has_bars_that_can_be_told_apart() {
        for (length, grain, bars) in [
            (1, Grain::Day, 14),
            (30, Grain::Day, 30),
            (120, Grain::Day, 120),
            (400, Grain::Week, 58),
            (4_000, Grain::Month, 133),
            (3_000, Grain::Month, 100),
            (100_000, Grain::Year, 275),
        ] {
            let span = days(length);
            assert_eq!((span.grain, span.bars.len()), (grain, bars), "{length}");
            let sum: u64 = span.bars.iter().map(|bar| bar.count).sum();
            assert_eq!(sum, 2 * length, "nothing is lost");
            assert!((3..=4).contains(&span.ticks().len()));
        }
    }

    #[test]
    fn bars_follow_each_other_without_holes() {
        let span = days(400);
        for pair in span.bars.windows(2) {
            let [one, other] = pair else { continue };
            assert!(one.to < other.from);
        }
        assert_eq!(span.bars[0].from, "2015-03-30");
        assert_eq!(span.bars[0].words(), "2015-03-30 to 2015-04-05");
    }

    #[test]
    fn what_is_no_day_is_left_out() {
        assert!(Span::of(&[("", 1), ("tomorrow", 2)]).is_none());
        let span = Span::of(&[("2026-11-30", 1), ("x", 2)]).expect("bars");
        assert_eq!(span.bars.iter().map(|bar| bar.count).sum::<u64>(), 1);
        assert_eq!(
            Span::of(&[("1970-01-01", 1), ("2286-11-20", 1)])
                .expect("bars")
                .bars
                .len(),
            317
        );
    }
}
