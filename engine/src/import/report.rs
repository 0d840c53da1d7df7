//! What an import found, what became code, what did not and why.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proxmox_mpc_generators::adopt::Adopted;
use proxmox_mpc_generators::coverage::{Counts, Outcome};
use proxmox_mpc_generators::manifest::{Manifest, Move};
use proxmox_mpc_generators::{Coverage, Generated, KeptCode, Notice, RemovedCode};
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::permissions::Permissions;
use proxmox_mpc_model::{ApiPath, Identity, NotRead, Unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Job;
use super::fetch::Fetched;
use crate::operation::fault::sentence;
use crate::operation::report::ReportType;
use crate::operation::{FaultKind, Report};
use crate::rights;
use crate::workspace::Changes;

/// The result of an import.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// The workspace.
    pub out: PathBuf,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Whether it counts as a failure where anything could not be read or imported.
    pub strict: bool,
    /// As whom the cluster was read.
    pub login: Option<String>,
    /// The version of Proxmox VE.
    pub pve_version: Option<String>,
    /// How many requests were asked of the cluster, or answers taken from a recording.
    pub asked: u64,
    /// Conditions of `--only` and `--exclude` that hold for no object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<String>,
    /// What was found and what became of it, kind by kind.
    pub kinds: Vec<KindReport>,
    /// What Terraform's provider cannot import and Ansible keeps.
    #[serde(rename = "in_ansible")]
    pub entrusted: Vec<SetAside>,
    /// What no code can say.
    #[serde(rename = "not_importable")]
    pub set_aside: Vec<SetAside>,
    /// What could not be read.
    #[serde(rename = "not_read")]
    pub unread: Vec<Unread>,
    /// What the user should know of objects that are code.
    pub notices: Vec<Notice>,
    /// Code that was not made anew and stays as it is.
    pub kept: Vec<KeptCode>,
    /// Code that was taken out, since its object is no longer there.
    pub gone: Vec<RemovedCode>,
    /// Renames of this run.
    pub moved: Vec<Move>,
    /// What came of the addresses of the state that was to be adopted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<Adopted>,
    /// What this login may not see.
    pub gaps: Vec<String>,
    /// What happened to the files; `None` for a dry run.
    pub files: Option<Changes>,
    /// The address of each object, now or after the import: what `--mapping` takes.
    pub manifest: Manifest,
    /// What became of every key of every object.
    pub coverage: Coverage,
}

/// What became of the objects of one kind.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KindReport {
    /// The kind's word.
    pub kind: String,
    /// How people call it.
    pub title: String,
    /// How many the lists show.
    pub found: usize,
    /// How many are Terraform code now.
    pub terraform: usize,
    /// How many are Ansible code now.
    pub ansible: usize,
    /// How many come with Proxmox and are unchanged, or are no configuration.
    #[serde(rename = "built_in")]
    pub nothing_to_write: usize,
    /// How many no code can say.
    #[serde(rename = "not_importable")]
    pub set_aside: usize,
    /// How many could not be read.
    #[serde(rename = "not_read")]
    pub unread: usize,
    /// How many the user excluded.
    #[serde(rename = "excluded")]
    pub left_out: usize,
    /// (Terraform + Ansible + default) / (all − volatile) of their keys, in percent.
    pub covered: f64,
}

/// An object that Terraform's provider cannot import.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetAside {
    /// Which object.
    pub identity: Identity,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// Why.
    pub reason: String,
    /// What its owner can do.
    pub remedy: Option<String>,
}

impl ImportReport {
    pub(super) fn new(
        job: &Job,
        permissions: &Permissions,
        fetched: &Fetched,
        generated: Generated,
        before: &Manifest,
        files: Option<Changes>,
    ) -> Self {
        let mut unread = generated.unread;
        // The object or the list that is not read because of a request names it already.
        let named: BTreeSet<&ApiPath> = unread.iter().flat_map(Unread::requests).collect();
        let failures = fetched.failures.iter().filter(|failure| !named.contains(&failure.path));
        let failures = failures.map(|failure| {
            let (request, complaint) = (failure.path.clone(), sentence(&failure.error));
            Unread::object(Identity::new("request", request.as_str()), NotRead::Unusable { request, complaint })
        });
        unread.extend(failures.collect::<Vec<_>>());
        // What the user leaves out is not what this import is about.
        let mut chosen = Cow::Borrowed(&generated.coverage);
        if !generated.excluded.is_empty() {
            chosen.to_mut().objects.retain(|identity, _| !generated.excluded.contains(identity));
        }
        let (mut entrusted, mut set_aside) = (Vec::new(), Vec::new());
        for (identity, object) in &chosen.objects {
            let (sort, reason, remedy) = match &object.outcome {
                Outcome::NotImportable { reason, remedy } => (&mut set_aside, reason, remedy),
                Outcome::Ansible { reason, remedy, .. } => (&mut entrusted, reason, remedy),
                Outcome::Terraform { .. } | Outcome::BuiltIn | Outcome::Fact | Outcome::Excluded => continue,
            };
            let (identity, name) = (identity.clone(), object.name.clone());
            sort.push(SetAside { identity, name, reason: reason.clone(), remedy: remedy.clone() });
        }
        let moved = generated.manifest.moved.iter().filter(|step| !before.moved.contains(step));
        let gaps = rights::gaps(permissions);
        Self {
            out: job.out.clone(),
            dry_run: job.dry_run,
            strict: false,
            login: fetched.recording.about().login.clone(),
            pve_version: fetched.recording.about().pve_version.clone(),
            asked: fetched.asked,
            unmatched: generated.survey.unmatched,
            kinds: kinds(&generated.found, &chosen, &unread),
            entrusted,
            set_aside,
            moved: moved.cloned().collect(),
            unread,
            notices: generated.notices,
            kept: generated.kept,
            gone: generated.gone,
            adopted: Vec::new(),
            gaps: gaps.iter().map(ToString::to_string).collect(),
            files,
            manifest: generated.manifest,
            coverage: generated.coverage,
        }
    }

    /// The same with what came of the addresses of a state.
    pub(super) fn adopted(mut self, adopted: Vec<Adopted>) -> Self {
        self.adopted = adopted;
        self
    }

    /// Whether everything that was found and chosen is code: what `--strict` asks for.
    pub fn complete(&self) -> bool {
        self.set_aside.is_empty() && self.unread.is_empty()
    }
}

impl Report for ImportReport {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn ended(&self) -> Option<FaultKind> {
        (self.strict && !self.complete()).then_some(FaultKind::Failed)
    }
}

impl ReportType for ImportReport {
    const KIND: &'static str = "import";
}

fn kinds(found: &BTreeMap<&'static str, usize>, coverage: &Coverage, unread: &[Unread]) -> Vec<KindReport> {
    let counts = coverage.counts();
    let row = |kind: &'static proxmox_mpc_model::kinds::Kind| {
        let Counts { objects, imported, in_ansible: entrusted, not_importable: set_aside, .. } =
            counts.get(kind.id).copied().unwrap_or_default();
        let found = found.get(kind.id).copied().unwrap_or_default();
        let unread = unread.iter().filter(|one| one.identity.prefix() == kind.prefix && !one.is_list()).count();
        KindReport {
            kind: kind.id.to_owned(),
            title: kind.title.to_owned(),
            found,
            terraform: imported,
            ansible: entrusted,
            nothing_to_write: objects - imported - entrusted - set_aside,
            set_aside,
            unread,
            left_out: found.saturating_sub(objects + unread),
            covered: counts.get(kind.id).copied().unwrap_or_default().percent(),
        }
    };
    KINDS.iter().copied().map(row).collect()
}
