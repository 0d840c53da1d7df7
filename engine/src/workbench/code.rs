//! Code of a root module: its variables, imports, resources and provider blocks, as far as trying it out needs them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use hcl_edit::structure::{Block, BlockLabel, Body};

use crate::workbench::WorkbenchError;

/// Facts about the code of a root module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    /// The variables without a default.
    pub(crate) variables: Vec<Variable>,
    /// The addresses of `import` blocks.
    pub(crate) imports: BTreeSet<String>,
    /// True if there is a `provider "proxmox"` block without an alias.
    pub(crate) provider: bool,
    /// The aliases of further such blocks.
    pub(crate) aliases: BTreeSet<String>,
    /// The addresses of the `resource` blocks.
    pub(crate) resources: BTreeSet<String>,
}

/// A variable without a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Its type as it is written; `None` if it has none.
    pub(crate) constraint: Option<String>,
}

impl Variable {
    /// A placeholder of its type for the value that only the user knows. The provider never reads a secret back, so that
    /// no placeholder shows in a plan.
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

/// Reads the `.tf` files in `folder`. A file without relevant blocks is not parsed: one of ten thousand guests would take
/// 200 MB of memory.
pub(crate) fn read(folder: &Path) -> Result<Code, WorkbenchError> {
    let mut code = Code::default();
    for (name, text) in files(folder)? {
        code.resources.extend(text.lines().filter_map(resource));
        if !is_relevant(&text) {
            continue;
        }
        let syntax = |source| WorkbenchError::Syntax { path: folder.join(&name), source: Box::new(source) };
        text.parse::<Body>().map_err(syntax)?.blocks().for_each(|block| code.block(block));
    }
    Ok(code)
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

/// The address of the resource whose block begins on this line: `resource "type" "name" {`.
fn resource(line: &str) -> Option<String> {
    let mut parts = line.trim_start().strip_prefix("resource")?.split('"');
    let (_, resource, _, label) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{resource}.{label}"))
}

/// Reports whether a text may have a block that [`Code`] is read from.
fn is_relevant(text: &str) -> bool {
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
            // The number of imports with `for_each` depends on its value, which only Terraform can compute.
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
        let variables: Vec<_> =
            code.variables.iter().map(|variable| (variable.name.as_str(), variable.placeholder())).collect();
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
