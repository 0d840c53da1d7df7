//! Text in Terraform's language: comments, and the form in which a text is written.

pub use proxmox_mpc_code::quote::{invisible, quoted};

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
                text.extend(std::iter::repeat_n("  ", depth));
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
    /// As a heredoc with this end marker, which ends with a line end.
    Heredoc(&'static str),
    /// As a heredoc with this end marker inside `chomp()`, which removes the last line end.
    Chomped(&'static str),
}

/// Chooses the form of a text. A heredoc for a `trimmed` text may add a line end.
///
/// A heredoc has the same value if the text has several lines and no invisible characters, if one line begins at the margin
/// (by which Terraform recognises the indentation), if no line is all blanks, if there is a word for its end, and if it has no
/// sigils that only a quoted string can escape.
pub(super) fn form(value: &str, trimmed: bool) -> TextForm {
    let inner = value.strip_suffix('\n').unwrap_or(value);
    let mut lines = inner.split('\n').filter(|line| !line.is_empty()).peekable();
    let several = inner.contains('\n') && lines.peek().is_some() && !(trimmed && value.trim() != value);
    let hidden = value.chars().any(|c| c != '\n' && c != '\t' && invisible(c));
    let at_margin = lines.clone().any(|line| !line.starts_with(char::is_whitespace));
    let blank = lines.any(|line| line.trim().is_empty());
    match end(value) {
        Some(end) if several && !hidden && !has_sigils(value) && at_margin && !blank => {
            if trimmed || value.ends_with('\n') { TextForm::Heredoc(end) } else { TextForm::Chomped(end) }
        }
        _ => TextForm::Quoted,
    }
}

/// Reports whether a text has two sigils before a brace: `$${`, `%${`.
pub(super) fn has_sigils(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| matches!(three, [b'$' | b'%', b'$' | b'%', b'{']))
}

/// End marker of a heredoc: the first word with which no line begins. (Terraform reads on after such a line, hcl-edit does
/// not.)
fn end(value: &str) -> Option<&'static str> {
    let stands = |word: &&str| value.split('\n').any(|line| line.trim_start().starts_with(word));
    ["EOT", "EOF", "END"].into_iter().find(|word| !stands(word))
}

/// Replaces invisible characters, for comments, which have no escapes.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c != '\t' && invisible(c) { '\u{fffd}' } else { c }).collect()
}
