//! `proxmox-mpc check`: finds in Terraform code what Terraform or Proxmox will refuse.

use std::path::PathBuf;

use proxmox_mpc_engine::check::{CheckFormat, CheckRequest, CheckRulesRequest};
use proxmox_mpc_engine::operation::{Context, Failure, Report, run};

/// Check Terraform code, without a cluster and without Terraform
///
/// Finds duplicate VMIDs and addresses, references to what the cluster does not have, attributes that the provider does not
/// know, values that Proxmox refuses, and secrets. Works on any code of bpg/proxmox. Names of nodes, storages and bridges are
/// compared with the last import or sync, if there was one.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc check                          check the workspace, or the repository, around the current folder
  proxmox-mpc check terraform/web.tf         show findings in this file alone
  proxmox-mpc check --staged                 check what the next commit will have
  proxmox-mpc check --explain PVE101         explain a rule
  proxmox-mpc check --format github          annotate a pull request

Exit codes: 0 success, 3 there is an error among the findings.")]
pub struct Arguments {
    /// Files and folders; without any, everything in the workspace
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// The workspace, or any folder with Terraform code
    #[arg(long, value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Check the files as the next commit will have them: those of git's index
    #[arg(long)]
    staged: bool,
    /// The form of the findings
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Format,
    /// Explain a rule, by its code or name; list all of them without one
    #[arg(long, value_name = "RULE", num_args = 0..=1, conflicts_with_all = ["files", "workspace", "staged", "format"])]
    explain: Option<Vec<String>>,
}

/// Form of the findings.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// Text for people
    #[default]
    Text,
    /// The report as JSON
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

impl Arguments {
    pub(super) async fn run(self, context: &Context) -> Result<Box<dyn Report>, Failure> {
        if let Some(rules) = self.explain {
            return run(context, CheckRulesRequest { rule: rules.into_iter().next() }).await;
        }
        let format = match self.format {
            Format::Text => CheckFormat::Text,
            Format::Json => CheckFormat::Json,
            Format::Sarif => CheckFormat::Sarif,
            Format::Github => CheckFormat::Github,
        };
        run(context, CheckRequest { workspace: self.workspace, files: self.files, staged: self.staged, format }).await
    }
}
