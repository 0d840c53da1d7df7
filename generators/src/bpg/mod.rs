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

/// The version whose rules these are, pinned in the generated code.
pub const VERSION: &str = "0.111.1";

/// The least Terraform that knows `import` blocks.
pub const TERRAFORM: &str = ">= 1.5.0";
