//! `twin synth`: a recording of a cluster that never was.

use std::path::PathBuf;

use proxmox_mpc_twin::recording::{RecordingError, RecordingWriter};
use proxmox_mpc_twin::synth::{Size, about, synthesize};
use serde::Serialize;

use crate::commands::{Failure, Outcome, Unwritten, wait};
use crate::event::Work;
use crate::fault::Fault;
use crate::interrupt::{self, Stop};
use crate::ui::{Page, Report, Ui};

/// Make up a recording of any size, for benchmarks and demonstrations
///
/// The same numbers and the same seed give the same bytes.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc twin synth big --guests 1000
  proxmox-mpc twin synth big.tar.zst --nodes 8 --guests 10000 --seed 7")]
pub(super) struct Arguments {
    /// Where to put it: a folder, or a file whose name ends in .tar.zst
    recording: PathBuf,
    /// How many nodes
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    nodes: u32,
    /// How many virtual machines and containers
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    guests: u32,
    /// Another number makes another cluster of the same size
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// The recording could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the recording could not be made")]
struct SynthFault(#[from] RecordingError);

impl Fault for SynthFault {}

/// What was made.
#[derive(Serialize)]
struct Made {
    recording: PathBuf,
    nodes: u32,
    guests: u32,
    seed: u64,
    answers: u64,
}

impl Report for Made {
    fn human(&self, page: &mut Page) {
        let Self { recording, nodes, guests, seed, answers } = self;
        let place = recording.display();
        page.line(format!("{place}: {nodes} nodes, {guests} guests, seed {seed}, {answers} answers"));
        page.line(format!("Serve it with `proxmox-mpc twin serve {place}`."));
    }
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let work = Work::start(ui, "making up the cluster");
        let Self { recording, nodes, guests, seed } = self.clone();
        let answers = wait(interrupt::aside_until(move |stop| self.write(stop)))??;
        work.progress(answers, None);
        drop(work);
        ui.report(&Made { recording, nodes, guests, seed, answers }).map_err(Unwritten)?;
        Ok(Outcome::Done)
    }

    fn write(&self, stop: &Stop) -> Result<u64, SynthFault> {
        let size = Size { nodes: self.nodes, guests: self.guests };
        let writer = RecordingWriter::create(&self.recording)?;
        let mut answers = 0;
        for (path, answer) in synthesize(size, self.seed).take_while(|_| !stop.asked()) {
            writer.put(&path, &answer)?;
            answers += 1;
        }
        writer.finish_unless(&about(size), &|| stop.asked())?;
        Ok(answers)
    }
}
