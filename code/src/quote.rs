//! Quoted strings of Terraform's language: written so that nothing in them can act, and read back.

use std::fmt::Write as _;

/// Returns the text as a quoted string. Nothing in it can start an expression, end the string or change the reading direction
/// of the line.
pub fn quoted(value: &str) -> String {
    let mut text = String::from('"');
    escape(&mut text, value, false);
    text.push('"');
    text
}

/// Returns the inside of the quoted string, for use within another one.
pub fn unquoted(value: &str) -> String {
    let text = quoted(value);
    text[1..text.len() - 1].to_owned()
}

/// Appends the inside of a quoted string. A reference (`${…}`) may come right behind it.
pub fn escape(text: &mut String, value: &str, before_reference: bool) {
    let mut rest = value.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        let doubled = before.replace(c) == Some(c);
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // Followed by `${`, the sign would escape the reference.
            '$' | '%' if before_reference && rest.peek().is_none() => _ = write!(text, "\\u{:04x}", u32::from(c)),
            '$' | '%' if rest.peek() == Some(&'{') && doubled => _ = write!(text, "\\u{:04x}", u32::from(c)),
            '$' | '%' if rest.peek() == Some(&'{') => text.extend([c, c]),
            c if invisible(c) && u32::from(c) > 0xffff => _ = write!(text, "\\U{:08x}", u32::from(c)),
            c if invisible(c) => _ = write!(text, "\\u{:04x}", u32::from(c)),
            c => text.push(c),
        }
    }
}

/// Reads a quoted string of one line back, as [`quoted`] writes plain text; a text without quotes is taken as it is.
pub fn unquote(text: &str) -> String {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.replace("\\\"", "\"").replace("$${", "${").replace("%%{", "%{").replace("\\\\", "\\")
}

/// Reports whether a character shows nothing, or changes how the rest of the line is shown: controls, line separators,
/// zero-width and directional marks, the byte order mark, tags.
pub fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_back() {
        let check = |text: &str, expected: &str| {
            assert_eq!(quoted(text), expected);
            assert_eq!(unquote(expected), text);
        };
        check("", "\"\"");
        check("it's \"1\"", "\"it's \\\"1\\\"\"");
        check("${a} %{b} $", "\"$${a} %%{b} $\"");
        check("a\\b", "\"a\\\\b\"");
        assert_eq!(unquote("null"), "null");
        assert_eq!(quoted("\n\u{202e}"), "\"\\n\\u202e\"");
    }
}
