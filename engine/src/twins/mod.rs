//! Twins on demand: a server that answers like a recorded cluster, a made-up cluster, and what twins cannot do.

mod limits;
mod serve;
mod synthesize;

pub use limits::{LimitsReport, LimitsRequest};
pub use serve::{ServeRequest, Serving};
pub use synthesize::{Synthesis, SynthesizeRequest};
