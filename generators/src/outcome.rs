//! What goes into a run of the generators, and what comes out.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::{self, Where};
use proxmox_mpc_model::{Identity, Unread};
use serde::Serialize;

use crate::coverage::Coverage;
use crate::manifest::Manifest;
use crate::selection::{Selection, Survey};

/// Generated files: text by path relative to the workspace.
pub type FileSet = BTreeMap<String, String>;

/// What an import is about.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which objects.
    pub selection: Selection,
    /// The user's own addresses and omissions; they win over the workspace's manifest.
    pub mapping: Option<Manifest>,
    /// The version of the provider that the code is to pin; that of the workspace's manifest where there is none.
    pub provider: Option<&'static str>,
}

/// What the workspace holds already.
#[derive(Clone, Debug, Default)]
pub struct Previous {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its generated Terraform files, Ansible roles and inventory, as they stand.
    pub files: FileSet,
    /// Those of the files that somebody has edited since they were generated.
    pub touched: BTreeSet<String>,
}

/// Something that the user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Of which object.
    pub identity: Identity,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// Its address, where it has one.
    pub address: Option<String>,
    /// What it is.
    pub reason: String,
    /// What can be done.
    pub remedy: Option<String>,
}

/// An object whose code was not made anew and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptCode {
    /// Which object.
    pub identity: Identity,
    /// Its address.
    pub address: String,
    /// Why it was not made anew.
    pub reason: String,
}

/// An object that is no longer in the cluster, and whose code is taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedCode {
    /// Which object.
    pub identity: Identity,
    /// The address that it had.
    pub address: String,
}

/// What an import made.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// The files, without the manifest.
    pub files: FileSet,
    /// The manifest, without the hashes of the files.
    pub manifest: Manifest,
    /// What became of every key of everything that was read.
    pub coverage: Coverage,
    /// Remarks on objects that are code.
    pub notices: Vec<Notice>,
    /// Objects that could not be read, and lists that are not complete.
    pub unread: Vec<Unread>,
    /// Code that stays as it is.
    pub kept: Vec<KeptCode>,
    /// Files with code that stays as it is, and that somebody has edited: they are not as we would write them.
    pub edited: BTreeSet<String>,
    /// Code that is taken out.
    pub gone: Vec<RemovedCode>,
    /// What the selection leaves out of what is listed, and the mapping.
    pub left_out: BTreeSet<Identity>,
    /// What the selection comes to among the objects that are listed.
    pub survey: Survey,
    /// How many objects of each kind the lists show.
    pub found: BTreeMap<&'static str, usize>,
    /// How many objects of each family the workspace had code for.
    pub known: BTreeMap<ObjectGroup, usize>,
}

/// The objects of one kind, or those of them that are one node's own: what a single broken answer could hide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectGroup {
    /// The kind's word: `network`.
    pub kind: &'static str,
    /// The node; `None` for all objects of the kind.
    pub node: Option<String>,
}

impl ObjectGroup {
    /// The families that an object belongs to: its kind's, and its node's.
    pub fn of(identity: &Identity) -> Vec<Self> {
        let Some(kind) = kinds::of(identity) else { return Vec::new() };
        let node = match kind.at(identity).map(|at| at.place) {
            Some(Where::Node(node)) => Some(Self { kind: kind.id, node: Some(node) }),
            _ => None,
        };
        [Self { kind: kind.id, node: None }].into_iter().chain(node).collect()
    }
}
