//! Text in YAML: plain words, double quotes with escapes and line breaks, and how a word is read back.

use std::fmt::Write as _;

use super::{WIDTH, indent};
use crate::hcl::invisible;

/// Text on one line, for a key: plain or quoted.
pub fn word(text: &str) -> String {
    if plain(text) { text.to_owned() } else { format!("\"{}\"", text.chars().map(escaped).collect::<String>()) }
}

/// Reads back what [`word`] wrote, or a value on one line.
pub fn read_word(word: &str) -> String {
    let word = word.strip_prefix("!unsafe ").unwrap_or(word);
    let Some(quoted) = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) else { return word.to_owned() };
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        let code = |characters: &mut std::str::Chars<'_>, digits: usize| {
            u32::from_str_radix(&characters.take(digits).collect::<String>(), 16).ok().and_then(char::from_u32)
        };
        text.extend(match (c, if c == '\\' { characters.next() } else { None }) {
            (_, Some('n')) => Some('\n'),
            (_, Some('r')) => Some('\r'),
            (_, Some('t')) => Some('\t'),
            (_, Some('u')) => code(&mut characters, 4),
            (_, Some('U')) => code(&mut characters, 8),
            (_, Some(other)) => Some(other),
            (c, None) => Some(c),
        });
    }
    text
}

/// True if every reader takes the word for text without quotes: it begins with a letter, has no special character, and is no word
/// of YAML 1.1.
pub(super) fn plain(word: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"];
    word.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
        && !WORDS.contains(&word.to_ascii_lowercase().as_str())
}

/// Writes text in double quotes. Long lines are broken after blanks and separators, or anywhere in a word that is longer than a
/// line.
pub(super) fn quote(text: &mut String, value: &str, column: usize, depth: usize) {
    text.push('"');
    let (mut width, start) = (column + 1, 2 * depth);
    let mut rest = value;
    while !rest.is_empty() {
        // A word with the separators after it.
        let sign = |c: char| matches!(c, ' ' | ',' | ';');
        let end =
            rest.find(sign).map_or(rest.len(), |at| at + rest[at..].find(|c| !sign(c)).unwrap_or(rest.len() - at));
        let word: Vec<String> = rest[..end].chars().map(escaped).collect();
        let mut breaks = width + word.iter().map(|sign| sign.chars().count()).sum::<usize>() >= WIDTH;
        for sign in word {
            if width > start && (breaks || width + sign.chars().count() >= WIDTH) {
                text.push_str("\\\n");
                indent(text, depth);
                width = start;
            }
            breaks = false;
            // A blank at the start of a line would count as indentation.
            let sign = if width == start && sign == " " { "\\ " } else { &sign };
            text.push_str(sign);
            width += sign.chars().count();
        }
        rest = &rest[end..];
    }
    text.push('"');
}

/// A character in double quotes.
fn escaped(c: char) -> String {
    let mut text = String::new();
    escape(&mut text, c);
    text
}

fn escape(text: &mut String, c: char) {
    match c {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        c if (invisible(c) || c == '\u{fffe}' || c == '\u{ffff}') && u32::from(c) > 0xffff => {
            _ = write!(text, "\\U{:08X}", u32::from(c));
        }
        c if invisible(c) || matches!(c, '\u{85}' | '\u{a0}' | '\u{fffe}' | '\u{ffff}') => {
            _ = write!(text, "\\u{:04X}", u32::from(c));
        }
        c => text.push(c),
    }
}
