//! A model in a file: how it is written into one, and found in it again.

use crate::json::{Object, Value};
use crate::report::entries::json_line;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// What a file is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One page for a screen.
    Html,
    /// The same for paper: A4, page numbers, everything unfolded.
    Print,
    /// Markdown.
    Markdown,
    /// The model alone.
    Json,
}

impl Form {
    /// All forms.
    pub const ALL: [Form; 4] = [Form::Html, Form::Print, Form::Markdown, Form::Json];

    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Form::Html => "HTML",
            Form::Print => "HTML for print",
            Form::Markdown => "Markdown",
            Form::Json => "JSON",
        }
    }
}

/// What stands before the model in a page.
pub(super) const PAGE_BEGIN: &str = "<script type=\"application/json\" id=\"model\">";
/// What ends it there; no model holds a `<`.
pub(super) const PAGE_END: &str = "</script>";
/// The same in Markdown: a comment, which no model can end.
pub(super) const MARK_BEGIN: &str =
    "<!-- the data of this report; git ledger report --check reads it\n";
/// What ends it there.
pub(super) const MARK_END: &str = "-->\n";

/// The model on a line of its own.
pub(super) fn json(model: &Object) -> String {
    json_line(model.clone())
}

/// The model as one line that can stand in a page: what HTML or Markdown would read as its own is
/// spelled `\uXXXX`.
pub(super) fn embedded(model: &Object) -> String {
    let line = json(model);
    let mut out = String::with_capacity(line.len());
    for character in line.trim_end().chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            other => out.push(other),
        }
    }
    out
}

/// The model in a file, and the forms that the file can have.
///
/// # Errors
/// Why there is none.
pub(super) fn extract(text: &str) -> Result<(Object, &'static [Form]), String> {
    let (line, forms): (&str, &'static [Form]) = if text.starts_with('{') {
        (text, &[Form::Json])
    } else if let Some(line) = between(text, PAGE_BEGIN, PAGE_END)? {
        (line, &[Form::Html, Form::Print])
    } else if let Some(line) = between(text, MARK_BEGIN, MARK_END)? {
        (line, &[Form::Markdown])
    } else {
        return Err("there is no data of a report in it".to_owned());
    };
    match Value::parse(line.trim_end().as_bytes()) {
        Ok(Value::Object(model)) => Ok((model, forms)),
        Ok(_) => Err("its data are no object".to_owned()),
        Err(why) => Err(format!("its data cannot be read: {why}")),
    }
}

/// What stands between two words of which the first stands there once; nothing where it does not.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Result<Option<&'a str>, String> {
    let Some((_, rest)) = text.split_once(begin) else {
        return Ok(None);
    };
    if rest.contains(begin) {
        return Err("there are the data of two reports in it".to_owned());
    }
    let inner = rest.split_once(end).map(|(inner, _)| inner);
    inner
        .map(Some)
        .ok_or_else(|| "its data are cut off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_survives_a_page() {
        let model = Object::new()
            .with("a", "</script><!-- & \u{202e} --> <script>")
            .with("b", vec![Value::from(-5i64), Value::Null]);
        let line = embedded(&model);
        for bad in ["<", ">", "&", "\u{202e}"] {
            assert!(!line.contains(bad), "{line}");
        }
        let page = format!("<!DOCTYPE html><p>{PAGE_BEGIN}{line}{PAGE_END}");
        assert_eq!(extract(&page).unwrap().0, model);
        let marked = format!("# x\n{MARK_BEGIN}{line}{MARK_END}");
        assert_eq!(extract(&marked).unwrap().0, model);
        assert_eq!(extract(&json(&model)).unwrap().0, model);
        for broken in [
            "",
            "<p>",
            "{",
            "[]",
            &format!("{page}{page}"),
            &page.replace("</script>", ""),
            &format!("{PAGE_BEGIN}[]{PAGE_END}"),
        ] {
            assert!(extract(broken).is_err(), "{broken}");
        }
    }
}
