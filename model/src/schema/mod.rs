//! Proxmox's own description of its API: methods, parameters and permissions.
//!
//! `scripts/compact-api` makes `pve-9.1.json`, and `pve-9.2.json`, which holds the differences of that release. Each
//! release is read once, when it is first needed. There is no description of Proxmox VE 8: the one of 9.1 stands for
//! it.

mod check;
mod description;
mod domain;
mod families;
mod formats;
mod outline;
mod pattern;
mod properties;
#[cfg(test)]
mod tests;

pub use check::{Errors, NOT_DEFINED, check, convert};
pub use description::{MatchedMethod, Method, Parameter, Release, Schema, Verb, schema};
pub use domain::Domain;
pub use outline::{Outline, returned};
