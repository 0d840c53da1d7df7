//! Data that a configuration answers with: instances, places of literals, imports, and the places of objects.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Path};

/// A resource instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The full address.
    pub address: Address,
    /// The file of its block, by path relative to the workspace.
    pub file: String,
    /// The bytes of the block in the file, from the keyword to the closing brace.
    pub range: Range<usize>,
    /// The reason why the block is only read, and never edited; `None` if it can be edited.
    pub read_only: Option<ReadOnly>,
    /// Position of the module instance in the configuration.
    pub(super) module: usize,
    /// Element of `count` or `for_each` that the instance is made of.
    pub(super) iteration: Option<super::modules::Iteration>,
}

/// A reason why code is read and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadOnly {
    /// It is written in JSON syntax.
    Json,
    /// An override file changes it.
    Override,
    /// A `dynamic` block makes it.
    Dynamic,
}

impl fmt::Display for ReadOnly {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "it is written in JSON syntax",
            Self::Override => "an override file changes it",
            Self::Dynamic => "a `dynamic` block makes it",
        })
    }
}

/// Place where the literal behind a value is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A literal.
    Literal(Literal),
    /// An expression that combines values: no one literal is the value.
    Computed(Computed),
    /// Nothing is written on the path.
    Absent,
}

impl Origin {
    /// The literal, if there is one.
    pub fn literal(&self) -> Option<&Literal> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Computed(_) | Self::Absent => None,
        }
    }
}

/// A literal in the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Kind of the place.
    pub kind: OriginKind,
    /// The name by which a person knows it: `local.memory`, `var.size in terraform/prod.auto.tfvars`,
    /// `local.vms["web"].memory`, `memory of module.vm["web"]`. In the own block it is the path.
    pub name: String,
    /// The file.
    pub file: String,
    /// The bytes of the value.
    pub range: Range<usize>,
    /// The reason why it is only read; `None` if it can be edited.
    pub read_only: Option<ReadOnly>,
    /// All other instances whose values depend on this very literal, with the paths of these values.
    pub users: Vec<(Address, Path)>,
}

/// Kind of the place of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// The block of the instance.
    Block,
    /// An entry of a `.tfvars` file.
    VariableFile,
    /// The default of a variable.
    Default,
    /// A local value.
    Local,
    /// An entry of a map or a list that `for_each` goes over.
    Entry,
    /// An argument of a module call.
    Argument,
    /// An attribute of another resource.
    Resource,
    /// An output of a module.
    Output,
}

/// An expression that is not the value of one literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The expression, as it is written.
    pub expression: String,
    /// The file.
    pub file: String,
    /// The bytes of the expression.
    pub range: Range<usize>,
    /// The reason why it is only read; `None` if it can be edited.
    pub read_only: Option<ReadOnly>,
}

/// An `import` block, or one element of its `for_each`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportBlock {
    /// The address that is imported to.
    pub to: Address,
    /// The id; `None` if it cannot be evaluated.
    pub id: Option<String>,
    /// The file.
    pub file: String,
    /// The bytes of the block.
    pub range: Range<usize>,
    /// Reports whether the block has a `for_each`, so that it imports others as well.
    pub repeated: bool,
}

/// A `removed` block: Terraform forgets what was at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedBlock {
    /// The address of a resource or a module.
    pub from: Address,
    /// The file.
    pub file: String,
    /// The bytes of the block.
    pub range: Range<usize>,
}

/// A module call whose module is not among the files, so that nobody can say what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpaqueModule {
    /// The address of the call: `module.vm`.
    pub address: String,
    /// The source, as it is written: `terraform-aws-modules/vpc/aws`, `git::https://…`.
    pub source: String,
    /// The file of the call.
    pub file: String,
}
