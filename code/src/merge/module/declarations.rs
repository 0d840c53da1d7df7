//! Merge of what is no object: variables, providers, `terraform`, outputs and locals, each by its declaration.

use std::collections::{BTreeMap, BTreeSet};

use super::side::Version;
use super::{Module, New};
use crate::merge::NoticeKind;
use crate::merge::body::OriginEdit;
use crate::merge::changes::Change;
use crate::merge::layout::{indentation, reindent};
use crate::merge::tree::{self, Body, Content};
use crate::merge::{MergeEdit, Notice};

impl Module<'_, '_> {
    /// Merges every declaration of the generated files that belongs to no object.
    pub(super) fn declarations(&mut self) {
        let names: BTreeSet<String> = self.base.names.keys().chain(self.theirs.names.keys()).cloned().collect();
        for name in names {
            let address = name.strip_prefix("import to ").map(str::to_owned);
            let address = address.or_else(|| {
                let labels = name.strip_prefix("resource \"")?.strip_suffix('"')?;
                Some(labels.replace("\" \"", "."))
            });
            if address.is_some_and(|address| self.identity_at(&address).is_some()) {
                continue;
            }
            self.declaration(&name);
        }
    }

    /// Reports whether a name is that of a `moved` block away from an address where ours still has an object, or that an object
    /// had whose name in ours is a person's.
    pub(super) fn leads_from_code(&self, name: &str) -> bool {
        let is_left = |from: &str| {
            self.places.values().flatten().any(|place| place.address == from)
                || self.base.identity(self.input.base.objects, from).is_some()
        };
        name.strip_prefix("moved from ").is_some_and(is_left)
    }

    fn declaration(&mut self, name: &str) {
        let base = self.version(&self.base, name);
        let theirs = self.version(&self.theirs, name);
        let own = self.ours.piece(name).map(|(file, _)| file);
        if own.is_some_and(|file| self.whole.contains(file)) {
            return;
        }
        if let (Some(base), Some(theirs)) = (&base, &theirs)
            && base.text == theirs.text
        {
            return;
        }
        match (base, theirs, own) {
            (None, Some(_), _) if self.leads_from_code(name) => {}
            (None, Some(theirs), None) => {
                let Some((file, position)) = self.theirs.names.get(name).copied() else { return };
                if !self.whole.contains(file) {
                    let text = theirs.text.into_owned();
                    self.new.push(New { file: file.to_owned(), position, object: name.to_owned(), text });
                }
            }
            (None, Some(theirs), Some(_)) if name == "terraform" && !self.has_provider(&theirs) => {
                let base = without_providers(&theirs);
                self.block(name, [base.as_ref(), Some(&theirs)], name, None);
            }
            (base, Some(theirs), Some(_)) => self.block(name, [base.as_ref(), Some(&theirs)], name, None),
            (Some(base), None, Some(_)) => {
                if self.is_as_base(&base, name) && !self.is_used(name) {
                    self.take_out(name, name, "nothing generated needs it any more");
                } else {
                    let text = "nothing generated needs it any more, and your code has it: it stays".to_owned();
                    self.notice(name, "", NoticeKind::Gone, text);
                }
            }
            (Some(_), Some(_), None) => {
                let text = "it was deleted here and has changed: it stays deleted".to_owned();
                self.notice(name, "", NoticeKind::Decision, text);
            }
            _ => {}
        }
    }

    /// Reports whether the providers of ours have an entry for each one of theirs. A module has one block for them.
    fn has_provider(&self, theirs: &Version<'_>) -> bool {
        let Some((file, piece)) = self.ours.piece("terraform") else { return false };
        let ours = tree::parse(self.ours.texts[file], piece.code.clone());
        let theirs = tree::parse(&theirs.text, theirs.code.clone());
        let (Some(ours), Some(theirs)) = (ours.as_ref().and_then(|item| providers(&item.content)), theirs) else {
            return true; // It cannot be edited.
        };
        let required = providers(&theirs.content).into_iter().flat_map(|body| &body.items);
        required.into_iter().all(|item| ours.attribute(&item.name).is_some())
    }

