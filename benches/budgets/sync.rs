//! Time that a sync without changes takes on 1,000 guests, beside an import of the same recording, taken in turns.

use crate::Outcome;
use crate::program::{PROGRAM, command, run};
use crate::sheet::{Sheet, median, seconds, times};
use crate::twin;

const GUESTS: u32 = 1000;
const ROUNDS: usize = 7;

/// Times of an import.
const BUDGET: f64 = 1.2;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let scratch = twin::scratch()?;
    let cluster = twin::cluster(scratch.path(), GUESTS)?;
    let (imported, synced) = (scratch.path().join("imported"), scratch.path().join("synced"));
    run(command("git").args(["init", "--quiet"]).arg(&synced))?;
    let timed = |words: &[&str], folder: &std::path::Path| -> Outcome<f64> {
        let ran = run(command(PROGRAM).args(["--quiet"]).args(words).arg(folder).arg("--from").arg(&cluster))?;
        if ran.success { Ok(ran.time.as_secs_f64()) } else { Err(format!("it failed: {}", ran.errors).into()) }
    };
    let import = || timed(&["import", "--out"], &imported);
    let sync = || timed(&["sync"], &synced);
    let first = (import()?, sync()?);
    sheet.figure(format!("import and sync, {GUESTS} guests, the first time"), seconds(first.0), seconds(first.1));
    let (mut imports, mut syncs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        imports.push(import()?);
        syncs.push(sync()?);
    }
    let (import, sync) = (median(imports), median(syncs));
    sheet.budget(
        format!("sync, {GUESTS} guests, no change: {}", seconds(sync)),
        format!("import again: {}", seconds(import)),
        (sync / import, BUDGET),
        times,
    );
    Ok(())
}
