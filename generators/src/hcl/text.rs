//! How text stands in Terraform's language: quoted, as a heredoc, around references, and as a comment.

use std::fmt::Write as _;

use proxmox_mpc_code::quote::{escape, quote};
pub use proxmox_mpc_code::quote::{invisible, quoted};

use super::{Value, indent};

/// The lines of a comment at this depth, broken between words where they are long.
pub fn comment(text: &mut String, lines: &[String], depth: usize) {
    for line in lines.iter().flat_map(|lines| lines.split('\n')) {
        let line = visible(line.trim());
        // What goes on in the next line stands below what it is a part of.
        let hanging = if line.starts_with("- ") { "  " } else { "" };
        let mut start = true;
        let mut width = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if start || width + length >= WIDTH {
                text.push_str(if start { "" } else { "\n" });
                indent(text, depth);
                text.push('#');
                text.push_str(if start { "" } else { hanging });
                width = 2 * depth + 1;
            }
            if !word.is_empty() {
                text.push(' ');
                text.push_str(word);
            }
            width += length + 1;
            start = false;
        }
        text.push('\n');
    }
}

/// The width at which comments are broken.
const WIDTH: usize = 110;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// On one line, between quotes.
    Quoted,
    /// As a heredoc, whose last line end counts.
    Heredoc,
    /// As a heredoc in the function that takes the last line end away.
    Chomped,
}

/// How this text is written; where it is trimmed, a heredoc may add a line end.
///
/// A heredoc says exactly the same where it has several lines; where nothing in it is invisible; where one line begins
/// at its margin, by which Terraform knows our indentation; where no line is nothing but blanks, and no word for its end is
/// missing; and where no sigil is doubled, which only a quoted string can escape.
pub(super) fn written(value: &str, trimmed: bool) -> TextForm {
    let inner = value.strip_suffix('\n').unwrap_or(value);
    let mut lines = inner.split('\n').filter(|line| !line.is_empty()).peekable();
    let several = inner.contains('\n') && lines.peek().is_some() && !(trimmed && value.trim() != value);
    let hidden = value.chars().any(|c| c != '\n' && c != '\t' && invisible(c));
    let doubled = value.contains("$${") || value.contains("%%{");
    let at_margin = lines.clone().any(|line| !line.starts_with(char::is_whitespace));
    let blank = lines.any(|line| line.trim().is_empty());
    if !several || hidden || doubled || !at_margin || blank || end(value).is_none() {
        TextForm::Quoted
    } else if trimmed || value.ends_with('\n') {
        TextForm::Heredoc
    } else {
        TextForm::Chomped
    }
}

/// The word that ends a heredoc: the first with which no line of it begins (Terraform reads on behind such a line,
/// hcl-edit does not).
fn end(value: &str) -> Option<&'static str> {
    let stands = |word: &&str| value.split('\n').any(|line| line.trim_start().starts_with(word));
    ["EOT", "EOF", "END"].into_iter().find(|word| !stands(word))
}

/// Writes a text behind `=`.
pub(super) fn write(text: &mut String, value: &str, written: TextForm, depth: usize) {
    let (TextForm::Heredoc | TextForm::Chomped, Some(end)) = (written, end(value)) else { return quote(text, value) };
    let chomped = written == TextForm::Chomped;
    _ = writeln!(text, "{}<<-{end}", if chomped { "chomp(" } else { "" });
    for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
        if !line.is_empty() {
            indent(text, depth + 1);
            text.push_str(&line.replace("${", "$${").replace("%{", "%%{"));
        }
        text.push('\n');
    }
    indent(text, depth);
    text.push_str(end);
    if chomped {
        text.push('\n');
        indent(text, depth);
        text.push(')');
    }
}

/// How long a template is.
pub(super) fn length(pieces: &[Value]) -> usize {
    let length = |piece: &Value| match piece {
        Value::Text(text) => text.chars().count(),
        Value::Reference(reference) => reference.len() + 3,
        _ => 0,
    };
    pieces.iter().map(length).sum()
}

/// Texts and references, one behind the other.
pub(super) fn write_template(text: &mut String, pieces: &[Value]) {
    text.push('"');
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Value::Reference(reference) => _ = write!(text, "${{{reference}}}"),
            Value::Text(piece) => escape(text, piece, matches!(pieces.get(index + 1), Some(Value::Reference(_)))),
            other => super::write_value(text, other, 0),
        }
    }
    text.push('"');
}

/// The text with everything invisible replaced, for comments, which know no escapes.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c != '\t' && invisible(c) { '\u{fffd}' } else { c }).collect()
}
