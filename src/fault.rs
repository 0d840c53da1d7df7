//! What every error of the program tells beyond its message: the exit code it leads to, and what to do about it.

use std::error::Error;

/// An error that knows its exit code and its remedies.
///
/// Messages are lowercase fragments that never repeat their source: `ui` prints `error:`, then one `caused by:` for
/// each source, then one `hint:` for each hint.
pub trait Fault: Error + Send + Sync + 'static {
    /// Which exit code it leads to.
    fn kind(&self) -> FaultKind {
        FaultKind::Failed
    }

    /// What the reader can do, one sentence each, most likely remedy first.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a command did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The command could not do what it was asked to.
    Failed,
    /// The command was asked for in a way that makes no sense.
    Usage,
    /// The command did its work and found differences.
    Differences,
    /// The user stopped it.
    Interrupted,
    /// The program is wrong.
    Bug,
}

impl FaultKind {
    /// The documented exit code of the process; 0 is left to success.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Differences => 3,
            // A shell's convention for a process that SIGINT ended: 128 + 2.
            Self::Interrupted => 130,
            // `EX_SOFTWARE` of sysexits.h.
            Self::Bug => 70,
        }
    }
}
