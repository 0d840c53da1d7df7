//! Reading a cluster: from requests to a recording, and what the login in use cannot see of it.

mod copy;
mod error;
pub mod fetch;
pub mod removal;
pub mod report;
pub mod rights;
pub mod roles;
mod run;
mod store;
#[cfg(test)]
mod tests;

pub use error::ImportError;
pub use report::ImportReport;
pub use run::{Job, MANIFEST, Mapping, Source, manifest, run};
