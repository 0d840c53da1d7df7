//! Support for all subjects: clusters, the program itself, snapshots in one place, and tests that are skipped aloud.

pub(crate) mod clusters;
pub(crate) mod program;
mod snapshot;
pub(crate) mod tools;
pub(crate) mod workspaces;

pub(crate) use snapshot::{filtered, screen, snapshot};
