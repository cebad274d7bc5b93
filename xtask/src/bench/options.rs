//! What `cargo xtask bench` was asked for.

/// The words of the command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// Entries of the longest ledger.
    pub entries: u64,
    /// The long run: only the rows that depend on length, at [`Options::entries`].
    pub long: bool,
    /// Everything at a thousand entries and once: can each row be measured?
    pub quick: bool,
    /// Job or row names; empty: all.
    pub only: Vec<String>,
    /// Rounds, where the default is not wanted.
    pub runs: Option<usize>,
    /// Cargo's profile of what is measured.
    pub profile: String,
    /// Not the rows, but the profile of a verification.
    pub profiling: bool,
    /// Not the rows, but the inner loops.
    pub loops: bool,
    /// Whether `BENCHMARKS.md` is written.
    pub write: bool,
    /// Whether this process is the built one already.
    pub built: bool,
}

/// How it is called.
pub const USAGE: &str = "usage: cargo xtask bench [--entries N | --million | --quick] \
    [--only JOB or ROW,…] [--runs N] [--profile NAME] [--write] [--list] | bench profile [--entries N] [--write] | bench loops [--write]";

impl Options {
    /// Reads the words after `bench`.
    pub fn parse(words: &[String]) -> Result<Options, String> {
        let mut options = Options {
            entries: 100_000,
            long: false,
            quick: false,
            only: Vec::new(),
            runs: None,
            profile: "release".into(),
            profiling: false,
            loops: false,
            write: false,
            built: false,
        };
        let mut words = words.iter();
        let mut profile = None;
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next();
                value.ok_or_else(|| format!("{word} wants a value; {USAGE}"))
            };
            match word.as_str() {
                "--entries" => options.entries = number(value()?)?,
                "--million" => {
                    options.entries = 1_000_000;
                    options.long = true;
                }
                "profile" => {
                    options.profiling = true;
                    options.entries = 20_000;
                    options.profile = "profiling".into();
                }
                "loops" => options.loops = true,
                "--quick" => options.quick = true,
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                "--runs" => options.runs = Some(number(value()?)?),
                "--profile" => profile = Some(value()?.clone()),
                "--write" => options.write = true,
                "--built" => options.built = true,
                _ => return Err(format!("'{word}'? {USAGE}")),
            }
        }
        if options.quick {
            options.entries = 2_000;
            options.profile = "dev".into();
        }
        if options.entries < 100 {
            return Err("a ledger of less than 100 entries shows nothing".into());
        }
        options.profile = profile.unwrap_or(options.profile);
        Ok(options)
    }

    /// The lengths of ledgers that rows about length are measured at.
    pub fn lengths(&self) -> Vec<u64> {
        if self.long {
            return vec![self.entries];
        }
        let shorter = [1_000, 10_000, 100_000, 1_000_000].into_iter();
        let mut lengths: Vec<u64> = shorter.filter(|n| *n < self.entries).collect();
        lengths.push(self.entries);
        lengths
    }

    /// The length of the ledger that rows about one small thing are measured at.
    pub fn short(&self) -> u64 {
        self.entries.min(1_000)
    }

    /// Whether a job, or one of its rows, is wanted.
    pub fn wants(&self, job: &str) -> bool {
        let part = |only: &String| {
            only == job || only.split_once('.').is_some_and(|(first, _)| first == job)
        };
        self.only.is_empty() || self.only.iter().any(part)
    }

    /// Rounds of something that takes about this long in seconds.
    pub fn rounds(&self, usual: usize) -> usize {
        match self.runs {
            Some(runs) => runs.max(1),
            None if self.quick => usual.min(1),
            None => usual,
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    let plain = text.replace([',', '_'], "");
    plain.parse().map_err(|_| format!("'{text}' is no number"))
}
