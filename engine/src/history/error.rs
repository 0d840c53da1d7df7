//! Errors of the repository around a workspace, and what to do about them.

use std::io;
use std::path::{Path, PathBuf};

use crate::history::Operation;
use crate::operation::{Fault, FaultKind};
use crate::toolchain::process::ProcessError;
use crate::workspace::WorkspaceError;

/// The reason why git could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The repository belongs to another user.
    #[error("the repository around `{}` belongs to another user", path.display())]
    Owner {
        /// The folder that git was asked about.
        path: PathBuf,
    },
    /// The repository has no work tree.
    #[error("the repository `{}` is bare: it has no work tree", path.display())]
    Bare {
        /// The folder of the repository.
        path: PathBuf,
    },
    /// The repository has a form that libgit2 does not know, such as reftable.
    #[error("the repository around `{}` cannot be read", path.display())]
    Unreadable {
        /// The folder that git was asked about.
        path: PathBuf,
        /// The reason.
        source: git2::Error,
    },
    /// The generated branch belongs to another workspace of the repository.
    #[error("the branch `{branch}` holds the generated files of the workspace `{theirs}`, not of `{ours}`")]
    OtherWorkspace {
        /// The branch.
        branch: String,
        /// The workspace of its commits, relative to the repository.
        theirs: String,
        /// This workspace, relative to the repository.
        ours: String,
    },
    /// The generated branch has commits of somebody else at its tip.
    #[error("the tip of the branch `{branch}` was not written by a sync: {commit}")]
    ForeignCommit {
        /// The branch.
        branch: String,
        /// The commit.
        commit: String,
    },
    /// The generated branch is checked out.
    #[error("the branch `{branch}` is checked out in `{}`", folder.display())]
    CheckedOut {
        /// The branch.
        branch: String,
        /// The work tree.
        folder: PathBuf,
    },
    /// Somebody else has moved a branch meanwhile.
    #[error("`{reference}` has moved meanwhile: another sync or person was faster")]
    Moved {
        /// The reference: `refs/heads/main`.
        reference: String,
    },
    /// The branch for the result is there already.
    #[error("there is a branch `{branch}` already")]
    BranchExists {
        /// The branch.
        branch: String,
    },
    /// The name of a branch is not one.
    #[error("`{branch}` cannot be the name of a branch")]
    BranchName {
        /// The name.
        branch: String,
    },
    /// A merge with conflicts needs a work tree.
    #[error("the merge has conflicts and cannot be left on a branch of its own: {}", list(paths))]
    ConflictsOnBranch {
        /// Paths relative to the workspace.
        paths: Vec<String>,
    },
    /// The repository is shallow, and the common history is beyond its end.
    #[error("the common history of HEAD and `{branch}` is not in this shallow clone")]
    Shallow {
        /// The generated branch.
        branch: String,
    },
    /// A merge, a rebase or the like is under way.
    #[error("a {operation} is under way in the repository")]
    UnderWay {
        /// The operation.
        operation: Operation,
    },
    /// Files that the merge would change have changes that are not committed.
    #[error("there are changes that are not committed: {}", list(paths))]
    Dirty {
        /// Paths relative to the root of the work tree.
        paths: Vec<String>,
    },
    /// Files that git does not know are where the merge would write.
    #[error("files that are not under version control would be overwritten: {}", list(paths))]
    InTheWay {
        /// Paths relative to the root of the work tree.
        paths: Vec<String>,
    },
    /// A link, a folder or a submodule is where a file should be.
    #[error("`{path}` is not a plain file in the repository")]
    NotAFile {
        /// The path relative to the root of the work tree.
        path: String,
    },
    /// Another git program works on the index.
    #[error("another git program works in this repository: `{}` is there", lock.display())]
    Locked {
        /// The file of the lock.
        lock: PathBuf,
    },
    /// A hook refused the commit.
    #[error("the hook `{hook}` refused the commit{}", quote(lines))]
    Hook {
        /// Its name.
        hook: String,
        /// The lines that it printed.
        lines: Vec<String>,
    },
    /// The `git` program failed.
    #[error("`{command}` failed{}", quote(lines))]
    Program {
        /// The command: `git write-tree`.
        command: String,
        /// The lines that it printed on its error stream.
        lines: Vec<String>,
    },
    /// The `git` program is missing where only it can do the work.
    #[error("{purpose} needs the `git` program, which is not installed here")]
    NoProgram {
        /// The purpose: "setting changes aside".
        purpose: &'static str,
    },
    /// A text does not name a commit or a time.
    #[error("`{text}` is neither a revision nor a time on the generated branch")]
    Revision {
        /// The text.
        text: String,
    },
    /// The private folder of the workspace could not be made.
    #[error(transparent)]
    Workspace(Box<WorkspaceError>),
    /// A program could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Git refused.
    #[error("git could not {action}")]
    Git {
        /// The action: "write the commit".
        action: &'static str,
        /// The reason.
        source: git2::Error,
    },
    /// The operating system refused.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// `read`, `write`, `replace`, `remove`.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A test has stopped the operation, as a crash would.
    #[cfg(test)]
    #[error("stopped after {0} writes")]
    Stopped(usize),
}

