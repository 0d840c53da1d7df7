//! A root module, as far as somebody needs to know it who runs it elsewhere: variables, imports and provider blocks.

use std::collections::BTreeSet;

use crate::document::{Block, Document, SyntaxError};
use crate::lines;

/// The `.tf` files of a root module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootModule {
    /// Variables without a default, in the order of the files.
    pub variables: Vec<Variable>,
    /// Addresses that `import` blocks without `for_each` import to.
    pub imports: BTreeSet<String>,
    /// True if there is a `provider "proxmox"` block without an alias.
    pub has_provider: bool,
    /// Aliases of further `provider "proxmox"` blocks.
    pub aliases: BTreeSet<String>,
    /// Addresses of the `resource` blocks: `type.name`.
    pub resources: BTreeSet<String>,
}

/// A variable without a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The type as it is written; `None` where any type will do.
    pub constraint: Option<String>,
}

impl Variable {
    /// Returns an expression of the variable's type that stands for the user's value. The provider never reads a secret back, so
    /// it shows in no plan.
    pub fn placeholder(&self) -> String {
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

impl RootModule {
    /// Adds a file. One that has nothing but resources is read by its lines and not parsed: a file of ten thousand guests would
    /// take two hundred megabytes.
    ///
    /// # Errors
    /// Text that is not HCL, in a file that has to be parsed.
    pub fn add(&mut self, text: &str) -> Result<(), SyntaxError> {
        self.resources.extend(lines::resource_addresses(text));
        let begins =
            |line: &str| KEYWORDS.iter().any(|word| line.trim_start_matches('\u{feff}').trim_start().starts_with(word));
        if text.lines().any(begins) {
            Document::parse(text)?.blocks().for_each(|block| self.block(block));
        }
        Ok(())
    }

    fn block(&mut self, block: Block<'_>) {
        match (block.keyword(), &block.labels()[..]) {
            ("variable", [name]) if block.attribute("default").is_none() => {
                let constraint = block.attribute("type").map(|constraint| constraint.source().to_owned());
                self.variables.push(Variable { name: (*name).to_owned(), constraint });
            }
            // The addresses of `for_each` depend on its value, which only Terraform computes.
            ("import", []) if block.attribute("for_each").is_none() => {
                self.imports.extend(block.attribute("to").map(|to| to.source().to_owned()));
            }
            ("provider", ["proxmox"]) => match block.attribute("alias").and_then(|alias| alias.string()) {
                Some(alias) => _ = self.aliases.insert(alias.to_owned()),
                None => self.has_provider = true,
            },
            _ => {}
        }
    }
}

/// Keywords of the blocks that have to be parsed.
const KEYWORDS: [&str; 3] = ["variable", "import", "provider"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_imports_and_providers_are_read() {
        let mut module = RootModule::default();
        let mut add = |text: &str| module.add(text).unwrap();
        add("resource \"a\" \"b\" {\n  broken here, but nobody reads it\n");
        add("variable \"password\" {\n  type      = string\n  sensitive = true\n}\n\
             variable \"size\" {\n  type    = number\n  default = 1\n}\n\
             variable \"any\" {\n}\n");
        add(
            "import {\n  to = a.b\n  id = \"1\"\n}\nimport {\n  for_each = {}\n  to       = c.d[each.key]\n  id = each.value\n}\n",
        );
        add("provider \"proxmox\" {\n}\nprovider \"proxmox\" {\n  alias = \"other\"\n}\nprovider \"random\" {}\n");
        assert!(module.has_provider);
        assert_eq!(module.aliases, BTreeSet::from(["other".to_owned()]));
        assert_eq!(module.imports, BTreeSet::from(["a.b".to_owned()]));
        assert_eq!(module.resources, BTreeSet::from(["a.b".to_owned()]));
        let variables: Vec<_> = module.variables.iter().map(|one| (one.name.as_str(), one.placeholder())).collect();
        assert_eq!(variables, [("password", "redacted-password".to_owned()), ("any", "redacted-any".to_owned())]);
        assert!(module.add("variable \"x\" {").is_err());
    }

    #[test]
    fn a_placeholder_has_the_type_of_its_variable() {
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
}
