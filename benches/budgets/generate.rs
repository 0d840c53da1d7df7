//! Time to turn stored answers into code, without network and workspace.

use std::time::Instant;

use proxmox_mpc_generators::{Options, Previous, generate};
use proxmox_mpc_twin::Recording;

use crate::Outcome;
use crate::sheet::{Sheet, median, seconds};
use crate::twin;

const ROUNDS: usize = 7;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let scratch = twin::scratch()?;
    let recording = Recording::open(&twin::cluster(scratch.path(), 1000)?)?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let generated = generate(&recording, &Options::default(), &Previous::default())?;
        times.push(started.elapsed().as_secs_f64());
        drop(generated);
    }
    sheet.figure("generate, 1,000 guests", format!("alone, median of {ROUNDS}"), seconds(median(times)));
    Ok(())
}
