//! Demo: imports a recorded cluster over HTTPS and proves the code, without a cluster at hand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc_twin::Credentials;
use proxmox_mpc_twin::recording::{Recording, RecordingError};
use proxmox_mpc_twin::server::{self, Options, TwinError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::{Client, ClientError};
use crate::import::{self, ImportError, ImportJob, ImportReport, Source};
use crate::operation::fault::sentence;
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Fault, FaultKind, Message, Request};
use crate::settings::{self, Credentials as Login, MinimumTls, Settings, Trust};
use crate::toolchain::terraform::{self, TerraformError};
use crate::verify::{self, Proof, VerifyError};
use crate::workspace::Workspace;

/// Request to try everything on a recorded cluster: import it over HTTPS, write the code, and prove it if Terraform can
/// install the provider.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoRequest {
    /// The folder of the code.
    pub out: PathBuf,
}

/// Report of a demonstration.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Demonstration {
    /// The folder of the code.
    pub out: PathBuf,
    /// The report of the import.
    pub import: ImportReport,
    /// The proof, if one could be made.
    pub proof: Option<Proof>,
    /// The reason why no proof could be made.
    pub no_proof: Option<String>,
}

impl ReportType for Demonstration {
    const KIND: &'static str = "demo";

    fn ended(&self) -> Option<FaultKind> {
        self.proof.as_ref().and_then(ReportType::ended)
    }
}

/// The recorded cluster that ships with the program.
static RECORDING: &[u8] = include_bytes!("../../fixtures/pve-9.1.tar.zst");

impl Request for DemoRequest {
    const NAME: &'static str = "demo";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = Demonstration;

    async fn run(self, context: Context) -> Result<Demonstration, Failure> {
        let import = context.unless_cancelled(import_from_twin(&self.out, &context)).await??;
        let out = self.out.clone();
        let (proof, no_proof) = context.block(move |context| prove(&out, context)).await?;
        Ok(Demonstration { out: self.out, import, proof, no_proof })
    }
}

/// The demonstration could not be given.
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
            Self::Unpack(_) => vec!["Check that the folder for temporary files is not full.".to_owned()],
            Self::Twin(_) => Vec::new(),
            Self::Recording(error) => error.hints(),
            Self::Client(error) => error.hints(),
            Self::Import(error) => error.hints(),
        }
    }
}

/// Serves the recording and imports it over HTTPS, like any cluster.
async fn import_from_twin(out: &Path, context: &Context) -> Result<ImportReport, DemoError> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cluster.tar.zst");
    fs::write(&file, RECORDING)?;
    let credentials = Credentials::fresh();
    let token = credentials.token();
    let recording = context.compute(move || Recording::open(&file)).await?;
    let twin = server::serve(Arc::new(recording), Options::new(credentials))?;
    context.message(Message::TwinStarted { endpoint: twin.endpoint() });
    let settings = Settings {
        endpoints: vec![twin.endpoint().parse().expect("the twin's endpoint is one")],
        credentials: token.as_ref().and_then(Login::token).expect("a fresh credential is one token"),
        trust: Trust::Pinned(vec![twin.fingerprint().parse().expect("the twin's fingerprint is one")]),
        min_tls: MinimumTls::V13,
        timeout: None,
    };
    let job = ImportJob::new(out.to_owned(), context.now());
    let report = import::run(Source::Cluster(Box::new(Client::new(settings)?)), &job, context).await?;
    twin.stop().await;
    Ok(report)
}

/// Returns the proof if Terraform can install the provider, and otherwise the reason why there is none.
fn prove(out: &Path, context: &Context) -> Result<(Option<Proof>, Option<String>), Failure> {
    let workspace = Workspace::at(out);
    let program = settings::terraform(context, None, Some(&workspace))?;
    let tool = match terraform::find(program.as_deref(), context) {
        Ok(tool) => tool,
        Err(error) if error.kind() == FaultKind::Interrupted => return Err(error.into()),
        Err(error) => return Ok((None, Some(sentence(&error)))),
    };
    let recording = Arc::new(Recording::open(&workspace.recording())?);
    match verify::against_twin(&workspace, &recording, &tool, context) {
        Ok(proof) => Ok((Some(proof), None)),
        Err(error @ VerifyError::Terraform(TerraformError::Provider { .. })) => Ok((None, Some(sentence(&error)))),
        Err(error) => Err(error.into()),
    }
}
