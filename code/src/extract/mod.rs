//! Refactorings that people do by hand: equal literals become a local or a variable, alike resources a `for_each` over a map, a
//! group of resources a module. Only the touched bytes change.

mod changes;
mod for_each;
mod literal;
mod module;
mod settings;
mod sources;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::configuration::Path;

pub use for_each::for_each;
pub use literal::literal;
pub use module::module;

/// The code that something is extracted from.
#[derive(Clone, Copy, Debug)]
pub struct ExtractInput<'a> {
    /// All Terraform code of the workspace, by path relative to it.
    pub files: &'a BTreeMap<String, String>,
    /// The folder of the root module: `terraform`.
    pub root: &'a str,
}

/// Request to give equal literals a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralRequest {
    /// The declaration that holds the value.
    pub declaration: NamedValue,
    /// The name of the local or the variable.
    pub name: String,
    /// The path of the attribute: `memory.dedicated`. A nested block without a position stands for all of its name. Without it,
    /// every attribute with the value is meant.
    pub attribute: Option<Path>,
    /// The literal, as code or as plain text. It may be absent where the selected blocks have only one value.
    pub value: Option<String>,
    /// Addresses or types of resources; none selects all blocks.
    pub blocks: Vec<String>,
}

/// Kind of a declaration that holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedValue {
    /// `local.name`.
    Local,
    /// `var.name`, with the value as its default.
    Variable,
}

/// Result of an extraction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    /// New texts of files, by path relative to the workspace; `None` deletes.
    pub files: BTreeMap<String, Option<String>>,
    /// The edits, in the order of files and lines.
    pub edits: Vec<ExtractEdit>,
    /// Resources with another address.
    pub moves: Vec<ResourceMove>,
}

/// An edit of an extraction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ExtractEdit {
    /// The file, by path relative to the workspace.
    pub file: String,
    /// The line before the extraction, counted from 1.
    pub line: usize,
    /// The address of the resource, or the beginning of another block.
    pub block: String,
    /// The path of the attribute; empty for the whole block.
    pub attribute: String,
    /// The code before; empty for a whole block.
    pub before: String,
    /// The code after; empty where the block went elsewhere.
    pub after: String,
}

/// Another address of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ResourceMove {
    /// The address before.
    pub from: String,
    /// The address after.
    pub to: String,
    /// The file of its block after.
    pub file: String,
}

/// Reason why something cannot be extracted, as a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// Refuses a name that Terraform does not take.
fn check_name(name: &str) -> Result<(), Refusal> {
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if begins && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return Ok(());
    }
    Err(Refusal(format!(
        "`{name}` is not a name that Terraform takes: letters, digits, `_` and `-`, and no digit first"
    )))
}

/// A block that is no resource, for people: `output "web_ip"`.
fn title(block: crate::document::Block<'_>) -> String {
    block
        .labels()
        .iter()
        .fold(block.keyword().to_owned(), |text, label| format!("{text} {}", crate::quote::quoted(label)))
}
