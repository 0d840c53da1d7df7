//! From answers of a Proxmox API to Terraform and Ansible code: pure functions without access to the world.

pub mod adopt;
pub mod ansible;
pub mod bpg;
pub mod coverage;
pub mod draft;
pub mod generate;
pub mod hcl;
pub mod kinds;
pub mod manifest;
pub mod names;
pub mod reasons;
pub mod row;
pub mod selection;
pub mod workspace;
pub mod yaml;

mod addresses;
mod document;
mod files;
mod notes;
mod previous_code;
mod property_options;
mod readme;
mod secrets;

pub use coverage::Coverage;
pub use document::coverage as coverage_document;
pub use generate::{everything, generate};
pub use manifest::Manifest;
pub use selection::Selection;
pub use workspace::{FileSet, Generated, KeptCode, Notice, ObjectGroup, Options, Previous, RemovedCode};
