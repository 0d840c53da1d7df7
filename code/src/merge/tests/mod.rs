//! Tests of the merge: a table of cases that people meet, and random clusters with random edits.

#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::match_bool,
    clippy::needless_for_each,
    clippy::too_many_lines,
    reason = "texts of tests are put together in plain sight, and an edit of a person is one arm"
)]

mod cases;
mod properties;

use std::collections::BTreeMap;

use super::{Generated, GeneratedObject, Merge, MergeInput, merge};
use crate::configuration::{ObjectKeys, StateInstance, WrittenId};
use crate::document::Document;

/// Files of a tree, by path.
pub(super) type Files = BTreeMap<String, String>;

/// Keys of the objects in tests: the type and the id of the guest.
pub(super) struct Keys;

impl ObjectKeys for Keys {
    fn of_import(&self, resource_type: &str, import_id: &str) -> String {
        format!("{resource_type}/{}", import_id.rsplit('/').next().unwrap_or(import_id))
    }

    fn of_state(&self, resource_type: &str, attributes: &BTreeMap<String, String>) -> Option<String> {
        Some(format!("{resource_type}/{}", attributes.get("vm_id")?))
    }

    fn of_block(&self, resource_type: &str, attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
        match attribute("vm_id") {
            WrittenId::Known(id) => WrittenId::Known(format!("{resource_type}/{id}")),
            other => other,
        }
    }
}

/// The objects of generated files: guests by their `vm_id`, others by their labels.
pub(super) fn objects(files: &Files) -> BTreeMap<String, GeneratedObject> {
    let mut objects = BTreeMap::new();
    for (file, text) in files.iter().filter(|(path, _)| path.ends_with(".tf")) {
        let document = Document::parse(text).unwrap();
        for block in document.blocks() {
            let Some(address) = block.resource_address() else { continue };
            let id = block.attribute("vm_id").map(|id| id.source().to_owned());
            let node = block.attribute("node_name").and_then(|node| node.string()).unwrap_or("pve").to_owned();
            let (identity, import_id) = match id {
                Some(id) => (format!("qemu/{id}"), format!("{node}/{id}")),
                None => (block.labels().join("/"), block.labels()[1].to_owned()),
            };
            objects.insert(identity, GeneratedObject { address, import_id, file: file.clone() });
        }
    }
    objects
}

/// Merges three trees.
pub(super) fn merge_files(base: &Files, theirs: &Files, ours: &Files, state: &[StateInstance]) -> Merge {
    let (base_objects, their_objects) = (objects(base), objects(theirs));
    merge(&MergeInput {
        base: Generated { files: base, objects: &base_objects },
        theirs: Generated { files: theirs, objects: &their_objects },
        ours,
        root: "terraform",
        state,
        keys: &Keys,
    })
}

/// The tree after a merge.
pub(super) fn merged(ours: &Files, merge: &Merge) -> Files {
    let mut files = ours.clone();
    for (path, text) in &merge.files {
        match text {
            Some(text) => drop(files.insert(path.clone(), text.clone())),
            None => drop(files.remove(path)),
        }
    }
    files
}
