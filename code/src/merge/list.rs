//! Lists that are merged as sets: `ignore_changes`, `depends_on`. Entries of both sides stay, and only what the cluster took out
//! goes.

use std::ops::Range;

use super::layout::{begins_line, indentation, line_break};
use super::pieces::{comments, compact};
use super::tree::Value;

/// Sources of the items of a list.
pub(crate) fn items(text: &str, value: Option<&Value>) -> Vec<String> {
    let ranges = value.and_then(|value| value.list.as_ref());
    ranges.map(|ranges| ranges.iter().map(|range| compact(&text[range.clone()])).collect()).unwrap_or_default()
}

/// Edits of a list: some items out, some in at its end. `None` if a person's comment would be lost.
pub(crate) fn edits(
    text: &str,
    value: &Value,
    remove: &[String],
    add: &[String],
) -> Option<Vec<(Range<usize>, String)>> {
    let items = value.list.as_ref()?;
    let gone: Vec<bool> = items.iter().map(|range| remove.contains(&compact(&text[range.clone()]))).collect();
    if gone.iter().all(|gone| *gone) {
        let has_comments = !comments(&text[value.range.clone()]).is_empty();
        return (!has_comments).then(|| vec![(value.range.clone(), format!("[{}]", add.join(", ")))]);
    }
    let mut edits = Vec::new();
    let mut index = 0;
    while index < items.len() {
        if !gone[index] {
            index += 1;
            continue;
        }
        let end = gone[index..].iter().take_while(|gone| **gone).count() + index;
        let range = match items.get(end) {
            Some(next) => items[index].start..next.start,
            None => items[index - 1].end..items[end - 1].end,
        };
        if !comments(&text[range.clone()]).is_empty() {
            return None;
        }
        edits.push((range, String::new()));
        index = end;
    }
    let last = gone.iter().rposition(|gone| !gone).map(|index| &items[index])?;
    let separator = if begins_line(text, last.start) {
        format!(",{}{}", line_break(text), indentation(text, last.start))
    } else {
        ", ".to_owned()
    };
    let added = add.iter().flat_map(|item| [&*separator, item]).collect::<String>();
    if !added.is_empty() {
        edits.push((last.end..last.end, added));
    }
    Some(edits)
}
