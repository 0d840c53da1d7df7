//! Time of the state store, in a file of a workspace with 10,000 objects.

use std::time::Instant;

use proxmox_mpc_engine::store::{Change, CommitRecord, Location, Observation, Owner, Store};
use proxmox_mpc_engine::workspace::Workspace;
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::sheet::{Sheet, median, seconds};
use crate::twin;

const ROUNDS: usize = 5;
const OBJECTS: usize = 10_000;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let runtime = Runtime::new()?;
    let [mut opened, mut recorded, mut read] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let scratch = twin::scratch()?;
        let times = runtime.block_on(turn(&Location::file(&Workspace::at(scratch.path()))))?;
        opened.push(times[0]);
        recorded.push(times[1]);
        read.push(times[2]);
    }
    let how = format!("10,000 objects of 1 kB, SQLite, median of {ROUNDS}");
    sheet.figure("state store: opened", &how, seconds(median(opened)));
    sheet.figure("state store: first commit recorded", &how, seconds(median(recorded)));
    sheet.figure("state store: latest observations", &how, seconds(median(read)));
    Ok(())
}

/// Seconds to open a store that is up to date, to record a commit of all objects, and to read the latest observations.
async fn turn(location: &Location) -> Outcome<[f64; 3]> {
    let owner = Owner { workspace: "lab".to_owned(), cluster: None };
    Store::open(location, &owner).await?.close().await?;
    let began = Instant::now();
    let store = Store::open(location, &owner).await?;
    let opened = began.elapsed();
    let observations = (0..OBJECTS).map(observation).collect();
    let [id, time, author] = ["c1", "2026-11-23T00:50:00Z", "alice"].map(str::to_owned);
    let commit = CommitRecord { id, time, author, observations };
    let began = Instant::now();
    store.record_commit(&commit).await?;
    let recorded = began.elapsed();
    let began = Instant::now();
    if store.latest().await?.len() != OBJECTS {
        return Err("the store has other objects".into());
    }
    let read = began.elapsed();
    store.close().await?;
    Ok([opened, recorded, read].map(|time| time.as_secs_f64()))
}

fn observation(number: usize) -> Observation {
    let content = format!("{{\"vmid\": {number}, \"description\": \"{}\"}}", "x".repeat(1000));
    let (key, after) = ("memory".to_owned(), Some("8192".to_owned()));
    let change = Change { key, before: None, after, time: None, actor: None };
    Observation { object: format!("qemu/{number}"), content: Some(content), changes: vec![change] }
}
