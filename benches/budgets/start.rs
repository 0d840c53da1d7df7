//! Time that the program takes to start and to end.

use crate::Outcome;
use crate::program::{PROGRAM, command};
use crate::sheet::{Sheet, median, seconds};

const ROUNDS: usize = 31;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = std::time::Instant::now();
        let output = command(PROGRAM).arg("--version").output()?;
        times.push(started.elapsed().as_secs_f64());
        if !output.status.success() {
            return Err("`--version` failed".into());
        }
    }
    sheet.budget("start-up: --version", format!("median of {ROUNDS}"), (median(times), 0.020), seconds);
    Ok(())
}
