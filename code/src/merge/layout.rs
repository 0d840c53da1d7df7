//! Lines of a text: their starts, ends, indentation and line breaks.

use std::ops::Range;

/// Start of the line that an offset is in.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |position| position + 1)
}

/// End of the line that an offset is in, behind its line break.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |position| at + position + 1)
}

/// End of the text of a line, before its line break.
pub(crate) fn text_end(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    let line = &text[at..end];
    at + line.trim_end_matches('\n').trim_end_matches('\r').len()
}

/// Number of the line of an offset, counted from 1.
pub(crate) fn line_number(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Blanks at the start of the line of an offset.
pub(crate) fn indentation(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    let line = line.trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Line break of a text: that of its first line.
pub(crate) fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Reports whether only blanks stand between the start of the line and an offset.
pub(crate) fn begins_line(text: &str, at: usize) -> bool {
    text[line_start(text, at)..at].trim_start_matches('\u{feff}').trim().is_empty()
}

/// Text behind an offset on its line, without the line break.
pub(crate) fn rest_of_line(text: &str, at: usize) -> &str {
    &text[at..text_end(text, at).max(at)]
}

/// Blank line directly above a line start, if there is one.
pub(crate) fn blank_above(text: &str, start: usize) -> Option<Range<usize>> {
    if start == 0 {
        return None;
    }
    let above = line_start(text, start - 1);
    text[above..start].trim_start_matches('\u{feff}').trim().is_empty().then_some(above..start)
}

/// Blank line that begins at an offset, if there is one.
pub(crate) fn blank_below(text: &str, start: usize) -> Option<Range<usize>> {
    let end = line_end(text, start);
    (start < end && text[start..end].trim().is_empty()).then_some(start..end)
}

/// A text of several lines with another indentation and other line breaks. Lines that do not begin with the old indentation stay
/// as they are.
pub(crate) fn reindent(text: &str, from: &str, to: &str, line_break: &str) -> String {
    let mut lines = text.split('\n');
    let mut result = lines.next().unwrap_or_default().trim_end_matches('\r').to_owned();
    for line in lines {
        let line = line.trim_end_matches('\r');
        result.push_str(line_break);
        match line.strip_prefix(from) {
            Some(rest) if !line.trim().is_empty() => {
                result.push_str(to);
                result.push_str(rest);
            }
            _ => result.push_str(line),
        }
    }
    result
}
