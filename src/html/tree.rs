//! A JSON value for people: names and values, indented.

use maud::{Markup, html};

use crate::json::Value;

use super::foreign::{foreign, passage};

/// Levels shown as such; what is deeper stands on one line.
const DEEPEST: usize = 12;
/// Values shown before the rest is only counted.
const MOST: usize = 1500;
/// Characters of a text shown before the rest is folded.
const LONGEST: usize = 600;

/// A value as a tree. `link` may make an address of a text in it.
pub fn tree(value: &Value, link: &dyn Fn(&str) -> Option<String>) -> Markup {
    let mut tree = Tree { left: MOST, link };
    tree.value(value, 0)
}

struct Tree<'a> {
    /// Values that may still be shown.
    left: usize,
    link: &'a dyn Fn(&str) -> Option<String>,
}

impl Tree<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Markup {
        self.left = self.left.saturating_sub(1);
        match value {
            Value::Object(object) if object.iter().next().is_none() => {
                html! { span.scalar { "{} (no members)" } }
            }
            Value::Array(items) if items.is_empty() => html! { span.scalar { "[] (no items)" } },
            Value::Object(_) | Value::Array(_) if depth >= DEEPEST => {
                passage(&value.to_canonical(), LONGEST)
            }
            Value::Object(object) => self.object(object.iter(), depth),
            Value::Array(items) => self.array(items, depth),
            Value::String(text) => self.text(text),
            Value::Null | Value::Bool(_) | Value::Integer(_) => {
                html! { span.scalar { (value.to_canonical()) } }
            }
        }
    }

    fn object<'b>(
        &mut self,
        members: impl Iterator<Item = (&'b str, &'b Value)>,
        depth: usize,
    ) -> Markup {
        let (mut shown, mut rest) = (Vec::new(), 0);
        for (name, value) in members {
            if self.left == 0 {
                rest += 1;
            } else {
                shown.push((name, self.value(value, depth + 1)));
            }
        }
        html! {
            dl.tree {
                @for (name, value) in shown { div { dt { (foreign(name)) } dd { (value) } } }
                @if rest > 0 { (left_out(rest)) }
            }
        }
    }

    fn array(&mut self, items: &[Value], depth: usize) -> Markup {
        let mut shown = Vec::new();
        for item in items {
            if self.left == 0 {
                break;
            }
            shown.push(self.value(item, depth + 1));
        }
        let rest = items.len() - shown.len();
        html! {
            ol.tree {
                @for item in shown { li { (item) } }
                @if rest > 0 { li { (more(rest)) } }
            }
        }
    }

    /// A text; in quotes where it could be taken for something else.
    fn text(&self, text: &str) -> Markup {
        if let Some(address) = (self.link)(text) {
            return html! { a href=(address) { (foreign(text)) } };
        }
        let doubtful = text.trim() != text
            || text.is_empty()
            || matches!(text, "null" | "true" | "false" | "{}" | "[]")
            || text.parse::<f64>().is_ok();
        html! {
            @if doubtful { "“" (foreign(text)) "”" }
            @else if text.len() > LONGEST || text.contains('\n') { (passage(text, LONGEST)) }
            @else { (foreign(text)) }
        }
    }
}

fn left_out(count: usize) -> Markup {
    html! { div { dt { "…" } dd { (more(count)) } } }
}

fn more(count: usize) -> Markup {
    html! { span.more { "and " (count) " more, in the raw commit" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let value = Value::parse(text.as_bytes()).expect("JSON");
        tree(&value, &|_| None).into_string()
    }

    #[test]
    fn every_kind_of_value_is_told_apart() {
        insta::assert_snapshot!(shown(
            r#"{"a":[1,"1",true,"true",null,""],"b":{},"c":[],"<i>":"two words\u202e","d":{"e":"x\ny"}}"#
        ));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        assert_eq!(shown(&deep).matches("<ol").count(), DEEPEST);
        let wide = format!("[{}1]", "1,".repeat(9999));
        let wide = shown(&wide);
        assert!(wide.contains("more, in the raw commit"));
        assert!(wide.matches("<li>").count() <= MOST + 1);
    }

    #[test]
    fn some_texts_lead_on() {
        let value = Value::from("abc");
        let link = |text: &str| Some(format!("/t?of={text}"));
        assert_eq!(
            tree(&value, &link).into_string(),
            "<a href=\"/t?of=abc\">abc</a>"
        );
    }
}
