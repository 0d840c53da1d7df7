//! `proxmox-mpc explain`: explains a rule of the provider that a message or the generated code cites.

use proxmox_mpc_engine::explain::ExplainRequest;

/// Explain a rule of the Terraform provider that the code or a message cites
///
/// The rules describe what the provider `bpg/proxmox` reads, what it cannot read and what it would change. Each has a
/// short name, such as K1. Without a name, all rules are listed.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc explain       list the rules, one on each line
  proxmox-mpc explain K1    explain keys that the provider has no attribute for")]
pub struct Arguments {
    /// The name of the rule, such as K1
    rule: Option<String>,
}

impl From<Arguments> for ExplainRequest {
    fn from(arguments: Arguments) -> Self {
        Self { rule: arguments.rule }
    }
}
