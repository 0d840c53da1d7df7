//! Collected edits of files: replaced byte ranges, removed blocks, and code at the end of files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::sources::{Resource, SourceFile, Sources};
use super::{ExtractEdit, Extraction, ResourceMove};
use crate::edit::{self, Edit};
use crate::merge::layout::{blank_above, blank_below, line_break};

/// Edits that become an extraction.
pub(super) struct Changes<'s, 'f> {
    sources: &'s Sources<'f>,
    edits: BTreeMap<String, Vec<Edit>>,
    /// Code for the ends of files, with `\n`.
    appended: BTreeMap<String, Vec<String>>,
    reported: Vec<ExtractEdit>,
    moves: Vec<ResourceMove>,
}

impl<'s, 'f> Changes<'s, 'f> {
    pub(super) fn new(sources: &'s Sources<'f>) -> Self {
        Self { sources, edits: BTreeMap::new(), appended: BTreeMap::new(), reported: Vec::new(), moves: Vec::new() }
    }

    /// Replaces the bytes of an attribute's value, or of a reference.
    pub(super) fn replace(
        &mut self,
        file: &SourceFile<'_>,
        range: Range<usize>,
        (block, attribute): (&str, &str),
        text: &str,
    ) {
        self.reported.push(ExtractEdit {
            file: file.path.to_owned(),
            line: file.document.line(range.start),
            block: block.to_owned(),
            attribute: attribute.to_owned(),
            before: file.text[range.clone()].to_owned(),
            after: text.to_owned(),
        });
        self.edit(file, range, text);
    }

    /// Replaces bytes without a line in the report.
    pub(super) fn edit(&mut self, file: &SourceFile<'_>, range: Range<usize>, text: &str) {
        let text = text.replace('\n', line_break(file.text));
        self.edits.entry(file.path.to_owned()).or_default().push(Edit { range, text });
    }

    /// Takes a block out of its file, with the comments above it and one blank line. `now` says where its code is.
    pub(super) fn remove(&mut self, resource: &Resource<'_, '_>, now: &str) {
        let text = resource.file.text;
        let start = resource.block.range().start;
        let mut range = resource.file.piece(start).map_or_else(|| resource.block.range(), |piece| piece.lines.clone());
        if let Some(blank) = blank_below(text, range.end) {
            range.end = blank.end;
        } else if let Some(blank) = blank_above(text, range.start) {
            range.start = blank.start.max(if text.starts_with('\u{feff}') { 3 } else { 0 });
        }
        self.reported.push(ExtractEdit {
            file: resource.file.path.to_owned(),
            line: resource.line(),
            block: resource.address.clone(),
            attribute: String::new(),
            before: String::new(),
            after: now.to_owned(),
        });
        let edits = self.edits.entry(resource.file.path.to_owned()).or_default();
        // The blank line above may have gone with the block before, and that above it with the one before that.
        let ends_in = |edits: &[Edit], at: usize| {
            edits.iter().position(|edit| edit.text.is_empty() && edit.range.start < at && edit.range.end >= at)
        };
        let is_last = blank_below(text, range.end).is_none();
        let mut first = ends_in(edits, range.start + 1).filter(|_| is_last);
        if let Some(before) = first {
            range.start = range.start.max(edits[before].range.end);
        }
        while let Some(position) = first {
            let start = edits[position].range.start;
            first = ends_in(edits, start);
            if first.is_none() {
                edits[position].range.start = blank_above(text, start).map_or(start, |blank| blank.start);
            }
        }
        edits.push(Edit { range, text: String::new() });
    }

    /// Adds a block to the end of a file of the root module, which may be a new one.
    pub(super) fn append(&mut self, file: &str, block: String) {
        self.appended.entry(format!("{}/{file}", self.sources.input.root)).or_default().push(block);
    }

    /// Adds a file.
    pub(super) fn create(&mut self, path: String, text: String) {
        self.appended.insert(path, vec![text]);
    }

    /// Adds a `moved` block, and records the new address.
    pub(super) fn moved(&mut self, from: &str, to: &str, file: &str) {
        self.append("moved.tf", format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n"));
        self.moves.push(ResourceMove { from: from.to_owned(), to: to.to_owned(), file: file.to_owned() });
    }

    /// The new texts.
    pub(super) fn finish(mut self) -> Extraction {
        let files = self.sources.input.files;
        let general = self.edits.keys().find_map(|path| files.get(path)).map_or("\n", |text| line_break(text));
        let mut texts = BTreeMap::new();
        for (path, edits) in self.edits {
            texts.insert(path.clone(), edit::apply(&files[&path], edits));
        }
        for (path, blocks) in self.appended {
            let existing = texts.remove(&path).or_else(|| files.get(&path).cloned());
            let ending = existing.as_deref().map_or(general, line_break);
            let mut text = existing.unwrap_or_default();
            for block in blocks {
                let is_empty = text.trim_start_matches('\u{feff}').is_empty();
                if !is_empty && !text.ends_with('\n') {
                    text.push_str(ending);
                }
                if !is_empty && !text.trim_end_matches([' ', '\t']).ends_with(&format!("{ending}{ending}")) {
                    text.push_str(ending);
                }
                text.push_str(&block.replace("\r\n", "\n").replace('\n', ending));
            }
            texts.insert(path, text);
        }
        self.reported.sort();
        self.moves.sort();
        let files = texts.into_iter().filter(|(path, text)| files.get(path) != Some(text));
        let files = files.map(|(path, text)| (path, Some(text))).collect();
        Extraction { files, edits: self.reported, moves: self.moves }
    }
}

/// Attributes with their `=` below one another, as `terraform fmt` writes them: a value of several lines ends a run.
pub(super) fn aligned(attributes: &[(String, String)], indentation: &str) -> String {
    let mut text = String::new();
    let ends_run = |value: &str| value.contains('\n') && !value.starts_with("<<");
    let mut start = 0;
    while start < attributes.len() {
        let length = attributes[start..].iter().take_while(|(_, value)| !ends_run(value)).count();
        let run = &attributes[start..start + length.max(1)];
        let width = run.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in run {
            _ = writeln!(text, "{indentation}{name:width$} = {value}");
        }
        start += run.len();
    }
    text
}
