//! Judges: programs that compare the twin and the generated code with real clusters and the real provider.
//!
//! A judge prints its lines as it goes, and ends with a [`Verdict`]. What it compares with lies in `fixtures/`.

pub mod fidelity;
pub mod provider;
pub mod replay;
pub mod roundtrip;
pub mod tools;

mod archive;
mod error;
mod exchange;
mod fixtures;
mod network;
mod programs;
mod terraform;

pub use error::JudgeError;

use serde_json::Value;
use tools::Missing;

/// Result of a judge.
#[derive(Debug)]
pub enum Verdict {
    /// The comparison was made.
    Judged {
        /// True if every figure is at or above its floor, and every difference has a known reason where that is asked for.
        passed: bool,
        /// The figures and the differences, as `--json` prints them.
        report: Value,
    },
    /// This machine lacks a tool, so that nothing was compared.
    Skipped(Missing),
}

/// Receiver of a judge's lines, one at a time and without the line break.
pub type Lines<'l> = dyn FnMut(&str) + 'l;
