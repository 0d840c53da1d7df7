//! Import's request: from a running cluster, or a recording of one, to a workspace of code.

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

use super::removal::{DEFAULT_LIMIT, Limits};
use super::{ImportError, ImportReport, Job, Mapping, Source};
use crate::client::Client;
use crate::operation::{Context, Effect, Failure, Request};
use crate::settings::{self, Connection};

/// Reads a cluster and writes it as Terraform and Ansible code.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct ImportRequest {
    /// The cluster, where no recording is named.
    pub connection: Connection,
    /// The folder of the code; it need not be there yet.
    pub out: PathBuf,
    /// The recording to import from instead of a cluster.
    pub from: Option<PathBuf>,
    /// Where to keep the answers as well: a folder, or a file that ends with `.tar.zst`.
    pub record: Option<PathBuf>,
    /// Import only what these conditions hold for: `kind=vm`.
    pub only: Vec<Filter>,
    /// Exclude what these conditions hold for.
    pub exclude: Vec<Filter>,
    /// The file with addresses, and with what to skip: the report of a dry run, or a manifest.
    pub mapping: Option<PathBuf>,
    /// The Terraform state whose addresses are taken.
    pub adopt_state: Option<PathBuf>,
    /// The version of the provider to pin.
    pub provider_version: Option<String>,
    /// Write nothing.
    pub dry_run: bool,
    /// Overwrite generated files that somebody has edited, and keep copies of them.
    pub force: bool,
    /// Wait for another import of the same folder.
    pub wait: bool,
    /// How many objects may be taken out of the code.
    pub allow_removal: Option<usize>,
    /// The most guests, in percent, that may be taken out of the code.
    pub removal_limit: u8,
    /// Count it as a failure where anything could not be read or imported.
    pub strict: bool,
    /// Ask running guests for their addresses.
    pub ask_guests: bool,
    /// How many requests may be on their way at once.
    pub concurrency: u16,
}

impl Default for ImportRequest {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            out: PathBuf::from("."),
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
            concurrency: 16,
        }
    }
}

impl Request for ImportRequest {
    const NAME: &'static str = "import";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = ImportReport;

    async fn run(self, context: Context) -> Result<ImportReport, Failure> {
        let client = match self.from {
            Some(_) => None,
            None => Some(self.client(&context).await?),
        };
        let (from, strict) = (self.from.clone(), self.strict);
        let job = self.job(context.now())?;
        let work = async {
            let source = match client {
                Some(client) => Source::Cluster(Box::new(client)),
                None => {
                    let path = from.unwrap_or_default();
                    // A packed one takes its time.
                    let opened = context.compute(move || Recording::open(&path)).await;
                    Source::Recording(opened.map_err(ImportError::from)?)
                }
            };
            super::run(source, &job, &context).await
        };
        let mut report = context.unless_cancelled(work).await??;
        report.strict = strict;
        Ok(report)
    }
}

impl ImportRequest {
    /// A client for the cluster. A secret may come from a program, which blocks.
    async fn client(&self, context: &Context) -> Result<Client, Failure> {
        let connection = self.connection.clone();
        let settings = context.block(move |context| settings::of(context, connection)).await?;
        Ok(Client::new(settings)?)
    }

    fn job(self, now: String) -> Result<Job, ImportError> {
        Ok(Job {
            out: self.out,
            selection: Selection { only: self.only, exclude: self.exclude },
            mapping: self.mapping.as_deref().map(mapping).transpose()?,
            adopt: self.adopt_state.as_deref().map(state).transpose()?,
            provider: self.provider_version.as_deref().map(known_version).transpose()?,
            record: self.record,
            concurrency: usize::from(self.concurrency.max(1)),
            ask_guests: self.ask_guests,
            dry_run: self.dry_run,
            force: self.force,
            wait: self.wait,
            removal: Limits { allowed: self.allow_removal, guests: self.removal_limit },
            now,
        })
    }
}

/// A version of the provider whose rules are known.
pub fn known_version(given: &str) -> Result<&'static str, ImportError> {
    let mut known = bpg::VERSIONS.iter().map(|version| version.number);
    known.find(|number| *number == given).ok_or_else(|| ImportError::ProviderVersion { given: given.to_owned() })
}

/// Reads a mapping: a manifest, or the report of a dry run, which holds one.
fn mapping(path: &Path) -> Result<Mapping, ImportError> {
    #[derive(Deserialize)]
    struct Report {
        manifest: Box<RawValue>,
    }
    let text = fs::read_to_string(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let report = serde_json::from_str::<Report>(&text).ok();
    let manifest = report.as_ref().map_or(text.as_str(), |report| report.manifest.get());
    let manifest =
        Manifest::parse(manifest).map_err(|source| ImportError::Manifest { path: path.to_owned(), source })?;
    Ok(Mapping { path: path.to_owned(), manifest })
}

fn state(path: &Path) -> Result<Vec<Instance>, ImportError> {
    let bytes = fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    adopt::parse(&bytes).map_err(|source| ImportError::State { path: path.to_owned(), source })
}
