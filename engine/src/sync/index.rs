//! Index of the syncs in the state store. It can always be made again from the generated branch.

use std::collections::BTreeMap;

use proxmox_mpc_code::merge::Notice;
use proxmox_mpc_model::observation::{self, Changes, FOLDER, ObjectChange, ObjectState, Origin};
use time::OffsetDateTime;

use super::SyncRequest;
use crate::history::{CommitInfo, HistoryError, Oid, PathChange, Repository};
use crate::operation::{Context, Failure, Request as _, clock};
use crate::store::{Change, CommitRecord, Decision, Observation, Owner, Run, RunEnd, RunOutcome, Store, StoreError};
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
    /// The objects that were read.
    pub(super) seen: Vec<String>,
    /// The decisions of people that the merge kept.
    pub(super) decisions: Vec<Notice>,
    /// The times of the beginning of the sync and of its observation.
    pub(super) started: String,
    pub(super) observed: String,
    /// The outcome of the sync, with a few figures.
    pub(super) outcome: RunOutcome,
    pub(super) summary: serde_json::Value,
}

impl SyncRecord {
    /// Brings the state store up to the tip of the generated branch: with the last commit, or with all of them where the
    /// store does not know the one before.
    pub(super) async fn store(mut self, context: &Context) -> Result<(), Failure> {
        let (workspace, branch) = (self.workspace.clone(), self.branch.clone());
        let commits = context.block(move |_| log(&workspace, &branch)).await?;
        let (Some(last), Some(first)) = (commits.first(), commits.last()) else { return Ok(()) };
        let owner = Owner { workspace: first.id.clone(), cluster: self.cluster.clone() };
        let store = Store::of(context, &self.workspace, &owner).await?;
        let known = store.tip().await?;
        if known.as_ref() != Some(&last.id) {
            let follows = commits.get(1).is_some_and(|before| known.as_ref() == Some(&before.id));
            let wanted = if follows { 1 } else { commits.len() };
            let (record, records) = context
                .block(move |_| {
                    let records = self.records(&commits, wanted);
                    records.map(|records| (self, records))
                })
                .await?;
            self = record;
            if follows {
                for record in &records {
                    store.record_commit(record).await?;
                }
            } else {
                store.rebuild(records).await?;
            }
        }
        store.record_sightings(&self.observed, self.seen.iter().map(String::as_str)).await?;
        self.store_decisions(&store, context).await?;
        self.store_run(&store, context).await?;
        Ok(store.close().await?)
    }

    /// Records each decision that is not the last one known of its object.
    async fn store_decisions(&self, store: &Store, context: &Context) -> Result<(), StoreError> {
        for notice in &self.decisions {
            let known = store.decisions(Some(&notice.object)).await?;
            if known.first().is_none_or(|decision| decision.decision != notice.text) {
                let decision = Decision {
                    object: notice.object.clone(),
                    decision: notice.text.clone(),
                    actor: context.actor().name.clone(),
                    time: self.started.clone(),
                    reason: String::new(),
                };
                store.record_decision(&decision).await?;
            }
        }
        Ok(())
    }

    async fn store_run(&self, store: &Store, context: &Context) -> Result<(), StoreError> {
        let operation = context.operation().to_string();
        let run = Run {
            operation: operation.clone(),
            command: SyncRequest::NAME.to_owned(),
            actor: context.actor().name.clone(),
            started: self.started.clone(),
        };
        store.record_run(&run).await?;
        let end = RunEnd { time: context.now(), outcome: self.outcome, summary: self.summary.clone() };
        store.record_run_end(&operation, &end).await
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
