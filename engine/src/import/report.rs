//! Report of an import: objects that became code, objects that did not and why, and files.

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

use super::ImportJob;
use super::fetch::Fetched;
use crate::operation::FaultKind;
use crate::operation::fault::sentence;
use crate::operation::report::ReportType;
use crate::rights;
use crate::workspace::Changes;

/// Report of an import.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// The workspace.
    pub out: PathBuf,
    /// True if nothing was written.
    pub dry_run: bool,
    /// True if an object that could not be read or imported makes the import a failure.
    pub strict: bool,
    /// The login that read the cluster.
    pub login: Option<String>,
    /// The version of Proxmox VE.
    pub pve_version: Option<String>,
    /// The number of requests to the cluster, or of answers taken from a recording.
    pub asked: u64,
    /// Filters of `--only` and `--exclude` that match no object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<String>,
    /// The counts of objects, by kind.
    pub kinds: Vec<KindReport>,
    /// Objects that are kept in Ansible, since Terraform's provider cannot import them.
    pub in_ansible: Vec<NotImported>,
    /// Objects that no code can express.
    pub not_importable: Vec<NotImported>,
    /// Objects and lists that could not be read.
    pub not_read: Vec<Unread>,
    /// Notices about imported objects that the user should know before changing anything.
    pub notices: Vec<Notice>,
    /// Code that was not generated again and stays as it is.
    pub kept: Vec<KeptCode>,
    /// Code that was removed, since its object no longer exists.
    pub gone: Vec<RemovedCode>,
    /// Addresses that this import changed.
    pub moved: Vec<Move>,
    /// The resources of the state that addresses were adopted from, with what became of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<Adopted>,
    /// Privileges that the login lacks, with what it cannot see without them.
    pub gaps: Vec<String>,
    /// The changes of files; none for a dry run.
    pub files: Option<Changes>,
    /// The address of each object: of a dry run, the one that it would get. It is what `--mapping` takes.
    pub manifest: Manifest,
    /// Every object with the fate of each key.
    pub coverage: Coverage,
}

/// Counts of the objects of one kind.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KindReport {
    /// The kind: `vm`.
    pub kind: String,
    /// The kind, as people call it: `virtual machine`.
    pub title: String,
    /// The number of objects in Proxmox's lists.
    pub found: usize,
    /// The number of objects in Terraform.
    pub terraform: usize,
    /// The number of objects in Ansible.
    pub ansible: usize,
    /// The number of objects that come with Proxmox unchanged, or are not configuration.
    pub built_in: usize,
    /// The number of objects that no code can express.
    pub not_importable: usize,
    /// The number of objects that could not be read.
    pub not_read: usize,
    /// The number of objects that the user excluded.
    pub excluded: usize,
    /// The coverage of their keys: (Terraform + Ansible + default) / (all − volatile), in percent.
    pub covered: f64,
}

/// An object that Terraform's provider cannot import.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NotImported {
    /// The object: `qemu/100`.
    pub identity: Identity,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// The reason why it cannot be imported.
    pub reason: String,
    /// A change that would make it importable, if there is one.
    pub remedy: Option<String>,
}

impl ImportReport {
    pub(super) fn new(
        job: &ImportJob,
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
        // Excluded objects are counted as such, and are in no list.
        let mut chosen = Cow::Borrowed(&generated.coverage);
        if !generated.excluded.is_empty() {
            chosen.to_mut().objects.retain(|identity, _| !generated.excluded.contains(identity));
        }
        let (mut in_ansible, mut not_importable) = (Vec::new(), Vec::new());
        for (identity, object) in &chosen.objects {
            let (list, reason, remedy) = match &object.outcome {
                Outcome::NotImportable { reason, remedy } => (&mut not_importable, reason, remedy),
                Outcome::Ansible { reason, remedy, .. } => (&mut in_ansible, reason, remedy),
                Outcome::Terraform { .. } | Outcome::BuiltIn | Outcome::Fact | Outcome::Excluded => continue,
            };
            let (identity, name) = (identity.clone(), object.name.clone());
            list.push(NotImported { identity, name, reason: reason.clone(), remedy: remedy.clone() });
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
            in_ansible,
            not_importable,
            moved: moved.cloned().collect(),
            not_read: unread,
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

    /// Adds the resources of the state that addresses were adopted from.
    pub(super) fn adopted(mut self, adopted: Vec<Adopted>) -> Self {
        self.adopted = adopted;
        self
    }

    /// Reports whether every selected object was read and is code, as `--strict` requires.
    pub fn complete(&self) -> bool {
        self.not_importable.is_empty() && self.not_read.is_empty()
    }
}

impl ReportType for ImportReport {
    const KIND: &'static str = "import";

    fn ended(&self) -> Option<FaultKind> {
        (self.strict && !self.complete()).then_some(FaultKind::Failed)
    }
}

fn kinds(found: &BTreeMap<&'static str, usize>, coverage: &Coverage, unread: &[Unread]) -> Vec<KindReport> {
    let counts = coverage.counts();
    let row = |kind: &'static proxmox_mpc_model::kinds::Kind| {
        let Counts { objects, imported, in_ansible: entrusted, not_importable: set_aside, .. } =
            counts.get(kind.id).copied().unwrap_or_default();
        let found = found.get(kind.id).copied().unwrap_or_default();
        let not_read =
            unread.iter().filter(|unread| unread.identity.prefix() == kind.prefix && !unread.is_list()).count();
        KindReport {
            kind: kind.id.to_owned(),
            title: kind.title.to_owned(),
            found,
            terraform: imported,
            ansible: entrusted,
            built_in: objects - imported - entrusted - set_aside,
            not_importable: set_aside,
            not_read,
            excluded: found.saturating_sub(objects + not_read),
            covered: counts.get(kind.id).copied().unwrap_or_default().percent(),
        }
    };
    KINDS.iter().copied().map(row).collect()
}
