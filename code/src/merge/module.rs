//! Merge of the root module: whole files where nobody has edited them, else block by block, each where it lives in ours.

mod declarations;
mod objects;
mod placement;
mod result;
mod side;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;

use self::side::{Side, Version};
use super::body::Output;
use super::layout::line_break;
use super::located::{Form, Located, Place};
use super::{Merge, MergeInput, Notice, NoticeKind};
use crate::configuration::FoundBy;
use crate::references::{self, Successor};

/// Reports whether a path is a file of Terraform code below the root module.
pub(crate) fn is_code(path: &str, root: &str) -> bool {
    let below = path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    below && std::path::Path::new(path).extension().is_some_and(|extension| extension == "tf")
}

/// Merge of a root module in progress.
struct Module<'i, 'm> {
    input: &'i MergeInput<'i>,
    base: Side<'i>,
    theirs: Side<'i>,
    ours: Side<'i>,
    located: Located<'i>,
    places: BTreeMap<String, Option<Place>>,
    /// New addresses of objects that are elsewhere in ours, by generated address; `None` where no expression can refer to them.
    addresses: BTreeMap<String, (Option<String>, String)>,
    /// Files that are taken from theirs as a whole.
    whole: BTreeSet<&'i str>,
    outputs: BTreeMap<String, Output>,
    /// New blocks: file and position in theirs, name and text.
    new: Vec<New>,
    merge: &'m mut Merge,
}

/// A block of theirs that ours gets.
struct New {
    file: String,
    position: usize,
    object: String,
    text: String,
}

/// Merges the Terraform code.
pub(crate) fn merge(input: &MergeInput<'_>, merge: &mut Merge) {
    let base = Side::read(input.base.files, input.root);
    let theirs = Side::read(input.theirs.files, input.root);
    let ours = Side::read(input.ours, input.root);
    let is_pristine = ours.texts.iter().all(|(path, text)| base.texts.get(path) == Some(text))
        && !input.ours.keys().any(|path| path.ends_with(".tf.json"));
    let located = Located::search(input, is_pristine);
    let mut module = Module {
        input,
        base,
        theirs,
        ours,
        located,
        places: BTreeMap::new(),
        addresses: BTreeMap::new(),
        whole: BTreeSet::new(),
        outputs: BTreeMap::new(),
        new: Vec::new(),
        merge,
    };
    module.locate();
    module.choose_whole_files();
    module.objects();
    module.declarations();
    module.origins();
    module.broken_files();
    module.finish();
}

