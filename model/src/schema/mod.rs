//! Proxmox's own description of its API: which methods there are, what each takes, and who may call it.
//!
//! `pve-9.1.json` is made by `scripts/compact-api`, and so is `pve-9.2.json`, which holds what is other in that release. Each
//! release is read once, when it is first asked for. Of Proxmox VE 8 there is none: what is said of 9.1 stands for it.

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
pub use description::{Found, Method, Parameter, Release, Schema, Verb, schema};
pub use domain::Domain;
pub use outline::{Outline, returned};
