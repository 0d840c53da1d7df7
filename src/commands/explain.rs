//! `proxmox-mpc explain`: a rule of the provider that a message or a comment in the code cites.

use proxmox_mpc_engine::explain::ExplainRequest;

/// Explain a rule of the Terraform provider that the code or a message cites
///
/// What `bpg/proxmox` reads, cannot read and would change is written down in rules with short names. Without one, all of
/// them are listed.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc explain       every rule in a line
  proxmox-mpc explain K1    what the provider has no attribute for")]
pub struct Arguments {
    /// The rule, as it is cited: K1
    rule: Option<String>,
}

impl From<Arguments> for ExplainRequest {
    fn from(arguments: Arguments) -> Self {
        Self { rule: arguments.rule }
    }
}
