//! Enforced permissions, from the users, groups, roles, ACLs and pools of the cluster as it is now.
//!
//! A recording that was made with fewer than all rights does not tell who may do what. Its answers are given to every
//! login as they are.

mod admission;
mod bearer;
mod capabilities;
mod container;
mod enforcement;
mod expression;
mod lists;
mod machine;
mod read_checks;
mod write_checks;

pub(crate) use admission::{Admitted, Barred, Class, class};
pub(crate) use container::Container;
pub(crate) use enforcement::{Rights, check_token, plainly_passes};
pub(crate) use machine::Machine;
