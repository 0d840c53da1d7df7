//! `twin`: digital twins of clusters.

mod serve;
mod synth;

use crate::commands::{Failure, Outcome};
use crate::ui::Ui;

/// Answer like a recorded cluster, or make one up
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Arguments {
    Serve(serve::Arguments),
    Synth(synth::Arguments),
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        match self {
            Self::Serve(arguments) => arguments.run(ui),
            Self::Synth(arguments) => arguments.run(ui),
        }
    }
}
