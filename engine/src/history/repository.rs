//! Repository: the git repository that a workspace is in, and the facts of it that decide how a merge goes.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, RepositoryOpenFlags, RepositoryState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HistoryError, Oid};
use crate::workspace::Workspace;

/// The git repository around a workspace.
pub struct Repository {
    pub(super) git: git2::Repository,
    /// The `git` program.
    pub(super) program: PathBuf,
    /// The root of the work tree.
    pub(super) root: PathBuf,
    pub(super) workspace: Workspace,
    /// The workspace relative to the root of the work tree, with `/`; empty for the root itself.
    pub(super) prefix: String,
    /// The number of writes so far, and the number after which a test stops them.
    #[cfg(test)]
    pub(super) writes: std::cell::Cell<(usize, usize)>,
}

impl fmt::Debug for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { root, prefix, .. } = self;
        formatter.debug_struct("Repository").field("root", root).field("prefix", prefix).finish_non_exhaustive()
    }
}

/// The facts of a repository that decide how a merge goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each fact is independent of the others")]
pub struct Setup {
    /// The branch or commit that is checked out.
    pub head: Head,
    /// The operation that is under way.
    pub operation: Option<Operation>,
    /// True for a linked worktree (`git worktree add`).
    pub worktree: bool,
    /// True for a submodule of another repository.
    pub submodule: bool,
    /// True for a sparse checkout.
    pub sparse: bool,
    /// True for a clone without its whole history.
    pub shallow: bool,
    /// `core.autocrlf`: `true`, `input` or `false`; `None` where it is not set.
    pub autocrlf: Option<String>,
    /// True if a `.gitignore` of the repository excludes the workspace.
    pub ignored: bool,
}

/// The branch or commit that is checked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "head", rename_all = "snake_case")]
pub enum Head {
    /// A branch without a commit.
    Unborn {
        /// Its name: `main`.
        branch: String,
    },
    /// A branch.
    Branch {
        /// Its name: `main`.
        branch: String,
        /// Its commit.
        commit: String,
    },
    /// A commit, on no branch.
    Detached {
        /// The commit.
        commit: String,
    },
}

/// An operation of git that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// `git merge`.
    Merge,
    /// `git rebase`.
    Rebase,
    /// `git cherry-pick`.
    CherryPick,
    /// `git revert`.
    Revert,
    /// `git bisect`.
    Bisect,
    /// `git am`.
    Am,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
            Self::Am => "am",
        })
    }
}

/// The name and address that commits are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// True if they are the person's, of git's configuration or environment.
    pub configured: bool,
}

