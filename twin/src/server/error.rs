//! Errors of a twin that cannot start.

use std::io;
use std::net::SocketAddr;

use crate::state::JournalError;

/// Reason why the twin cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// The address is not one of loopback: what a recording holds is nobody else's business.
    #[error("the twin listens on loopback only, and {0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address is taken, or the system refuses it.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// Error of the system.
        source: io::Error,
    },
    /// The state that was kept cannot be read, or new state cannot be kept.
    #[error(transparent)]
    State(#[from] JournalError),
    /// The system refused the threads that the twin runs on.
    #[error("cannot start the twin's threads")]
    Runtime(#[source] io::Error),
    /// No certificate could be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}
