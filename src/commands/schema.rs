//! `proxmox-mpc schema`: the JSON Schemas of what programs exchange with this one.

use proxmox_mpc_engine::schema::SchemaRequest;

/// Print the JSON Schema of reports, requests and events
///
/// With `--output json` or `yaml` every command ends with one document: its `kind` names the schema `report/KIND` here.
/// With `--events json` every line of standard error is an `event`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc schema                   the names of all schemas
  proxmox-mpc schema report/import     the form of what `import --output json` prints")]
pub struct Arguments {
    /// The schema, by its name
    name: Option<String>,
}

impl From<Arguments> for SchemaRequest {
    fn from(arguments: Arguments) -> Self {
        Self { name: arguments.name }
    }
}
