//! Terraform and OpenTofu: the installed one, its commands, and its output.

mod applied;
mod commands;
mod differences;
mod error;
mod messages;
mod planned;
mod session;
mod shown;
mod version;

use std::path::{Path, PathBuf};

pub use applied::{AppliedStep, ApplyReader, ApplyResult};
pub use commands::{Environment, apply, init, plan, pull, show};
pub use differences::{Action, AttributeDifference, Difference, differences};
pub use error::TerraformError;
pub use messages::{Counts, Plan, PlanReader, PlannedChange, UiMessage, message};
pub use planned::{PlannedResource, planned};
pub(crate) use session::{Session, provider_version};
pub use version::Version;

use crate::operation::{Context, Fault, FaultKind};
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, ProcessError, Stream};

/// The oldest version with `import` blocks, for both products (OpenTofu began at 1.6).
const OLDEST: Version = Version(1, 5, 0);

/// An installed Terraform or OpenTofu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The program to start.
    pub program: PathBuf,
    /// The product.
    pub product: Product,
    /// The version.
    pub version: Version,
}

/// The two programs that read our code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Terraform, by HashiCorp.
    Terraform,
    /// OpenTofu, by the Linux Foundation.
    OpenTofu,
}

impl Product {
    /// The name of the product.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::OpenTofu => "OpenTofu",
        }
    }
}

impl std::fmt::Display for Tool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.product.name(), self.version)
    }
}

/// No usable Terraform was found.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// Neither is installed.
    #[error("neither terraform nor tofu is installed here")]
    Missing,
    /// The program is neither of the two.
    #[error("`{program}` is neither Terraform nor OpenTofu; it answered: {answer}")]
    Strange {
        /// The program.
        program: PathBuf,
        /// The first line that it printed, or its exit code.
        answer: String,
    },
    /// The version does not support `import` blocks.
    #[error("{tool} is too old: import blocks need {OLDEST} or newer")]
    Old {
        /// The installed version.
        tool: Tool,
    },
    /// The version could not be read.
    #[error("could not read the version of Terraform")]
    Process(#[from] ProcessError),
}

impl Fault for ToolError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Process(error) => error.kind(),
            Self::Missing | Self::Strange { .. } | Self::Old { .. } => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing => vec![
                "Install Terraform (https://developer.hashicorp.com/terraform/install) or OpenTofu \
                 (https://opentofu.org/docs/intro/install/)."
                    .to_owned(),
                "If it is installed outside PATH, name it with `--terraform-bin FILE`.".to_owned(),
            ],
            Self::Strange { .. } => vec!["Name the right program with `--terraform-bin FILE`.".to_owned()],
            Self::Old { .. } => vec![format!("Install version {OLDEST} or newer.")],
            Self::Process(error) => error.hints(),
        }
    }
}

/// Finds the program named by `choice`; without it, the `terraform` or else the `tofu` in PATH.
pub fn find(choice: Option<&Path>, context: &Context) -> Result<Tool, ToolError> {
    if let Some(program) = choice {
        return ask(program, context);
    }
    for name in ["terraform", "tofu"] {
        match ask(Path::new(name), context) {
            Err(ToolError::Process(error)) if error.is_missing() => {}
            result => return result,
        }
    }
    Err(ToolError::Missing)
}

fn ask(program: &Path, context: &Context) -> Result<Tool, ToolError> {
    // Without `-json`: only the text names the product.
    let invocation = Invocation::new(program).arg("version").env("CHECKPOINT_DISABLE", "1");
    // Warnings about the user's settings may come before the name, on the other stream.
    let (mut first_line, mut answer) = (None, None);
    let exit = process::run(&invocation, context, |stream, line| {
        if stream == Stream::Output && answer.is_none() {
            answer = product(&line);
        }
        first_line.get_or_insert(line);
    })?;
    let Some((product, version)) = answer else {
        let answer = first_line.unwrap_or_else(|| format!("nothing, and ended with code {:?}", exit.code));
        return Err(ToolError::Strange { program: program.to_owned(), answer });
    };
    let tool = Tool { program: program.to_owned(), product, version };
    if tool.version < OLDEST { Err(ToolError::Old { tool }) } else { Ok(tool) }
}

/// Reads `Terraform v1.11.4` and `OpenTofu v1.8.0-beta1`.
fn product(line: &str) -> Option<(Product, Version)> {
    let (name, version) = line.trim().split_once(" v")?;
    let product = match name {
        "Terraform" => Product::Terraform,
        "OpenTofu" => Product::OpenTofu,
        _ => return None,
    };
    Some((product, Version::parse(version)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_products_are_known_by_their_first_line() {
        let check = |line: &str, expected: Option<(Product, Version)>| assert_eq!(product(line), expected, "{line}");
        check("Terraform v1.11.4", Some((Product::Terraform, Version(1, 11, 4))));
        check("OpenTofu v1.8.0-beta1", Some((Product::OpenTofu, Version(1, 8, 0))));
        check("Terraform v2", None);
        check("bash: terraform: not found", None);
        check("Packer v1.9.0", None);
    }
}