impl Repository {
    /// Finds the repository that the workspace is in; `None` where there is none. The workspace need not be there yet.
    ///
    /// Variables such as `GIT_DIR`, which an outer hook sets, do not count: the folder decides.
    pub fn discover(workspace: &Workspace) -> Result<Option<Self>, HistoryError> {
        let folder = real(workspace.root())?;
        let start = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(&folder).to_owned();
        let none: [&OsStr; 0] = [];
        match git2::Repository::open_ext(&start, RepositoryOpenFlags::CROSS_FS, none) {
            Ok(git) => Self::new(git, workspace, &folder).map(Some),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) if error.code() == ErrorCode::Owner => Err(HistoryError::Owner { path: start }),
            Err(source) => Err(HistoryError::Unreadable { path: start, source }),
        }
    }

    /// Makes a repository whose root is the workspace, with the branch name that git's configuration wishes. The folder of the
    /// workspace must be there.
    pub fn init(workspace: &Workspace) -> Result<Self, HistoryError> {
        let folder = real(workspace.root())?;
        let wish = git2::Config::open_default().and_then(|config| config.get_string("init.defaultBranch"));
        let branch = wish.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "main".to_owned());
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head(&branch).external_template(true);
        let git = git2::Repository::init_opts(&folder, &options).map_err(HistoryError::git("make a repository"))?;
        Self::new(git, workspace, &folder)
    }

    fn new(git: git2::Repository, workspace: &Workspace, folder: &Path) -> Result<Self, HistoryError> {
        let Some(root) = git.workdir() else { return Err(HistoryError::Bare { path: git.path().to_owned() }) };
        let root = real(root)?;
        let prefix = folder.strip_prefix(&root).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self {
            git,
            program: PathBuf::from("git"),
            root,
            workspace: workspace.clone(),
            prefix,
            #[cfg(test)]
            writes: std::cell::Cell::new((0, usize::MAX)),
        })
    }

    /// Uses this program instead of the `git` in PATH.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// The root of the work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The workspace relative to the root of the work tree, with `/`: `infra/pve`; empty for the root itself.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The workspace as trailers and messages name it: `infra/pve`; `.` for the root of the work tree.
    pub fn place(&self) -> &str {
        if self.prefix.is_empty() { "." } else { &self.prefix }
    }

    /// The path relative to the root of the work tree of a path relative to the workspace.
    pub fn path_in_repository(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    /// Reports whether git ignores a file, by path relative to the workspace.
    pub fn ignores(&self, path: &str) -> Result<bool, HistoryError> {
        let ignored = self.git.is_path_ignored(self.path_in_repository(path));
        ignored.map_err(HistoryError::git("read the ignored files"))
    }

    /// The commit that is checked out; `None` on a branch without a commit.
    pub fn head(&self) -> Result<Option<Oid>, HistoryError> {
        match self.git.head() {
            Ok(head) => head.peel_to_commit().map(|commit| Some(commit.id())).map_err(HistoryError::git("read HEAD")),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(source) => Err(HistoryError::Git { action: "read HEAD", source }),
        }
    }

    /// The reference that a commit moves: the branch that is checked out, or HEAD itself where it is detached.
    pub(super) fn head_reference(&self) -> Result<String, HistoryError> {
        let failed = HistoryError::git("read HEAD");
        let head = self.git.find_reference("HEAD").map_err(&failed)?;
        Ok(head.symbolic_target().map_err(&failed)?.unwrap_or("HEAD").to_owned())
    }

    /// The facts that decide how a merge goes.
    pub fn setup(&self) -> Result<Setup, HistoryError> {
        let commit = self.head()?;
        let reference = self.head_reference()?;
        let branch = reference.strip_prefix("refs/heads/").unwrap_or(&reference).to_owned();
        let head = match commit {
            None => Head::Unborn { branch },
            Some(commit) if reference == "HEAD" => Head::Detached { commit: commit.to_string() },
            Some(commit) => Head::Branch { branch, commit: commit.to_string() },
        };
        let config = self.git.config().map_err(HistoryError::git("read its configuration"))?;
        let worktree = self.git.is_worktree();
        Ok(Setup {
            head,
            operation: self.operation(),
            worktree,
            submodule: !worktree && self.root.join(".git").is_file(),
            sparse: config.get_bool("core.sparseCheckout").unwrap_or(false),
            shallow: self.git.is_shallow(),
            autocrlf: config.get_string("core.autocrlf").ok(),
            ignored: !self.prefix.is_empty() && self.git.is_path_ignored(&self.prefix).unwrap_or(false),
        })
    }

    /// The operation of git that is under way.
    pub fn operation(&self) -> Option<Operation> {
        Some(match self.git.state() {
            RepositoryState::Clean => return None,
            RepositoryState::Merge => Operation::Merge,
            RepositoryState::Revert | RepositoryState::RevertSequence => Operation::Revert,
            RepositoryState::CherryPick | RepositoryState::CherryPickSequence => Operation::CherryPick,
            RepositoryState::Bisect => Operation::Bisect,
            RepositoryState::Rebase | RepositoryState::RebaseInteractive | RepositoryState::RebaseMerge => {
                Operation::Rebase
            }
            RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => Operation::Am,
        })
    }

    /// The name and address that commits are made with: those of git's configuration or environment, otherwise ours.
    pub fn identity(&self) -> Identity {
        let known = self.git.author_from_env().or_else(|_| self.git.signature());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match known {
            Ok(known) => {
                Identity { name: text(known.name_bytes()), email: text(known.email_bytes()), configured: true }
            }
            Err(_) => Identity {
                name: "Proxmox-MPC".to_owned(),
                email: "proxmox-mpc@localhost".to_owned(),
                configured: false,
            },
        }
    }

    /// The author of a commit of this time, in seconds since 1970, in UTC.
    pub(super) fn signature(&self, time: i64) -> Result<git2::Signature<'static>, HistoryError> {
        let Identity { name, email, .. } = self.identity();
        git2::Signature::new(&name, &email, &git2::Time::new(time, 0)).map_err(HistoryError::git("name the author"))
    }
}

/// The path without links. The last part of it need not be there.
fn real(path: &Path) -> Result<PathBuf, HistoryError> {
    let failed = HistoryError::io("read", path);
    let absolute = std::path::absolute(path).map_err(&failed)?;
    for folder in absolute.ancestors() {
        let Ok(real) = fs::canonicalize(folder) else { continue };
        let rest = absolute.strip_prefix(folder).unwrap_or(Path::new(""));
        return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
    }
    Ok(absolute)
}
