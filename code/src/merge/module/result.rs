//! The merged files: written, checked, and the places of the objects in them.

use std::collections::{BTreeMap, BTreeSet};

use super::Module;
use crate::configuration::FoundBy;
use crate::document::Document;
use crate::merge::changes::{Change, render};
use crate::merge::located::Form;
use crate::merge::pieces::pieces;
use crate::merge::{Conflict, MergeEdit, ObjectPlace, Owner, text};

impl Module<'_, '_> {
    /// Merges files that are no code as texts, line by line.
    pub(super) fn broken_files(&mut self) {
        for path in self.ours.broken.clone() {
            let versions = text::Versions {
                path,
                base: self.base.texts.get(path).copied(),
                theirs: self.theirs.texts.get(path).copied(),
                ours: self.ours.texts.get(path).copied(),
            };
            text::merge_file(&versions, self.merge);
        }
    }

    /// Writes every file that differs from ours.
    pub(super) fn finish(&mut self) {
        self.headers();
        self.place_new();
        for path in self.whole.clone() {
            let theirs = self.theirs.texts.get(path).map(|text| (*text).to_owned());
            if theirs.as_deref() != self.ours.texts.get(path).copied() {
                self.merge.files.insert(path.to_owned(), theirs);
            }
        }
        for (file, output) in std::mem::take(&mut self.outputs) {
            let lines = Lines::of(self.input.ours.get(&file).map_or("", String::as_str));
            let edits = output.edits.into_iter().map(|edit| MergeEdit { line: lines.at(edit.line), ..edit });
            self.merge.edits.extend(edits);
            self.merge.notices.extend(output.notices);
            if !output.changes.is_empty() {
                self.write(&file, output.changes);
            }
        }
        self.places();
    }

    fn write(&mut self, file: &str, changes: Vec<Change>) {
        let Some(ours) = self.input.ours.get(file) else { return };
        let mut conflicts = Vec::new();
        let mut text = render(ours, changes, &mut conflicts);
        if conflicts.is_empty() && !is_valid(ours, &text) {
            // Never a broken file: the person gets both versions.
            let theirs = std::mem::replace(&mut text, ours.clone());
            let base = self.input.base.files.get(file).cloned();
            let conflict = Conflict {
                object: file.to_owned(),
                attribute: String::new(),
                file: file.to_owned(),
                line: 0,
                base: base.clone(),
                theirs: Some(theirs.clone()),
                ours: Some(ours.clone()),
                choices: "the changes of the cluster do not fit into this file: put them in by hand".to_owned(),
            };
            let change =
                Change { range: 0..ours.len(), text: theirs, conflict: Some((base.unwrap_or_default(), conflict)) };
            text = render(ours, vec![change], &mut conflicts);
        }
        self.merge.conflicts.extend(conflicts);
        let is_generated = self.base.texts.contains_key(file);
        let is_gone = is_generated && !self.theirs.texts.contains_key(file) && self.is_header_only(file, &text);
        if is_gone {
            self.merge.files.insert(file.to_owned(), None);
        } else if text != *ours {
            self.merge.files.insert(file.to_owned(), Some(text));
        }
    }

    /// Reports whether nothing but the generated header is left of a file.
    fn is_header_only(&self, file: &str, text: &str) -> bool {
        let base = self.base.texts.get(file).copied().unwrap_or_default();
        let known: BTreeSet<&str> = base.lines().map(str::trim).collect();
        text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') && known.contains(line))
    }

    /// Follows theirs in the comments at the top of generated files, where ours has those of base.
    fn headers(&mut self) {
        let files: Vec<&str> = self.theirs.texts.keys().copied().collect();
        for file in files {
            if self.whole.contains(file) {
                continue;
            }
            let (Some(base), Some(ours)) = (self.base.texts.get(file), self.ours.texts.get(file)) else { continue };
            let (before, after) = (header(base), header(self.theirs.texts[file]));
            let line_break = self.line_break(file);
            let own = before.replace('\n', line_break);
            let mark = if ours.starts_with('\u{feff}') { 3 } else { 0 };
            if before != after && !before.is_empty() && ours[mark..].starts_with(&own) {
                let text = after.replace('\n', line_break);
                self.output(file).changes.push(Change::edit(mark..mark + own.len(), text));
            }
        }
    }

    /// Records where each object's code is now.
    fn places(&mut self) {
        for (identity, object) in self.input.theirs.objects {
            let place = self.places.get(identity).and_then(Option::as_ref);
            let place = match place {
                Some(place) => {
                    let is_generated = place.form == Form::Block
                        && place.address == object.address
                        && place.file == object.file
                        && place.found == FoundBy::Generated;
                    let owner = if is_generated { Owner::Generated } else { Owner::Person };
                    ObjectPlace { address: place.address.clone(), file: place.file.clone(), owner }
                }
                None if self.input.base.objects.contains_key(identity) => {
                    let is_code =
                        self.base.names.contains_key(&super::resource_name(&object.address).unwrap_or_default());
                    if !is_code {
                        continue;
                    }
                    ObjectPlace { address: String::new(), file: String::new(), owner: Owner::Absent }
                }
                None => {
                    ObjectPlace { address: object.address.clone(), file: object.file.clone(), owner: Owner::Generated }
                }
            };
            self.merge.places.insert(identity.clone(), place);
        }
    }
}

/// The comments at the top of a file, up to the first blank line that code follows.
fn header(text: &str) -> &str {
    let first = pieces(text).and_then(|pieces| pieces.first().map(|piece| piece.lines.start));
    &text[..first.unwrap_or(text.len())]
}

/// Reports whether every block that was changed can be parsed, which one with an attribute twice cannot, and no declaration is
/// there twice.
fn is_valid(before: &str, after: &str) -> bool {
    let Some(blocks) = pieces(after) else { return false };
    let known: BTreeSet<&str> = match pieces(before) {
        Some(pieces) => pieces.into_iter().map(|piece| &before[piece.code]).collect(),
        None => BTreeSet::new(),
    };
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for piece in &blocks {
        *names.entry(&piece.name).or_default() += 1;
        let code = &after[piece.code.clone()];
        if !known.contains(code) && Document::parse(code).is_err() {
            return false;
        }
    }
    let is_single = |name: &str| {
        ["resource", "variable", "output", "data", "module", "import"].iter().any(|word| name.starts_with(word))
    };
    let twice = |text: &str, name: &str| text.matches(name).count() > 1;
    names.into_iter().all(|(name, count)| count == 1 || !is_single(name) || twice(before, name))
}

/// Ends of the lines of a text.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of an offset, counted from 1.
    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}
