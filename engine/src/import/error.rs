//! Why a cluster could not be read.

use std::io;
use std::path::PathBuf;

use proxmox_mpc_generators::adopt::StateError;
use proxmox_mpc_generators::manifest::ManifestError;
use proxmox_mpc_generators::{RemovedCode, bpg};
use proxmox_mpc_model::{Unread, Unreadable};
use proxmox_mpc_twin::recording::RecordingError;

use super::removal::Removal;
use crate::client::ClientError;
use crate::operation::fault::{Fault, FaultKind};
use crate::rights::roles;
use crate::workspace::WorkspaceError;

/// Why a cluster could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No answer, for a reason that concerns every request; or none to a request that everything hangs on.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A list that everything else hangs on was refused, or is not what Proxmox gives: what it lacks would look as if it
    /// were gone.
    #[error("everything else hangs on an answer that cannot be used: {problem}")]
    Overview {
        /// Which answer, and what is wrong with it.
        problem: String,
    },
    /// Very much would be taken out of the code.
    #[error("{}", removed(removals))]
    Removal {
        /// What, kind by kind.
        removals: Vec<Removal>,
    },
    /// The login has no privilege anywhere: every list is empty for it, whatever the cluster holds.
    #[error("the login `{login}` may see nothing of the cluster")]
    Blind {
        /// `user@realm`, or `user@realm!token`.
        login: String,
    },
    /// `--only` and `--exclude` leave nothing to import.
    #[error("{}", nothing(unmatched))]
    NothingSelected {
        /// The conditions that hold for no object.
        unmatched: Vec<String>,
        /// What could not be read, where objects may be that they hold for.
        unread: Vec<Unread>,
    },
    /// An answer was stored and cannot be read back.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The recording cannot be read or written.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The workspace cannot be brought up to date.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A file of the workspace cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something beside the workspace cannot be written.
    #[error("cannot write beside `{}`", path.display())]
    Write {
        /// The workspace.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A manifest or a mapping is not one.
    #[error("`{}` cannot be used", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// The rules of this version of the provider are not known.
    #[error("version {given} of the provider is not known")]
    ProviderVersion {
        /// The version, as it was given.
        given: String,
    },
    /// What is to be adopted is no state.
    #[error("no addresses can be adopted from `{}`", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: StateError,
    },
}

impl Fault for ImportError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Client(error) => error.kind(),
            Self::Overview { .. }
            | Self::Removal { .. }
            | Self::Blind { .. }
            | Self::NothingSelected { .. }
            | Self::Unreadable(_)
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Manifest { .. }
            | Self::State { .. } => FaultKind::Failed,
            Self::ProviderVersion { .. } => FaultKind::Usage,
            Self::Recording(error) => error.kind(),
            Self::Workspace(error) => error.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::ProviderVersion { .. } => {
                let known: Vec<&str> = bpg::VERSIONS.iter().map(|version| version.number).collect();
                vec![format!("the known versions are {}", known.join(", "))]
            }
            Self::Blind { .. } => {
                let mut hints = vec![
                    "a token has no rights of its own unless it was made with `--privsep 0`, or has an ACL".to_owned(),
                    "a login that sees everything and changes nothing is made on a node, as root:".to_owned(),
                ];
                hints.extend(roles::reader());
                hints
            }
            Self::NothingSelected { unread, .. } if !unread.is_empty() => {
                let lists = unread.iter().take(3).map(|one| format!("{} was not read: {}", one.identity, one.reason()));
                lists.chain(["nothing was written: the workspace is as it was".to_owned()]).collect()
            }
            Self::NothingSelected { .. } => vec![
                "without `--only` and `--exclude`, `import --dry-run` lists every object with its id and name"
                    .to_owned(),
                "nothing was written: the workspace is as it was".to_owned(),
            ],
            Self::Client(error) => error.hints(),
            Self::Overview { .. } => vec![
                "check that the endpoint is a Proxmox VE node, of version 8 or 9".to_owned(),
                "look at `pvecm status` and `systemctl status pve-cluster` on the node".to_owned(),
            ],
            Self::Removal { removals } => {
                let count: usize = removals.iter().map(|removal| removal.gone.len()).sum();
                vec![
                    "nothing was written: look at the cluster whether they are really gone, and import again"
                        .to_owned(),
                    format!("`--allow-removal {count}` takes them out of the code"),
                ]
            }
            Self::Unreadable(_) => {
                vec!["import again: the recording was changed or cut after it was written".to_owned()]
            }
            Self::Recording(error) => error.hints(),
            Self::Workspace(error) => error.hints(),
            Self::Read { .. } => vec!["check who may read it".to_owned()],
            Self::Write { .. } => vec!["check that the disk is not full and that you may write there".to_owned()],
            Self::State { source, .. } => state(source),
            Self::Manifest { source: ManifestError::Newer(_), .. } => {
                vec!["install the version of proxmox-mpc that wrote it, or a newer one".to_owned()]
            }
            Self::Manifest { source: ManifestError::Taken { .. }, .. } => {
                vec!["move that object elsewhere first, and apply; or choose another name".to_owned()]
            }
            Self::Manifest { .. } => vec![
                "`import --dry-run --output json` prints a mapping of the right form".to_owned(),
                "a manifest comes back with `git checkout manifest.json`".to_owned(),
            ],
        }
    }
}

