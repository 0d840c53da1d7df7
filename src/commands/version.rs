//! `proxmox-mpc version`: prints the version, and the versions that it works with.

/// Print the version, and those of the provider, of Terraform and of recordings that it works with
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments;
