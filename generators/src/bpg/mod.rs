//! The rules of the Terraform provider `bpg/proxmox`, as its pinned version has them.
//!
//! Everything that a new version of the provider may change is in this folder: which values its validators take, and
//! what its resources are called. A validator refuses before anything is read, so one refused value stops the whole
//! plan, even where the attribute is ignored: a value is written only where it passes.

mod cluster;
mod values;

pub use cluster::*;
pub use values::*;

/// The provider's name in Terraform.
pub const SOURCE: &str = "bpg/proxmox";

/// The version whose rules these are, and which the generated code pins where nobody chose another one.
pub const VERSION: &str = "0.111.1";

/// A version of the provider that code may pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// `0.111.1`.
    pub number: &'static str,
    /// Whether the code was proven with it. Of the others the change log is known, and nothing more.
    pub proven: bool,
}

/// The versions that are known, oldest first; docs/provider.md says which rules are other there.
pub const VERSIONS: &[Version] = &[
    Version { number: VERSION, proven: true },
    Version { number: "0.112.0", proven: false },
    Version { number: "0.113.1", proven: false },
];

/// The version that a manifest's `bpg/proxmox 0.111.1` names, where it is known.
pub fn version(provider: &str) -> Option<Version> {
    let number = provider.strip_prefix(SOURCE)?.trim();
    VERSIONS.iter().copied().find(|version| version.number == number)
}

/// The least Terraform that knows `import` blocks.
pub const TERRAFORM: &str = ">= 1.5.0";
