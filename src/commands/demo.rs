//! `proxmox-mpc demo`: the whole way from a cluster to proven code, with no cluster at hand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc_generators::Selection;
use proxmox_mpc_twin::Credentials;
use proxmox_mpc_twin::recording::{Recording, RecordingError};
use proxmox_mpc_twin::server::{self, Options, TwinError};

use super::{Failure, Outcome, Unwritten, wait};
use crate::client::{Client, ClientError};
use crate::clock;
use crate::event::{Event, Sink as _};
use crate::fault::{Fault, FaultKind};
use crate::import::removal::Limits;
use crate::import::{self, ImportError, ImportReport, Job, Source};
use crate::settings::{Credentials as Login, MinimumTls, Settings, Trust};
use crate::toolchain::terraform::{self, Tool};
use crate::ui::{Page, Report, Ui, sentence};
use crate::verify::{self, VerifyError};
use crate::workspace;

/// Show everything on a recorded cluster: import it over HTTPS, write the code, and prove it
///
/// Starts a twin of a recorded three-node cluster on loopback and treats it like any cluster. Needs no cluster and no
/// network; where Terraform can install the provider it goes on to the proof.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Where to write the code
    #[arg(long, short, value_name = "DIR", default_value = "proxmox-mpc-demo")]
    out: PathBuf,
}

/// The recorded cluster that ships with the program.
static RECORDING: &[u8] = include_bytes!("../../fixtures/pve-9.1.tar.zst");

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let report = wait(imported(&self.out, ui))??;
        ui.report(&Found { import: &report }).map_err(Unwritten)?;
        let outcome = match terraform::find(None, ui) {
            Ok(tool) => proven(&self.out, &tool, ui)?,
            Err(error) => {
                ui.text(&format!("no proof here: {}\n", sentence(&error))).map_err(Unwritten)?;
                Outcome::Done
            }
        };
        ui.report(&Next { out: &self.out }).map_err(Unwritten)?;
        Ok(outcome)
    }
}

/// Why the demonstration could not be given.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("the recorded cluster could not be unpacked")]
    Unpack(#[from] io::Error),
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error(transparent)]
    Twin(#[from] TwinError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl Fault for DemoError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Unpack(_) | Self::Twin(_) => FaultKind::Failed,
            Self::Recording(error) => error.kind(),
            Self::Client(error) => error.kind(),
            Self::Import(error) => error.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unpack(_) => vec!["check that the folder for temporary files is not full".to_owned()],
            Self::Twin(_) => Vec::new(),
            Self::Recording(error) => error.hints(),
            Self::Client(error) => error.hints(),
            Self::Import(error) => error.hints(),
        }
    }
}

/// Serves the recording and imports it over HTTPS, as any cluster.
async fn imported(out: &Path, ui: &Ui) -> Result<ImportReport, DemoError> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cluster.tar.zst");
    fs::write(&file, RECORDING)?;
    let credentials = Credentials::fresh();
    let token = credentials.token();
    let twin = server::serve(Arc::new(Recording::open(&file)?), Options::new(credentials))?;
    ui.event(Event::Message { text: format!("a twin of a recorded cluster answers at {}", twin.endpoint()) });
    let settings = Settings {
        endpoints: vec![twin.endpoint().parse().expect("the twin's endpoint is one")],
        credentials: token.as_ref().and_then(Login::token).expect("a fresh credential is one token"),
        trust: Trust::Pinned(vec![twin.fingerprint().parse().expect("the twin's fingerprint is one")]),
        min_tls: MinimumTls::V13,
        timeout: None,
    };
    let job = Job {
        out: out.to_owned(),
        selection: Selection::default(),
        mapping: None,
        provider: None,
        record: None,
        adopt: None,
        concurrency: 16,
        ask_guests: true,
        dry_run: false,
        force: false,
        wait: false,
        removal: Limits::default(),
        now: clock::now(),
    };
    let report = import::run(Source::Cluster(Box::new(Client::new(settings)?)), &job, ui).await?;
    twin.stop().await;
    Ok(report)
}

/// Goes on to the proof where Terraform can install the provider, and says so in one line where it cannot.
fn proven(out: &Path, tool: &Tool, ui: &Ui) -> Result<Outcome, Failure> {
    let recording = Arc::new(Recording::open(&out.join(workspace::RECORDING))?);
    match verify::against_twin(out, recording, tool, ui) {
        Ok(proof) => {
            ui.report(&proof).map_err(Unwritten)?;
            Ok(proof.fault_kind().map_or(Outcome::Done, Outcome::Ended))
        }
        Err(error @ VerifyError::Provider { .. }) => {
            ui.text(&format!("no proof here: {}\n", sentence(&error))).map_err(Unwritten)?;
            Ok(Outcome::Done)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the demonstration found.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Found<'r> {
    import: &'r ImportReport,
}

impl Report for Found<'_> {
    fn human(&self, page: &mut Page) {
        // What comes next follows by itself.
        self.import.findings(page);
        page.blank();
    }
}

/// What to do next.
#[derive(serde::Serialize)]
struct Next<'r> {
    out: &'r Path,
}

impl Report for Next<'_> {
    fn human(&self, page: &mut Page) {
        let out = self.out.display();
        page.line("");
        page.heading("look at it");
        page.line(format!("  {out}/terraform/     the code, one file for each kind"));
        page.line(format!("  {out}/COVERAGE.md    what became of every key, and why"));
        page.heading("then your own cluster");
        page.line("  export PROXMOX_VE_ENDPOINT=https://pve.example:8006 PROXMOX_VE_API_TOKEN='user@realm!name=uuid'");
        page.line("  proxmox-mpc import --out lab");
        page.line("  proxmox-mpc verify lab");
    }
}
