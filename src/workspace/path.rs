//! Relative paths of a workspace, none of which may lead out of it.

use std::path::{Component, Path, PathBuf};

use crate::workspace::WorkspaceError;

/// The place of `relative` in `folder`.
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
}
