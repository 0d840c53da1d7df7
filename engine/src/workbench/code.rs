//! Reader of the `.tf` files of a workspace.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use proxmox_mpc_code::RootModule;

use crate::workbench::WorkbenchError;
use crate::workspace::Workspace;

/// Reads the root module of a workspace.
pub(crate) fn root_module(workspace: &Workspace) -> Result<RootModule, WorkbenchError> {
    read(&workspace.terraform())
}

fn read(folder: &Path) -> Result<RootModule, WorkbenchError> {
    let mut module = RootModule::default();
    for (name, text) in files(folder)? {
        let syntax = |source| WorkbenchError::Syntax { path: folder.join(&name), source: Box::new(source) };
        module.add(&text).map_err(syntax)?;
    }
    Ok(module)
}

/// Returns the texts of the `.tf` files in `folder`, by name. It is an error if there are none.
pub(crate) fn files(folder: &Path) -> Result<BTreeMap<String, String>, WorkbenchError> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|source| WorkbenchError::read(folder, source))? {
        let path = entry.map_err(|source| WorkbenchError::read(folder, source))?.path();
        let (Some(name), Some("tf")) = (path.file_name(), path.extension().and_then(OsStr::to_str)) else { continue };
        let text = fs::read_to_string(&path).map_err(|source| WorkbenchError::read(&path, source))?;
        files.insert(name.to_string_lossy().into_owned(), text);
    }
    if files.is_empty() {
        return Err(WorkbenchError::NoCode { folder: folder.to_owned() });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_file_by_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("vms.tf", "resource \"a\" \"b\" {}\n");
        write("provider.tf", "provider \"proxmox\" {}\n");
        write("notes.txt", "variable {");
        let module = read(folder.path()).unwrap();
        assert!(module.has_provider && module.resources.contains("a.b"), "{module:?}");
        write("broken.tf", "variable \"x\" {");
        assert!(matches!(read(folder.path()), Err(WorkbenchError::Syntax { .. })));
    }

    #[test]
    fn a_folder_without_code_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(WorkbenchError::NoCode { .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(WorkbenchError::Read { .. })));
    }
}
