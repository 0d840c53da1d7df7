//! The programs that we start: one way to start them, and what we say to each and understand of its answers.

pub mod invocation;
pub mod process;
pub mod terraform;
