//! Terraform and OpenTofu: which one is here, what we say to it, and what it answers.

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

pub use applied::{Applied, AppliedStep, ApplyReader};
pub use commands::{Environment, apply, init, plan, pull, show};
pub use differences::{Action, AttributeDifference, Difference, differences};
pub use error::TerraformError;
pub use messages::{Change, Counts, Plan, PlanReader, UiMessage, message};
pub use planned::{Planned, planned};
pub(crate) use session::{Session, provider_version};
pub use version::Version;

use crate::operation::{Context, Fault, FaultKind};
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, ProcessError, Stream};

/// The oldest version that knows `import` blocks, for both products (OpenTofu began at 1.6).
const OLDEST: Version = Version(1, 5, 0);

/// A Terraform or an OpenTofu that is installed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What to start.
    pub program: PathBuf,
    /// Which of the two it is.
    pub product: Product,
    /// Its version.
    pub version: Version,
}

/// The two programs that read our code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// HashiCorp's.
    Terraform,
    /// The Linux Foundation's.
    OpenTofu,
}

impl Product {
    /// Its name as its makers write it.
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

/// Why there is no tool to work with.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// Neither is installed.
    #[error("neither terraform nor tofu is installed here")]
    Missing,
    /// What was found does not answer like either.
    #[error("`{program}` does not answer like Terraform or OpenTofu: {answer}")]
    Strange {
        /// What was started.
        program: PathBuf,
        /// The first line that it wrote, or how it ended.
        answer: String,
    },
    /// It cannot read `import` blocks.
    #[error("{tool} is too old for import blocks, which came with {OLDEST}")]
    Old {
        /// What was found.
        tool: Tool,
    },
    /// It could not be started.
    #[error("could not ask which version of Terraform is installed")]
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

/// The program named by `choice`, else `terraform`, else `tofu`, whichever PATH has.
pub fn find(choice: Option<&Path>, context: &Context) -> Result<Tool, ToolError> {
    if let Some(program) = choice {
        return ask(program, context);
    }
    for name in ["terraform", "tofu"] {
        match ask(Path::new(name), context) {
            Err(ToolError::Process(error)) if error.is_missing() => {}
            found => return found,
        }
    }
    Err(ToolError::Missing)
}

fn ask(program: &Path, context: &Context) -> Result<Tool, ToolError> {
    // Without `-json`: only the text says which of the two products it is.
    let invocation = Invocation::new(program).arg("version").env("CHECKPOINT_DISABLE", "1");
    // Whatever it has to say of the user's settings stands before its name, on the other stream.
    let (mut first, mut named) = (None, None);
    let ended = process::run(&invocation, context, |stream, line| {
        if stream == Stream::Output && named.is_none() {
            named = product(&line);
        }
        first.get_or_insert(line);
    })?;
    let Some((product, version)) = named else {
        let answer = first.unwrap_or_else(|| format!("it wrote nothing and ended with code {:?}", ended.code));
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
