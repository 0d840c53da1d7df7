//! Reading a cluster: from requests to a recording, and what the login in use cannot see of it.

mod error;
pub mod fetch;
pub mod redact;
pub mod rights;
mod store;

pub use error::ImportError;
