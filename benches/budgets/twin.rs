//! Synthetic clusters, and a twin of one in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use proxmox_mpc_twin::recording::RecordingWriter;
use proxmox_mpc_twin::synth::{Size, about, synthesize};
use rustix::process::Signal;
use serde::Deserialize;
use tempfile::TempDir;

use crate::Outcome;
use crate::program::{self, PROGRAM};

/// Login at the twins of the bench: both sides of a comparison send the same.
pub(crate) const LOGIN: &str = "bench@pve!bench";
pub(crate) const SECRET: &str = "00000000-0000-4000-8000-00000000bead";

/// A folder on the disk of the build, gone when this is dropped.
pub(crate) fn scratch() -> Outcome<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// Makes a recording of a synthetic cluster with three nodes and this number of guests.
pub(crate) fn cluster(scratch: &Path, guests: u32) -> Outcome<PathBuf> {
    let folder = scratch.join(format!("cluster-{guests}"));
    let size = Size { nodes: 3, guests };
    let writer = RecordingWriter::create(&folder)?;
    for (path, answer) in synthesize(size, 1) {
        writer.put(&path, &answer)?;
    }
    writer.finish(&about(size))?;
    Ok(folder)
}

/// A twin that serves until this is dropped.
pub(crate) struct Twin {
    pub(crate) endpoint: String,
    pub(crate) fingerprint: String,
    /// `user@realm!name=uuid`
    pub(crate) token: String,
    process: Child,
}

#[derive(Deserialize)]
struct Serving {
    endpoint: String,
    fingerprint: String,
}

impl Twin {
    /// Serves a recording on any free port; every answer takes `delay`.
    pub(crate) fn start(scratch: &Path, recording: &Path, delay: Duration) -> Outcome<Self> {
        let credentials = scratch.join("credentials.json");
        let logins = serde_json::json!({ "tokens": { LOGIN: SECRET }, "passwords": {} });
        std::fs::write(&credentials, logins.to_string())?;
        let mut process = program::command(PROGRAM)
            .args(["--quiet", "--output", "json", "twin", "serve", "--listen", "127.0.0.1:0"])
            .arg(recording)
            .arg("--credentials")
            .arg(&credentials)
            .args(["--delay", &delay.as_millis().to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the twin's output is not connected")?;
        let mut document = String::new();
        for line in BufReader::new(output).lines() {
            let line = line?;
            document.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let Serving { endpoint, fingerprint } = serde_json::from_str(&document)?;
        Ok(Self { endpoint, fingerprint, token: format!("{LOGIN}={SECRET}"), process })
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody left to tell.
        program::end(&mut self.process, Signal::TERM).ok();
    }
}
