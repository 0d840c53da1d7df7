//! `proxmox-mpc extract`: refactors the code, and proves first that this changes nothing.

use std::path::PathBuf;

use clap::Subcommand;
use proxmox_mpc_engine::extract::{Extract, ExtractRequest};

/// Refactor the code: a local, a variable, a `for_each` or a module
///
/// Before anything is written, the real Terraform plans the new code against a twin of the workspace's recording: it must
/// import as much as before and change nothing. Only the touched bytes change, comments stay, `moved` blocks tell Terraform's
/// state, and `import` blocks and references follow.
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Local(LiteralArguments),
    Variable(VariableArguments),
    ForEach(GroupArguments),
    Module(ModuleArguments),
}

/// Give equal literals a name in `locals`
///
/// Each literal with the value, at the attribute, in the selected resources becomes `local.NAME`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc extract local domain --attribute initialization.dns.domain
  proxmox-mpc extract local small --attribute memory.dedicated --value 512 --resource container --dry-run")]
struct LiteralArguments {
    /// The name of the local
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    literal: Literal,
    #[command(flatten)]
    common: Common,
}

/// Give equal literals a variable, with the value as its default
///
/// Each literal with the value, at the attribute, in the selected resources becomes `var.NAME`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc extract variable dns_servers --attribute initialization.dns.servers --resource container")]
struct VariableArguments {
    /// The name of the variable
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    literal: Literal,
    #[command(flatten)]
    common: Common,
}

/// Make one resource with a `for_each` of alike ones
///
/// Values that differ become a map in `locals`, by the old labels. Resources with other nested blocks, another lifecycle or
/// references between them are refused.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc extract for-each pool --resource pool/homelab --resource pool/media")]
struct GroupArguments {
    /// The label of the new resource
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
}

/// Move resources to a local module
///
/// The blocks go to `modules/NAME`. What they refer to becomes variables, and what refers to them goes through outputs.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc extract module monitoring --resource lxc/201 --resource user/monitor@pve")]
struct ModuleArguments {
    /// The name of the module
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args, Clone, Debug)]
struct Literal {
    /// The attribute, by its path: `memory.dedicated`, `disk[interface=scsi0].size`
    #[arg(long, value_name = "PATH", required_unless_present = "value")]
    attribute: Option<String>,
    /// The literal; needed where the attribute has several values
    #[arg(long, value_name = "VALUE")]
    value: Option<String>,
}

#[derive(clap::Args, Clone, Debug)]
struct Common {
    /// A resource: its identity (`qemu/101`), its address, or a type (`container`); several times for several
    #[arg(long = "resource", value_name = "RESOURCE")]
    resources: Vec<String>,
    /// The workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Write nothing, and print the patch
    #[arg(long)]
    dry_run: bool,
    /// Write without a proof
    #[arg(long, conflicts_with = "dry_run")]
    no_proof: bool,
    /// Prove against this recording instead of the last one
    #[arg(long, value_name = "PATH")]
    recording: Option<PathBuf>,
    /// Run this terraform or tofu instead of the one in PATH (`PROXMOX_MPC_TERRAFORM`)
    #[arg(long, value_name = "FILE")]
    terraform_bin: Option<PathBuf>,
}

impl From<Arguments> for ExtractRequest {
    fn from(arguments: Arguments) -> Self {
        let (extract, name, common) = match arguments.command {
            Command::Local(LiteralArguments { name, literal: Literal { attribute, value }, common }) => {
                (Extract::Local { attribute, value }, name, common)
            }
            Command::Variable(VariableArguments { name, literal: Literal { attribute, value }, common }) => {
                (Extract::Variable { attribute, value }, name, common)
            }
            Command::ForEach(GroupArguments { name, common }) => (Extract::ForEach, name, common),
            Command::Module(ModuleArguments { name, common }) => (Extract::Module, name, common),
        };
        let Common { resources, workspace, dry_run, no_proof, recording, terraform_bin } = common;
        Self { workspace, extract, name, resources, dry_run, no_proof, recording, terraform: terraform_bin }
    }
}
