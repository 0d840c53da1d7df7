//! Answers of a Proxmox API become Terraform text: pure functions that touch nothing.

pub mod bpg;
pub mod coverage;
pub mod draft;
pub mod generate;
pub mod hcl;
pub mod kinds;
pub mod manifest;
pub mod names;
pub mod row;
pub mod selection;

mod addresses;
mod files;
mod report;
mod retain;

pub use coverage::Coverage;
pub use generate::{FileSet, Generated, Gone, Kept, Notice, Options, Previous, generate};
pub use manifest::Manifest;
pub use selection::Selection;
