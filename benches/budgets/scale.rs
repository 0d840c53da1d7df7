//! Ten times the guests: memory, and time for each guest.

use std::time::Duration;

use crate::Outcome;
use crate::program::import;
use crate::sheet::{Sheet, median, ratio, seconds, times};
use crate::twin::{self, Twin};

const ROUNDS: usize = 3;

/// Bytes.
const MEMORY: f64 = 100e6;

/// Budget of a guest among 10,000, in guests among 1,000.
const BUDGET: f64 = 1.2;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let scratch = twin::scratch()?;
    let start = |guests| Twin::start(scratch.path(), &twin::cluster(scratch.path(), guests)?, Duration::ZERO);
    let (small, large) = (start(1000)?, start(10_000)?);
    // What was written stays until the end: a file system that is busy with removing is slow to create.
    let run = |twin: &Twin, name: &str| import(twin, &scratch.path().join(name));
    run(&small, "first")?; // Not measured: the twin has read its files by then.
    let (mut ratios, mut takes, mut peak, mut small_peak) = (Vec::new(), Vec::new(), 0, 0);
    for round in 0..ROUNDS {
        let (one, ten) = (run(&small, &format!("small-{round}"))?, run(&large, &format!("large-{round}"))?);
        ratios.push(ratio(ten.time, one.time) / 10.0);
        takes.push((one.time.as_secs_f64(), ten.time.as_secs_f64()));
        peak = peak.max(ten.peak);
        small_peak = small_peak.max(one.peak);
    }
    // Over a workspace that says the same already, whose files are held beside the new ones.
    let again = run(&large, "large-0")?.peak;
    let one = median(takes.iter().map(|(one, _)| *one).collect());
    let ten = median(takes.iter().map(|(_, ten)| *ten).collect());
    sheet.budget(
        "import, 10,000 guests: peak memory",
        format!("1,000 guests: {}", megabytes(bytes(small_peak))),
        (bytes(peak), MEMORY),
        megabytes,
    );
    sheet.budget("import again, 10,000 guests: peak memory", "", (bytes(again), MEMORY), megabytes);
    sheet.budget(
        format!("import, 10,000 guests, a guest: {}", seconds(ten / 10_000.0)),
        format!("1,000 guests, a guest: {}", seconds(one / 1000.0)),
        (median(ratios), BUDGET),
        times,
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "no process holds 2^52 bytes")]
fn bytes(bytes: u64) -> f64 {
    bytes as f64
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}
