//! Workbench: tries out code, on a temporary copy of a workspace's Terraform and against a twin.

mod code;
mod error;
mod scratch;

use std::fs;
use std::sync::Arc;

use proxmox_mpc_generators::manifest::Manifest;
use proxmox_mpc_model::Answers;
use proxmox_mpc_twin::server::{self, AgentPolicy, Options, Twin};
use proxmox_mpc_twin::{Credentials, Recording};
use secrecy::SecretString;
use tokio::runtime::Handle;

use crate::operation::Context;
use crate::workspace::Workspace;

pub(crate) use code::{files, root_module};
pub use error::WorkbenchError;
pub use scratch::NO_SSH;
pub(crate) use scratch::Scratch;

/// Reads the manifest of a workspace. It is empty for code that no import wrote, whose `import` blocks say what it imports.
pub fn manifest(workspace: &Workspace) -> Result<Manifest, WorkbenchError> {
    let path = workspace.manifest();
    match fs::read_to_string(&path) {
        Ok(text) => Manifest::parse(&text).map_err(|source| WorkbenchError::Manifest { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(source) => Err(WorkbenchError::read(&path, source)),
    }
}

/// A twin in this process, for one operation: nobody else knows its token.
pub(crate) struct Bench {
    runtime: Handle,
    pub(crate) twin: Twin,
    pub(crate) token: Option<SecretString>,
}

impl Bench {
    /// Starts a twin of the recording for a proof: its token may do everything, and no agent keeps Terraform waiting.
    pub(crate) fn for_proof(
        answers: Arc<dyn Answers + Send + Sync>,
        context: &Context,
    ) -> Result<Self, WorkbenchError> {
        let options = Options { enforced: false, ..Options::new(Credentials::fresh()) };
        Self::start(answers, options, context.runtime())
    }

    /// Starts a twin of the recording for a rehearsal: its token has the privileges that it has on the cluster, and all
    /// writes are logged.
    pub(crate) fn for_rehearsal(
        recording: Arc<Recording>,
        token: &str,
        context: &Context,
    ) -> Result<Self, WorkbenchError> {
        let options = Options { log: true, ..Options::new(Credentials::fresh_token(token)) };
        Self::start(recording, options, context.runtime())
    }

    fn start(
        answers: Arc<dyn Answers + Send + Sync>,
        options: Options,
        runtime: &Handle,
    ) -> Result<Self, WorkbenchError> {
        let token = options.credentials.token();
        let options = Options { agent: AgentPolicy::RefuseUnlessUsable, ..options };
        let twin = {
            let _inside = runtime.enter();
            server::serve(answers, options)?
        };
        Ok(Self { runtime: runtime.clone(), twin, token })
    }

    /// Stops the twin, and waits for it. For threads that may block (`Context::block`).
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.twin.stop());
    }
}
