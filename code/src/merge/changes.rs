//! Changes of a person's file: replaced ranges, and conflicts with `diff3` markers around whole lines.

use std::ops::Range;

use super::Conflict;
use super::layout::{line_break, line_end, line_start};

/// Markers of a conflict, as `git merge` writes them.
pub(crate) const OURS: &str = "<<<<<<< yours (HEAD)";
pub(crate) const BASE: &str = "||||||| before";
pub(crate) const MIDDLE: &str = "=======";
pub(crate) const THEIRS: &str = ">>>>>>> cluster (proxmox-mpc/generated)";

/// Change of a range.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The bytes in ours; empty where something is inserted.
    pub(crate) range: Range<usize>,
    /// The text of the cluster.
    pub(crate) text: String,
    /// The text of base, and what is told of the conflict; `None` if the change is simply made.
    pub(crate) conflict: Option<(String, Conflict)>,
}

impl Change {
    pub(crate) fn edit(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into(), conflict: None }
    }
}

/// Applies changes. Conflicts get markers, and their lines in the result.
pub(crate) fn render(text: &str, mut changes: Vec<Change>, conflicts: &mut Vec<Conflict>) -> String {
    changes.sort_by_key(|change| (extent(text, change).start, extent(text, change).end));
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    let mut rest = changes.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut range = extent(text, &first);
        let mut group = vec![first];
        while let Some(next) = rest.next_if(|next| {
            let next = extent(text, next);
            next.start < range.end && !next.is_empty()
                || next.is_empty() && next.start > range.start && next.start < range.end
        }) {
            let next_range = extent(text, &next);
            range.end = range.end.max(next_range.end);
            group.push(next);
            if group.iter().any(|change| change.conflict.is_some()) {
                range = lines(text, &range);
            }
        }
        result.push_str(&text[at..range.start]);
        at = range.end;
        push_group(&mut result, text, range, &group, conflicts);
    }
    result.push_str(&text[at..]);
    result
}

/// The bytes that a change needs: a conflict has whole lines for itself.
fn extent(text: &str, change: &Change) -> Range<usize> {
    match &change.conflict {
        Some(_) => lines(text, &change.range),
        None => change.range.clone(),
    }
}

fn lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = line_start(text, range.start);
    let at_line_start = line_start(text, range.end) == range.end;
    let end =
        if at_line_start && (range.end > start || range.is_empty()) { range.end } else { line_end(text, range.end) };
    start..end.max(start)
}

fn push_group(result: &mut String, text: &str, range: Range<usize>, group: &[Change], conflicts: &mut Vec<Conflict>) {
    let side = |pick: &dyn Fn(&Change) -> Option<String>| {
        let mut changes: Vec<(Range<usize>, String)> =
            group.iter().filter_map(|change| Some((change.range.clone(), pick(change)?))).collect();
        changes.sort_by_key(|(range, _)| (range.start, range.end));
        let (mut side, mut at) = (String::new(), range.start);
        for (range, replacement) in changes {
            side.push_str(&text[at..range.start.max(at)]);
            side.push_str(&replacement);
            at = range.end.max(at);
        }
        side + &text[at..range.end]
    };
    let edited = |change: &Change| change.conflict.is_none().then(|| change.text.clone());
    let ours = side(&edited);
    let theirs = side(&|change| Some(change.text.clone()));
    if ours == theirs || group.iter().all(|change| change.conflict.is_none()) {
        result.push_str(&theirs);
        return;
    }
    let base = side(&|change| match &change.conflict {
        Some((base, _)) => Some(base.clone()),
        None => Some(change.text.clone()),
    });
    let line_break = line_break(text);
    if !result.is_empty() && !result.ends_with('\n') {
        result.push_str(line_break);
    }
    let line = result.matches('\n').count() + 1;
    let mut base_lines = String::new();
    for (_, conflict) in group.iter().filter_map(|change| change.conflict.as_ref()) {
        conflicts.push(Conflict { line, ..conflict.clone() });
        let attribute = if conflict.attribute.is_empty() { String::new() } else { format!(", {}", conflict.attribute) };
        let choices = conflict.choices.replace(['\r', '\n'], " ");
        for part in ["# ", &conflict.object, &attribute, ": ", &choices, line_break] {
            base_lines.push_str(part);
        }
    }
    for (marker, lines) in [(OURS, &ours), (BASE, &(base_lines + &base)), (MIDDLE, &theirs)] {
        result.push_str(marker);
        result.push_str(line_break);
        result.push_str(lines);
        if !lines.is_empty() && !lines.ends_with('\n') {
            result.push_str(line_break);
        }
    }
    result.push_str(THEIRS);
    result.push_str(line_break);
}
