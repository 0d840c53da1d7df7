//! Ansible code for everything that Terraform's provider cannot express: each task reads an object from the API and writes only
//! what differs.

mod files;
mod host_names;
mod inventory;
mod role;
mod secret_names;
mod task;
mod text;

pub(crate) use files::{Lookup, RoleTasks, files, lookups, tasks_file};
pub(crate) use inventory::{GUESTS, Inventory};
pub use role::{Handler, Playbook, Role};
pub(crate) use secret_names::SecretNames;
pub(crate) use task::{AnsibleKey, Task};
pub(crate) use text::anchored;
