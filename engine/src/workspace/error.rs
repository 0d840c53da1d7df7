//! Errors of a workspace, and what to do about them.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::operation::fault::{Fault, FaultKind};
use crate::workspace::lock::Holder;
use crate::workspace::{Clash, Edit};

/// The reason why a workspace could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Somebody has edited what the run would overwrite.
    #[error("{}", edited(edits))]
    Edited {
        /// The files and what differs.
        edits: Vec<Edit>,
    },
    /// Another operation writes to the workspace.
    #[error("another operation is writing to `{}`{}", folder.display(), held(holder.as_ref()))]
    Busy {
        /// The workspace.
        folder: PathBuf,
        /// The holder of the lock, where that is known.
        holder: Option<Holder>,
    },
    /// Somebody's own file declares what a generated one declares as well.
    #[error("{}", clashing(clashes))]
    Clashing {
        /// The declarations.
        clashes: Vec<Clash>,
    },
    /// A path of a file set or of the manifest leads out of the workspace.
    #[error("the path `{path}` leads out of the workspace")]
    Outside {
        /// The path as it was given.
        path: String,
    },
    /// A folder, a link or a device is where a file should be.
    #[error("`{}` is not a plain file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file is where the workspace should be.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The workspace, or a folder on the way to it, is a link to nothing.
    #[error("`{}` is a link to `{}`, which is not there", path.display(), target.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// The target, as the link says.
        target: PathBuf,
    },
    /// The workspace, or a folder on the way to it, is a link that leads back to itself.
    #[error("`{}` is a link to `{}`, and that leads in a circle", path.display(), target.display())]
    Circle {
        /// The link.
        path: PathBuf,
        /// The target, as the link says.
        target: PathBuf,
    },
    /// The folder that should hold the workspace is not there.
    #[error("there is no folder `{}` to put the workspace into", path.display())]
    NoParent {
        /// The missing folder.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// `read`, `write`, `replace`, `remove`, `lock`.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl WorkspaceError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

impl Fault for WorkspaceError {
    fn kind(&self) -> FaultKind {
        FaultKind::Failed
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Edited { edits } => {
                let mut hints = Vec::new();
                if edits.iter().any(|edit| edit.ours) {
                    hints.push(
                        "Move your change to a file of your own: files that we did not generate are never touched.",
                    );
                }
                if edits.iter().any(|edit| !edit.ours) {
                    hints.push("Give your file another name or place: the import needs this one.");
                }
                hints
                    .push("To have the generated text instead, run again with `--force`: a copy of your file is kept.");
                return hints.into_iter().map(str::to_owned).collect();
            }
            Self::Busy { .. } => "Run again when it has finished, or with `--wait`.".to_owned(),
            Self::Clashing { clashes } => return clashing_hints(clashes),
            Self::Outside { .. } => "Restore `manifest.json` from version control.".to_owned(),
            Self::NotAFile { path } => format!("Move `{}` out of the way.", path.display()),
            Self::NotAFolder { .. } => "Choose another folder.".to_owned(),
            Self::Dangling { path, .. } => {
                format!("Make what it leads to, or remove the link: `rm {}`.", path.display())
            }
            Self::Circle { path, .. } => format!("Remove the link: `rm {}`.", path.display()),
            Self::NoParent { path } => format!("Make it first: `mkdir -p {}`.", path.display()),
            Self::Io { source, .. } => return io_hint(source.kind()).map(str::to_owned).into_iter().collect(),
        };
        vec![hint]
    }
}

fn io_hint(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Free some space and run again: every file is still whole, as it was or as it should be."
        }
        io::ErrorKind::ReadOnlyFilesystem => "The disk is read-only: choose a folder on another one.",
        io::ErrorKind::PermissionDenied => "Choose a folder that you may write to.",
        io::ErrorKind::NotADirectory => "A part of the path is a file: choose another folder.",
        io::ErrorKind::CrossesDevices => "`.proxmox-mpc` must be on the same disk as the rest of the workspace.",
        _ => return None,
    })
}

fn held(holder: Option<&Holder>) -> String {
    holder.map(|holder| format!(": {holder}")).unwrap_or_default()
}

fn clashing_hints(clashes: &[Clash]) -> Vec<String> {
    let any = |beginning: &str| clashes.iter().any(|clash| clash.declaration.starts_with(beginning));
    let mut hints =
        vec!["Take it out of your file, or give it another name there; Terraform takes no two of a name.".to_owned()];
    if any("resource") {
        hints.push(
            "Or give the imported object another address: `import --dry-run --output json` prints the mapping, `--mapping` \
             takes it back edited."
                .to_owned(),
        );
    }
    if any("provider") || any("required_providers") || any("variable") {
        hints.push(
            "Or move your block to a file whose name ends with `_override.tf`: Terraform merges it into the generated one."
                .to_owned(),
        );
    }
    hints
}

fn clashing(clashes: &[Clash]) -> String {
    let sentence = |clash: &Clash| {
        let Clash { declaration, file, line, generated } = clash;
        format!("`{declaration}` is in your file `{file}`, line {line}, and would be in `{generated}` as well")
    };
    match clashes {
        [clash] => sentence(clash),
        clashes => {
            let lines: Vec<String> = clashes.iter().map(|clash| format!("\n  {}", sentence(clash))).collect();
            format!("{} declarations would be there twice:{}", clashes.len(), lines.concat())
        }
    }
}

fn edited(edits: &[Edit]) -> String {
    let mut text = match edits {
        [edit] if edit.ours => format!("`{}` was edited since it was generated", edit.path),
        [edit] => format!("`{}` is not ours: somebody's own file is where the import would write", edit.path),
        edits => {
            let names = |ours: bool| {
                let names = edits.iter().filter(|edit| edit.ours == ours).map(|edit| format!("`{}`", edit.path));
                names.collect::<Vec<_>>().join(", ")
            };
            let (ours, others) = (names(true), names(false));
            let parts =
                [("edited since they were generated", ours), ("not ours, where the import would write", others)];
            let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
            parts.map(|(what, names)| format!("{what}: {names}")).collect::<Vec<_>>().join("; ")
        }
    };
    for edit in edits {
        write!(text, "\n{}", edit.difference.trim_end()).expect("writing to a string cannot fail");
    }
    text
}
