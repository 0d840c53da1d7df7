//! Coverage: where each key of each recorded object is kept (Terraform, Ansible, nowhere), and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::coverage::Counts;
use proxmox_mpc_generators::reasons::{self, Reason, Unreadable as UnreadableGroup};
use proxmox_mpc_generators::{Coverage, Generated, Manifest, Previous, coverage_document, everything};
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::{Identity, Unread, Unreadable};
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::{About, RecordingError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::import;
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Fault, FaultKind, Request, Step, StepKind};
use crate::settings;

/// Request to show how much of a cluster is code, and why the rest is not.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CoverageRequest {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// The recording to read; without it, the one that the last import made.
    pub from: Option<PathBuf>,
    /// Show only objects of these kinds: `vm`. All kinds if empty.
    pub kinds: Vec<String>,
    /// Show only these objects: `qemu/100`. All objects if empty.
    pub objects: Vec<String>,
    /// The lowest accepted coverage in percent; a lower one ends with exit code 3.
    pub fail_under: Option<f64>,
    /// The level of detail of the page for people.
    pub detail: Detail,
    /// Also make the Markdown document, as in `COVERAGE.md`.
    pub markdown: bool,
}

/// Level of detail of the page for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// A line for each kind.
    #[default]
    Kinds,
    /// A few lines for each object.
    Objects,
    /// A line for each key.
    Keys,
}

/// Report of the coverage of a recorded cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CoverageReport {
    /// The login with which the cluster was read.
    pub login: Option<String>,
    /// The version of Proxmox VE.
    pub pve_version: Option<String>,
    /// The coverage: (Terraform + Ansible + default) / (all − volatile), in percent.
    pub percent: f64,
    /// The lowest accepted coverage in percent, if one was requested.
    pub fail_under: Option<f64>,
    /// The counts of all objects and keys.
    pub total: Counts,
    /// The counts by kind.
    pub kinds: BTreeMap<String, Counts>,
    /// Keys that this program does not know yet, by object.
    pub not_covered: BTreeMap<Identity, Vec<String>>,
    /// The reasons why keys are not in Terraform.
    pub reasons: Vec<Reason>,
    /// Objects and lists that the login could not read, by reason.
    pub unreadable: Vec<UnreadableGroup>,
    /// Every object with the fate of each key.
    pub objects: Coverage,
    /// The level of detail of the page for people.
    pub detail: Detail,
    /// The Markdown document, if it was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markdown: Option<String>,
}

impl ReportType for CoverageReport {
    const KIND: &'static str = "coverage";

    fn ended(&self) -> Option<FaultKind> {
        self.fail_under.is_some_and(|least| self.percent < least).then_some(FaultKind::Differences)
    }
}

/// The coverage could not be reported.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    #[error("there is no recording to read the coverage from")]
    Open(#[from] RecordingError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("there is no object `{0}` in the recording")]
    NoObject(String),
    #[error("there is no kind `{0}`")]
    NoKind(String),
}

impl Fault for CoverageError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Open(_) | Self::Unreadable(_) => FaultKind::Failed,
            Self::NoObject(_) | Self::NoKind(_) => FaultKind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::NoKind(_) => return vec![format!("The kinds are {}.", kinds().join(", "))],
            Self::Open(_) => &[
                "Make a recording with `proxmox-mpc import`, or name another one with `--from`.",
                "Name the folder that the import wrote.",
            ],
            Self::Unreadable(_) => &["Import again: the recording was changed or truncated after it was written."],
            Self::NoObject(_) => &["`proxmox-mpc coverage -v` lists every object by the name that `--object` takes."],
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }
}

impl Request for CoverageRequest {
    const NAME: &'static str = "coverage";
    const EFFECT: Effect = Effect::Reads;
    type Report = CoverageReport;

    async fn run(self, context: Context) -> Result<CoverageReport, Failure> {
        let workspace = settings::workspace(&context, &self.workspace)?;
        let path = self.from.clone().unwrap_or_else(|| workspace.recording());
        let manifest = import::manifest(&workspace)?.unwrap_or_default();
        let work = async {
            let _step = Step::start(&context, StepKind::GenerateCode);
            context.compute(move || read(&path, manifest)).await
        };
        let (about, generated) = context.unless_cancelled(work).await??;
        Ok(self.report(&about, generated)?)
    }
}

impl CoverageRequest {
    fn report(self, about: &About, generated: Generated) -> Result<CoverageReport, CoverageError> {
        let (mut coverage, mut unread) = (generated.coverage, generated.unread);
        self.choose(&mut coverage, &mut unread)?;
        let owned = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect();
        let not_covered = reasons::not_covered(&coverage).into_iter();
        Ok(CoverageReport {
            login: about.login.clone(),
            pve_version: about.pve_version.clone(),
            percent: coverage.total().percent(),
            fail_under: self.fail_under,
            total: coverage.total(),
            kinds: coverage.counts().into_iter().map(|(kind, counts)| (kind.into_owned(), counts)).collect(),
            not_covered: not_covered.map(|(identity, keys)| (identity.clone(), owned(keys))).collect(),
            reasons: reasons::reasons(&coverage),
            unreadable: reasons::unreadable(&unread),
            markdown: self.markdown.then(|| coverage_document(&coverage, &unread)),
            objects: coverage,
            detail: self.detail,
        })
    }

    /// Removes the objects that the request does not name.
    fn choose(&self, coverage: &mut Coverage, unread: &mut Vec<Unread>) -> Result<(), CoverageError> {
        if let Some(unknown) = self.kinds.iter().find(|word| !kinds().contains(&word.as_str())) {
            return Err(CoverageError::NoKind(unknown.clone()));
        }
        for wanted in &self.objects {
            let known = coverage.objects.keys().chain(unread.iter().map(|item| &item.identity));
            if !known.map(Identity::as_str).any(|identity| identity == wanted) {
                return Err(CoverageError::NoObject(wanted.clone()));
            }
        }
        let takes = |kind: &str, identity: &Identity| {
            (self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind))
                && (self.objects.is_empty() || self.objects.iter().any(|wanted| wanted == identity.as_str()))
        };
        coverage.objects.retain(|identity, object| takes(&object.kind, identity));
        let kind = |identity: &Identity| KINDS.iter().find(|kind| kind.prefix == identity.prefix());
        unread.retain(|item| kind(&item.identity).is_some_and(|kind| takes(kind.id, &item.identity)));
        Ok(())
    }
}

/// The names of all kinds.
pub fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.id).collect()
}

/// Generates the code of everything in the recording, excluded objects included, under the addresses of the workspace.
fn read(path: &Path, manifest: Manifest) -> Result<(About, Generated), CoverageError> {
    let recording = Recording::open(path)?;
    let generated = everything(&recording, Previous { manifest, ..Previous::default() })?;
    Ok((recording.about().clone(), generated))
}
