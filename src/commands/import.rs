//! `proxmox-mpc import`: from a running cluster, or a recording of one, to a workspace of code.

use std::path::PathBuf;

use proxmox_mpc_engine::import::{ImportRequest, known_version};
use proxmox_mpc_engine::operation::Fault as _;
use proxmox_mpc_generators::selection::Filter;

use super::connection::ConnectionOptions;

/// Read a cluster and write it as Terraform and Ansible code
///
/// Asks the cluster nothing but GETs. Writes terraform/ with one file for each kind and an import block for each
/// object, ansible/ with what Terraform cannot say and an inventory of the guests, COVERAGE.md, and the manifest that keeps every address as it is. A second run over an unchanged cluster
/// changes nothing. Files that it did not write are never touched; what somebody has edited stops it.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Arguments {
    /// The cluster, as in `pve.example`; more nodes with `--endpoint`
    #[arg(value_name = "ENDPOINT", conflicts_with = "from")]
    cluster: Option<String>,
    /// Write the code into this folder; it need not be there yet
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Import from this recording instead of from a cluster
    #[arg(long, value_name = "RECORDING")]
    from: Option<PathBuf>,
    /// Keep the answers here as well: a folder, or a file that ends with .tar.zst
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Import only this: kind=, id=, node=, pool=, tag= or name=, with `*` and `?`
    ///
    /// May be given more than once: conditions on different things must all hold, of several on the same thing one is
    /// enough.
    #[arg(long, value_name = "FILTER")]
    only: Vec<Filter>,
    /// Exclude this, in the same form; may be given more than once
    #[arg(long, value_name = "FILTER")]
    exclude: Vec<Filter>,
    /// Take addresses from this file, and what to skip: the report that `--dry-run --output json` prints, edited
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Take addresses from this Terraform state: the output of `terraform show -json` in the root that has them now
    ///
    /// Of bpg/proxmox and of telmate/proxmox. Writes adopted/ with what to do in that root. An address that this folder or
    /// `--mapping` gives wins.
    #[arg(long, value_name = "FILE")]
    adopt_state: Option<PathBuf>,
    /// Pin this version of the provider in the code; the next import keeps it
    ///
    /// Every rule was seen with 0.111.1, and all proofs are of it. Of newer versions the change log is known, and nobody ran
    /// them: `proxmox-mpc explain RULE` says what it tells, and `verify` is the proof.
    #[arg(long, value_name = "VERSION", value_parser = provider_version)]
    provider_version: Option<String>,
    /// Write nothing: list what would be imported under which address
    #[arg(long)]
    dry_run: bool,
    /// Overwrite generated files that somebody has edited, and keep copies of them
    #[arg(long)]
    force: bool,
    /// Wait where another import of the same folder is running, instead of ending
    #[arg(long)]
    wait: bool,
    /// Let up to this many objects be taken out of the code
    ///
    /// An import stops before it takes out every object of a kind, or more guests than `--removal-limit` says: a broken
    /// answer looks like that more often than a cluster.
    #[arg(long, value_name = "N")]
    allow_removal: Option<usize>,
    /// Stop where more than this part of the guests would be taken out of the code
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    removal_limit: u8,
    /// End with exit code 1 where anything could not be read or imported; the rest is written all the same
    #[arg(long)]
    strict: bool,
    /// Do not ask running guests for their addresses, neither the guest agent nor the container
    ///
    /// The inventory then has the addresses that configurations and leases tell.
    #[arg(long)]
    no_agent: bool,
    /// How many requests may be under way at once; 16 where nothing is said
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

Who asks comes from the environment: PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD.
What was excluded or could not be read is not gone: its code stays as it is.";

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

/// Refuses a version of the provider that is not known before anything is asked.
fn provider_version(given: &str) -> Result<String, String> {
    let known = known_version(given).map_err(|error| format!("{error}. {}", error.hints().join(" ")))?;
    Ok(known.to_owned())
}
