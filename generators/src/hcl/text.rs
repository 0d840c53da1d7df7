//! Text in Terraform's language: quoted strings, heredocs, templates and comments.

use std::fmt::Write as _;

use proxmox_mpc_code::quote::{escape, quote};
pub use proxmox_mpc_code::quote::{invisible, quoted};

use super::{Value, indent};

/// Writes the lines of a comment at a depth. Long lines are broken between words.
pub fn comment(text: &mut String, lines: &[String], depth: usize) {
    for line in lines.iter().flat_map(|lines| lines.split('\n')) {
        let line = visible(line.trim());
        // The second line of a list item is indented.
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

/// Width of a comment line.
const WIDTH: usize = 110;

/// Form in which a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// On one line, between quotes.
    Quoted,
    /// As a heredoc, which ends with a line end.
    Heredoc,
    /// As a heredoc inside `chomp()`, which removes the last line end.
    Chomped,
}

/// Chooses the form of a text. A heredoc for a `trimmed` text may add a line end.
///
/// A heredoc has the same value if the text has several lines and no invisible characters, if one line begins at the margin
/// (by which Terraform recognises the indentation), if no line is all blanks, if there is a word for its end, and if no sigil is
/// doubled, which only a quoted string can escape.
pub(super) fn form(value: &str, trimmed: bool) -> TextForm {
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

/// End marker of a heredoc: the first word with which no line begins. (Terraform reads on after such a line, hcl-edit does
/// not.)
fn end(value: &str) -> Option<&'static str> {
    let stands = |word: &&str| value.split('\n').any(|line| line.trim_start().starts_with(word));
    ["EOT", "EOF", "END"].into_iter().find(|word| !stands(word))
}

/// Writes a text after `=`.
pub(super) fn write(text: &mut String, value: &str, form: TextForm, depth: usize) {
    let (TextForm::Heredoc | TextForm::Chomped, Some(end)) = (form, end(value)) else { return quote(text, value) };
    let chomped = form == TextForm::Chomped;
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

/// Length of a template.
pub(super) fn length(pieces: &[Value]) -> usize {
    let length = |piece: &Value| match piece {
        Value::Text(text) => text.chars().count(),
        Value::Reference(reference) => reference.len() + 3,
        _ => 0,
    };
    pieces.iter().map(length).sum()
}

/// Writes a template.
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

/// Replaces invisible characters, for comments, which have no escapes.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c != '\t' && invisible(c) { '\u{fffd}' } else { c }).collect()
}
