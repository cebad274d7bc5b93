//! The bytes of a member, as they stand in a text that was read already.

/// The members of the outermost object, each with the bytes of its value, in the order they stand.
/// Nothing else may stand around them. Whether a value is JSON is for its reader to say.
pub fn members(text: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut all = Vec::new();
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_space(text, at + 1);
    if text.get(at) == Some(&b'}') {
        return (skip_space(text, at + 1) == text.len()).then_some(all);
    }
    while text.get(at) == Some(&b'"') {
        let end = string_end(text, at)?;
        let name = serde_json::from_slice::<String>(text.get(at..end)?).ok()?;
        at = skip_space(text, end);
        if text.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(text, at + 1);
        let end = value_end(text, at)?;
        all.push((name, text.get(at..end)?));
        at = skip_space(text, end);
        match text.get(at)? {
            b',' => at = skip_space(text, at + 1),
            b'}' => return (skip_space(text, at + 1) == text.len()).then_some(all),
            _ => return None,
        }
    }
    None
}

/// The bytes of the first member of this name.
pub fn member<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    members(text)?
        .into_iter()
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// The bytes of each item of an array.
pub fn items(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'[') {
        return None;
    }
    let mut all = Vec::new();
    at = skip_space(text, at + 1);
    if text.get(at) == Some(&b']') {
        return Some(all);
    }
    loop {
        let end = value_end(text, at)?;
        all.push(text.get(at..end)?);
        at = skip_space(text, end);
        match text.get(at) {
            Some(b',') => at = skip_space(text, at + 1),
            Some(b']') => return Some(all),
            _ => return None,
        }
    }
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    from + rest.iter().take_while(|b| space(b)).count()
}

/// Where a value that begins here ends.
fn value_end(text: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = from;
    loop {
        match text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                continue;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' if depth > 0 => {
                at += 1;
                continue;
            }
            _ => {
                let rest = text.get(at..)?;
                let word = rest
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
                    .count();
                if word == 0 {
                    return None;
                }
                at += word;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn string_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_as_it_stands() {
        let text = br#" { "a" : [1, {"b":"}\"]"}] , "\u0062":-1.5e3,"c":"x\\","d":{} }"#;
        let found = |name| member(text, name).map(String::from_utf8_lossy);
        assert_eq!(found("a").as_deref(), Some(r#"[1, {"b":"}\"]"}]"#));
        assert_eq!(found("b").as_deref(), Some("-1.5e3"));
        assert_eq!(found("c").as_deref(), Some(r#""x\\""#));
        assert_eq!(found("d").as_deref(), Some("{}"));
        assert_eq!(found("e"), None);
        for other in [
            &b"[1]"[..],
            b"{",
            b"{\"a\"",
            b"{\"a\":",
            b"",
            b"{\"a\":}",
            b"{\"a\":1}x",
            b"{\"a\":1,}",
        ] {
            assert_eq!(member(other, "a"), None);
        }
        let all = items(b" [ 1 ,{\"a\":[2]},\"x,]\", true ]").expect("an array");
        assert_eq!(all, [&b"1"[..], b"{\"a\":[2]}", b"\"x,]\"", b"true"]);
        assert_eq!(items(b"[]").map(|all| all.len()), Some(0));
        assert_eq!(items(b"[1"), None);
    }
}
