//! `proxmox-mpc twin synth`: makes up a recording of a cluster.

use std::path::PathBuf;

use proxmox_mpc_engine::twins::SynthesizeRequest;

/// Make up a recording of a cluster of any size, for benchmarks and demonstrations
///
/// The same numbers and the same seed give the same bytes.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc twin synth big --guests 1000
  proxmox-mpc twin synth big.tar.zst --nodes 8 --guests 10000 --seed 7")]
pub(super) struct Arguments {
    /// Write the recording here: a folder, or a file whose name ends in .tar.zst
    recording: PathBuf,
    /// The number of nodes
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    nodes: u32,
    /// The number of virtual machines and containers
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    guests: u32,
    /// The seed: another number makes another cluster of the same size
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl From<Arguments> for SynthesizeRequest {
    fn from(arguments: Arguments) -> Self {
        let Arguments { recording, nodes, guests, seed } = arguments;
        Self { recording, nodes, guests, seed }
    }
}
