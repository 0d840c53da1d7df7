//! Twins: serves a recorded cluster, makes up recordings, and lists what twins cannot answer.

mod limits;
mod serve;
mod synthesize;

pub use limits::{LimitsReport, LimitsRequest};
pub use serve::{ServeReport, ServeRequest};
pub use synthesize::{Synthesis, SynthesizeRequest};
