//! Index of the syncs in the state store. It can always be made again from the generated branch.

use std::collections::BTreeMap;

use proxmox_mpc_model::observation::{self, Changes, FOLDER, ObjectChange, ObjectState, Origin};
use time::OffsetDateTime;

use crate::history::{CommitInfo, HistoryError, Oid, PathChange, Repository};
use crate::operation::{Context, Failure, clock};
use crate::store::{Change, CommitRecord, Observation, Owner, Store};
use crate::workspace::Workspace;

/// A sync to record.
pub(super) struct SyncRecord {
    /// The workspace.
    pub(super) workspace: Workspace,
    /// The generated branch.
    pub(super) branch: String,
    /// The name of the cluster.
    pub(super) cluster: Option<String>,
    /// The changes that the tip of the branch has, with who and when.
    pub(super) changes: Changes,
}

impl SyncRecord {
    /// Brings the state store up to the tip of the generated branch: with the last commit, or with all of them where the
    /// store does not know the one before.
    pub(super) async fn store(self, context: &Context) -> Result<(), Failure> {
        let (workspace, branch) = (self.workspace.clone(), self.branch.clone());
        let commits = context.block(move |_| log(&workspace, &branch)).await?;
        let (Some(last), Some(first)) = (commits.first(), commits.last()) else { return Ok(()) };
        let owner = Owner { workspace: first.id.clone(), cluster: self.cluster.clone() };
        let store = Store::of(context, &self.workspace, &owner).await?;
        let known = store.tip().await?;
        if known.as_ref() != Some(&last.id) {
            let follows = commits.get(1).is_some_and(|before| known.as_ref() == Some(&before.id));
            let wanted = if follows { 1 } else { commits.len() };
            let records = context.block(move |_| self.records(&commits, wanted)).await?;
            if follows {
                for record in &records {
                    store.record_commit(record).await?;
                }
            } else {
                store.rebuild(records).await?;
            }
        }
        Ok(store.close().await?)
    }

    /// The records of the newest `number` commits, oldest first. `commits` are newest first.
    fn records(&self, commits: &[CommitInfo], number: usize) -> Result<Vec<CommitRecord>, HistoryError> {
        let Some(repository) = Repository::discover(&self.workspace)? else { return Ok(Vec::new()) };
        let origins: BTreeMap<String, &Origin> = self
            .changes
            .objects
            .iter()
            .filter_map(|change| Some((change.identity.to_string(), change.origin.as_ref()?)))
            .collect();
        let record = |position: usize| {
            let (commit, before) = (&commits[position], commits.get(position + 1));
            let origins = if position == 0 { Some(&origins) } else { None };
            let below = format!("{FOLDER}/");
            let changes = repository.tree_diff(before.map(|commit| id(&commit.id)).transpose()?, id(&commit.id)?)?;
            let files = changes
                .iter()
                .filter(|change| change.path.starts_with(&below) && change.path != observation::Observation::CLUSTER);
            let observations = files.map(|file| observed(&repository, file, origins)).collect::<Result<Vec<_>, _>>()?;
            Ok(CommitRecord {
                id: commit.id.clone(),
                time: moment(commit.time),
                author: commit.author.clone(),
                observations: observations.into_iter().flatten().collect(),
            })
        };
        (0..number).rev().map(record).collect()
    }
}

/// The commits of the generated branch, newest first.
fn log(workspace: &Workspace, branch: &str) -> Result<Vec<CommitInfo>, HistoryError> {
    Repository::discover(workspace)?.map_or(Ok(Vec::new()), |repository| repository.log(branch, None, None))
}

fn id(text: &str) -> Result<Oid, HistoryError> {
    text.parse().map_err(|_| HistoryError::Revision { text: text.to_owned() })
}

fn moment(seconds: i64) -> String {
    clock::seconds(OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// The observation of an object, from its file. `None` for a file that is not one of an object.
fn observed(
    repository: &Repository,
    file: &PathChange,
    origins: Option<&BTreeMap<String, &Origin>>,
) -> Result<Option<Observation>, HistoryError> {
    let text = |blob: &Option<String>| -> Result<Option<String>, HistoryError> {
        blob.as_deref().map_or(Ok(None), |blob| repository.text(id(blob)?))
    };
    let (before, after) = (text(&file.old)?, text(&file.new)?);
    let state = |text: &Option<String>| -> Option<ObjectState> {
        let files = [(file.path.as_str(), text.as_deref()?)];
        observation::Observation::from_files(files).ok()?.objects.into_values().next()
    };
    let (old, new) = (state(&before), state(&after));
    let Some(object) = new.as_ref().or(old.as_ref()).map(|state| state.identity.to_string()) else { return Ok(None) };
    let change = old.zip(new).and_then(|(old, new)| ObjectChange::between(&old, &new));
    let (time, actor) = author(origins.and_then(|origins| origins.get(&object)).copied());
    let attribute = |attribute: &observation::AttributeChange| Change {
        key: attribute
            .property
            .as_ref()
            .map_or_else(|| attribute.key.clone(), |property| format!("{}.{property}", attribute.key)),
        before: attribute.before.clone(),
        after: attribute.after.clone(),
        time: time.clone(),
        actor: actor.clone(),
    };
    let changes = change.iter().flat_map(|change| &change.attributes).map(attribute).collect();
    Ok(Some(Observation { object, content: after, changes }))
}

/// When a change was made and by whom, where the task log tells for sure.
fn author(origin: Option<&Origin>) -> (Option<String>, Option<String>) {
    match origin {
        Some(Origin::Task { task }) => {
            let seconds = i64::try_from(task.started).unwrap_or_default();
            (Some(moment(seconds)), Some(task.user.clone()))
        }
        _ => (None, None),
    }
}
