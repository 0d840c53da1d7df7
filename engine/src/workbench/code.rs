//! What must be known of the code to try it out: its variables, what it imports, and how it names the provider.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use hcl_edit::structure::{Block, BlockLabel, Body};

use crate::workbench::WorkbenchError;

/// The code of a root module, as far as trying it out is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    /// Variables that somebody must give a value.
    pub(crate) variables: Vec<Variable>,
    /// The addresses of `import` blocks.
    pub(crate) imports: BTreeSet<String>,
    /// Whether there is a `provider "proxmox"` block to override.
    pub(crate) provider: bool,
    /// The aliases of further blocks.
    pub(crate) aliases: BTreeSet<String>,
    /// The addresses of the `resource` blocks.
    pub(crate) resources: BTreeSet<String>,
}

/// A variable without a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Its type as it is written, `None` where any will do.
    pub(crate) constraint: Option<String>,
}

impl Variable {
    /// A value of its type that stands for the one that only the user knows. The provider never reads a secret
    /// back, so none of these shows in a plan.
    pub(crate) fn placeholder(&self) -> String {
        let constraint = self.constraint.as_deref().unwrap_or("string");
        match constraint.split('(').next().unwrap_or_default().trim() {
            "number" => "0".to_owned(),
            "bool" => "false".to_owned(),
            "list" | "set" | "tuple" => "[]".to_owned(),
            "map" | "object" => "{}".to_owned(),
            _ => proxmox_mpc_model::redact::placeholder(&self.name),
        }
    }
}

/// Reads the `.tf` files in `folder`. A file without a block that matters is not parsed: one of ten thousand guests
/// would take two hundred megabytes.
pub(crate) fn read(folder: &Path) -> Result<Code, WorkbenchError> {
    let mut code = Code::default();
    for (name, text) in files(folder)? {
        code.resources.extend(text.lines().filter_map(resource));
        if !matters(&text) {
            continue;
        }
        let syntax = |source| WorkbenchError::Syntax { path: folder.join(&name), source: Box::new(source) };
        text.parse::<Body>().map_err(syntax)?.blocks().for_each(|block| code.block(block));
    }
    Ok(code)
}

/// The `.tf` files in `folder`: their names and texts, in the order of their names. An error where there is none.
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

/// The address of the block that this line begins: `resource "type" "name" {`.
fn resource(line: &str) -> Option<String> {
    let mut parts = line.trim_start().strip_prefix("resource")?.split('"');
    let (_, resource, _, label) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{resource}.{label}"))
}

fn matters(text: &str) -> bool {
    let words = ["variable", "import", "provider"];
    text.lines().any(|line| words.iter().any(|word| line.trim_start().starts_with(word)))
}

impl Code {
    fn block(&mut self, block: &Block) {
        match (block.ident.as_str(), &block.labels[..]) {
            ("variable", [name]) if !block.body.has_attribute("default") => {
                let constraint = block.body.get_attribute("type").map(|written| text(&written.value));
                self.variables.push(Variable { name: label(name), constraint });
            }
            // With `for_each` there are as many as its value says, which is not ours to compute.
            ("import", []) if !block.body.has_attribute("for_each") => {
                self.imports.extend(block.body.get_attribute("to").map(|to| text(&to.value)));
            }
            ("provider", [name]) if label(name) == "proxmox" => {
                match block.body.get_attribute("alias").and_then(|alias| alias.value.as_str()) {
                    Some(alias) => drop(self.aliases.insert(alias.to_owned())),
                    None => self.provider = true,
                }
            }
            _ => {}
        }
    }
}

fn label(label: &BlockLabel) -> String {
    label.as_str().to_owned()
}

fn text(expression: &hcl_edit::expr::Expression) -> String {
    expression.to_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_imports_and_the_provider_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("vms.tf", "resource \"a\" \"b\" {\n  broken here, but nobody reads it\n");
        write(
            "variables.tf",
            "variable \"password\" {\n  type      = string\n  sensitive = true\n}\n\
             variable \"size\" {\n  type    = number\n  default = 1\n}\n\
             variable \"any\" {\n}\n",
        );
        write(
            "imports.tf",
            "import {\n  to = a.b\n  id = \"1\"\n}\nimport {\n  for_each = {}\n  to       = c.d[each.key]\n  id = each.value\n}\n",
        );
        write(
            "provider.tf",
            "provider \"proxmox\" {\n}\nprovider \"proxmox\" {\n  alias = \"other\"\n}\nprovider \"random\" {}\n",
        );
        let code = read(folder.path()).unwrap();
        assert!(code.provider);
        assert_eq!(code.aliases, BTreeSet::from(["other".to_owned()]));
        assert_eq!(code.imports, BTreeSet::from(["a.b".to_owned()]));
        let variables: Vec<_> = code.variables.iter().map(|found| (found.name.as_str(), found.placeholder())).collect();
        assert_eq!(variables, [("password", "redacted-password".to_owned()), ("any", "redacted-any".to_owned())]);
    }

    #[test]
    fn a_placeholder_is_of_its_type() {
        let check = |constraint: Option<&str>, expected: &str| {
            let variable = Variable { name: "v".to_owned(), constraint: constraint.map(str::to_owned) };
            assert_eq!(variable.placeholder(), expected, "{constraint:?}");
        };
        check(None, "redacted-v");
        check(Some("string"), "redacted-v");
        check(Some("number"), "0");
        check(Some("bool"), "false");
        check(Some("list(string)"), "[]");
        check(Some("map(any)"), "{}");
    }

    #[test]
    fn a_folder_without_code_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(WorkbenchError::NoCode { .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(WorkbenchError::Read { .. })));
    }
}
