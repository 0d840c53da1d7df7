//! An import against a bare parallel fetch of the same answers, taking turns.

use std::path::Path;
use std::time::Duration;

use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_model::ApiPath;
use proxmox_mpc_twin::Recording;

use crate::Outcome;
use crate::fetch::fetch;
use crate::program::{self, CONNECTIONS};
use crate::sheet::{Sheet, median, ratio, seconds, times};
use crate::twin::{self, Twin};

const GUESTS: u32 = 1000;
const ROUNDS: usize = 5;

/// Budget of an import, in bare fetches, with answers that take 20 ms.
const BUDGET: f64 = 1.25;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let scratch = twin::scratch()?;
    let recording = twin::cluster(scratch.path(), GUESTS)?;
    for delay in [0, 20] {
        let twin = Twin::start(scratch.path(), &recording, Duration::from_millis(delay))?;
        // A first import that is not measured: the twin has read its files by then.
        let out = scratch.path().join(format!("first-{delay}"));
        program::import(&twin, &out)?;
        let paths: Vec<ApiPath> = Recording::open(&Workspace::at(&out).recording())?.paths()?.collect();
        let turn = |number| turn(&scratch.path().join(format!("{delay}-{number}")), &twin, &paths);
        let turns = (0..ROUNDS).map(turn).collect::<Outcome<Vec<_>>>()?;
        let figure = median(turns.iter().map(|(import, fetch)| ratio(*import, *fetch)).collect());
        let import = median(turns.iter().map(|(import, _)| import.as_secs_f64()).collect());
        let fetch = median(turns.iter().map(|(_, fetch)| fetch.as_secs_f64()).collect());
        let what = format!("import, {GUESTS} guests, answers after {delay} ms: {}", seconds(import));
        let compared =
            format!("bare fetch of the {} answers, {CONNECTIONS} connections: {}", paths.len(), seconds(fetch));
        match delay {
            20 => sheet.budget(what, compared, (figure, BUDGET), times),
            _ => sheet.figure(what, compared, times(figure)),
        }
    }
    Ok(())
}

/// Times of one import and one fetch. Their files stay until the end: a file system that is busy with removing is slow
/// to create.
fn turn(folder: &Path, twin: &Twin, paths: &[ApiPath]) -> Outcome<(Duration, Duration)> {
    let bodies = folder.join("bodies");
    std::fs::create_dir_all(&bodies)?;
    let import = program::import(twin, &folder.join("workspace"))?.time;
    let fetch = fetch(twin, paths, &bodies)?;
    Ok((import, fetch))
}