impl HistoryError {
    /// Turns an error of git2 into one that says what was tried.
    pub(super) fn git(action: &'static str) -> impl Fn(git2::Error) -> Self {
        move |source| Self::Git { action, source }
    }

    /// Turns an error of the operating system into one that says what was tried.
    pub(super) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

impl Fault for HistoryError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Process(error) => error.kind(),
            Self::BranchName { .. } | Self::Revision { .. } => FaultKind::Usage,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Owner { path } => {
                format!("If you trust it: `git config --global --add safe.directory {}`.", path.display())
            }
            Self::Bare { .. } => "Run this in a clone or a worktree of it.".to_owned(),
            Self::Unreadable { .. } => {
                "Repositories with reftable or with the object format SHA-256 are not supported: clone into one without."
                    .to_owned()
            }
            Self::OtherWorkspace { .. } => {
                "Give each workspace a branch of its own with the setting `generated_branch`.".to_owned()
            }
            Self::ForeignCommit { branch, .. } => {
                format!("Move it to a branch of its own: `git branch mine {branch} && git branch -f {branch} {branch}~1`.")
            }
            Self::CheckedOut { folder, .. } => {
                format!("Switch to your own branch there: `git -C {} switch -`.", folder.display())
            }
            Self::Moved { .. } => "Run again: nothing was lost.".to_owned(),
            Self::BranchExists { .. } | Self::BranchName { .. } => "Choose another name.".to_owned(),
            Self::ConflictsOnBranch { .. } => {
                "Run without `--branch`, and resolve the conflicts in the work tree.".to_owned()
            }
            Self::Shallow { .. } => "Get the whole history: `git fetch --unshallow`.".to_owned(),
            Self::UnderWay { operation } => format!("Finish it or abort it: `git {operation} --abort`."),
            Self::Dirty { .. } => {
                "Commit them or put them into the stash; `--autostash` does the latter and brings them back.".to_owned()
            }
            Self::InTheWay { .. } => "Add them to git, or move them out of the way.".to_owned(),
            Self::NotAFile { path } => format!("Replace `{path}` by a plain file."),
            Self::Locked { lock } => {
                format!("Run again when it has finished. If none is running: `rm {}`.", lock.display())
            }
            Self::Hook { .. } => "Nothing was changed. Do what the hook says, and run again.".to_owned(),
            Self::NoProgram { .. } => "Install `git`, or add its folder to PATH.".to_owned(),
            Self::Revision { .. } => {
                "Give a commit such as `HEAD~3`, or a time such as `2026-11-01` or `3 days ago`.".to_owned()
            }
            Self::Process(error) => return error.hints(),
            Self::Workspace(error) => return error.hints(),
            _ => return Vec::new(),
        };
        vec![hint]
    }
}

fn list(paths: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut names: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    if paths.len() > SHOWN {
        names.push(format!("{} more", paths.len() - SHOWN));
    }
    names.join(", ")
}

fn quote(lines: &[String]) -> String {
    lines.iter().flat_map(|line| ["\n  ", line]).collect()
}
