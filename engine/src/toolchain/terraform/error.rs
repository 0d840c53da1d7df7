//! Errors of Terraform, with what to do about them.

use crate::operation::event::Diagnostic;
use crate::operation::{Fault, FaultKind};
use crate::toolchain::process::ProcessError;

/// Terraform failed before it could say anything about the code.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// Terraform could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The provider is not installed, and cannot be downloaded.
    #[error("the provider cannot be installed here: {why}")]
    Provider {
        /// The reason, in Terraform's words, on one line.
        why: String,
    },
    /// The initialization failed for another reason, such as invalid code.
    #[error("`{tool} init` failed{}", text(diagnostics))]
    Init {
        /// `terraform` or `tofu`.
        tool: String,
        /// Its errors.
        diagnostics: Vec<Diagnostic>,
    },
    /// The output cannot be read.
    #[error("`{tool} show` did not print the plan")]
    Show {
        /// `terraform` or `tofu`.
        tool: String,
        /// The error of the parser.
        source: serde_json::Error,
    },
}

fn text(diagnostics: &[Diagnostic]) -> String {
    let lines = |diagnostic: &Diagnostic| format!("\n{}\n{}", diagnostic.summary, diagnostic.detail.trim_end());
    diagnostics.iter().map(lines).collect()
}

impl Fault for TerraformError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Process(error) => error.kind(),
            Self::Provider { .. } | Self::Init { .. } | Self::Show { .. } => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Process(error) => error.hints(),
            Self::Provider { .. } => vec![
                "If the registry cannot be reached, name a mirror in the Terraform CLI configuration \
                 (https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation)."
                    .to_owned(),
                "To use another version of the provider that is installed here, pin it in the code: \
                 `proxmox-mpc import --provider-version`."
                    .to_owned(),
            ],
            Self::Init { .. } | Self::Show { .. } => Vec::new(),
        }
    }
}
