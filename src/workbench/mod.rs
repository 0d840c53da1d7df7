//! Where code is tried out: a scratch copy of a workspace's Terraform, a twin to hold it against, and the Terraform
//! that runs there.

mod code;
mod error;
mod scratch;
mod session;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_generators::manifest::Manifest;
use proxmox_mpc_twin::server::{self, AgentPolicy, Options, Twin};
use proxmox_mpc_twin::{Credentials, Recording};
use secrecy::SecretString;
use tokio::runtime::Runtime;

pub(crate) use code::{Code, files};
pub use error::WorkbenchError;
pub(crate) use scratch::{NO_SSH, Scratch};
pub(crate) use session::{Session, provider_version};

/// Where the code is in a workspace.
pub const CODE: &str = "terraform";
/// The manifest of a workspace.
pub const MANIFEST: &str = "manifest.json";

/// The manifest of a workspace; empty for code that somebody else wrote, whose `import` blocks say what it imports.
pub fn manifest(workspace: &Path) -> Result<Manifest, WorkbenchError> {
    let path = workspace.join(MANIFEST);
    match fs::read_to_string(&path) {
        Ok(text) => Manifest::parse(&text).map_err(|source| WorkbenchError::Manifest { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(source) => Err(WorkbenchError::read(&path, source)),
    }
}

/// A twin in this process, on threads of its own. Nobody but this run knows its token.
pub(crate) struct Bench {
    runtime: Runtime,
    pub(crate) twin: Twin,
    pub(crate) token: Option<SecretString>,
}

impl Bench {
    /// Starts a twin of the recording for a proof: its token may do everything, and agents never keep anyone waiting.
    ///
    /// # Panics
    ///
    /// Inside of an asynchronous task.
    pub(crate) fn for_proof(recording: Arc<Recording>) -> Result<Self, WorkbenchError> {
        let options = Options { enforced: false, ..Options::new(Credentials::fresh()) };
        Self::start(recording, options)
    }

    /// Starts a twin of the recording for a rehearsal: its one token may do what the cluster lets it, and all writes are
    /// logged.
    ///
    /// # Panics
    ///
    /// Inside of an asynchronous task.
    pub(crate) fn for_rehearsal(recording: Arc<Recording>, token: &str) -> Result<Self, WorkbenchError> {
        let options = Options { log: true, ..Options::new(Credentials::fresh_token(token)) };
        Self::start(recording, options)
    }

    fn start(recording: Arc<Recording>, options: Options) -> Result<Self, WorkbenchError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(WorkbenchError::Runtime)?;
        let token = options.credentials.token();
        let options = Options { agent: AgentPolicy::RefuseUnlessUsable, ..options };
        let twin = {
            let _inside = runtime.enter();
            server::serve(recording, options)?
        };
        Ok(Self { runtime, twin, token })
    }

    /// Ends it, and waits until it has.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.twin.stop());
    }
}

impl Code {
    /// Reads the code of a workspace.
    pub(crate) fn of(workspace: &Path) -> Result<Self, WorkbenchError> {
        code::read(&workspace.join(CODE))
    }
}
