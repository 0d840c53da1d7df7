//! Enforced permissions, from the users, groups, roles, ACLs and pools of the cluster as it is now.
//!
//! A recording that was made with fewer than all rights does not tell who may do what. Its answers are given to every
//! login as they are.

mod admission;
mod capabilities;
mod container;
mod enforcement;
mod expression;
mod lists;
mod login_privileges;
mod read_checks;
mod virtual_machine;
mod write_checks;

pub(crate) use admission::{Admission, AdmissionError, Checks, class};
pub(crate) use container::ContainerRights;
pub(crate) use enforcement::{Rights, check_token, plainly_passes};
pub(crate) use virtual_machine::MachineRights;
