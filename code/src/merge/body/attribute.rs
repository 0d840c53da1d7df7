//! Merge of attributes: literals are replaced where they are as base, expressions are evaluated, the rest is a conflict.

use std::collections::BTreeSet;

use super::{Bodies, Insertion, OriginEdit, Scope, comments_above, quoted_heredoc};
use crate::configuration::{Origin, Path};
use crate::merge::changes::Change;
use crate::merge::layout::{
    begins_line, blank_above, blank_below, indentation, line_end, line_start, reindent, rest_of_line,
};
use crate::merge::list;
use crate::merge::pieces::comments;
use crate::merge::tree::{Body, Content, Item, Value, has_own_comments};

/// An attribute of one version.
#[derive(Clone, Copy)]
struct Attribute<'b> {
    index: usize,
    item: &'b Item,
    value: &'b Value,
}

impl Scope<'_> {
    /// Merges the attributes of a body. Collects what has to be inserted, and the positions in ours of what goes.
    pub(super) fn attributes<'b>(
        &mut self,
        bodies: Bodies<'b>,
        path: &Path,
        insertions: &mut Vec<Insertion>,
        removed: &mut BTreeSet<usize>,
    ) {
        let mut seen = BTreeSet::new();
        for item in bodies.theirs.items.iter().chain(&bodies.base.items) {
            if !matches!(item.content, Content::Value(_)) || !seen.insert(item.name.clone()) {
                continue;
            }
            let attribute = |body: &'b Body| {
                body.attribute(&item.name).map(|(index, item, value)| Attribute { index, item, value })
            };
            let versions = [attribute(bodies.base), attribute(bodies.theirs), attribute(bodies.ours)];
            let path = path.join(&item.name);
            self.attribute(versions, &path, insertions, removed);
        }
    }

    fn attribute(
        &mut self,
        [base, theirs, ours]: [Option<Attribute<'_>>; 3],
        path: &Path,
        insertions: &mut Vec<Insertion>,
        removed: &mut BTreeSet<usize>,
    ) {
        let name = path.to_string();
        let is_set = name == "depends_on" || name == "lifecycle.ignore_changes";
        let is_persons = is_set || name.starts_with("lifecycle.") || PERSONS.contains(&&*name);
        if let (Some(base), Some(theirs), Some(ours)) = (base, theirs, ours) {
            self.lead(base.item, theirs.item, ours.item);
        }
        let is_changed = match (base, theirs) {
            (Some(base), Some(theirs)) => base.value.meaning != theirs.value.meaning,
            (None, None) => false,
            _ => true,
        };
        if !is_changed {
            return;
        }
        if is_set {
            self.set([base, theirs, ours], path, insertions, removed);
            return;
        }
        match (base, theirs, ours) {
            (None, Some(theirs), None) => {
                insertions.push(Insertion { position: theirs.index, base: None, text: None });
            }
            (Some(base), Some(theirs), None) if !is_persons => {
                let base = self.lines(self.base, base.item, "");
                insertions.push(Insertion { position: theirs.index, base: Some(base), text: None });
            }
            (Some(base), None, Some(ours)) => {
                if ours.value.meaning == base.value.meaning && !self.has_comments(ours.value, Some(base.value)) {
                    removed.insert(ours.index);
                    self.remove(base.item, ours.item, path);
                } else if !is_persons {
                    self.removal_conflict(base, ours, path);
                }
            }
            (base, Some(theirs), Some(ours)) => self.value(base, theirs, ours, path, is_persons),
            _ => {}
        }
    }

    /// Merges a value that the cluster changed and that ours has.
    fn value(
        &mut self,
        base: Option<Attribute<'_>>,
        theirs: Attribute<'_>,
        ours: Attribute<'_>,
        path: &Path,
        is_persons: bool,
    ) {
        if ours.value.meaning.same(&theirs.value.meaning) {
            return;
        }
        let is_as_base = base.is_some_and(|base| ours.value.meaning.same(&base.value.meaning));
        if is_as_base && !self.has_comments(ours.value, base.map(|base| base.value)) {
            let text = self.value_text(theirs, ours.item);
            self.edit(path, ours.value.range.clone(), text, "the cluster changed it");
            return;
        }
        if let (Some(base), Some(their_object), Some(our_object)) = (base, &theirs.value.object, &ours.value.object)
            && let Some(base_object) = &base.value.object
        {
            self.merge(Bodies { base: base_object, theirs: their_object, ours: our_object }, path);
            return;
        }
        if is_as_base && self.list_with_comments(base, theirs, ours, path) {
            return;
        }
        if is_persons {
            return;
        }
        if ours.value.meaning.is_constant() {
            let choices = self.choices(base, theirs, ours);
            self.value_conflict(base, theirs, ours, path, choices);
            return;
        }
        self.expression(base, theirs, ours, path);
    }

    /// Merges a value that ours has as an expression.
    fn expression(&mut self, base: Option<Attribute<'_>>, theirs: Attribute<'_>, ours: Attribute<'_>, path: &Path) {
        let evaluated = (self.evaluate)(path);
        if evaluated.value.as_ref().is_some_and(|value| value.same(&theirs.value.meaning)) {
            return;
        }
        let is_as_base = match (&evaluated.value, base) {
            (Some(value), Some(base)) => value.same(&base.value.meaning),
            _ => false,
        };
        let cluster = self.theirs[theirs.value.range.clone()].to_owned();
        let own = self.ours[ours.value.range.clone()].to_owned();
        match evaluated.origin {
            Origin::Literal(literal)
                if literal.read_only.is_none() && is_as_base && theirs.value.meaning.is_constant() =>
            {
                let choices = format!(
                    "the cluster says {cluster}, and {} ({}) has the value before: change it there, override it here, or \
                     revert the cluster",
                    literal.name,
                    users(literal.users.len()),
                );
                let fallback = self.conflict_change(base, theirs, ours, path, choices);
                self.output.origins.push(OriginEdit {
                    object: self.object.to_owned(),
                    path: path.clone(),
                    literal,
                    meaning: theirs.value.meaning.clone(),
                    text: cluster,
                    fallback: Some((self.file.to_owned(), fallback)),
                });
            }
            Origin::Literal(literal) => {
                let choices = format!(
                    "the cluster says {cluster}, and `{own}` comes from {} ({}): change it there, override it here, or revert \
                     the cluster",
                    literal.name,
                    users(literal.users.len()),
                );
                self.value_conflict(base, theirs, ours, path, choices);
            }
            Origin::Computed(_) | Origin::Absent => {
                let choices = format!(
                    "the cluster says {cluster}, and `{own}` is computed here: change what it is made of, override it here, or \
                     revert the cluster"
                );
                self.value_conflict(base, theirs, ours, path, choices);
            }
        }
    }

    /// Replaces items of a list that has a person's comments in it. `false` if that is not possible.
    fn list_with_comments(
        &mut self,
        base: Option<Attribute<'_>>,
        theirs: Attribute<'_>,
        ours: Attribute<'_>,
        path: &Path,
    ) -> bool {
        let before = list::items(self.base, base.map(|base| base.value));
        let after = list::items(self.theirs, Some(theirs.value));
        let gone: Vec<String> = before.iter().filter(|item| !after.contains(item)).cloned().collect();
        let new: Vec<String> = after.iter().filter(|item| !before.contains(item)).cloned().collect();
        let kept = before.iter().filter(|item| after.contains(item)).chain(&new);
        if !kept.eq(after.iter()) {
            return false;
        }
        self.edit_list(ours, &gone, &new, path)
    }

    fn edit_list(&mut self, ours: Attribute<'_>, gone: &[String], new: &[String], path: &Path) -> bool {
        let Some(edits) = list::edits(self.ours, ours.value, gone, new) else { return false };
        for (range, text) in edits {
            self.edit(path, range, text, "the cluster changed the list");
        }
        true
    }

    /// Merges a list as a set: a person's entries stay.
    fn set(
        &mut self,
        [base, theirs, ours]: [Option<Attribute<'_>>; 3],
        path: &Path,
        insertions: &mut Vec<Insertion>,
        removed: &mut BTreeSet<usize>,
    ) {
        let before = list::items(self.base, base.map(|base| base.value));
        let after = list::items(self.theirs, theirs.map(|theirs| theirs.value));
        let new: Vec<String> = after.iter().filter(|item| !before.contains(item)).cloned().collect();
        let gone: Vec<String> = before.iter().filter(|item| !after.contains(item)).cloned().collect();
        let Some(ours) = ours else {
            if let Some(theirs) = theirs.filter(|_| !new.is_empty()) {
                let text = (!before.is_empty()).then(|| format!("{} = [{}]", theirs.item.name, new.join(", ")));
                insertions.push(Insertion { position: theirs.index, base: None, text });
            }
            return;
        };
        let is_as_base = base.is_some_and(|base| base.value.meaning == ours.value.meaning)
            && !self.has_comments(ours.value, base.map(|base| base.value));
        match (base, theirs) {
            (_, Some(theirs)) if is_as_base => {
                let text = self.value_text(theirs, ours.item);
                self.edit(path, ours.value.range.clone(), text, "the cluster changed the list");
            }
            (Some(base), None) if is_as_base => {
                removed.insert(ours.index);
                self.remove(base.item, ours.item, path);
            }
            _ if ours.value.list.is_some() => {
                let own = list::items(self.ours, Some(ours.value));
                let new: Vec<String> = new.into_iter().filter(|item| !own.contains(item)).collect();
                let gone: Vec<String> = gone.into_iter().filter(|item| own.contains(item)).collect();
                let is_changed = !new.is_empty() || !gone.is_empty();
                if is_changed && !self.edit_list(ours, &gone, &new, path) {
                    // An entry with a person's comment stays.
                    self.edit_list(ours, &[], &new, path);
                }
            }
            _ => {}
        }
    }

    /// Takes an attribute out, with the comments above it if they are as base; a person's comments stay.
    fn remove(&mut self, base: &Item, ours: &Item, path: &Path) {
        let whole = line_start(self.ours, ours.range.start)..line_end(self.ours, ours.range.end);
        let behind = rest_of_line(self.ours, ours.range.end).trim();
        let mut range = whole;
        if !behind.is_empty() || !begins_line(self.ours, ours.range.start) {
            range = ours.range.clone();
            if behind.is_empty() || !behind.starts_with(['#', '/']) {
                // In a block of one line the blank behind it goes as well.
                let rest = &self.ours[range.end..];
                range.end += rest.len() - rest.trim_start_matches([' ', '\t']).len();
            }
        } else {
            if comments_above(self.ours, ours) == comments_above(self.base, base) {
                range.start = range.start.min(ours.lead.start);
            }
            let above = line_start(self.ours, range.start.saturating_sub(1));
            let is_first = self.ours[above..range.start].trim_end().ends_with('{');
            if (blank_above(self.ours, range.start).is_some() || is_first)
                && let Some(blank) = blank_below(self.ours, range.end)
            {
                range.end = blank.end;
            } else if let Some(blank) = blank_above(self.ours, range.start)
                && self.ours[range.end..].trim_start_matches([' ', '\t']).starts_with('}')
            {
                range.start = blank.start;
            }
        }
        self.edit(path, range, String::new(), "the cluster has it no more");
    }

    fn removal_conflict(&mut self, base: Attribute<'_>, ours: Attribute<'_>, path: &Path) {
        let indentation = indentation(self.ours, ours.item.range.start).to_owned();
        let lines = self.lines(self.base, &base.item.clone().without_lead(self.base), &indentation);
        let own = self.ours[ours.value.range.clone()].to_owned();
        let before = self.base[base.value.range.clone()].to_owned();
        let choices = format!("the cluster has it no more, and you changed it to {own}: keep yours, or take it out");
        let conflict = self.conflict(path, Some(before), None, Some(own), choices);
        let range = line_start(self.ours, ours.item.range.start)..line_end(self.ours, ours.item.range.end);
        let (range, lines) = if begins_line(self.ours, ours.item.range.start) {
            (range, lines)
        } else {
            (ours.item.range.clone(), self.base[base.item.range.clone()].to_owned())
        };
        self.output.changes.push(Change { range, text: String::new(), conflict: Some((lines, conflict)) });
    }

    fn value_conflict(
        &mut self,
        base: Option<Attribute<'_>>,
        theirs: Attribute<'_>,
        ours: Attribute<'_>,
        path: &Path,
        choices: String,
    ) {
        let change = self.conflict_change(base, theirs, ours, path, choices);
        self.output.changes.push(change);
    }

    fn conflict_change(
        &self,
        base: Option<Attribute<'_>>,
        theirs: Attribute<'_>,
        ours: Attribute<'_>,
        path: &Path,
        choices: String,
    ) -> Change {
        let text = |side: &str, attribute: Attribute<'_>| side[attribute.value.range.clone()].to_owned();
        let before = base.map(|base| text(self.base, base));
        let conflict =
            self.conflict(path, before, Some(text(self.theirs, theirs)), Some(text(self.ours, ours)), choices);
        let base_text = match base {
            Some(base) => self.text_at(self.base, base, ours.item),
            None => String::new(),
        };
        let theirs_text = self.text_at(self.theirs, theirs, ours.item);
        if base.is_none() {
            // Base had no such attribute: its side of the conflict has no line at all.
            let range = line_start(self.ours, ours.item.range.start)..line_end(self.ours, ours.item.range.end);
            let own = &self.ours[range.clone()];
            let offset = ours.value.range.start - range.start;
            let text = format!("{}{theirs_text}{}", &own[..offset], &own[offset + ours.value.range.len()..]);
            return Change { range, text, conflict: Some((String::new(), conflict)) };
        }
        Change { range: ours.value.range.clone(), text: theirs_text, conflict: Some((base_text, conflict)) }
    }

    fn choices(&self, base: Option<Attribute<'_>>, theirs: Attribute<'_>, ours: Attribute<'_>) -> String {
        let short = |side: &str, attribute: Attribute<'_>| {
            let text = &side[attribute.value.range.clone()];
            if text.contains('\n') { "another text".to_owned() } else { text.to_owned() }
        };
        let before = base.map_or_else(|| "nothing".to_owned(), |base| short(self.base, base));
        format!(
            "the cluster says {}, you say {}, before it was {before}: keep yours, take the cluster's, or write another value",
            short(self.theirs, theirs),
            short(self.ours, ours)
        )
    }

    /// The value of theirs in the layout of ours.
    fn value_text(&self, theirs: Attribute<'_>, ours: &Item) -> String {
        self.text_at(self.theirs, theirs, ours)
    }

    fn text_at(&self, side: &str, attribute: Attribute<'_>, ours: &Item) -> String {
        if self.line_break == "\r\n"
            && let Some(quoted) = quoted_heredoc(side, attribute.value)
        {
            return quoted;
        }
        let from = indentation(side, attribute.item.range.start);
        let to = indentation(self.ours, ours.range.start);
        reindent(&side[attribute.value.range.clone()], from, to, self.line_break)
    }

    fn has_comments(&self, ours: &Value, base: Option<&Value>) -> bool {
        let own = &self.ours[ours.range.clone()];
        match base {
            Some(base) => has_own_comments(own, &self.base[base.range.clone()]),
            None => !comments(own).is_empty(),
        }
    }
}

/// Attributes of a block that are the person's.
const PERSONS: [&str; 3] = ["count", "for_each", "provider"];

fn users(others: usize) -> String {
    match others {
        0 => "used here only".to_owned(),
        others => format!("used by {}", others + 1),
    }
}

impl Item {
    /// The item as if there were no comments above it.
    fn without_lead(self, text: &str) -> Self {
        let start = line_start(text, self.range.start);
        Self { lead: start..start, ..self }
    }
}
