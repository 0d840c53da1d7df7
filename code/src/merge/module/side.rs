//! One side of a merge: the files of a root module, split into their blocks.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::merge::GeneratedObject;
use crate::merge::pieces::{Piece, pieces};

/// The files of a root module.
#[derive(Default)]
pub(super) struct Side<'i> {
    /// Texts by path.
    pub(super) texts: BTreeMap<&'i str, &'i str>,
    /// Blocks by path.
    pub(super) pieces: BTreeMap<&'i str, Vec<Piece>>,
    /// File and position of each block, by its name.
    pub(super) names: BTreeMap<String, (&'i str, usize)>,
    /// Files that are no code that can be split.
    pub(super) broken: BTreeSet<&'i str>,
    identities: std::cell::OnceCell<BTreeMap<&'i str, &'i str>>,
}

impl<'i> Side<'i> {
    /// Splits the files of a root module. Override files declare nothing, and are left out.
    pub(super) fn read(files: &'i BTreeMap<String, String>, root: &str) -> Self {
        let mut side = Self::default();
        for (path, text) in files.iter().filter(|(path, _)| is_of_root(path, root)) {
            side.texts.insert(path, text);
            let Some(pieces) = pieces(text) else {
                side.broken.insert(path);
                side.pieces.insert(path, Vec::new());
                continue;
            };
            for (position, piece) in pieces.iter().enumerate() {
                let place = (path.as_str(), position);
                // There may be several of these, as with a backend in a file of its own; the generated one has the providers.
                let is_other = piece.name == "terraform" && !text[piece.code.clone()].contains("required_providers");
                if !is_other {
                    side.names.entry(piece.name.clone()).or_insert(place);
                }
            }
            side.pieces.insert(path, pieces);
        }
        side
    }

    /// The object at an address.
    pub(super) fn identity(&self, objects: &'i BTreeMap<String, GeneratedObject>, address: &str) -> Option<&'i str> {
        let identities = self.identities.get_or_init(|| {
            objects.iter().map(|(identity, object)| (object.address.as_str(), identity.as_str())).collect()
        });
        identities.get(address).copied()
    }

    /// A block by its name, with its file.
    pub(super) fn piece(&self, name: &str) -> Option<(&'i str, &Piece)> {
        let (file, position) = self.names.get(name)?;
        Some((file, &self.pieces[*file][*position]))
    }
}

/// A block of generated code: its lines, and the bytes of its code in them.
pub(super) struct Version<'i> {
    pub(super) text: Cow<'i, str>,
    pub(super) code: Range<usize>,
}

fn is_of_root(path: &str, root: &str) -> bool {
    let name = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| {
        let stem = name.strip_suffix(".tf");
        !name.contains('/') && stem.is_some_and(|stem| stem != "override" && !stem.ends_with("_override"))
    })
}
