//! Scanner for the top level of a file in any layout: its blocks and attributes with their bytes, without a syntax tree.
//!
//! It knows strings with templates, heredocs, comments and brackets, and nothing of what they mean. A text that it cannot follow
//! goes to the parser.

use std::ops::Range;

/// An item at the top level of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item<'t> {
    /// The keyword of a block, or the name of an attribute.
    pub(crate) name: &'t str,
    /// The labels of a block, unquoted.
    pub(crate) labels: Vec<String>,
    /// The bytes from the name to the closing brace, or to the end of the value.
    pub(crate) range: Range<usize>,
    /// Reports whether it is an attribute.
    pub(crate) is_attribute: bool,
}

/// The items of a text; `None` where the scanner cannot follow it.
pub(crate) fn items(text: &str) -> Option<Vec<Item<'_>>> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    let mut items = Vec::new();
    loop {
        scanner.skip_blank(true)?;
        if scanner.at == text.len() {
            return Some(items);
        }
        items.push(scanner.item()?);
    }
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn starts_with(&self, prefix: &str) -> bool {
        self.bytes[self.at..].starts_with(prefix.as_bytes())
    }

    /// Skips blanks and comments, with `newlines` also line ends.
    fn skip_blank(&mut self, newlines: bool) -> Option<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\n') if newlines => self.at += 1,
                Some(b'#' | b'/') if newlines || self.starts_with("/*") => self.comment()?,
                _ => return Some(()),
            }
        }
    }

    /// Skips a comment, up to the end of its line or behind its end.
    fn comment(&mut self) -> Option<()> {
        if self.starts_with("/*") {
            self.at += 2 + self.text[self.at + 2..].find("*/")? + 2;
        } else if self.starts_with("#") || self.starts_with("//") {
            self.at = self.text[self.at..].find('\n').map_or(self.text.len(), |length| self.at + length);
        } else {
            return None;
        }
        Some(())
    }

    fn word(&mut self) -> Option<&'t str> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        self.at += end;
        (end > 0).then(|| &rest[..end])
    }

    fn item(&mut self) -> Option<Item<'t>> {
        let start = self.at;
        let name = self.word()?;
        let mut labels = Vec::new();
        loop {
            self.skip_blank(false)?;
            match self.peek()? {
                b'=' if labels.is_empty() => {
                    self.at += 1;
                    let end = self.value()?;
                    return Some(Item { name, labels, range: start..end, is_attribute: true });
                }
                b'{' => {
                    self.at += 1;
                    self.braces()?;
                    return Some(Item { name, labels, range: start..self.at, is_attribute: false });
                }
                b'"' => {
                    let label = self.at;
                    self.string()?;
                    labels.push(crate::quote::unquote(&self.text[label..self.at]));
                }
                _ => labels.push(self.word()?.to_owned()),
            }
        }
    }

    /// Skips a value, and returns the end of its last token. It ends with the line, unless a bracket is open.
    fn value(&mut self) -> Option<usize> {
        let (mut depth, mut end) = (0_usize, self.at);
        loop {
            match self.peek() {
                None | Some(b'\n') if depth == 0 => return Some(end),
                Some(b'#') => self.comment()?,
                Some(b'/') if self.starts_with("//") || self.starts_with("/*") => self.comment()?,
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'<') if depth == 0 && self.heredoc()? => return Some(self.at),
                Some(byte) => {
                    depth = self.token(byte, depth)?;
                    end = self.at;
                }
                None => return None,
            }
        }
    }

    /// Skips to the closing brace of a block or of a template.
    fn braces(&mut self) -> Option<()> {
        let mut depth = 1;
        while depth > 0 {
            match self.peek()? {
                b'#' => self.comment()?,
                b'/' if self.starts_with("//") || self.starts_with("/*") => self.comment()?,
                byte => depth = self.token(byte, depth)?,
            }
        }
        Some(())
    }

    /// Skips a string, a heredoc or a byte, and returns how many brackets are open behind it.
    fn token(&mut self, byte: u8, depth: usize) -> Option<usize> {
        match byte {
            b'"' => self.string()?,
            b'<' if self.heredoc()? => {}
            _ => self.at += 1,
        }
        match byte {
            b'{' | b'[' | b'(' => Some(depth + 1),
            b'}' | b']' | b')' => depth.checked_sub(1),
            _ => Some(depth),
        }
    }

    /// Skips a quoted string with the templates in it.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\n' => return None,
                b'\\' => self.at += 2,
                b'$' | b'%' if self.starts_with("$${") || self.starts_with("%%{") => self.at += 3,
                b'$' | b'%' if self.bytes.get(self.at + 1) == Some(&b'{') => {
                    self.at += 2;
                    self.braces()?;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Skips a heredoc up to the end of its last word; false where there is none.
    fn heredoc(&mut self) -> Option<bool> {
        let Some(rest) = self.text[self.at..].strip_prefix("<<") else { return Some(false) };
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let (word, _) = rest.split_once('\n')?;
        let word = word.trim_end();
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            return Some(false);
        }
        let mut at = self.at + self.text[self.at..].find('\n')? + 1;
        for line in self.text[at..].split_inclusive('\n') {
            if line.trim() == word {
                self.at = at + line.trim_end().len();
                return Some(true);
            }
            at += line.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    #[test]
    fn the_scanner_and_the_parser_have_the_same_blocks() {
        let check = |text: &str| {
            let items = items(text).unwrap();
            let document = Document::parse(text).unwrap();
            let blocks = items.iter().filter(|item| !item.is_attribute);
            let scanned: Vec<_> = blocks.map(|item| (item.name, item.labels.clone(), item.range.clone())).collect();
            let labels = |labels: Vec<&str>| labels.into_iter().map(str::to_owned).collect();
            let parsed: Vec<(&str, Vec<String>, Range<usize>)> =
                document.blocks().map(|block| (block.keyword(), labels(block.labels()), block.range())).collect();
            assert_eq!(scanned, parsed, "{text}");
        };
        let text = "# { \" comment\n// {\n/* {\n \" */ a \"b\" c {\n}\n\nresource \"x\" \"y\" {\n  a = \"}${f(\"}\", { \
                    b = 1 })}\\\"}\" # }\n  b = <<-EOT\n    } \" ${x}\n  EOT\n  c = \"$${\" // }\n  d {}\n  e = 1 /* } */\n}\n\
                    e {}\nf { a = 1 }\n";
        check(text);
        check(&text.replace('\n', "\r\n"));
        check(&format!("\u{feff}{text}"));
        check("");
        check("a {}");
    }

    #[test]
    fn attributes_end_behind_their_value() {
        let check = |text: &str, expected: &[&str]| {
            let items = items(text).unwrap();
            let found: Vec<_> = items.iter().map(|item| &text[item.range.clone()]).collect();
            assert_eq!(found, expected);
            assert!(items.iter().all(|item| item.is_attribute));
        };
        check("a = 1 # x\nb=\"y\"\n", &["a = 1", "b=\"y\""]);
        check("a = [\n  1, # ]\n  2,\n]\r\nb = { x = \"}\" }", &["a = [\n  1, # ]\n  2,\n]", "b = { x = \"}\" }"]);
        check("a = <<EOT\nx\nEOT\nb = 1", &["a = <<EOT\nx\nEOT", "b = 1"]);
    }

    #[test]
    fn broken_texts_are_left_to_the_parser() {
        for text in ["a {", "a \"x\" = 1", "a = \"", "a = [1", "}", "a = <<EOT\nx\n", "= 1"] {
            assert_eq!(items(text), None, "{text}");
        }
    }
}
