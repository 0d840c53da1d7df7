//! Splitter of a file of Terraform code into the blocks at its top level, in any layout that people use, without a parser: ten
//! thousand parsed blocks take two hundred megabytes.

use std::ops::Range;

use super::layout::{line_end, line_start};
use crate::document::Document;

/// A block at the top level of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its name in a module: `resource "type" "name"`, `import to type.name`, `variable "x"`.
    pub(crate) name: String,
    /// The whole lines of the block, with the comments directly above it.
    pub(crate) lines: Range<usize>,
    /// The bytes from the keyword to the closing brace.
    pub(crate) code: Range<usize>,
}

impl Piece {
    /// The address of a resource, `type.name`; `None` for any other block.
    pub(crate) fn address(&self) -> Option<String> {
        let mut parts = self.name.strip_prefix("resource \"")?.strip_suffix('"')?.split("\" \"");
        Some(format!("{}.{}", parts.next()?, parts.next()?))
    }
}

/// Splits a file. `None` if it is not code that can be split: brackets or strings without an end.
pub(crate) fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut lead = None;
    let bytes = text.as_bytes();
    while at < text.len() {
        match bytes[at] {
            b'\n' => {
                // A blank line separates comments from what follows.
                if text[line_start(text, at)..at].trim_matches(['\u{feff}', ' ', '\t', '\r']).is_empty() {
                    lead = None;
                }
                at += 1;
            }
            b' ' | b'\t' | b'\r' => at += 1,
            _ if comment(text, at).is_some() => {
                lead.get_or_insert(line_start(text, at));
                at = comment(text, at)?;
            }
            _ => {
                let start = at;
                let end = statement(text, at)?;
                let lines = lead.take().unwrap_or_else(|| line_start(text, start))..line_end(text, end);
                let mut lines = lines;
                if lines.start == 0 && text.starts_with('\u{feff}') {
                    lines.start = 3;
                }
                let name = name(&text[start..end]);
                pieces.push(Piece { name, lines, code: start..end });
                at = end;
            }
        }
    }
    Some(pieces)
}

/// End of the comment that begins at an offset, without its line break; `None` if none begins there.
pub(crate) fn comment(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.starts_with('#') || rest.starts_with("//") {
        return Some(at + rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| rest.find("*/").map(|end| at + end + 2))?
}

/// Comments of a text, each trimmed.
pub(crate) fn comments(text: &str) -> Vec<&str> {
    let (mut comments, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if let Some(end) = comment(text, at) {
            comments.push(text[at..end].trim());
            at = end;
        } else {
            at = token(text, at).unwrap_or(text.len());
        }
    }
    comments
}

/// End of the statement that begins at an offset: of its last token before a line break outside of brackets.
fn statement(text: &str, start: usize) -> Option<usize> {
    let (mut at, mut end, mut depth) = (start, start, 0usize);
    while at < text.len() {
        let byte = text.as_bytes()[at];
        if byte == b'\n' && depth == 0 {
            break;
        }
        if let Some(behind) = comment(text, at) {
            at = behind;
            continue;
        }
        let next = token(text, at)?;
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            end = next;
        }
        at = next;
    }
    (depth == 0).then_some(end)
}

/// End of the token at an offset, which is not a comment: a string, a heredoc, or one character.
pub(crate) fn token(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    match rest.as_bytes()[0] {
        b'"' => string(text, at),
        b'<' if rest.starts_with("<<") => Some(heredoc(text, at).unwrap_or(at + 2)),
        _ => Some(at + rest.chars().next()?.len_utf8()),
    }
}

/// End of the string at an offset.
fn string(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            b'\n' => return None,
            c @ (b'$' | b'%') if bytes.get(at + 1) == Some(&c) && bytes.get(at + 2) == Some(&b'{') => at += 3,
            b'$' | b'%' if bytes.get(at + 1) == Some(&b'{') => at = template(text, at + 2)?,
            _ => at += 1,
        }
    }
    None
}

/// End of the interpolation whose inside begins at an offset.
fn template(text: &str, start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0usize);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at + 1),
            b'}' => depth -= 1,
            _ => {}
        }
        at = token(text, at)?;
    }
    None
}

/// End of the heredoc at an offset, with its closing word; `None` if it is none.
fn heredoc(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start + 2..];
    let head = rest.strip_prefix('-').unwrap_or(rest);
    let (word, _) = head.split_once('\n')?;
    let word = word.trim_end_matches('\r');
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return None;
    }
    let mut at = line_end(text, start);
    while at < text.len() {
        let end = line_end(text, at);
        let line = &text[at..end];
        if line.trim() == word {
            return Some(at + line.trim_end().len());
        }
        // The closing word may be followed by a bracket or a comma.
        let behind = line.trim_start().strip_prefix(word);
        if behind.is_some_and(|behind| behind.starts_with([',', ')', ']', '}'])) {
            return Some(at + line.len() - line.trim_start().len() + word.len());
        }
        at = end;
    }
    None
}

/// Name of a statement in its module.
fn name(code: &str) -> String {
    let keyword: String = code.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '-').collect();
    let attribute = match keyword.as_str() {
        "import" => "to",
        "moved" | "removed" => "from",
        "provider" => "alias",
        _ => return head(code),
    };
    let document = Document::parse(code).ok();
    let block = document.as_ref().and_then(|document| document.blocks().next());
    let value = block.and_then(|block| block.attribute(attribute)).map(|value| compact(value.source()));
    match value {
        Some(value) => format!("{} {attribute} {value}", head(code)),
        None => head(code),
    }
}

/// Keyword and labels of a block, or the name of an attribute.
fn head(code: &str) -> String {
    let head = &code[..code.find(['{', '=']).unwrap_or(code.len())];
    let mut words = Vec::new();
    let mut rest = head.trim();
    while !rest.is_empty() {
        let end = if let Some(inside) = rest.strip_prefix('"') {
            inside.find('"').map_or(rest.len(), |end| end + 2)
        } else {
            rest.find([' ', '\t', '"']).unwrap_or(rest.len()).max(1)
        };
        let word = rest[..end].trim();
        let is_keyword = words.is_empty();
        words.push(if is_keyword || word.starts_with('"') { word.to_owned() } else { format!("\"{word}\"") });
        rest = rest[end..].trim_start();
    }
    words.join(" ")
}

/// An expression without blanks outside of its strings.
pub(crate) fn compact(source: &str) -> String {
    let (mut text, mut at) = (String::with_capacity(source.len()), 0);
    while at < source.len() {
        if let Some(end) = comment(source, at) {
            at = end;
            continue;
        }
        let end = token(source, at).unwrap_or(source.len());
        let part = &source[at..end];
        if !part.trim().is_empty() || part.len() > 1 {
            text.push_str(part);
        }
        at = end;
    }
    text
}
