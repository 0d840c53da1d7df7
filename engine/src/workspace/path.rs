//! Relative paths in a workspace, none of which may lead out of it.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::workspace::WorkspaceError;

/// The path of the file `relative` in `folder`.
///
/// Paths come from manifests too, which are files that anybody can edit: one that leads out of the workspace is
/// refused, not followed.
pub(super) fn inside(folder: &Path, relative: &str) -> Result<PathBuf, WorkspaceError> {
    let path = Path::new(relative);
    let plain = path.components().all(|component| matches!(component, Component::Normal(_)));
    if !plain || relative.is_empty() {
        return Err(WorkspaceError::Outside { path: relative.to_owned() });
    }
    Ok(folder.join(path))
}

/// Refuses a folder that is, or is below, a link that leads nowhere: it is not there and cannot be made.
pub fn check_links(folder: &Path) -> Result<(), WorkspaceError> {
    for path in folder.ancestors() {
        let Ok(target) = fs::read_link(path) else { continue };
        let path = path.to_owned();
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(WorkspaceError::Dangling { path, target });
            }
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                return Err(WorkspaceError::Circle { path, target });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        let check = |relative: &str, expected: bool| {
            assert_eq!(inside(Path::new("/w"), relative).is_ok(), expected, "{relative}");
        };
        check("terraform/vms.tf", true);
        check(".gitignore", true);
        check("../x", false);
        check("a/../../x", false);
        check("/etc/passwd", false);
        check("", false);
    }
    #[test]
    fn links_to_nothing_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (target, link) in [("nowhere", "dangling"), ("two", "one"), ("one", "two"), (".", "fine")] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        let check = |name: &str, expected: Option<&str>| {
            let said = check_links(&at(name)).err().map(|error| error.to_string());
            assert_eq!(said.is_some(), expected.is_some(), "{name}: {said:?}");
            assert!(said.zip(expected).is_none_or(|(said, expected)| said.ends_with(expected)), "{name}");
        };
        check("new", None);
        check("fine", None);
        check("fine/new", None);
        check("dangling", Some("dangling` is a link to `nowhere`, which is not there"));
        check("dangling/lab", Some("dangling` is a link to `nowhere`, which is not there"));
        check("one", Some("one` is a link to `two`, and that leads in a circle"));
    }
}
