//! Several things measured by turns, so that a slow minute of the machine is everybody's.

/// One side: does its thing once, and says how many seconds that took.
pub type Side<'a> = Box<dyn FnMut() -> Result<f64, String> + 'a>;

/// What one side took, round by round.
#[derive(Debug, Clone, Default)]
pub struct Series(pub Vec<f64>);

impl Series {
    /// The middle one.
    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    /// Each divided by a number: seconds for one of many.
    pub fn divided(&self, by: f64) -> Series {
        Series(self.0.iter().map(|seconds| seconds / by).collect())
    }

    /// How many of `count` a second.
    pub fn rate(&self, count: u64) -> Series {
        Series(
            self.0
                .iter()
                .map(|seconds| count as f64 / seconds)
                .collect(),
        )
    }
}

/// Runs all sides once without counting, then `rounds` times by turns; each round begins with
/// another side.
pub fn alternate(rounds: usize, mut sides: Vec<Side<'_>>) -> Result<Vec<Series>, String> {
    for side in &mut sides {
        side()?;
    }
    counted(rounds, sides)
}

/// The same without the first time that is not counted: where one turn takes minutes.
pub fn counted(rounds: usize, mut sides: Vec<Side<'_>>) -> Result<Vec<Series>, String> {
    let many = sides.len();
    let mut series = vec![Series::default(); many];
    for round in 0..rounds {
        for turn in 0..many {
            let at = (round + turn) % many;
            if let (Some(side), Some(series)) = (sides.get_mut(at), series.get_mut(at)) {
                series.0.push(side()?);
            }
        }
        eprint!(".");
    }
    eprintln!();
    Ok(series)
}

/// The middle of some numbers; the mean of the two in the middle.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => {
            let pair = sorted.get(middle.saturating_sub(1)..=middle);
            pair.unwrap_or_default().iter().sum::<f64>() / 2.0
        }
        _ => sorted.get(middle).copied().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn each_round_begins_with_another_side() {
        let order = std::cell::RefCell::new(String::new());
        let side = |name: char| -> Side<'_> {
            let order = &order;
            Box::new(move || {
                order.borrow_mut().push(name);
                Ok(1.0)
            })
        };
        let series = alternate(3, vec![side('a'), side('b'), side('c')]);
        assert_eq!(order.borrow().as_str(), "abcabcbcacab");
        let lengths: Vec<usize> = series.unwrap().iter().map(|one| one.0.len()).collect();
        assert_eq!(lengths, [3, 3, 3]);
    }
}
