//! Input and output of a run: the workspace as it is, the user's options, and the generated files with notes about them.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::{self, Location};
use proxmox_mpc_model::{Identity, Unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coverage::Coverage;
use crate::manifest::Manifest;
use crate::selection::{Selection, Survey};

/// Generated files: text by path relative to the workspace.
pub type FileSet = BTreeMap<String, String>;

/// Options of an import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The objects to import.
    pub selection: Selection,
    /// Addresses and exclusions that the user has chosen; they take precedence over the workspace's manifest.
    pub mapping: Option<Manifest>,
    /// Version of the provider that the code pins; `None` for that of the workspace's manifest.
    pub provider: Option<&'static str>,
    /// True if objects whose name in Proxmox has changed get a new label, with a `moved` block. Without it, labels stay.
    pub rename: bool,
}

/// Contents of the workspace before the run.
#[derive(Clone, Debug, Default)]
pub struct Previous {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its generated Terraform files, Ansible roles and inventory, as they are on disk.
    pub files: FileSet,
    /// Paths of the files that somebody has edited since they were generated.
    pub touched: BTreeSet<String>,
}

/// A notice for the user about an object that is code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// The object.
    pub identity: Identity,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// Its Terraform address, if it has one.
    pub address: Option<String>,
    /// The notice.
    pub reason: String,
    /// The remedy.
    pub remedy: Option<String>,
}

/// Code of an object that was not generated again and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptCode {
    /// The object.
    pub identity: Identity,
    /// Its address.
    pub address: String,
    /// The reason why it was not generated again.
    pub reason: String,
}

/// Code of an object that is no longer in the cluster; it is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovedCode {
    /// The object.
    pub identity: Identity,
    /// The address that it had.
    pub address: String,
}

/// Result of a run.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// The files, without the manifest.
    pub files: FileSet,
    /// The manifest, without the hashes of the files.
    pub manifest: Manifest,
    /// Fate of every key of every object.
    pub coverage: Coverage,
    /// Notices about objects that are code.
    pub notices: Vec<Notice>,
    /// Objects that could not be read, and lists that are incomplete.
    pub unread: Vec<Unread>,
    /// Code that stays as it is.
    pub kept: Vec<KeptCode>,
    /// Files with kept code that somebody has edited, so that they differ from what we would write.
    pub edited: BTreeSet<String>,
    /// Code that is removed.
    pub gone: Vec<RemovedCode>,
    /// Listed objects that the selection or the mapping excludes.
    pub excluded: BTreeSet<Identity>,
    /// Effect of the selection on the listed objects.
    pub survey: Survey,
    /// Number of listed objects of each kind.
    pub found: BTreeMap<&'static str, usize>,
    /// Number of objects in each group that the workspace had code for.
    pub known: BTreeMap<ObjectGroup, usize>,
}

/// Objects that a single broken answer could hide: all of one kind, or those of one kind on one node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectGroup {
    /// Id of the kind: `network`.
    pub kind: &'static str,
    /// The node; `None` for all objects of the kind.
    pub node: Option<String>,
}

impl ObjectGroup {
    /// The groups that an object belongs to: its kind's, and its node's.
    pub fn of(identity: &Identity) -> Vec<Self> {
        let Some(kind) = kinds::of(identity) else { return Vec::new() };
        let node = match kind.at(identity).map(|at| at.location) {
            Some(Location::Node(node)) => Some(Self { kind: kind.id, node: Some(node) }),
            _ => None,
        };
        [Self { kind: kind.id, node: None }].into_iter().chain(node).collect()
    }
}
