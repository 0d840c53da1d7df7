//! Rules of the Terraform provider `bpg/proxmox` at its pinned version: versions, and the values that its validators accept.
//!
//! A validator runs before anything is read, so one refused value stops the whole plan, even if the attribute is ignored. A
//! value is therefore written only if it passes.

mod cluster;
pub mod impact;
mod values;

pub use cluster::*;
pub use values::*;

/// Source address of the provider in Terraform.
pub const SOURCE: &str = "bpg/proxmox";

/// Version that these rules describe, and that the generated code pins by default.
pub const VERSION: &str = "0.111.1";

/// A version of the provider that code may pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Number: `0.111.1`.
    pub number: &'static str,
    /// True if generated code was proven with this version. Of the others we know the change log only.
    pub proven: bool,
}

/// Known versions, oldest first. docs/provider.md lists the rules that differ.
pub const VERSIONS: &[Version] = &[
    Version { number: VERSION, proven: true },
    Version { number: "0.112.0", proven: false },
    Version { number: "0.113.1", proven: false },
];

/// Version named by a manifest (`bpg/proxmox 0.111.1`), if it is known.
pub fn version(provider: &str) -> Option<Version> {
    let number = provider.strip_prefix(SOURCE)?.trim();
    VERSIONS.iter().copied().find(|version| version.number == number)
}

/// Version constraint for Terraform: `import` blocks came with 1.5.
pub const TERRAFORM: &str = ">= 1.5.0";
