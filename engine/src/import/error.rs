//! Errors of an import, with what to do about them.

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

/// The import failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A request was not answered, for a reason that concerns all of them; or a request that the whole import depends on.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A list that the whole import depends on was refused, or does not have the form of Proxmox's answers. Whatever is
    /// missing from it would look as if it had been deleted.
    #[error("the import depends on an answer that cannot be used: {problem}")]
    Overview {
        /// The answer, and what is wrong with it.
        problem: String,
    },
    /// Too many objects would be removed from the code.
    #[error("{}", removed(removals))]
    Removal {
        /// The objects, by kind.
        removals: Vec<Removal>,
    },
    /// The login has no privilege anywhere: Proxmox then answers with empty lists, whatever the cluster has.
    #[error("the login `{login}` has no privileges on the cluster")]
    Blind {
        /// `user@realm`, or `user@realm!token`.
        login: String,
    },
    /// `--only` and `--exclude` select no object.
    #[error("{}", nothing(unmatched))]
    NothingSelected {
        /// The filters that match no object.
        unmatched: Vec<String>,
        /// Objects and lists that could not be read: they may have objects that match.
        unread: Vec<Unread>,
    },
    /// A stored answer cannot be read back.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The recording cannot be read or written.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The workspace cannot be brought up to date.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The temporary folder beside the workspace cannot be written.
    #[error("cannot write beside `{}`", path.display())]
    Write {
        /// The workspace.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A manifest or a mapping is not valid.
    #[error("`{}` cannot be used", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The problem.
        source: ManifestError,
    },
    /// The rules of this version of the provider are unknown.
    #[error("version {given} of the provider is unknown")]
    ProviderVersion {
        /// The version, as it was given.
        given: String,
    },
    /// The file to adopt addresses from is not a usable state.
    #[error("cannot adopt addresses from `{}`", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// The problem.
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
                vec![format!("The known versions are {}.", known.join(", "))]
            }
            Self::Blind { .. } => {
                let mut hints = vec![
                    "A token has no privileges unless it was created with `--privsep 0`, or has permissions of its own."
                        .to_owned(),
                    "To create a login that reads everything and changes nothing, run on a node as root:".to_owned(),
                ];
                hints.extend(roles::reader());
                hints
            }
            Self::NothingSelected { unread, .. } if !unread.is_empty() => {
                let unread = unread.iter().take(3);
                let lists = unread.map(|unread| format!("{} was not read: {}.", unread.identity, unread.reason()));
                lists.chain(["Nothing was written: the workspace is unchanged.".to_owned()]).collect()
            }
            Self::NothingSelected { .. } => vec![
                "`import --dry-run` without `--only` and `--exclude` lists every object with its id and name."
                    .to_owned(),
                "Nothing was written: the workspace is unchanged.".to_owned(),
            ],
            Self::Client(error) => error.hints(),
            Self::Overview { .. } => vec![
                "Check that the endpoint is a Proxmox VE node, of version 8 or 9.".to_owned(),
                "Look at `pvecm status` and `systemctl status pve-cluster` on the node.".to_owned(),
            ],
            Self::Removal { removals } => {
                let count: usize = removals.iter().map(|removal| removal.gone.len()).sum();
                vec![
                    "Nothing was written. Check on the cluster whether they are really gone, and import again."
                        .to_owned(),
                    format!("`--allow-removal {count}` removes them from the code."),
                ]
            }
            Self::Unreadable(_) => {
                vec!["Import again: the recording was changed or truncated after it was written.".to_owned()]
            }
            Self::Recording(error) => error.hints(),
            Self::Workspace(error) => error.hints(),
            Self::Read { .. } => vec!["Check the permissions of the file.".to_owned()],
            Self::Write { .. } => vec!["Check that the disk is not full and that you may write there.".to_owned()],
            Self::State { source, .. } => state(source),
            Self::Manifest { source: ManifestError::Newer(_), .. } => {
                vec!["Install the version of proxmox-mpc that wrote it, or a newer one.".to_owned()]
            }
            Self::Manifest { source: ManifestError::Taken { .. }, .. } => {
                vec!["Move that object to another address first, and apply; or choose another name.".to_owned()]
            }
            Self::Manifest { .. } => vec![
                "`import --dry-run --output json` prints a valid mapping.".to_owned(),
                "`git checkout manifest.json` restores a manifest.".to_owned(),
            ],
        }
    }
}

/// The number of objects of a kind that the message names before it only counts them.
const NAMED: usize = 10;

/// The message that lists the objects that would be removed.
fn removed(removals: &[Removal]) -> String {
    let count: usize = removals.iter().map(|removal| removal.gone.len()).sum();
    let objects = if count == 1 { "object" } else { "objects" };
    let mut lines = vec![format!("this import would remove {count} {objects} from the code")];
    for Removal { title, known, gone, too_many } in removals {
        let note = if *too_many { "" } else { ", which alone would not stop the import" };
        lines.push(format!("{title}: {} of {known}{note}", gone.len()));
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
        [] => "no object matches `--only` without matching `--exclude`".to_owned(),
        filters => format!("no object matches `{}`", filters.join("` or `")),
    }
}

/// Hints for a state that cannot be read.
fn state(error: &StateError) -> Vec<String> {
    let show = "Run `terraform show -json > state.json` where the objects are managed now, and pass that file.";
    let hints: &[&str] = match error {
        StateError::Json { .. } | StateError::Form | StateError::Address(_) => {
            &[show, "The output of `terraform state pull` works as well."]
        }
        StateError::Newer => &["Install a newer version of proxmox-mpc."],
        StateError::Older => {
            &["Upgrade the state with a newer Terraform: `terraform init`, then `terraform apply -refresh-only`."]
        }
        StateError::Empty | StateError::Foreign(_) => {
            &[show, "`terraform workspace list` shows whether the resources are in another Terraform workspace."]
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
            Self::Missing { .. } => "Make a recording with `proxmox-mpc import --record DIR`.",
            Self::NoRecording { .. } => "Name the folder that has recording.json in it, or the .tar.zst file itself.",
            Self::Format { .. } => "Install the version of proxmox-mpc that made it, or a newer one.",
            Self::Damaged { .. } | Self::Misplaced { .. } => "Copy the recording again, or make a new one.",
            Self::TooLarge { .. } => "No cluster gives such an answer: ask the person who made the recording.",
            Self::TooLargeWhole { .. } | Self::TooMany { .. } => {
                "If you trust it, unpack it (`mkdir DIR && tar --zstd -xf FILE -C DIR`) and name the folder: a folder is read \
                 answer by answer."
            }
            Self::Occupied { .. } => "Name another folder, or remove this one first.",
            Self::Stopped => return Vec::new(),
            Self::Read { .. } => "Check the permissions of the file.",
            Self::Write { .. } => "Check that the disk is not full and that you may write there.",
        };
        vec![hint.to_owned()]
    }
}
