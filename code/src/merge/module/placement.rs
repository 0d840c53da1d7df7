//! Places of new blocks: in the generated file of their kind, in the order of theirs, between what ours has of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Module, New, resource_name};
use crate::merge::MergeEdit;
use crate::merge::body::block_text;
use crate::merge::changes::Change;
use crate::merge::layout::line_number;
use crate::merge::tree;

impl<'i> Module<'i, '_> {
    /// Writes the new blocks into their files.
    pub(super) fn place_new(&mut self) {
        let mut files: BTreeMap<String, Vec<New>> = BTreeMap::new();
        for new in std::mem::take(&mut self.new) {
            files.entry(new.file.clone()).or_default().push(new);
        }
        for (file, mut blocks) in files {
            blocks.sort_by_key(|new| new.position);
            match self.target(&file) {
                Some(target) => blocks.into_iter().for_each(|new| self.insert(&target, &file, new)),
                None => self.create(&file, &blocks),
            }
        }
    }

    /// The file of ours for new blocks of a generated file: the same, or the one that all of its blocks were moved to.
    fn target(&self, file: &str) -> Option<String> {
        if self.ours.texts.contains_key(file) {
            return Some(file.to_owned());
        }
        let pieces = self.base.pieces.get(file)?;
        let files: BTreeSet<&str> =
            pieces.iter().filter_map(|piece| self.counterpart(&piece.name)).map(|(file, _)| file).collect();
        match files.into_iter().collect::<Vec<_>>()[..] {
            [file] => Some(file.to_owned()),
            _ => None,
        }
    }

    /// The block of ours that a generated block has become.
    fn counterpart(&self, name: &str) -> Option<(&'i str, std::ops::Range<usize>)> {
        let (import, address) = if let Some(address) = name.strip_prefix("import to ") {
            (true, address.to_owned())
        } else {
            let labels = name.strip_prefix("resource \"").and_then(|name| name.strip_suffix('"'));
            (false, labels.map(|labels| labels.replace("\" \"", ".")).unwrap_or_default())
        };
        let place = self.identity_at(&address).and_then(|identity| self.places.get(identity)?.as_ref());
        let name = match (place, import) {
            (Some(place), true) => format!("import to {}", place.address),
            (Some(place), false) => resource_name(&place.address)?,
            (None, _) => name.to_owned(),
        };
        let (file, piece) = self.ours.piece(&name)?;
        Some((file, piece.lines.clone()))
    }

    fn insert(&mut self, target: &str, generated: &str, new: New) {
        let text = self.input.ours.get(target).map_or("", String::as_str);
        let line_break = self.line_break(target);
        let block = match tree::parse(&new.text, 0..new.text.trim_end().len()) {
            Some(item) if line_break == "\r\n" => block_text(&new.text, 0..new.text.len(), &item, line_break),
            _ => new.text.clone(),
        };
        let pieces = self.theirs.pieces.get(generated).map_or(&[][..], Vec::as_slice);
        let position = new.position.min(pieces.len());
        let in_target = |name: &str| self.counterpart(name).filter(|(file, _)| *file == target).map(|(_, lines)| lines);
        let above = pieces[..position].iter().rev().find_map(|piece| in_target(&piece.name));
        let below = pieces.iter().skip(position + 1).find_map(|piece| in_target(&piece.name));
        // Where everything around it is gone, it takes the place of what was there.
        let before = self.base.pieces.get(generated).map_or(&[][..], Vec::as_slice);
        let former =
            before.iter().rev().find_map(|piece| in_target(&piece.name)).filter(|_| new.position != usize::MAX);
        let above = above.or(if below.is_none() { former } else { None });
        let break_before = |at: usize| {
            let is_line_start = text[..at].ends_with('\n') || at == 0;
            line_break.repeat(if is_line_start { 1 } else { 2 })
        };
        let (at, block) = match (above, below) {
            (Some(lines), _) => (lines.end, format!("{}{block}", break_before(lines.end))),
            (None, Some(lines)) => (lines.start, format!("{block}{line_break}")),
            (None, None) if text.trim_start_matches('\u{feff}').trim().is_empty() => (text.len(), block),
            (None, None) => (text.len(), format!("{}{block}", break_before(text.len()))),
        };
        let edit = MergeEdit {
            object: new.object,
            attribute: String::new(),
            file: target.to_owned(),
            line: at,
            before: String::new(),
            after: block.trim().to_owned(),
            why: "it is new in the cluster".to_owned(),
        };
        let output = self.output(target);
        output.edits.push(edit);
        output.changes.push(Change::edit(at..at, block));
    }

    fn create(&mut self, file: &str, blocks: &[New]) {
        let theirs = self.theirs.texts.get(file).copied().unwrap_or_default();
        let first = self.theirs.pieces.get(file).and_then(|pieces| pieces.first());
        let mut text = first.map(|piece| theirs[..piece.lines.start].to_owned()).unwrap_or_default();
        for (index, new) in blocks.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            text.push_str(&new.text);
            self.merge.edits.push(MergeEdit {
                object: new.object.clone(),
                attribute: String::new(),
                file: file.to_owned(),
                line: line_number(&text, text.len() - new.text.len()),
                before: String::new(),
                after: new.text.trim_end().to_owned(),
                why: "it is new in the cluster".to_owned(),
            });
        }
        self.merge.files.insert(file.to_owned(), Some(text));
    }
}
