//! Request and report of the set-up of a workspace.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::settings::{Connection, SecretSource};
use crate::sync::SyncReport;

/// Request to set up a workspace: the connection to a cluster, tested, and the files that every workspace has. What it
/// leaves open is taken from the settings, or a person is asked for it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InitRequest {
    /// The folder of the workspace, which is created if needed.
    pub folder: PathBuf,
    /// The connection to the cluster, as far as it is known.
    pub connection: Connection,
    /// Ask nothing: take the defaults, and trust the certificate that the node shows.
    pub yes: bool,
    /// Use a folder that has files of something else, outside of every git repository.
    pub force: bool,
    /// Make a git repository where there is none.
    pub git: bool,
}

impl Default for InitRequest {
    fn default() -> Self {
        Self { folder: PathBuf::from("."), connection: Connection::default(), yes: false, force: false, git: true }
    }
}

/// Report of the set-up of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InitReport {
    /// The folder of the workspace.
    pub workspace: PathBuf,
    /// The nodes of the cluster, best first.
    pub endpoints: Vec<String>,
    /// The version of Proxmox VE.
    pub pve_version: Option<String>,
    /// The login: `root@pam`, `terraform@pve!plan`.
    pub login: String,
    /// The place that the secret of the login comes from.
    pub secret: SecretSource,
    /// The certificates that are trusted.
    pub trust: TrustReport,
    /// The three purposes of a login, and what this one lacks for each.
    pub permissions: Vec<PurposeReport>,
    /// The files of the workspace.
    pub files: Vec<InitFile>,
    /// The git repository.
    pub repository: RepositoryReport,
    /// Remarks on what a person should know.
    pub notices: Vec<String>,
    /// The first sync, if it was wanted.
    pub first_sync: Option<Box<SyncReport>>,
    /// The commands that come next.
    pub next: Vec<String>,
}

impl ReportType for InitReport {
    const KIND: &'static str = "init";
}

/// Certificates that are trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "trust", rename_all = "snake_case")]
pub enum TrustReport {
    /// The system trusts the authority that signed them.
    System,
    /// Exactly these.
    Pinned {
        /// Their SHA-256 fingerprints.
        fingerprints: Vec<String>,
        /// True if nobody compared them with the nodes: they are what the nodes showed at the first connection.
        first_use: bool,
    },
    /// Those that the authorities in this file signed.
    Authorities {
        /// The file.
        file: PathBuf,
    },
    /// Any certificate.
    Unchecked,
}

/// Purpose of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Reading the cluster.
    Import,
    /// Planning against the cluster.
    Plan,
    /// Changing guests, storages and pools.
    Apply,
}

/// Privileges that a login lacks for a purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurposeReport {
    /// The purpose.
    pub purpose: Purpose,
    /// The missing privileges; none if the login has all of them.
    pub missing: Vec<String>,
    /// The lines that grant them, for root on a node.
    pub grant: Vec<String>,
}

/// File of a workspace, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitFile {
    /// The path relative to the workspace.
    pub path: String,
    /// The result.
    pub result: FileResult,
}

/// Result of writing a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileResult {
    /// It was not there before.
    Written,
    /// It was there, and has other text now.
    Changed,
    /// It was there, and stays as it is.
    Kept,
}

/// Git repository of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "repository", rename_all = "snake_case")]
pub enum RepositoryReport {
    /// It was made, and the files of the workspace are its first commit.
    Created {
        /// Its folder.
        folder: PathBuf,
        /// The first commit.
        commit: String,
    },
    /// It was there. The files are not committed.
    Existing {
        /// Its folder.
        folder: PathBuf,
    },
    /// There is none, and none was wanted.
    None,
}
