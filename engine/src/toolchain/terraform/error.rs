//! Errors of Terraform: it cannot be run, it cannot install the provider, or it refuses.

use crate::operation::event::Diagnostic;
use crate::operation::{Fault, FaultKind};
use crate::toolchain::process::ProcessError;

/// The reason why Terraform says nothing about the code, neither good nor bad.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// It could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The provider is neither here nor can it be fetched.
    #[error("the provider cannot be installed here: {why}")]
    Provider {
        /// What Terraform says, in one line.
        why: String,
    },
    /// It does not take the code, or refuses for another reason.
    #[error("`{tool} init` failed{}", words(diagnostics))]
    Init {
        /// `terraform` or `tofu`.
        tool: String,
        /// Its errors.
        diagnostics: Vec<Diagnostic>,
    },
    /// What it prints cannot be read.
    #[error("`{tool} show` did not print the plan")]
    Show {
        /// `terraform` or `tofu`.
        tool: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

fn words(diagnostics: &[Diagnostic]) -> String {
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
                "Without a way to the registry, name a mirror in the Terraform CLI configuration \
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
