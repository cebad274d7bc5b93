//! What changed, line by line.

use maud::{Markup, html};

use super::foreign::foreign;

/// Lines that begin with `+`, `-` or `~` (comes, goes, changes), as `report::policy_change` and
/// `similar` write them; other lines stand between.
pub fn diff(lines: &[String]) -> Markup {
    html! {
        ul.diff {
            @for line in lines {
                @let (sign, rest) = line.split_at(line.chars().next().map_or(0, char::len_utf8));
                @match sign {
                    "+" => { li.comes { span.sign { "+" } " " (words("added: ", rest)) } }
                    "-" => { li.goes { span.sign { "−" } " " (words("removed: ", rest)) } }
                    "~" => { li.changes { span.sign { "~" } " " (words("changed: ", rest)) } }
                    _ => { li { (foreign(line)) } }
                }
            }
        }
    }
}

/// The sign is for eyes; whoever listens hears a word.
fn words(heard: &str, rest: &str) -> Markup {
    html! { span.heard { (heard) } (foreign(rest.trim_start())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_shapes_and_words() {
        let lines = [
            "+ ci: new <b>",
            "- mirror a",
            "~ x\u{202e}",
            "",
            "é context",
        ];
        insta::assert_snapshot!(diff(&lines.map(str::to_owned)).into_string());
    }
}
