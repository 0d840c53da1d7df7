//! Sync: reads the cluster, commits its pristine code to the generated branch, and merges that branch into people's code.

mod error;
mod index;
pub(crate) mod merging;
pub(crate) mod observing;
mod report;
mod request;
mod run;
pub(crate) mod start;
pub(crate) mod task_log;

pub use error::SyncError;
pub use report::{GeneratedCommit, MergeReport, Outcome, SyncReport};
pub use request::SyncRequest;
