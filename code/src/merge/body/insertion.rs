//! Insertion of attributes and blocks: behind the nearest thing that theirs has before them and ours has as well, in the person's
//! indentation and alignment.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bodies, Insertion, Scope};
use crate::configuration::Path;
use crate::merge::changes::Change;
use crate::merge::layout::{indentation, line_end, line_start};
use crate::merge::tree::{Body, Content, Item};

/// Place of an insertion in ours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Anchor {
    /// At the beginning of the body.
    Start,
    /// In front of an item.
    Before(usize),
    /// Behind an item.
    After(usize),
}

impl Scope<'_> {
    /// Writes insertions, and aligns the groups of attributes that they and the removals touch, where they were aligned.
    pub(super) fn insert(
        &mut self,
        bodies: Bodies<'_>,
        path: &Path,
        insertions: Vec<Insertion>,
        removed: &BTreeSet<usize>,
        counterparts: &[Option<usize>],
    ) {
        let ours = bodies.ours;
        if !insertions.is_empty() && !self.ours[ours.inside.clone()].contains('\n') {
            self.insert_in_line(bodies, path, &insertions);
            return;
        }
        let is_attribute = |position: usize| matches!(bodies.theirs.items[position].content, Content::Value(_));
        let mut anchored: BTreeMap<Anchor, Vec<Insertion>> = BTreeMap::new();
        for insertion in insertions {
            let anchor = anchor(bodies, counterparts, insertion.position);
            anchored.entry(anchor).or_default().push(insertion);
        }
        let mut widths: BTreeMap<Anchor, usize> = BTreeMap::new();
        for group in groups(self.ours, ours) {
            let inside = |anchor: &Anchor| match anchor {
                Anchor::After(index) | Anchor::Before(index) => group.contains(index),
                Anchor::Start => false,
            };
            let new: Vec<(Anchor, usize)> = anchored
                .iter()
                .filter(|(anchor, _)| inside(anchor))
                .flat_map(|(anchor, insertions)| insertions.iter().map(|insertion| (*anchor, insertion)))
                .filter(|(_, insertion)| is_attribute(insertion.position) && insertion.base.is_none())
                .map(|(anchor, insertion)| (anchor, bodies.theirs.items[insertion.position].name.chars().count()))
                .collect();
            let is_touched = !new.is_empty() || group.iter().any(|index| removed.contains(index));
            if !is_touched || !is_aligned(self.ours, ours, &group) {
                continue;
            }
            let kept: Vec<&Item> =
                group.iter().filter(|index| !removed.contains(index)).map(|index| &ours.items[*index]).collect();
            let width = kept.iter().map(|item| key(self.ours, item).0).chain(new.iter().map(|(_, width)| *width)).max();
            let Some(width) = width else { continue };
            for item in kept {
                let (own, blanks) = key(self.ours, item);
                let pad = " ".repeat(width + 1 - own);
                if self.ours[blanks.clone()] != pad {
                    self.output.changes.push(Change::edit(blanks, pad));
                }
            }
            widths.extend(new.iter().map(|(anchor, _)| (*anchor, width)));
        }
        for (anchor, insertions) in anchored {
            // Behind a block stands a group of its own.
            let own = insertions.iter().filter(|insertion| is_attribute(insertion.position));
            let own = own.map(|insertion| bodies.theirs.items[insertion.position].name.chars().count()).max();
            let width = widths.get(&anchor).copied().or(if anchor == Anchor::Start { own } else { None });
            for insertion in insertions {
                self.insert_at(bodies, path, anchor, insertion, width);
            }
        }
    }

    fn insert_at(
        &mut self,
        bodies: Bodies<'_>,
        path: &Path,
        anchor: Anchor,
        insertion: Insertion,
        width: Option<usize>,
    ) {
        let (ours, item) = (bodies.ours, &bodies.theirs.items[insertion.position]);
        let indentation = self.inner_indentation(ours);
        let is_block = matches!(item.content, Content::Block(_));
        let text = |scope: &Self, text: Option<&str>| match text {
            Some(text) => {
                let text = super::reindent(&format!("\n{text}"), "", &indentation, scope.line_break);
                format!("{}{}", &text[scope.line_break.len()..], scope.line_break)
            }
            None => scope.padded(item, &indentation, width),
        };
        let lines = text(self, insertion.text.as_deref());
        let (at, lead, end) = match anchor {
            Anchor::Start => {
                (line_end(self.ours, ours.inside.start), String::new(), is_block && !ours.items.is_empty())
            }
            Anchor::Before(index) => {
                let next = &ours.items[index];
                (next.lead.start.min(line_start(self.ours, next.range.start)), String::new(), is_block)
            }
            Anchor::After(index) => {
                let previous = &ours.items[index];
                let is_apart = is_block || matches!(previous.content, Content::Block(_));
                let lead = if is_apart { self.line_break.to_owned() } else { String::new() };
                (line_end(self.ours, previous.range.end), lead, false)
            }
        };
        let step = path.join(&item.name);
        let end = if end { self.line_break } else { "" };
        let Some(base) = insertion.base else {
            self.edit(&step, at..at, format!("{lead}{lines}{end}"), "the cluster has it now");
            return;
        };
        let base = super::reindent(&format!("\n{base}"), "", &indentation, self.line_break);
        let base = base[self.line_break.len()..].to_owned();
        let choices = "the cluster changed it, and you deleted it: leave it out, or take the cluster's".to_owned();
        let conflict = self.conflict(&step, Some(base.trim().to_owned()), Some(lines.trim().to_owned()), None, choices);
        self.output.changes.push(Change { range: at..at, text: lines, conflict: Some((base, conflict)) });
    }

    /// The lines of an item of theirs, its `=` at the width of its group.
    fn padded(&self, item: &Item, indentation: &str, width: Option<usize>) -> String {
        let lines = self.lines(self.theirs, item, indentation);
        let Content::Value(_) = item.content else { return lines };
        let (own, blanks) = key(self.theirs, item);
        let is_long = self.theirs[item.range.clone()].contains('\n') && !self.theirs[item.range.clone()].contains("<<");
        let pad = " ".repeat(width.filter(|_| !is_long).map_or(1, |width| (width + 1).saturating_sub(own).max(1)));
        let head = format!("{}{}", &self.theirs[item.range.start..blanks.start], &self.theirs[blanks]);
        let padded = format!("{}{pad}", head.trim_end());
        lines.replacen(&format!("{indentation}{head}="), &format!("{indentation}{padded}="), 1)
    }

    /// Inserts into a block that is written on one line: it gets lines.
    fn insert_in_line(&mut self, bodies: Bodies<'_>, path: &Path, insertions: &[Insertion]) {
        let ours = bodies.ours;
        let outer = indentation(self.ours, ours.inside.start).to_owned();
        let inner = self.inner_indentation(ours);
        let mut lines = String::new();
        for insertion in insertions {
            let item = &bodies.theirs.items[insertion.position];
            if insertion.base.is_none() {
                lines.push_str(&self.padded(item, &inner, None));
            } else {
                let text = "the cluster changed it, and you deleted it".to_owned();
                self.notice(&path.join(&item.name), crate::merge::NoticeKind::Drift, text);
            }
        }
        if lines.is_empty() {
            return;
        }
        let (Some(first), Some(last)) = (ours.items.first(), ours.items.last()) else {
            let lines = format!("{}{lines}{outer}", self.line_break);
            self.edit(path, ours.inside.clone(), lines, "the cluster has it now");
            return;
        };
        let (first, last) = (first.range.start, last.range.end);
        let opening = format!("{}{inner}", self.line_break);
        self.output.changes.push(Change::edit(ours.inside.start..first, opening));
        self.edit(path, last..ours.inside.end, format!("{}{lines}{outer}", self.line_break), "the cluster has it now");
    }

    /// Indentation of what is in a body.
    fn inner_indentation(&self, body: &Body) -> String {
        let outer = indentation(self.ours, body.inside.start.saturating_sub(1));
        match body.items.first().filter(|item| crate::merge::layout::begins_line(self.ours, item.range.start)) {
            Some(item) => indentation(self.ours, item.range.start).to_owned(),
            None if outer.contains('\t') => format!("{outer}\t"),
            None => format!("{outer}  "),
        }
    }
}

