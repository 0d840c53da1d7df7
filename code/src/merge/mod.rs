//! Three-way merge of a workspace by identity and observed value: people's files get the changes of the cluster, byte range by
//! byte range.
//!
//! Base is the generated tree of the last sync, theirs the generated tree now, ours the tree that people have. An object is
//! looked up by its identity wherever it lives in ours; an attribute that differs between base and theirs is written where its
//! literal is. What both sides changed becomes a conflict around that one attribute.

mod body;
mod changes;
mod json;
pub(crate) mod layout;
mod lines;
mod list;
mod located;
pub(crate) mod meaning;
mod module;
mod pairs;
pub(crate) mod pieces;
mod remote;
mod rename;
mod sections;
mod text;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::configuration::{ObjectKeys, StateInstance};

/// A generated tree.
#[derive(Clone, Copy, Debug)]
pub struct Generated<'a> {
    /// Files by path relative to the workspace: `terraform/virtual_machines.tf`.
    pub files: &'a BTreeMap<String, String>,
    /// Objects with Terraform code, by identity: `qemu/101`.
    pub objects: &'a BTreeMap<String, GeneratedObject>,
}

/// An object of a generated tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedObject {
    /// The address of its block: `type.name`.
    pub address: String,
    /// The id of its `import` block.
    pub import_id: String,
    /// The file of its block, by path relative to the workspace.
    pub file: String,
}

/// The three trees, and what is known beside them.
#[derive(Clone, Copy)]
pub struct MergeInput<'a> {
    /// The generated tree of the last sync.
    pub base: Generated<'a>,
    /// The generated tree now.
    pub theirs: Generated<'a>,
    /// The person's files below the workspace: all Terraform code and values, and every path that base or theirs has.
    pub ours: &'a BTreeMap<String, String>,
    /// The folder of the root module: `terraform`.
    pub root: &'a str,
    /// Instances of a Terraform state, where there is one.
    pub state: &'a [StateInstance],
    /// Keys that identify the objects in people's code.
    pub keys: &'a dyn ObjectKeys,
}

/// Result of a merge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// Files that differ from ours, by path; `None` deletes.
    pub files: BTreeMap<String, Option<String>>,
    /// Edits of people's files, in the order of files and lines. A file that was as generated is taken as a whole and has none.
    pub edits: Vec<MergeEdit>,
    /// Conflicts. Each has its markers in the file that it names.
    pub conflicts: Vec<Conflict>,
    /// Changes and decisions that no edit was made for.
    pub notices: Vec<Notice>,
    /// Place of each object of theirs that has Terraform code, or that somebody deleted from ours.
    pub places: BTreeMap<String, ObjectPlace>,
}

/// An edit of a file that somebody has edited before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MergeEdit {
    /// The object or declaration: `qemu/101`, `variable "password"`.
    pub object: String,
    /// Path of the attribute in its block; empty for the whole block.
    pub attribute: String,
    /// The file.
    pub file: String,
    /// The line in ours, counted from 1.
    pub line: usize,
    /// The text before; empty where something is added.
    pub before: String,
    /// The text after; empty where something is removed.
    pub after: String,
    /// Reason, as a sentence without a full stop.
    pub why: String,
}

/// A change of the cluster and one of a person to the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// The object or declaration.
    pub object: String,
    /// Path of the attribute in its block; empty for a whole block or text.
    pub attribute: String,
    /// The file with the markers.
    pub file: String,
    /// The line of the first marker in the merged file, counted from 1.
    pub line: usize,
    /// The text of the last sync; `None` where it had none.
    pub base: Option<String>,
    /// The text of the cluster now; `None` where it has none.
    pub theirs: Option<String>,
    /// The person's text; `None` where there is none.
    pub ours: Option<String>,
    /// The choices, as a sentence.
    pub choices: String,
}

/// Something that a person should know: no edit was made for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// The object or declaration.
    pub object: String,
    /// Path of the attribute in its block; empty for the whole block.
    pub attribute: String,
    /// Kind of the notice.
    pub kind: NoticeKind,
    /// The text, as a sentence.
    pub text: String,
}

/// Kind of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The cluster changed something that is not written for people: a shared or computed value, JSON syntax, `dynamic`.
    Drift,
    /// The object is gone from the cluster, and its code stays, because somebody changed it.
    Gone,
    /// A person's decision that was kept: code that they deleted stays deleted.
    Decision,
    /// Something was written differently than generated: another address, another place.
    Adjusted,
}

/// Place of an object's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectPlace {
    /// The address in the merged tree; empty where the object has no code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The file in the merged tree; empty where the object has no code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Owner of the code.
    pub owner: Owner,
}

/// Owner of an object's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The block is where it was generated.
    Generated,
    /// A person moved it, wrote it or put it into a `for_each` or a module.
    Person,
    /// A person deleted it.
    Absent,
}

/// Merges the change from base to theirs into ours.
///
/// An object with another address in theirs, and a `moved` block that leads there, is renamed in ours, with every reference.
pub fn merge(input: &MergeInput<'_>) -> Merge {
    let renamed = rename::rename(input);
    let mut merge = Merge::default();
    merge_files(&renamed.as_ref().map_or(*input, |renamed| renamed.input(input)), &mut merge);
    if let Some(renamed) = renamed {
        renamed.finish(input.ours, &mut merge);
    }
    merge.edits.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    merge.conflicts.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    merge.notices.sort();
    merge.notices.dedup();
    merge
}

fn merge_files(input: &MergeInput<'_>, merge: &mut Merge) {
    let is_terraform = |path: &str| module::is_code(path, input.root);
    module::merge(input, merge);
    let paths = input.base.files.keys().chain(input.theirs.files.keys());
    let paths: std::collections::BTreeSet<&String> = paths.filter(|path| !is_terraform(path)).collect();
    for path in paths {
        let versions = text::Versions {
            path,
            base: input.base.files.get(path).map(String::as_str),
            theirs: input.theirs.files.get(path).map(String::as_str),
            ours: input.ours.get(path).map(String::as_str),
        };
        text::merge_file(&versions, merge);
    }
}
