//! Request of a sync.

use std::path::PathBuf;

use proxmox_mpc_twin::recording::Recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SyncReport, run};
use crate::client::Client;
use crate::import::removal::{DEFAULT_LIMIT, RemovalLimits};
use crate::import::{ImportError, Source, known_version};
use crate::operation::{Context, Effect, Failure, Request};
use crate::settings::{self, Connection};
use crate::verify::VerifyRequest;
use crate::workspace::Workspace;

/// Request to read a cluster, and to merge what changed into the code of a workspace under version control.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct SyncRequest {
    /// The connection to the cluster; unused if `from` is given.
    pub connection: Connection,
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// The recording to take for the cluster.
    pub from: Option<PathBuf>,
    /// Write nothing, and report what would be edited.
    pub dry_run: bool,
    /// Leave the result on a new branch of this name, and the work tree alone.
    pub branch: Option<String>,
    /// Commit to the generated branch, and merge nothing.
    pub generated_only: bool,
    /// Set changes that are not committed aside during the merge.
    pub autostash: bool,
    /// Rename the code of objects that have another name in Proxmox now.
    pub rename: bool,
    /// A Terraform state that tells where objects live in the code: the output of `terraform show -json`.
    pub state: Option<PathBuf>,
    /// Prove the merged code afterwards, as `verify` does.
    pub verify: bool,
    /// The terraform or tofu that proves it; without it, the one in PATH.
    pub terraform: Option<PathBuf>,
    /// The version of the provider to pin; without it, the one that the code pins.
    pub provider_version: Option<String>,
    /// Wait for another operation on the same workspace to end.
    pub wait: bool,
    /// The number of objects that may be removed from the generated code.
    pub allow_removal: Option<usize>,
    /// The part of the guests that may be removed from the generated code, in percent.
    pub removal_limit: u8,
    /// Ask running guests for their addresses.
    pub ask_guests: bool,
    /// The number of requests that may be sent at once; that of the settings without it.
    pub concurrency: Option<u16>,
}

impl Default for SyncRequest {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            workspace: PathBuf::from("."),
            from: None,
            dry_run: false,
            branch: None,
            generated_only: false,
            autostash: false,
            rename: false,
            state: None,
            verify: false,
            terraform: None,
            provider_version: None,
            wait: false,
            allow_removal: None,
            removal_limit: DEFAULT_LIMIT,
            ask_guests: true,
            concurrency: None,
        }
    }
}

impl Request for SyncRequest {
    const NAME: &'static str = "sync";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = SyncReport;

    async fn run(self, context: Context) -> Result<SyncReport, Failure> {
        let workspace = settings::workspace(&context, &self.workspace)?;
        let client = match self.from {
            Some(_) => None,
            None => Some(self.client(&workspace, &context).await?),
        };
        // A recording is read without requests.
        let concurrency = match &client {
            Some(_) => settings::concurrency(&context, self.concurrency, Some(&workspace))?,
            None => 1,
        };
        let proof = self.verify.then(|| VerifyRequest {
            workspace: workspace.root().to_owned(),
            terraform: self.terraform.clone(),
            ..VerifyRequest::default()
        });
        let from = self.from.clone();
        let job = self.job(workspace, concurrency, context.now())?;
        let work = async {
            let source = if let Some(client) = client {
                Source::Cluster(Box::new(client))
            } else {
                let path = from.unwrap_or_default();
                let opened = context.compute(move || Recording::open(&path)).await;
                Source::Recording(opened.map_err(ImportError::from)?)
            };
            run::run(&source, job, &context).await
        };
        let mut report = context.unless_cancelled(Box::pin(work)).await??;
        if let Some(proof) = proof.filter(|_| report.is_in_the_work_tree()) {
            report.proof = Some(Box::new(Box::pin(proof.run(context)).await?));
        }
        Ok(report)
    }
}

impl SyncRequest {
    /// Creates the client for the cluster. A secret may come from a program, which blocks.
    async fn client(&self, workspace: &Workspace, context: &Context) -> Result<Client, Failure> {
        let (connection, workspace) = (self.connection.clone(), workspace.clone());
        let settings = context.block(move |context| settings::of(context, connection, Some(&workspace))).await?;
        Ok(Client::new(settings)?)
    }

    fn job(self, workspace: Workspace, concurrency: usize, now: String) -> Result<run::SyncJob, ImportError> {
        Ok(run::SyncJob {
            workspace,
            mode: match self.branch {
                _ if self.dry_run => run::Mode::DryRun,
                _ if self.generated_only => run::Mode::GeneratedOnly,
                Some(name) => run::Mode::Branch(name),
                None => run::Mode::WorkTree { autostash: self.autostash },
            },
            rename: self.rename,
            state: self.state,
            provider: self.provider_version.as_deref().map(known_version).transpose()?,
            wait: self.wait,
            removal: RemovalLimits { allowed: self.allow_removal, guests: self.removal_limit },
            concurrency,
            ask_guests: self.ask_guests,
            now,
        })
    }
}
