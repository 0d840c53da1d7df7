//! Toolchain: the programs that we start, with one way to start them, their commands and their output.

pub mod invocation;
pub mod process;
pub mod terraform;
