//! Comparison of three states: the code, the generated code of the last sync that it has, and the cluster now.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proxmox_mpc_code::merge::Merge;
use proxmox_mpc_generators::coverage::Coverage;
use proxmox_mpc_generators::{FileSet, Options};
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::observation::{Changes, FOLDER, Observation, Window};
use proxmox_mpc_twin::recording::Recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DriftError;
use crate::client::Client;
use crate::import::fetch::FetchOptions;
use crate::import::reading::{self, ScratchFolder};
use crate::import::{ImportError, Source};
use crate::operation::{Context, Failure, clock};
use crate::settings::{self, Connection};
use crate::sync::observing::{Earlier, generate_and_observe};
use crate::sync::start::Start;
use crate::sync::{SyncError, merging, task_log};
use crate::timeline::code::{self, CodeChanges};
use crate::timeline::generated_tree::{self, GeneratedTree};
use crate::workspace::{self, Workspace};

/// A workspace, and the cluster that it is compared with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DriftSource {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// The connection to the cluster; unused if `from` is given.
    pub connection: Connection,
    /// The recording to take for the cluster.
    pub from: Option<PathBuf>,
    /// The number of requests that may be sent at once; that of the settings without it.
    pub concurrency: Option<u16>,
}

impl DriftSource {
    /// The workspace, the source of the answers, and the number of requests at once.
    pub(super) async fn open(&self, context: &Context) -> Result<(Workspace, Source, usize), Failure> {
        let workspace = settings::workspace(context, &self.workspace)?;
        if let Some(path) = self.from.clone() {
            let opened = context.compute(move || Recording::open(&path)).await;
            // A recording is read without requests.
            return Ok((workspace, Source::Recording(opened.map_err(ImportError::from)?), 1));
        }
        let concurrency = settings::concurrency(context, self.concurrency, Some(&workspace))?;
        let (connection, place) = (self.connection.clone(), workspace.clone());
        let settings = context.block(move |context| settings::of(context, connection, Some(&place))).await?;
        Ok((workspace, Source::Cluster(Box::new(Client::new(settings)?)), concurrency))
    }
}

/// The three states of a workspace, and what differs.
pub(super) struct Comparison {
    /// The workspace.
    pub(super) workspace: Workspace,
    /// Its place in the repository.
    pub(super) prefix: String,
    /// The generated code of the last sync that the code has.
    pub(super) base: GeneratedTree,
    /// The generated code of the cluster now.
    pub(super) theirs: GeneratedTree,
    /// The files of the work tree.
    pub(super) ours: FileSet,
    /// The merge of the cluster's changes into the work tree.
    pub(super) merge: Merge,
    /// The changes of the cluster since that sync, in Proxmox's words, with who made them.
    pub(super) changes: Changes,
    /// The cluster now.
    pub(super) observation: Observation,
    /// The fate of every setting of the cluster now.
    pub(super) coverage: Coverage,
    /// What the code changed since that sync.
    pub(super) edited: CodeChanges,
    /// The number of objects and lists that could not be read.
    pub(super) not_read: usize,
    /// The time of that sync, in seconds since 1970 (UTC).
    pub(super) since: i64,
    /// The time of the look at the cluster.
    pub(super) time: i64,
}

/// What the code has of the syncs.
struct Synced {
    start: Start,
    base: GeneratedTree,
    earlier: Earlier,
    since: i64,
}

impl Synced {
    fn read(workspace: Workspace, context: &Context) -> Result<Self, DriftError> {
        let folder = workspace.root().to_owned();
        let no_sync = || DriftError::NoSync { folder };
        let start = Start::read(workspace, false, false, context)?;
        let Some(tip) = start.tip else { return Err(no_sync()) };
        let merged = start.repository.base(&start.branch, tip.id).map_err(SyncError::from)?;
        let Some(commit) = start.contained(merged.map(|commit| commit.id))? else { return Err(no_sync()) };
        let blobs = start.repository.blobs(commit, FOLDER).map_err(SyncError::from)?;
        let since = start.repository.time(commit).map_err(SyncError::from)?;
        Ok(Self { base: GeneratedTree::at(&start.repository, commit)?, start, earlier: Earlier::Sync(blobs), since })
    }
}

/// Compares the code of a workspace with the cluster now. Writes nothing.
pub(super) async fn compare(request: &DriftSource, context: &Context) -> Result<Comparison, Failure> {
    let (workspace, source, concurrency) = request.open(context).await?;
    let place = workspace.clone();
    let Synced { start, base, earlier, since } = context.block(move |context| Synced::read(place, context)).await?;

    let work = async {
        let scratch = ScratchFolder::beside(&workspace, true)?;
        let options = FetchOptions { concurrency, ask_guests: true, recorded_at: context.now() };
        let fetched = reading::read(&source, KINDS, &scratch, &options, context).await?;
        let options = Options { mapping: Some(start.skipped()), ..Options::default() };
        let previous = start.previous.previous();
        let (mut fetched, mut generated, observation) =
            generate_and_observe(fetched, options, previous, context).await.map_err(DriftError::from)?;
        generated.manifest.files = workspace::hashes(&generated.files);
        let time = clock::unix(&fetched.recording.about().recorded_at);
        let changes = move |_: &Context| {
            let changes = earlier.changes(observation, &start.repository);
            changes.map(|changes| (start, changes))
        };
        let (start, (observation, _, mut changes)) = context.block(changes).await.map_err(DriftError::from)?;
        if !changes.is_empty() {
            let window = Window { from: seconds(since), to: seconds(time) };
            let (answers, log) = task_log::read(&source, fetched, window.from).await.map_err(DriftError::from)?;
            changes.attribute(&log, window);
            fetched = answers;
        }
        drop((fetched, scratch));
        let compared = move |_: &Context| -> Result<Comparison, DriftError> {
            let theirs = GeneratedTree::new(generated.files, generated.manifest);
            let (merge, ours) = merged(&workspace, &base, &theirs)?;
            let edited = code::compare(&workspace, &base.files, &base.manifest)?;
            Ok(Comparison {
                prefix: start.repository.prefix().to_owned(),
                workspace,
                base,
                theirs,
                ours,
                merge,
                changes,
                observation,
                coverage: generated.coverage,
                edited,
                not_read: generated.unread.len(),
                since,
                time,
            })
        };
        Ok::<_, Failure>(context.block(compared).await?)
    };
    context.unless_cancelled(Box::pin(work)).await?
}

/// Merges the difference of two generated trees into the work tree.
pub(super) fn merged(
    workspace: &Workspace,
    base: &GeneratedTree,
    theirs: &GeneratedTree,
) -> Result<(Merge, FileSet), DriftError> {
    let (mut base, mut theirs) = (base.clone(), theirs.clone());
    let mut ours = code::files(workspace, &theirs.files)?;
    let missing: BTreeSet<&String> = base.files.keys().filter(|path| !ours.contains_key(*path)).collect();
    for path in missing {
        ours.extend(code::read(&workspace.root().join(path))?.map(|text| (path.clone(), text)));
    }
    merging::leave_own(&mut base.files, &mut theirs.files, &ours);
    Ok((generated_tree::merge(&base, &theirs, &ours, &[]), ours))
}

fn seconds(time: i64) -> u64 {
    u64::try_from(time).unwrap_or_default()
}

impl From<ImportError> for DriftError {
    fn from(error: ImportError) -> Self {
        Self::Sync(error.into())
    }
}
