//! `proxmox-mpc version`: the version, and of what else it depends.

/// Print the version, and the versions of what it works with
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments;