    /// Edits the literals behind values of objects. One that several objects share is edited if all of them get the same value.
    pub(super) fn origins(&mut self) {
        let mut groups: BTreeMap<(String, usize, usize), Vec<OriginEdit>> = BTreeMap::new();
        for output in self.outputs.values_mut() {
            for edit in output.origins.drain(..) {
                let key = (edit.literal.file.clone(), edit.literal.range.start, edit.literal.range.end);
                groups.entry(key).or_default().push(edit);
            }
        }
        for ((file, ..), edits) in groups {
            let first = &edits[0];
            let is_whole = self.whole.contains(&*file);
            let all_same = edits.iter().all(|edit| edit.meaning.same(&first.meaning));
            let addresses: BTreeSet<String> = edits
                .iter()
                .filter_map(|edit| self.places.get(&edit.object)?.as_ref().map(|place| place.address.clone()))
                .collect();
            let is_shared = first.literal.users.iter().any(|(address, _)| !addresses.contains(&address.to_string()));
            if all_same && !is_shared && !is_whole {
                self.edit_origin(&edits);
            } else {
                for edit in edits {
                    self.fall_back(edit);
                }
            }
        }
    }

    fn edit_origin(&mut self, edits: &[OriginEdit]) {
        let OriginEdit { literal, text, .. } = &edits[0];
        let Some(ours) = self.input.ours.get(&literal.file) else { return };
        let range = literal.range.start..literal.range.start + ours[literal.range.clone()].trim_end().len();
        let before = &ours[range.clone()];
        let is_plain = !text.contains(['"', '\n', '[', '{']);
        let text = if before.starts_with('"') && is_plain {
            format!("\"{text}\"")
        } else {
            reindent(text, "  ", indentation(ours, range.start), self.line_break(&literal.file))
        };
        if before == text {
            return;
        }
        let records: Vec<MergeEdit> = edits
            .iter()
            .map(|edit| MergeEdit {
                object: edit.object.clone(),
                attribute: edit.path.to_string(),
                file: literal.file.clone(),
                line: range.start,
                before: before.to_owned(),
                after: text.clone(),
                why: format!("the cluster changed it, and its value is {}", literal.name),
            })
            .collect();
        let output = self.output(&literal.file.clone());
        output.edits.extend(records);
        output.changes.push(Change::edit(range, text));
    }

    fn fall_back(&mut self, edit: OriginEdit) {
        if let Some((file, change)) = edit.fallback {
            self.output(&file).changes.push(change);
            return;
        }
        let text = format!(
            "the cluster says {}, and {} is shared by {} objects: change it there, give this one a value of its own, or revert \
             the cluster",
            edit.text,
            edit.literal.name,
            edit.literal.users.len() + 1
        );
        let (object, attribute) = (edit.object, edit.path.to_string());
        self.merge.notices.push(Notice { object, attribute, kind: NoticeKind::Drift, text });
    }
}

/// The body of `required_providers` in a `terraform` block.
fn providers(content: &Content) -> Option<&Body> {
    let Content::Block(body) = content else { return None };
    body.blocks("required_providers").next().map(|(.., body)| body)
}

/// The generated `terraform` block without its providers: the base for code that has such a block and never had a sync, which
/// gets the provider and nothing else.
fn without_providers<'i>(theirs: &Version<'i>) -> Option<Version<'i>> {
    let item = tree::parse(&theirs.text, theirs.code.clone())?;
    let inside = providers(&item.content)?.inside.clone();
    let text = format!("{}{}", &theirs.text[..inside.start], &theirs.text[inside.end..]);
    Some(Version { text: text.into(), code: theirs.code.start..theirs.code.end - inside.len() })
}
