//! Check: the rules of `code` over the files of a workspace or any other folder, with its settings and its last recording.

mod error;
mod generated;
mod page;
mod request;
mod rules;
mod trees;

pub use error::CheckError;
pub use page::page;
pub use request::{CheckFormat, CheckReport, CheckRequest};
pub use rules::{CheckRulesReport, CheckRulesRequest, RulePage};
