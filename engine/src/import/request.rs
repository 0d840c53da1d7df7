//! Request of an import, and the files that it names.

use std::fs;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::Manifest;
use proxmox_mpc_generators::adopt::{self, Instance};
use proxmox_mpc_generators::bpg;
use proxmox_mpc_generators::selection::{Filter, Selection};
use proxmox_mpc_twin::recording::Recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::removal::{DEFAULT_LIMIT, RemovalLimits};
use super::{ImportError, ImportJob, ImportReport, Mapping, Source};
use crate::client::Client;
use crate::operation::{Context, Effect, Failure, Request};
use crate::settings::{self, Connection};
use crate::workspace::Workspace;

/// The current folder. In a folder of a workspace it stands for the workspace, as everywhere.
const HERE: &str = ".";

/// Request to read a cluster and write it as Terraform and Ansible code.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct ImportRequest {
    /// The connection to the cluster; unused if `from` is given.
    pub connection: Connection,
    /// The folder of the code, which is created if needed. The current folder stands for the workspace that it is in.
    pub out: PathBuf,
    /// The recording to import from instead of a cluster.
    pub from: Option<PathBuf>,
    /// Also write the recording here: a folder, or a file whose name ends in `.tar.zst`.
    pub record: Option<PathBuf>,
    /// Import only objects that match these filters: `kind=vm`.
    pub only: Vec<Filter>,
    /// Exclude objects that match these filters.
    pub exclude: Vec<Filter>,
    /// The file with addresses and with the objects to skip: the edited report of a dry run, or a manifest.
    pub mapping: Option<PathBuf>,
    /// The Terraform state to take addresses from.
    pub adopt_state: Option<PathBuf>,
    /// The version of the provider to pin; without it, the one that the workspace pins.
    pub provider_version: Option<String>,
    /// Write nothing.
    pub dry_run: bool,
    /// Overwrite generated files that somebody has edited, and keep copies of them.
    pub force: bool,
    /// Wait for another import of the same folder to end.
    pub wait: bool,
    /// The number of objects that may be removed from the code.
    pub allow_removal: Option<usize>,
    /// The part of the guests that may be removed from the code, in percent.
    pub removal_limit: u8,
    /// Fail if anything could not be read or imported.
    pub strict: bool,
    /// Ask running guests for their addresses.
    pub ask_guests: bool,
    /// The number of requests that may be sent at once; that of the settings without it.
    pub concurrency: Option<u16>,
}

impl Default for ImportRequest {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            out: PathBuf::from(HERE),
            from: None,
            record: None,
            only: Vec::new(),
            exclude: Vec::new(),
            mapping: None,
            adopt_state: None,
            provider_version: None,
            dry_run: false,
            force: false,
            wait: false,
            allow_removal: None,
            removal_limit: DEFAULT_LIMIT,
            strict: false,
            ask_guests: true,
            concurrency: None,
        }
    }
}

impl Request for ImportRequest {
    const NAME: &'static str = "import";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = ImportReport;

    async fn run(mut self, context: Context) -> Result<ImportReport, Failure> {
        settings::target(&context, &self.out)?.root().clone_into(&mut self.out);
        let client = match self.from {
            Some(_) => None,
            None => Some(self.client(&context).await?),
        };
        // A recording is read without requests.
        let concurrency = match &client {
            Some(_) => settings::concurrency(&context, self.concurrency, Some(&Workspace::at(&self.out)))?,
            None => 1,
        };
        let (from, strict) = (self.from.clone(), self.strict);
        let job = self.job(concurrency, context.now())?;
        let work = async {
            let source = if let Some(client) = client {
                Source::Cluster(Box::new(client))
            } else {
                let path = from.unwrap_or_default();
                // An archive is unpacked, which takes time.
                let opened = context.compute(move || Recording::open(&path)).await;
                Source::Recording(opened.map_err(ImportError::from)?)
            };
            super::run(source, &job, &context).await
        };
        let mut report = context.unless_cancelled(work).await??;
        report.strict = strict;
        Ok(report)
    }
}

impl ImportRequest {
    /// Creates the client for the cluster. A secret may come from a program, which blocks.
    async fn client(&self, context: &Context) -> Result<Client, Failure> {
        let (connection, workspace) = (self.connection.clone(), Workspace::at(&self.out));
        let settings = context.block(move |context| settings::of(context, connection, Some(&workspace))).await?;
        Ok(Client::new(settings)?)
    }

    fn job(self, concurrency: usize, now: String) -> Result<ImportJob, ImportError> {
        Ok(ImportJob {
            out: self.out,
            selection: Selection { only: self.only, exclude: self.exclude },
            mapping: self.mapping.as_deref().map(mapping).transpose()?,
            adopt: self.adopt_state.as_deref().map(state).transpose()?,
            provider: self.provider_version.as_deref().map(known_version).transpose()?,
            record: self.record,
            concurrency,
            ask_guests: self.ask_guests,
            dry_run: self.dry_run,
            force: self.force,
            wait: self.wait,
            removal: RemovalLimits { allowed: self.allow_removal, guests: self.removal_limit },
            now,
        })
    }
}

/// Parses a version of the provider whose rules are known.
pub fn known_version(given: &str) -> Result<&'static str, ImportError> {
    let mut known = bpg::VERSIONS.iter().map(|version| version.number);
    known.find(|number| *number == given).ok_or_else(|| ImportError::ProviderVersion { given: given.to_owned() })
}

/// Reads a mapping: a manifest, or the report of a dry run, which has one in it.
fn mapping(path: &Path) -> Result<Mapping, ImportError> {
    #[derive(Deserialize)]
    struct DryRun {
        manifest: Box<RawValue>,
    }
    let text = fs::read_to_string(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let report = serde_json::from_str::<DryRun>(&text).ok();
    let manifest = report.as_ref().map_or(text.as_str(), |report| report.manifest.get());
    let manifest =
        Manifest::parse(manifest).map_err(|source| ImportError::Manifest { path: path.to_owned(), source })?;
    Ok(Mapping { path: path.to_owned(), manifest })
}

fn state(path: &Path) -> Result<Vec<Instance>, ImportError> {
    let bytes = fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    adopt::parse(&bytes).map_err(|source| ImportError::State { path: path.to_owned(), source })
}
