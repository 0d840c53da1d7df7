//! Merge of texts line by line, with the markers of conflicts that the merge of code has.

use super::changes::{BASE, OURS, THEIRS};

/// Merges texts line by line. Conflicts have markers.
pub(crate) fn merge_lines(base: &str, theirs: &str, ours: &str) -> String {
    let mut options = diffy::MergeOptions::new();
    options.set_incomplete_hunk_style(diffy::IncompleteHunkStyle::Git);
    match options.merge(base, ours, theirs) {
        Ok(text) => text,
        Err(text) => {
            let line = |line: &str| {
                let plain = line.trim_end_matches(['\n', '\r']);
                let marker = match plain {
                    "<<<<<<< ours" => OURS,
                    "||||||| original" => BASE,
                    ">>>>>>> theirs" => THEIRS,
                    _ => return line.to_owned(),
                };
                format!("{marker}{}", &line[plain.len()..])
            };
            text.split_inclusive('\n').map(line).collect()
        }
    }
}
