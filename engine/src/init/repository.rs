//! Repository: the git repository that a workspace is in, or a new one with the files of the workspace as its first commit.

use git2::{IndexAddOption, Signature};

use super::InitError;
use super::request::RepositoryReport;
use crate::history::Repository;
use crate::operation::Failure;
use crate::workspace::Workspace;

/// The repository that the workspace is in; where there is none, a new one, with these files of it as the first commit.
pub(super) fn found_or_made(
    workspace: &Workspace,
    files: &[String],
    author: &str,
) -> Result<RepositoryReport, Failure> {
    if let Some(repository) = Repository::discover(workspace)? {
        return Ok(RepositoryReport::Existing { folder: repository.root().to_owned() });
    }
    let repository = Repository::init(workspace)?;
    let commit = first_commit(&repository, files, author).map_err(InitError::from)?;
    Ok(RepositoryReport::Created { folder: repository.root().to_owned(), commit })
}

/// Commits the files to the branch that has no commit yet.
fn first_commit(repository: &Repository, files: &[String], author: &str) -> Result<String, git2::Error> {
    let git = git2::Repository::open(repository.root())?;
    let mut index = git.index()?;
    index.add_all(files.iter(), IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = git.find_tree(index.write_tree()?)?;
    // Whoever has told git no name yet gets that of the operating system.
    let signature = git.signature().or_else(|_| Signature::now(author, "proxmox-mpc@localhost"))?;
    let commit = git.commit(Some("HEAD"), &signature, &signature, MESSAGE, &tree, &[])?;
    Ok(commit.to_string())
}

const MESSAGE: &str = "A workspace for a Proxmox VE cluster\n\nSet up by `proxmox-mpc init`.\n";