/// Place of an item of theirs in ours.
fn anchor(bodies: Bodies<'_>, counterparts: &[Option<usize>], position: usize) -> Anchor {
    let (theirs, ours) = (bodies.theirs, bodies.ours);
    let is_attribute = |item: &Item| matches!(item.content, Content::Value(_));
    let is_block = !is_attribute(&theirs.items[position]);
    for before in (0..position).rev() {
        let Some(index) = counterparts[before] else { continue };
        if !is_block || !is_attribute(&ours.items[index]) {
            return Anchor::After(index);
        }
        // A block does not stand between attributes.
        let more = ours.items[index + 1..].iter().take_while(|item| is_attribute(item)).count();
        return Anchor::After(index + more);
    }
    let behind = theirs.items.iter().zip(counterparts).skip(position + 1);
    let mut like = behind.filter(|(item, _)| is_attribute(item) != is_block);
    if let Some(index) = like.find_map(|(_, index)| *index) {
        return Anchor::Before(index);
    }
    let first_block = ours.items.iter().position(|item| !is_attribute(item));
    match (is_block, first_block) {
        (true, _) if !ours.items.is_empty() => Anchor::After(ours.items.len() - 1),
        _ => Anchor::Start,
    }
}

/// Runs of attributes whose `=` are aligned by `terraform fmt`: without a blank line, a comment or a block between them. A value
/// of several lines that is no heredoc ends a run.
fn groups(text: &str, body: &Body) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut end = None;
    for (index, item) in body.items.iter().enumerate() {
        let Content::Value(value) = &item.content else {
            end = None;
            continue;
        };
        let source = &text[value.range.clone()];
        if source.contains('\n') && !source.starts_with("<<") {
            end = None;
            continue;
        }
        let start = line_start(text, item.range.start);
        match (groups.last_mut(), end) {
            (Some(group), Some(end)) if end == start => group.push(index),
            _ => groups.push(vec![index]),
        }
        end = Some(line_end(text, item.range.end));
    }
    groups
}

fn is_aligned(text: &str, body: &Body, group: &[usize]) -> bool {
    let columns: Vec<(usize, usize)> = group
        .iter()
        .map(|index| {
            let (width, blanks) = key(text, &body.items[*index]);
            (width, width + blanks.len())
        })
        .collect();
    let width = columns.iter().map(|(width, _)| *width).max().unwrap_or_default();
    columns.iter().all(|(_, column)| *column == width + 1)
}

/// Width of an attribute's name, and the blanks behind it.
fn key(text: &str, item: &Item) -> (usize, std::ops::Range<usize>) {
    let Content::Value(value) = &item.content else { return (0, item.range.start..item.range.start) };
    let head = &text[item.range.start..value.range.start];
    let equals = head.rfind('=').unwrap_or(head.len());
    let name = head[..equals].trim_end();
    (name.chars().count(), item.range.start + name.len()..item.range.start + equals)
}
