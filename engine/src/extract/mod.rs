//! Extract: refactorings of the code that people do by hand, proved to change nothing before anything is written.

mod error;
mod proof;
mod request;

pub use error::ExtractError;
pub use request::{Extract, ExtractReport, ExtractRequest};
