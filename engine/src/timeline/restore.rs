//! Restore: a former state of an object comes back into the code of the work tree, never into the cluster.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use proxmox_mpc_code::merge::{Conflict, Merge, MergeEdit, Notice, Owner};
use proxmox_mpc_model::observation::{Event, ObjectChange, path};
use proxmox_mpc_model::{Identity, kinds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sync, Timeline, TimelineError, code, generated_tree, object};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, FaultKind, Request};
use crate::workspace::lock::{self, Attempt, Holder};
use crate::workspace::patch::patch;
use crate::workspace::{Workspace, WorkspaceError};

/// Request to bring a former state of an object back into the code.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestoreRequest {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// The object: its identity (`qemu/101`), or the name or VMID of a guest.
    pub object: String,
    /// The time: a revision or a date.
    pub at: String,
    /// Write nothing.
    pub dry_run: bool,
}

/// Report of a restore.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoreReport {
    /// The object.
    pub object: Identity,
    /// The sync whose state comes back.
    pub at: Sync,
    /// True if nothing was written.
    pub dry_run: bool,
    /// The change from the last observation to that state: what an apply of the code would do to the cluster.
    pub change: Option<ObjectChange>,
    /// True if the object is gone from the cluster, so that an apply would create it anew, without its data.
    pub created_anew: bool,
    /// The files that were written, by path relative to the workspace.
    pub files: Vec<String>,
    /// The edits of files that somebody has edited before.
    pub edits: Vec<MergeEdit>,
    /// The conflicts, which stand in the files with their markers.
    pub conflicts: Vec<Conflict>,
    /// What was not edited, and why.
    pub notices: Vec<Notice>,
    /// The change of the files, as a unified difference.
    pub patch: String,
}

impl ReportType for RestoreReport {
    const KIND: &'static str = "restore";

    fn ended(&self) -> Option<FaultKind> {
        (!self.conflicts.is_empty()).then_some(FaultKind::Differences)
    }
}

impl Request for RestoreRequest {
    const NAME: &'static str = "restore";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = RestoreReport;

    async fn run(self, context: Context) -> Result<RestoreReport, Failure> {
        let work = move |context: &Context| restore(&self, context);
        Ok(context.block(work).await?)
    }
}

fn restore(request: &RestoreRequest, context: &Context) -> Result<RestoreReport, TimelineError> {
    let timeline = Timeline::open(&request.workspace, context)?;
    let workspace = &timeline.workspace;
    let _lock = if request.dry_run { None } else { Some(locked(workspace, context)?) };
    let (tip, at) = (timeline.tip()?, timeline.resolve(&request.at, context.seconds())?);
    let identity = object::object(&timeline, &request.object)?;
    let (now, then) = (timeline.generated(tip)?, timeline.generated(at)?);
    let sync = timeline.sync(at)?;
    let Some(former) = now.with_former(&then, &identity) else {
        return Err(TimelineError::NoFormerCode { object: identity, time: sync.time });
    };
    let ours = code::files(workspace, &now.files)?;
    let mut merge = generated_tree::merge(&now, &former, &ours, &[]);
    let is_absent =
        |merge: &Merge| merge.places.get(identity.as_str()).is_some_and(|place| place.owner == Owner::Absent);
    if is_absent(&merge) {
        // Somebody has deleted the code. Who asks for it back has changed that decision.
        merge = generated_tree::merge(&now.without(&identity), &former, &ours, &[]);
    }
    let patch = patch(&ours, &merge.files, timeline.repository.prefix());
    if !request.dry_run {
        write(workspace, &merge.files)?;
    }
    let file = path(&identity);
    let (present, past) = (timeline.object(&tip.to_string(), &file)?, timeline.object(&at.to_string(), &file)?);
    let change = match (&present, &past) {
        (Some(present), Some(past)) => ObjectChange::between(present, past),
        (None, Some(past)) => Some(ObjectChange::of_event(past, Event::New)),
        _ => None,
    };
    Ok(RestoreReport {
        object: identity,
        at: sync,
        dry_run: request.dry_run,
        change,
        created_anew: present.is_none(),
        files: merge.files.into_keys().collect(),
        edits: merge.edits,
        conflicts: merge.conflicts,
        notices: merge.notices,
        patch,
    })
}

/// Locks the workspace.
pub(crate) fn locked(workspace: &Workspace, context: &Context) -> Result<lock::Lock, TimelineError> {
    match lock::attempt(workspace, &Holder::new(context.actor().name.clone(), context.now()))? {
        Attempt::Locked(lock) => Ok(lock),
        Attempt::Busy(holder) => Err(WorkspaceError::Busy { folder: workspace.root().to_owned(), holder }.into()),
    }
}

/// Writes the files, each whole or not at all.
pub(crate) fn write(workspace: &Workspace, files: &BTreeMap<String, Option<String>>) -> Result<(), TimelineError> {
    for (path, text) in files {
        let file = workspace.root().join(path);
        let failed = |source| TimelineError::Write { path: file.clone(), source };
        let folder = file.parent().unwrap_or(workspace.root());
        std::fs::create_dir_all(folder).map_err(failed)?;
        match text {
            None => std::fs::remove_file(&file).map_err(failed)?,
            Some(text) => {
                let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
                new.write_all(text.as_bytes()).map_err(failed)?;
                if let Ok(before) = std::fs::metadata(&file) {
                    new.as_file().set_permissions(before.permissions()).map_err(failed)?;
                }
                new.persist(&file).map_err(|error| failed(error.error))?;
            }
        }
    }
    Ok(())
}

impl RestoreReport {
    /// The lines about what an apply of the code would do to the cluster, in Proxmox's words.
    pub fn consequences(&self) -> Vec<String> {
        let title = kinds::of(&self.object).map_or("object", |kind| kind.title);
        if self.created_anew {
            return vec![format!(
                "{} is gone from the cluster: an apply would create this {title} anew, with new and empty disks where it has any",
                self.object
            )];
        }
        self.change.as_ref().map(ObjectChange::lines).unwrap_or_default()
    }
}