/// How many objects of a kind the message names before it only counts them.
const NAMED: usize = 10;

/// The list of what would go.
fn removed(removals: &[Removal]) -> String {
    let count: usize = removals.iter().map(|removal| removal.gone.len()).sum();
    let objects = if count == 1 { "object" } else { "objects" };
    let mut lines = vec![format!("this import would take {count} {objects} out of the code")];
    for Removal { title, known, gone, too_many } in removals {
        let why = if *too_many { "" } else { ", which alone would not stop it" };
        lines.push(format!("{title}: {} of {known}{why}", gone.len()));
        lines.extend(
            gone.iter().take(NAMED).map(|RemovedCode { identity, address }| format!("  {address} ({identity})")),
        );
        if gone.len() > NAMED {
            lines.push(format!("  and {} more", gone.len() - NAMED));
        }
    }
    lines.join("\n")
}

fn nothing(unmatched: &[String]) -> String {
    match unmatched {
        [] => "no object on record is in all of `--only` and in none of `--exclude`".to_owned(),
        some => format!("no object on record matches `{}`", some.join("`, nor `")),
    }
}

/// What helps against a state that cannot be read.
fn state(error: &StateError) -> Vec<String> {
    let show = "in the root that manages the objects now: `terraform show -json > state.json`, and give that file";
    let hints: &[&str] = match error {
        StateError::Json { .. } | StateError::Form | StateError::Address(_) => {
            &[show, "what `terraform state pull` prints does as well"]
        }
        StateError::Newer => &["install a newer version of proxmox-mpc"],
        StateError::Older => {
            &["a newer Terraform brings it up to date: `terraform init`, then `terraform apply -refresh-only`"]
        }
        StateError::Empty | StateError::Foreign(_) => {
            &[show, "`terraform workspace list` shows whether the resources are in another workspace of that root"]
        }
    };
    hints.iter().map(|hint| (*hint).to_owned()).collect()
}

impl Fault for RecordingError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Stopped => FaultKind::Interrupted,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Missing { .. } => "`import --record DIR` makes a recording",
            Self::NoRecording { .. } => "name the folder that holds recording.json, or the .tar.zst file itself",
            Self::Format { .. } => "install the version of proxmox-mpc that made it, or a newer one",
            Self::Damaged { .. } | Self::Misplaced { .. } => "copy the recording again, or make a new one",
            Self::TooLarge { .. } => "no cluster gives such an answer: ask whoever made the recording",
            Self::TooLargeWhole { .. } | Self::TooMany { .. } => {
                "if you trust it, unpack it (`mkdir DIR && tar --zstd -xf FILE -C DIR`) and name the folder: a folder is read \
                 answer by answer"
            }
            Self::Occupied { .. } => "name another folder, or remove this one first",
            Self::Stopped => return Vec::new(),
            Self::Read { .. } => "check who may read it",
            Self::Write { .. } => "check that the disk is not full and that you may write there",
        };
        vec![hint.to_owned()]
    }
}
