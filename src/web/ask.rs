//! What a query asks for: names that are known, each once, in text that can be read.

use super::answers::{Fault, Place, Problem};

/// The largest number that JSON keeps exactly.
const LARGEST: u64 = (1 << 53) - 1;
/// Entries on one page, unless asked otherwise, and at most.
const USUAL: usize = 50;
const MOST: usize = 500;

/// The pairs of a query.
#[derive(Debug, Default)]
pub struct Ask {
    pairs: Vec<(String, String)>,
}

impl Ask {
    /// Reads a query in which these names may stand.
    ///
    /// # Errors
    /// For what cannot be read, and for names that are not known or stand twice.
    pub fn read(query: Option<&str>, names: &[&str]) -> Result<Ask, Problem> {
        let wrong = |why: String| Problem::new(Fault::Asked, why);
        let mut ask = Ask::default();
        for pair in query.unwrap_or_default().split('&') {
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read = |text: &str| {
                decoded(text).ok_or_else(|| {
                    wrong("the query is not the percent-encoding of plain text".to_owned())
                })
            };
            let (name, value) = (read(name)?, read(value)?);
            if !names.contains(&name.as_str()) {
                let known = match names {
                    [] => "this address takes none".to_owned(),
                    names => format!("this address takes {}", names.join(", ")),
                };
                return Err(wrong(format!("nothing is asked for by '{name}' here")).hint(known));
            }
            if ask.get(&name).is_some() {
                return Err(wrong(format!("'{name}' stands twice in the query")));
            }
            ask.pairs.push((name, value));
        }
        Ok(ask)
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.pairs.iter();
        let found = pairs.find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// The text of a name; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// A number.
    ///
    /// # Errors
    /// When it is none.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match number(text) {
            Some(number) => Ok(Some(number)),
            None => Err(
                Problem::new(Fault::Asked, format!("'{name}' is no number of an entry"))
                    .hint("numbers are digits alone, such as 17"),
            ),
        }
    }

    /// How many entries.
    ///
    /// # Errors
    /// When it is no number, or too many.
    pub fn count(&self, name: &str) -> Result<usize, Problem> {
        let Some(count) = self.number(name)? else {
            return Ok(USUAL);
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if (1..=MOST).contains(&count) {
            return Ok(count);
        }
        let why = format!("'{name}' is from 1 to {MOST}");
        Err(Problem::new(Fault::Asked, why).hint("older entries are on the next page"))
    }

    /// Whether something is wanted: `1`, or `0` for not.
    ///
    /// # Errors
    /// When it is neither.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            "" | "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(Problem::new(Fault::Asked, format!("'{name}' is 1 or 0"))),
        }
    }
}

/// Digits alone, as far as JSON keeps them.
pub fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits)?;
    (number <= LARGEST).then_some(number)
}

/// The place that whoever follows has seen: the number of an entry.
///
/// # Errors
/// When it is none.
pub fn place(text: &str) -> Result<Place, Problem> {
    let number = number(text)
        .ok_or_else(|| Problem::new(Fault::Asked, "what was seen last is no number of an entry"))?;
    Ok(Place {
        number: Some(number),
        commit: None,
    })
}

/// Text in the encoding of forms: `+` is a space. Strict: what is no such encoding, no UTF-8, or
/// holds control characters is nothing.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    let text = text.replace("\r\n", " ").replace(['\t', '\n'], " ");
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let read = |query| Ask::read(Some(query), &["q", "n"]);
        let ask = read("q=a%20b+c%2B%C3%BC&n=7&").unwrap();
        assert_eq!(
            (ask.text("q"), ask.number("n").unwrap()),
            ("a b c+ü", Some(7))
        );
        for wrong in [
            "q=%0", "q=%zz", "q=%00", "q=%ff", "q=1&q=2", "x=1", "q=%7f", "q=%c2%85",
        ] {
            assert_eq!(read(wrong).unwrap_err().fault, Fault::Asked, "{wrong}");
        }
        for wrong in [
            "n=-1",
            "n=+1",
            "n=1e3",
            "n=9007199254740992",
            "n=99999999999999999999",
        ] {
            assert!(read(wrong).unwrap().number("n").is_err(), "{wrong}");
        }
        assert_eq!(read("").unwrap().count("n").unwrap(), 50);
        assert!(read("n=0").unwrap().count("n").is_err());
        assert!(read("n=501").unwrap().count("n").is_err());
    }
}
