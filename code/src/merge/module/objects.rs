//! Merge of objects: each is edited where it lives in ours, and none gets a second block.

use std::collections::BTreeSet;

use super::side::Version;
use super::{Module, New, resource_name};
use crate::configuration::{FoundBy, Path};
use crate::merge::NoticeKind;
use crate::merge::body::{Bodies, Scope};
use crate::merge::changes::Change;
use crate::merge::layout::{blank_above, blank_below};
use crate::merge::located::{Form, Place};
use crate::merge::pieces::Piece;
use crate::merge::tree::{self, Body, Content, Item, has_own_comments, same_body};
use crate::merge::{GeneratedObject, MergeEdit, remote};

/// The versions of an object's generated block.
type Versions<'v, 'i> = [Option<&'v Version<'i>>; 2];

impl<'i> Module<'i, '_> {
    /// Merges every object with Terraform code.
    pub(super) fn objects(&mut self) {
        let identities: BTreeSet<&'i String> =
            self.input.base.objects.keys().chain(self.input.theirs.objects.keys()).collect();
        for identity in identities {
            self.object(identity);
        }
    }

    fn object(&mut self, identity: &'i str) {
        let base_address = self.input.base.objects.get(identity).map(|object| object.address.as_str());
        let their_address = self.input.theirs.objects.get(identity).map(|object| object.address.as_str());
        let base = base_address.and_then(|address| self.version(&self.base, &resource_name(address)?));
        let theirs = their_address.and_then(|address| self.version(&self.theirs, &resource_name(address)?));
        let place = self.places.get(identity).cloned().flatten();
        if place.is_none() && (!self.ours.broken.is_empty() || self.located.has_errors()) {
            // It may be in the file that cannot be read: neither deleted nor new.
            let is_merged = |object: &GeneratedObject| self.ours.broken.contains(&*object.file);
            let objects = [self.input.base.objects, self.input.theirs.objects].map(|objects| objects.get(identity));
            if !objects.into_iter().flatten().any(is_merged)
                && base.as_ref().map(|base| &base.text) != theirs.as_ref().map(|theirs| &theirs.text)
            {
                let text =
                    "it changed, and a file that is no valid code may have it: nothing was written for it".to_owned();
                self.notice(identity, "", NoticeKind::Drift, text);
            }
            return;
        }
        for address in self.located.duplicates(identity) {
            self.notice(
                identity,
                "",
                NoticeKind::Adjusted,
                format!("{address} is the same object: one of them has to go"),
            );
        }
        match (&base, &theirs, place) {
            (None, None, _) => return,
            (None, Some(version), None) => self.add(identity, version),
            (Some(_), None, None) => {}
            (Some(base), Some(theirs), None) => {
                if base.text != theirs.text {
                    let text = "it was deleted here and has changed in the cluster: it stays deleted".to_owned();
                    self.notice(identity, "", NoticeKind::Decision, text);
                }
            }
            (Some(base), None, Some(place)) => {
                self.gone(identity, base, &place);
                return;
            }
            (base, Some(theirs), Some(place)) => {
                if base.as_ref().is_none_or(|base| base.text != theirs.text) {
                    self.edit(identity, [base.as_ref(), Some(theirs)], &place);
                }
            }
        }
        self.import(identity, theirs.is_some());
    }

    /// Adds a new object's block. If a person's own block has its address, it gets another one.
    fn add(&mut self, identity: &'i str, version: &Version<'i>) {
        let object = &self.input.theirs.objects[identity];
        let Some(name) = resource_name(&object.address) else { return };
        let Some((file, position)) = self.theirs.names.get(&name).copied() else { return };
        if self.whole.contains(file) {
            return;
        }
        let mut text = version.text.clone().into_owned();
        if self.ours.names.contains_key(&name) {
            let (resource, label) = object.address.split_once('.').unwrap_or_default();
            let id: String = identity.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let free = (1..).map(|number| match number {
                1 => format!("{label}_{id}"),
                number => format!("{label}_{id}_{number}"),
            });
            let mut free = free.map(|label| format!("{resource}.{label}"));
            let taken =
                |address: &String| resource_name(address).is_some_and(|name| self.ours.names.contains_key(&name));
            let address = free.find(|address| !taken(address)).unwrap_or_default();
            text = text.replacen(&name, &resource_name(&address).unwrap_or_default(), 1);
            let told = format!("{} is another object's block here: this one is written as {address}", object.address);
            self.notice(identity, "", NoticeKind::Adjusted, told);
            self.addresses.insert(object.address.clone(), (Some(address.clone()), identity.to_owned()));
            let place = Place { address, file: file.to_owned(), form: Form::Block, found: FoundBy::Imported };
            self.places.insert(identity.to_owned(), Some(place));
        }
        self.new.push(New { file: file.to_owned(), position, object: identity.to_owned(), text });
    }

    /// Edits an object's code where it is.
    fn edit(&mut self, identity: &'i str, [base, theirs]: Versions<'_, 'i>, place: &Place) {
        if self.whole.contains(&*place.file) {
            return;
        }
        if let Form::ReadOnly(reason) = &place.form {
            let changes = match (base, theirs) {
                (Some(base), Some(theirs)) => changed_names(base, theirs),
                _ => Vec::new(),
            };
            for name in changes {
                let text = format!("the cluster changed it, and {} is only read: {reason}", place.address);
                self.notice(identity, &name, NoticeKind::Drift, text);
            }
            return;
        }
        if self.located.is_overridden(&place.address) {
            let text = format!("the cluster changed it, and an override file changes {} as well", place.address);
            self.notice(identity, "", NoticeKind::Drift, text);
        }
        if place.form == Form::Instance {
            self.remote(identity, [base, theirs], place);
        } else if let Some(name) = resource_name(&place.address) {
            self.block(identity, [base, theirs], &name, Some(&place.address));
        }
    }

    /// Merges a block of the root module. `address` is the one under which its values can be evaluated.
    pub(super) fn block(&mut self, object: &str, [base, theirs]: Versions<'_, 'i>, name: &str, address: Option<&str>) {
        let Some(theirs) = theirs else { return };
        let Some((file, piece)) = self.ours.piece(name).map(|(file, piece)| (file, piece.clone())) else { return };
        let text = self.ours.texts[file];
        if let Some(base) = base
            && text[piece.lines.clone()] == *base.text
            && head(base) == head(theirs)
        {
            let edit = MergeEdit {
                object: object.to_owned(),
                attribute: String::new(),
                file: file.to_owned(),
                line: piece.code.start,
                before: base.text.trim_end().to_owned(),
                after: theirs.text.trim_end().to_owned(),
                why: "the cluster changed it, and nobody has edited it here".to_owned(),
            };
            let output = self.output(file);
            output.edits.push(edit);
            output.changes.push(Change::edit(piece.lines, theirs.text.clone()));
            return;
        }
        let parsed = (
            base.map(|base| tree::parse(&base.text, base.code.clone())),
            tree::parse(&theirs.text, theirs.code.clone()),
            tree::parse(text, piece.code.clone()),
        );
        let (base_item, Some(their_item), Some(our_item)) = parsed else { return };
        let base_item = base_item.flatten();
        let line_break = self.line_break(file);
        let mut output = self.outputs.remove(file).unwrap_or_default();
        let located = &self.located;
        let evaluate = |path: &Path| located.evaluate(address.unwrap_or_default(), path);
        let empty = Body::default();
        let mut scope = Scope {
            object,
            file,
            base: base.map_or("", |base| &base.text),
            theirs: &theirs.text,
            ours: text,
            line_break,
            evaluate: &evaluate,
            output: &mut output,
        };
        if let Some(base_item) = &base_item {
            scope.lead(base_item, &their_item, &our_item);
        }
        if let (Content::Block(theirs), Content::Block(ours)) = (&their_item.content, &our_item.content) {
            let base = match base_item.as_ref().map(|item| &item.content) {
                Some(Content::Block(body)) => body,
                _ => &empty,
            };
            if base_item.is_some() {
                scope.merge(Bodies { base, theirs, ours }, &Path::default());
            } else {
                scope.tell(theirs, ours);
            }
        }
        self.outputs.insert(file.to_owned(), output);
    }

    fn remote(&mut self, identity: &'i str, [base, theirs]: Versions<'_, 'i>, place: &Place) {
        let (Some(base), Some(theirs)) = (base, theirs) else { return };
        let parsed = [base, theirs].map(|version| tree::parse(&version.text, version.code.clone()));
        let [Some(Item { content: Content::Block(before), .. }), Some(Item { content: Content::Block(after), .. })] =
            &parsed
        else {
            return;
        };
        let mut output = self.outputs.remove(&place.file).unwrap_or_default();
        let located = &self.located;
        let evaluate = |path: &Path| located.evaluate(&place.address, path);
        let mut scope = Scope {
            object: identity,
            file: &place.file,
            base: &base.text,
            theirs: &theirs.text,
            ours: self.input.ours.get(&place.file).map_or("", String::as_str),
            line_break: "\n",
            evaluate: &evaluate,
            output: &mut output,
        };
        remote::merge(&mut scope, &place.address, before, after);
        self.outputs.insert(place.file.clone(), output);
    }

    /// Merges the code of an object that is gone from the cluster: it goes if nobody has edited it.
    fn gone(&mut self, identity: &'i str, base: &Version<'i>, place: &Place) {
        let name = resource_name(&place.address);
        let is_as_base = place.form == Form::Block && name.as_ref().is_some_and(|name| self.is_as_base(base, name));
        if !is_as_base {
            let text =
                format!("it is gone from the cluster, and {} was edited or written by you: it stays", place.address);
            self.notice(identity, "", NoticeKind::Gone, text);
            return;
        }
        let name = name.unwrap_or_default();
        self.take_out(identity, &name, "it is gone from the cluster");
        if let Some(address) = self.state_of(&name) {
            let text = format!("removed {{\n  from = {address}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n");
            let file = format!("{}/removed.tf", self.input.root);
            self.new.push(New { file, position: usize::MAX, object: identity.to_owned(), text });
        }
        self.import(identity, false);
    }

    /// Reports whether a block of ours says what base said, with no comment of a person.
    pub(super) fn is_as_base(&self, base: &Version<'i>, name: &str) -> bool {
        let Some((file, piece)) = self.ours.piece(name) else { return false };
        let text = self.ours.texts[file];
        if text[piece.lines.clone()] == *base.text {
            return true;
        }
        let items = (tree::parse(&base.text, base.code.clone()), tree::parse(text, piece.code.clone()));
        let (Some(Item { content: Content::Block(before), .. }), Some(Item { content: Content::Block(ours), .. })) =
            items
        else {
            return false;
        };
        same_body(&before, &ours) && !has_own_comments(&text[piece.lines.clone()], &base.text)
    }

    /// Takes a whole block out of ours.
    pub(super) fn take_out(&mut self, object: &str, name: &str, why: &str) {
        let Some((file, Piece { lines, .. })) = self.ours.piece(name).map(|(file, piece)| (file, piece.clone())) else {
            return;
        };
        if self.whole.contains(file) {
            return;
        }
        let text = self.ours.texts[file];
        let mut range = lines;
        if let Some(blank) = blank_above(text, range.start) {
            range.start = blank.start;
        } else if let Some(blank) = blank_below(text, range.end) {
            range.end = blank.end;
        }
        let edit = MergeEdit {
            object: object.to_owned(),
            attribute: String::new(),
            file: file.to_owned(),
            line: range.start,
            before: text[range.clone()].trim().to_owned(),
            after: String::new(),
            why: why.to_owned(),
        };
        let output = self.output(file);
        output.edits.push(edit);
        output.changes.push(Change::edit(range, ""));
    }

    /// Merges the `import` block of an object. One that a person deleted stays deleted: after an apply it does nothing.
    fn import(&mut self, identity: &'i str, exists: bool) {
        let generated = [self.input.base.objects, self.input.theirs.objects].map(|objects| objects.get(identity));
        let name = |address: &str| format!("import to {address}");
        let place = self.places.get(identity).cloned().flatten();
        let names: Vec<String> = place
            .iter()
            .map(|place| name(&place.address))
            .chain(generated.iter().flatten().map(|object| name(&object.address)))
            .collect();
        let own = names.iter().find(|name| self.ours.names.contains_key(*name)).cloned();
        let base = generated[0].and_then(|object| self.version(&self.base, &name(&object.address)));
        let theirs = generated[1].and_then(|object| self.version(&self.theirs, &name(&object.address)));
        let is_deleted = place.is_none() && generated[0].is_some();
        match (base, theirs, own) {
            (base, _, Some(own)) if is_deleted || !exists => {
                let is_in_whole = self.ours.piece(&own).is_some_and(|(file, _)| self.whole.contains(file));
                if is_in_whole {
                    return;
                }
                if base.is_some_and(|base| self.is_as_base(&base, &own)) {
                    let why = if exists { "its object was deleted here" } else { "it is gone from the cluster" };
                    self.take_out(identity, &own, why);
                } else {
                    self.notice(identity, "", NoticeKind::Gone, format!("`{own}` stays, because you edited it"));
                }
            }
            (Some(base), Some(theirs), Some(own)) if base.text != theirs.text => {
                let is_in_whole = self.ours.piece(&own).is_some_and(|(file, _)| self.whole.contains(file));
                if !is_in_whole {
                    self.block(identity, [Some(&base), Some(&theirs)], &own, None);
                }
            }
            (None, Some(theirs), None) => self.add_import(identity, &theirs, place.as_ref()),
            (Some(base), Some(theirs), None) if base.text != theirs.text && place.is_some() => {
                let before = generated[0].map(|object| object.import_id.as_str()).unwrap_or_default();
                let resource = place.as_ref().and_then(|place| place.address.parse().ok());
                let resource: Option<crate::configuration::Address> = resource;
                if resource.is_some_and(|address| self.located.imports(&address.resource_type, before)) {
                    let text =
                        "the id for its import has changed, and your `import` block has the one before".to_owned();
                    self.notice(identity, "import", NoticeKind::Drift, text);
                }
            }
            _ => {}
        }
    }

    fn add_import(&mut self, identity: &'i str, theirs: &Version<'i>, place: Option<&Place>) {
        let object = &self.input.theirs.objects[identity];
        let Some((file, position)) = self.theirs.names.get(&format!("import to {}", object.address)).copied() else {
            return;
        };
        if self.whole.contains(file) {
            return;
        }
        let resource = object.address.split_once('.').map(|(resource, _)| resource).unwrap_or_default();
        let is_persons = place.is_some_and(|place| place.form != Form::Block || place.found == FoundBy::ByState);
        if is_persons || self.located.imports(resource, &object.import_id) {
            return;
        }
        let mut text = theirs.text.clone().into_owned();
        if let Some(place) = place.filter(|place| place.address != object.address) {
            text = text.replace(&object.address, &place.address);
        }
        self.new.push(New { file: file.to_owned(), position, object: identity.to_owned(), text });
    }
}

/// The first line of a block's code.
fn head<'v>(version: &'v Version<'_>) -> &'v str {
    version.text[version.code.clone()].lines().next().unwrap_or_default()
}

/// Names of what differs between two versions of a block.
fn changed_names(base: &Version<'_>, theirs: &Version<'_>) -> Vec<String> {
    let parsed = [base, theirs].map(|version| tree::parse(&version.text, version.code.clone()));
    let [Some(Item { content: Content::Block(before), .. }), Some(Item { content: Content::Block(after), .. })] =
        parsed
    else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = before.items.iter().chain(&after.items).map(|item| &item.name).collect();
    let part = |body: &Body, name: &str| Body {
        items: body.items.iter().filter(|item| item.name == name).cloned().collect(),
        inside: 0..0,
    };
    names.into_iter().filter(|name| !same_body(&part(&before, name), &part(&after, name))).cloned().collect()
}
