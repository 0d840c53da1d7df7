//! Merge of files that are no Terraform code: by key where they have keys, else line by line.

use super::changes::{BASE, MIDDLE, OURS, THEIRS};
use super::layout::{line_break, line_number};
use super::lines::merge_lines;
use super::{Conflict, Merge, Notice, NoticeKind, json, yaml};

/// A file in its three versions.
pub(crate) struct Versions<'v> {
    pub(crate) path: &'v str,
    pub(crate) base: Option<&'v str>,
    pub(crate) theirs: Option<&'v str>,
    pub(crate) ours: Option<&'v str>,
}

/// The manifest of a workspace.
pub(crate) const MANIFEST: &str = "manifest.json";

/// Merges a file.
pub(crate) fn merge_file(versions: &Versions<'_>, merge: &mut Merge) {
    let Versions { path, base, theirs, ours } = *versions;
    if path == MANIFEST {
        if let Some(theirs) = theirs {
            let text = json::merge_manifest(base, theirs, ours, &merge.places);
            if ours != Some(&*text) {
                merge.files.insert(path.to_owned(), Some(text));
            }
        }
        return;
    }
    if base == theirs || ours == theirs {
        return;
    }
    if ours == base {
        merge.files.insert(path.to_owned(), theirs.map(str::to_owned));
        return;
    }
    let mut notice = |kind: NoticeKind, text: &str| {
        let (object, text) = (path.to_owned(), text.to_owned());
        merge.notices.push(Notice { object, attribute: String::new(), kind, text });
    };
    let Some(ours) = ours else {
        notice(NoticeKind::Decision, "it was deleted here and has changed: it stays deleted");
        return;
    };
    let Some(theirs) = theirs else {
        notice(NoticeKind::Gone, "nothing generates it any more, and you changed it: it stays");
        return;
    };
    let base = base.unwrap_or_default();
    // A file with other line ends says the same.
    let line_break = line_break(ours);
    let convert = |text: &str| text.replace("\r\n", "\n").replace('\n', line_break);
    let (base, theirs) = (convert(base), convert(theirs));
    let is_yaml = path.rsplit('.').next().is_some_and(|extension| ["yml", "yaml"].contains(&extension));
    let text = if path.rsplit('/').next() == Some(".gitignore") && base.is_empty() {
        union(ours, &theirs, line_break)
    } else if is_yaml {
        yaml::merge(path, &base, &theirs, ours, merge)
    } else {
        merge_lines(&base, &theirs, ours)
    };
    record(path, &text, merge);
    if text != ours {
        merge.files.insert(path.to_owned(), Some(text));
    }
}

/// The lines of ours, and those of theirs that ours has not.
fn union(ours: &str, theirs: &str, line_break: &str) -> String {
    let mut text = ours.to_owned();
    for line in theirs.lines().filter(|line| !ours.lines().any(|own| own.trim() == line.trim())) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(line_break);
        }
        text.push_str(line);
        text.push_str(line_break);
    }
    text
}

/// Records the conflicts of a merged text, by their markers.
fn record(path: &str, text: &str, merge: &mut Merge) {
    let mut at = 0;
    while let Some(start) = text[at..].find(OURS).map(|start| at + start) {
        let side = |from: &str, to: &str| {
            let start = start + text[start..].find(from)?;
            let inside = start + text[start..].find('\n')? + 1;
            let end = inside + text[inside..].find(to)?;
            Some(text[inside..end].to_owned()).filter(|side| !side.is_empty())
        };
        merge.conflicts.push(Conflict {
            object: path.to_owned(),
            attribute: String::new(),
            file: path.to_owned(),
            line: line_number(text, start),
            base: side(BASE, MIDDLE),
            theirs: side(MIDDLE, THEIRS),
            ours: side(OURS, BASE),
            choices: "both sides changed these lines: keep yours, take the generated ones, or write others".to_owned(),
        });
        at = start + OURS.len();
    }
}
