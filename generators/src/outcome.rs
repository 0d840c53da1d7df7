//! What goes into a run of the generators, and what comes out.

use std::collections::{BTreeMap, BTreeSet};

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
}

/// What the workspace holds already.
#[derive(Clone, Debug, Default)]
pub struct Previous {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its generated Terraform files, Ansible roles and inventory, as they stand.
    pub files: FileSet,
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
pub struct Kept {
    /// Which object.
    pub identity: Identity,
    /// Its address.
    pub address: String,
    /// Why it was not made anew.
    pub reason: String,
}

/// An object that is no longer in the cluster, and whose code is taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gone {
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
    pub kept: Vec<Kept>,
    /// Code that is taken out.
    pub gone: Vec<Gone>,
    /// What the selection leaves out of what is listed, and the mapping.
    pub left_out: BTreeSet<Identity>,
    /// What the selection comes to among the objects that are listed.
    pub survey: Survey,
    /// How many objects of each kind the lists show.
    pub found: BTreeMap<&'static str, usize>,
}