impl<'i> Module<'i, '_> {
    /// Finds the place of every object in ours, and the addresses that references have to follow.
    fn locate(&mut self) {
        let objects: BTreeMap<&String, _> = self.input.base.objects.iter().chain(self.input.theirs.objects).collect();
        for identity in objects.keys() {
            let generated = [self.input.base.objects, self.input.theirs.objects]
                .into_iter()
                .filter_map(|objects| objects.get(*identity))
                .collect::<Vec<_>>();
            let at_address = generated.iter().find_map(|object| {
                let (file, _) = self.ours.names.get(&resource_name(&object.address)?)?;
                let (address, file) = (object.address.clone(), (*file).to_owned());
                Some(Place { address, file, form: Form::Block, found: FoundBy::Generated })
            });
            // The address of another object of a person's own may be taken: a new object is looked up by identity only.
            let was_generated = self.input.base.objects.contains_key(*identity);
            let place = self.located.place(identity).or(at_address.filter(|_| was_generated));
            for object in &generated {
                let address = place.as_ref().map(|place| place.address.clone());
                if address.as_ref() != Some(&object.address) && was_generated
                    || place.is_some() && address.as_ref() != Some(&object.address)
                {
                    let in_module = |address: &String| address.starts_with("module.");
                    let reference = address.filter(|address| !in_module(address));
                    self.addresses.insert(object.address.clone(), (reference, (*identity).clone()));
                }
            }
            self.places.insert((*identity).clone(), place);
        }
    }

    /// Chooses the files that nobody has edited and that need no look inside.
    fn choose_whole_files(&mut self) {
        let unedited =
            |path: &&str| self.ours.texts.get(path).is_some_and(|ours| self.base.texts.get(path) == Some(ours));
        let mut whole: BTreeSet<&'i str> = self.base.texts.keys().copied().filter(unedited).collect();
        let absent = |path: &str| !self.base.texts.contains_key(path) && !self.ours.texts.contains_key(path);
        whole.extend(self.theirs.texts.keys().copied().filter(|path| absent(path)));
        whole.retain(|path| self.is_safe_as_whole(path));
        self.whole = whole;
    }

    fn is_safe_as_whole(&self, path: &str) -> bool {
        let empty = Vec::new();
        let theirs = self.theirs.pieces.get(path).unwrap_or(&empty);
        let base = self.base.pieces.get(path).unwrap_or(&empty);
        let names = |pieces: &'_ [super::pieces::Piece]| -> BTreeSet<String> {
            pieces.iter().map(|piece| piece.name.clone()).collect()
        };
        let (before, after) = (names(base), names(theirs));
        let text = self.theirs.texts.get(path).copied().unwrap_or_default();
        if !self.addresses.is_empty() && self.updated(text, false) != text {
            return false;
        }
        let is_fine = |piece: &super::pieces::Piece| {
            let is_elsewhere = self.ours.names.get(&piece.name).is_some_and(|(file, _)| *file != path);
            let is_known = before.contains(&piece.name);
            if is_elsewhere || !is_known && self.leads_from_code(&piece.name) {
                return false;
            }
            let import = piece.name.strip_prefix("import to ");
            match piece.address().as_deref().or(import).and_then(|address| self.identity_at(address)) {
                Some(identity) => match self.places.get(identity) {
                    // A new object that has code already, or an old one that has none.
                    Some(Some(_)) => is_known,
                    Some(None) => !self.input.base.objects.contains_key(identity),
                    None => true,
                },
                None => true,
            }
        };
        let gone_elsewhere = base.iter().any(|before| {
            let is_gone = !after.contains(&before.name);
            is_gone
                && (self.theirs.names.contains_key(&before.name)
                    || self.is_used(&before.name)
                    || self.state_of(&before.name).is_some())
        });
        let moved_here =
            theirs.iter().any(|piece| self.base.names.get(&piece.name).is_some_and(|(file, _)| *file != path));
        theirs.iter().all(is_fine) && !gone_elsewhere && !moved_here
    }

    /// The object at a generated address.
    fn identity_at(&self, address: &str) -> Option<&'i str> {
        self.theirs
            .identity(self.input.theirs.objects, address)
            .or_else(|| self.base.identity(self.input.base.objects, address))
    }

    /// Reports whether code of ours that is not generated uses a variable.
    fn is_used(&self, name: &str) -> bool {
        let Some(name) = name.strip_prefix("variable \"").and_then(|name| name.strip_suffix('"')) else { return false };
        let reference = format!("var.{name}");
        self.ours.texts.iter().any(|(path, text)| {
            self.base.texts.get(path) != Some(text)
                && text.match_indices(&reference).any(|(at, _)| {
                    let behind = text[at + reference.len()..].chars().next();
                    !behind.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-')
                })
        })
    }

    /// The address of a resource that a state knows and that has no key, by the name of its block.
    fn state_of(&self, name: &str) -> Option<String> {
        let piece = name.strip_prefix("resource \"")?.strip_suffix('"')?;
        let address = piece.replace("\" \"", ".");
        self.input.state.iter().any(|instance| instance.address.to_string() == address).then_some(address)
    }

    /// Generated code with the addresses that objects have in ours.
    fn updated<'t>(&self, text: &'t str, is_import: bool) -> Cow<'t, str> {
        if self.addresses.is_empty() {
            return Cow::Borrowed(text);
        }
        let updated = references::update(text, |address| {
            let (now, identity) = self.addresses.get(address)?;
            if is_import {
                // An import may go to an instance in a module, which no expression can refer to.
                let place = self.places.get(identity)?.as_ref()?;
                return Some(Successor::Address(place.address.clone()));
            }
            Some(match now {
                Some(address) => Successor::Address(address.clone()),
                None => Successor::Removed(identity_of(identity)),
            })
        });
        if updated == text { Cow::Borrowed(text) } else { Cow::Owned(updated) }
    }

    /// A block of generated code. Its own address stays as it was generated.
    fn version(&self, side: &Side<'i>, name: &str) -> Option<Version<'i>> {
        let (file, position) = side.names.get(name)?;
        let piece = &side.pieces[*file][*position];
        let text = &side.texts[*file][piece.lines.clone()];
        let code = piece.code.start - piece.lines.start..piece.code.end - piece.lines.start;
        Some(match self.updated(text, name.starts_with("import to ")) {
            Cow::Borrowed(_) => Version { text: Cow::Borrowed(text), code },
            Cow::Owned(updated) => {
                let end = updated.trim_end().len();
                Version { text: Cow::Owned(updated), code: code.start..end }
            }
        })
    }

    fn output(&mut self, file: &str) -> &mut Output {
        self.outputs.entry(file.to_owned()).or_default()
    }

    fn notice(&mut self, object: &str, attribute: &str, kind: NoticeKind, text: String) {
        let (object, attribute) = (object.to_owned(), attribute.to_owned());
        self.merge.notices.push(Notice { object, attribute, kind, text });
    }

    fn line_break(&self, file: &str) -> &'static str {
        self.input.ours.get(file).map_or("\n", |text| line_break(text))
    }
}

/// Name of the block of a resource at an address.
fn resource_name(address: &str) -> Option<String> {
    let (resource, label) = address.split_once('.')?;
    Some(format!("resource \"{resource}\" \"{label}\""))
}

fn identity_of(text: &str) -> Identity {
    let (prefix, id) = text.split_once('/').unwrap_or((text, ""));
    Identity::new(prefix, id)
}
