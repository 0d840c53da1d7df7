//! What Terraform's provider cannot say, as Ansible: roles whose tasks read an object of the API first and write only
//! what differs.

mod files;
mod host_names;
mod inventory;
mod secret_names;
mod task;
mod text;

pub(crate) use files::{Lookup, RoleTasks, files, lookups, tasks_file};
pub(crate) use inventory::{GUESTS, Inventory};
pub(crate) use secret_names::SecretNames;
pub(crate) use task::{AnsibleKey, Task};
pub use task::{Handler, Playbook, Role};
pub(crate) use text::anchored;
