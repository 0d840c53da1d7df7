//! Drift: what somebody changed in the cluster and the code does not say, and the ways out of it.
//!
//! Three states are compared: the code, the generated code of the last sync that it has merged, and the cluster now. What only
//! the code changed is not applied yet, and no drift. What the cluster changed, and the code does not have, is.

mod acceptance;
mod accepted;
mod adopt;
mod classification;
mod comparison;
mod consequences;
mod error;
mod look;
mod report;
mod request;
mod rules;
mod severity;
mod watch;

pub use acceptance::{AcceptReport, AcceptRequest};
pub use adopt::{AdoptReport, AdoptRequest};
pub use comparison::DriftSource;
pub use error::DriftError;
pub use report::{CodeDifference, Drift, DriftKind, DriftReport, Silenced};
pub use request::DriftRequest;
pub use rules::IgnoreRule;
pub use severity::Severity;
