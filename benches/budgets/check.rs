//! Time that `check` takes on 500 guests with their recording: as they were generated, with an edited file, and without any
//! generated code beside them.

use std::fs;

use proxmox_mpc_engine::workspace::Workspace;

use crate::Outcome;
use crate::program::{PROGRAM, command, run};
use crate::sheet::{Sheet, median, seconds};
use crate::twin;

const ROUNDS: usize = 11;

/// Seconds.
const BUDGET: f64 = 0.200;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let scratch = twin::scratch()?;
    let recording = twin::cluster(scratch.path(), 500)?;
    let lab = scratch.path().join("lab");
    let ran = run(command(PROGRAM).arg("import").arg("--from").arg(&recording).arg("--out").arg(&lab))?;
    if !ran.success {
        return Err(format!("`import` failed: {}", ran.errors).into());
    }
    let mut figure = |what: &str| -> Outcome {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let ran = run(command(PROGRAM).arg("check").arg("--workspace").arg(&lab))?;
            if !ran.output.contains(" resources in ") {
                return Err(format!("`check` failed: {}", ran.errors).into());
            }
            times.push(ran.time.as_secs_f64());
        }
        sheet.budget(what, format!("median of {ROUNDS}"), (median(times), BUDGET), seconds);
        Ok(())
    };
    figure("check, 500 guests")?;
    let file = lab.join("terraform/virtual_machines.tf");
    let text = fs::read_to_string(&file)?;
    fs::write(file, text.replacen("cores = ", "cores = 1", 1))?;
    figure("check, 500 guests, one edited")?;
    fs::remove_file(Workspace::at(&lab).manifest())?;
    figure("check, 500 guests, written by hand")
}
