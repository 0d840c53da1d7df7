//! `proxmox-mpc import`: reads a running cluster, or a recording of one, and writes its code.

use std::path::PathBuf;

use proxmox_mpc_engine::import::{ImportRequest, known_version};
use proxmox_mpc_engine::operation::Fault as _;
use proxmox_mpc_generators::selection::Filter;

use super::connection::ConnectionOptions;

/// Read a cluster and write it as Terraform and Ansible code
///
/// Sends only GET requests to the cluster. Writes terraform/ with one file for each kind and an import block for each
/// object, ansible/ with an inventory of the guests and roles for what Terraform cannot manage, COVERAGE.md, and
/// manifest.json, which keeps addresses as they are. A second import of an unchanged cluster changes nothing. Files that
/// an import did not write are never touched. A generated file that somebody has edited stops the import.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Arguments {
    /// A node of the cluster, as in `pve.example`; further nodes with `--endpoint`
    #[arg(value_name = "ENDPOINT", conflicts_with = "from")]
    cluster: Option<String>,
    /// Write the code into this folder, which is created if needed
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Import from this recording instead of from a cluster
    #[arg(long, value_name = "RECORDING")]
    from: Option<PathBuf>,
    /// Also write the recording here: a folder, or a file whose name ends in .tar.zst
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Import only objects that match: kind=, id=, node=, pool=, tag= or name=, with `*` and `?`
    ///
    /// May be given more than once: filters on different fields must all match, of several on the same field one is
    /// enough.
    #[arg(long, value_name = "FILTER")]
    only: Vec<Filter>,
    /// Exclude objects that match, in the same form; may be given more than once
    #[arg(long, value_name = "FILTER")]
    exclude: Vec<Filter>,
    /// Take addresses and the objects to skip from this file: the edited output of `--dry-run --output json`
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Take addresses from this Terraform state: the output of `terraform show -json` where the objects are managed now
    ///
    /// Reads states of bpg/proxmox and of telmate/proxmox. Writes adopted/ with the steps to take in the old Terraform
    /// configuration. Addresses from this folder or from `--mapping` take precedence.
    #[arg(long, value_name = "FILE")]
    adopt_state: Option<PathBuf>,
    /// Pin this version of the provider in the code; later imports keep it
    ///
    /// All rules and proofs were made with 0.111.1. Newer versions are known from their change log only, and were never
    /// run: `proxmox-mpc explain RULE` shows what it says, and `verify` is the proof.
    #[arg(long, value_name = "VERSION", value_parser = provider_version)]
    provider_version: Option<String>,
    /// Write nothing, and list which objects would be imported under which address
    #[arg(long)]
    dry_run: bool,
    /// Overwrite generated files that somebody has edited, and keep copies of the edited ones
    #[arg(long)]
    force: bool,
    /// Wait for another import of the same folder to end, instead of failing
    #[arg(long)]
    wait: bool,
    /// Allow up to this many objects to be removed from the code
    ///
    /// An import stops before it removes every object of a kind, or more guests than `--removal-limit` allows: the cause
    /// is more often a broken answer than a change of the cluster.
    #[arg(long, value_name = "N")]
    allow_removal: Option<usize>,
    /// Stop if more than this part of the guests would be removed from the code
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    removal_limit: u8,
    /// End with exit code 1 if anything could not be read or imported; the rest is written all the same
    #[arg(long)]
    strict: bool,
    /// Do not ask running guests for their addresses, neither guest agents nor containers
    ///
    /// The inventory then has only the addresses that are in configurations and leases.
    #[arg(long)]
    no_agent: bool,
    /// Send up to this many requests at once [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: Option<u16>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

const AFTER_HELP: &str = "\
Examples:
  proxmox-mpc import pve.example --out lab
  proxmox-mpc import --out lab --only kind=vm --only tag=prod
  proxmox-mpc import --from lab.tar.zst --out lab
  proxmox-mpc import --out lab --dry-run --output json > mapping.json   # edit it, then:
  proxmox-mpc import --out lab --mapping mapping.json
  proxmox-mpc import --out lab --provider-version 0.112.0
  terraform -chdir=old show -json > state.json
  proxmox-mpc import --out lab --adopt-state state.json

The login comes from the environment: PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD.
The code of objects that were excluded or could not be read stays as it is.";

impl From<Arguments> for ImportRequest {
    fn from(arguments: Arguments) -> Self {
        let mut connection = arguments.connection;
        connection.endpoints.splice(0..0, arguments.cluster);
        Self {
            connection: connection.into(),
            out: arguments.out,
            from: arguments.from,
            record: arguments.record,
            only: arguments.only,
            exclude: arguments.exclude,
            mapping: arguments.mapping,
            adopt_state: arguments.adopt_state,
            provider_version: arguments.provider_version,
            dry_run: arguments.dry_run,
            force: arguments.force,
            wait: arguments.wait,
            allow_removal: arguments.allow_removal,
            removal_limit: arguments.removal_limit,
            strict: arguments.strict,
            ask_guests: !arguments.no_agent,
            concurrency: arguments.concurrency,
        }
    }
}

/// Parses a version of the provider. An unknown one is refused here, before anything is asked of a cluster.
pub(super) fn provider_version(given: &str) -> Result<String, String> {
    let known = known_version(given).map_err(|error| format!("{error}. {}", error.hints().join(" ")))?;
    Ok(known.to_owned())
}
