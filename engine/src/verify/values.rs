//! Values: the two sides of a difference, each on one line.

use serde_json::Value;

/// The number of characters that are shown of the common beginning of two long texts.
const CONTEXT: usize = 20;

/// Formats both values, without control characters, and cut to `longest` characters. Two long texts are shown from where
/// they differ.
pub fn sides(before: &Value, after: &Value, longest: usize) -> (String, String) {
    let (before, after) = (plain(before), plain(after));
    let common = before.chars().zip(after.chars()).take_while(|(left, right)| left == right).count();
    let long = before.chars().count() > longest && after.chars().count() > longest;
    let start = if long { common.saturating_sub(CONTEXT) } else { 0 };
    (cut(&before, start, longest), cut(&after, start, longest))
}

fn cut(text: &str, start: usize, longest: usize) -> String {
    let mut cut: String = if start > 0 { "…".to_owned() } else { String::new() };
    cut.extend(text.chars().skip(start).take(longest));
    if text.chars().count() > start + longest {
        cut.push('…');
    }
    cut
}

/// Formats a value on one line.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => return "not set".to_owned(),
        Value::String(text) if text.starts_with('(') => text.clone(),
        value => value.to_string(),
    };
    let mut plain = String::new();
    for character in text.chars() {
        if character.is_control() || ('\u{202a}'..='\u{2069}').contains(&character) {
            plain.extend(character.escape_unicode());
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_on_one_line_from_where_they_differ() {
        let check = |before: Value, after: Value, expected: (&str, &str)| {
            let (one, other) = sides(&before, &after, 30);
            assert_eq!((one.as_str(), other.as_str()), expected);
        };
        check(json!(4096), json!(null), ("4096", "not set"));
        check(
            json!("(known after apply)"),
            json!("a\u{7}\u{202e}b"),
            ("(known after apply)", "\"a\\u0007\\u{202e}b\""),
        );
        let long = |end: &str| json!(format!("{}{end}{}", "x".repeat(100), "y".repeat(40)));
        check(long("one"), long("two"), ("…xxxxxxxxxxxxxxxxxxxxoneyyyyyyy…", "…xxxxxxxxxxxxxxxxxxxxtwoyyyyyyy…"));
        check(json!("x".repeat(40)), json!("y"), ("\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxx…", "\"y\""));
    }
}
