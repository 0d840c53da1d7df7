//! Import: reads a cluster, or a recording of one, and writes a workspace of code.

mod copy;
mod error;
pub mod fetch;
pub(crate) mod reading;
pub mod removal;
pub mod report;
mod request;
mod run;
mod store;
#[cfg(test)]
mod tests;

pub use error::ImportError;
pub use reading::Source;
pub use report::ImportReport;
pub use request::{ImportRequest, known_version};
pub use run::{ImportJob, Mapping, manifest, run};
