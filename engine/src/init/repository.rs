//! Repository: the git repository that a workspace is in, or a new one with the first commit.
//!
//! Seam: `history::Repository` is to take this over; until then this is the one place of `init` that calls git2.

use std::path::Path;

use git2::{ErrorCode, IndexAddOption, Repository, RepositoryInitOptions, Signature};

use super::InitError;
use super::request::RepositoryReport;

/// Reports whether the folder, or the one that it will be made in, is in a git repository.
pub(super) fn is_in_one(folder: &Path) -> bool {
    Repository::discover(existing(folder)).is_ok()
}

/// The repository that the workspace is in; where there is none, a new one, with these files of it as the first commit.
pub(super) fn found_or_made(folder: &Path, files: &[String], author: &str) -> Result<RepositoryReport, InitError> {
    match Repository::discover(folder) {
        Ok(repository) => {
            let folder = repository.workdir().unwrap_or(repository.path()).to_owned();
            return Ok(RepositoryReport::Existing { folder });
        }
        Err(error) if error.code() == ErrorCode::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let repository = Repository::init_opts(folder, RepositoryInitOptions::new().initial_head("main").no_reinit(true))?;
    let mut index = repository.index()?;
    index.add_all(files.iter(), IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    // Whoever has told git no name yet gets that of the operating system.
    let signature = repository.signature().or_else(|_| Signature::now(author, "proxmox-mpc@localhost"))?;
    let commit = repository.commit(Some("HEAD"), &signature, &signature, MESSAGE, &tree, &[])?;
    Ok(RepositoryReport::Created { folder: folder.to_owned(), commit: commit.to_string() })
}

const MESSAGE: &str = "A workspace for a Proxmox VE cluster\n\nSet up by `proxmox-mpc init`.\n";

/// The nearest folder that is there.
fn existing(folder: &Path) -> &Path {
    let parents = folder.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    parents.into_iter().find(|path| path.is_dir()).unwrap_or(Path::new("."))
}
