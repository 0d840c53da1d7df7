//! `proxmox-mpc schema`: prints the JSON Schemas of reports, requests and events.

use proxmox_mpc_engine::commands::SchemaRequest;

/// Print the JSON Schema of reports, requests and events
///
/// With `--output json` or `yaml` every command prints one document, and its `kind` names its schema: `report/KIND`.
/// With `--events json` every line on standard error is an `event`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc schema                   list the names of all schemas
  proxmox-mpc schema report/import     print the schema of the output of `import --output json`")]
pub struct Arguments {
    /// The name of the schema
    name: Option<String>,
}

impl From<Arguments> for SchemaRequest {
    fn from(arguments: Arguments) -> Self {
        Self { name: arguments.name }
    }
}
