//! Protection: disables `prevent_destroy` in the copy of the code, at which Terraform would stop before it shows a plan; and
//! copies the user's values of variables.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proxmox_mpc_code::{Document, Edit, SyntaxError, edit};

use crate::workbench::{Scratch, WorkbenchError};

/// Disables the protection of every resource in the copy. Returns the addresses of the protected resources: `type.name`.
///
/// Resources in modules stay protected: modules are linked, not copied.
pub(super) fn disable(scratch: &Scratch) -> Result<BTreeSet<String>, WorkbenchError> {
    let mut protected = BTreeSet::new();
    for entry in fs::read_dir(scratch.code()).map_err(WorkbenchError::Scratch)? {
        let path = entry.map_err(WorkbenchError::Scratch)?.path();
        let is_code = path.extension().is_some_and(|extension| extension == "tf") && path.is_file();
        if !is_code {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|source| WorkbenchError::read(&path, source))?;
        if !text.contains("prevent_destroy") {
            continue;
        }
        let syntax = |source| WorkbenchError::Syntax { path: path.clone(), source: Box::new(source) };
        let (text, addresses) = without_protection(&text).map_err(syntax)?;
        protected.extend(addresses);
        // The copy may have the mode of a read-only file.
        fs::remove_file(&path).and_then(|()| fs::write(&path, text)).map_err(WorkbenchError::Scratch)?;
    }
    Ok(protected)
}

/// Sets `prevent_destroy` to false in every resource. Returns the text and the addresses that had it set.
fn without_protection(text: &str) -> Result<(String, Vec<String>), SyntaxError> {
    let document = Document::parse(text)?;
    let (mut edits, mut addresses) = (Vec::new(), Vec::new());
    for block in document.blocks().filter(|block| block.keyword() == "resource") {
        let lifecycle = block.blocks("lifecycle").next();
        let Some(protection) = lifecycle.and_then(|block| block.attribute("prevent_destroy")) else { continue };
        if protection.boolean() == Some(true) {
            addresses.extend(block.resource_address());
        }
        edits.push(Edit { range: protection.value_range(), text: "false".to_owned() });
    }
    Ok((edit::apply(text, edits), addresses))
}

/// Copies the files from which Terraform reads values of variables automatically.
pub(super) fn copy_values(scratch: &Scratch, from: &Path) -> Result<(), WorkbenchError> {
    for entry in fs::read_dir(from).map_err(|source| WorkbenchError::read(from, source))? {
        let entry = entry.map_err(|source| WorkbenchError::read(from, source))?;
        let name = entry.file_name();
        if is_read_automatically(&name.to_string_lossy()) && entry.path().is_file() {
            fs::copy(entry.path(), scratch.code().join(name)).map_err(WorkbenchError::Scratch)?;
        }
    }
    Ok(())
}

fn is_read_automatically(name: &str) -> bool {
    matches!(name, "terraform.tfvars" | "terraform.tfvars.json")
        || name.ends_with(".auto.tfvars")
        || name.ends_with(".auto.tfvars.json")
}

/// The address of the resource block, without the key of an instance: `type.name` of `type.name["x"]`.
pub(super) fn block_address(address: &str) -> &str {
    address.split('[').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_protections_are_changed() {
        let text = "# kept\nresource \"a\" \"b\" {\n  description = <<-EOT\n    prevent_destroy = true\n  EOT\n\n  lifecycle {\n    \
                    prevent_destroy = true # kept too\n    ignore_changes  = [x]\n  }\n}\n\nresource \"a\" \"c\" {\n  lifecycle {\n    \
                    prevent_destroy = false\n  }\n}\n";
        let (edited, addresses) = without_protection(text).unwrap();
        assert_eq!(addresses, ["a.b"]);
        let expected = text.replace("prevent_destroy = true # kept too", "prevent_destroy = false # kept too");
        assert_eq!(edited, expected);
    }

    #[test]
    fn values_are_read_as_terraform_does() {
        let check = |name: &str, expected: bool| assert_eq!(is_read_automatically(name), expected, "{name}");
        check("terraform.tfvars", true);
        check("secret.auto.tfvars", true);
        check("terraform.tfvars.json", true);
        check("prod.tfvars", false);
    }
}
