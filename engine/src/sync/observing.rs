//! Code and observation of the answers that were fetched, made side by side, and the changes since the last observation.

use std::collections::BTreeMap;
use std::panic;
use std::thread;

use git2::ObjectType;
use proxmox_mpc_generators::{Generated, Options, Previous, generate};
use proxmox_mpc_model::observation::{Changes, Observation};

use super::SyncError;
use crate::history::{HistoryError, Oid, Repository};
use crate::import::fetch::{Fetched, FetchedAnswers};
use crate::operation::{Context, Step, StepKind};
use crate::workspace::FileSet;

/// Generates the code on one thread, and reads the observation on another.
pub(crate) async fn generate_and_observe(
    fetched: Fetched,
    options: Options,
    previous: Previous,
    context: &Context,
) -> Result<(Fetched, Generated, Observation), SyncError> {
    let _step = Step::start(context, StepKind::GenerateCode);
    let work = context.compute(move || {
        let answers = FetchedAnswers::from(&fetched);
        let (generated, observation) = thread::scope(|scope| {
            let observation = scope.spawn(|| Observation::read(&answers));
            let generated = generate(&answers, &options, &previous);
            (generated, observation.join().unwrap_or_else(|cause| panic::resume_unwind(cause)))
        });
        drop(answers);
        Ok::<_, SyncError>((fetched, generated?, observation?))
    });
    work.await
}

/// The observation before.
pub(crate) enum Earlier {
    /// There is none.
    None,
    /// That of an import.
    Import(Box<Observation>),
    /// That of the last sync: its files by path, each as a blob of git.
    Sync(BTreeMap<String, Oid>),
}

impl Earlier {
    /// The observation with what was not read this time as it was before, its files, and the changes. Of the earlier files only
    /// those are read that differ.
    pub(crate) fn changes(
        &self,
        observation: Observation,
        repository: &Repository,
    ) -> Result<(Observation, FileSet, Changes), SyncError> {
        let blobs = match self {
            Self::None => {
                let (files, changes) = (observation.files(), Changes::first(&observation));
                return Ok((observation, files, changes));
            }
            Self::Import(earlier) => {
                let observation = observation.or_earlier(earlier);
                let (files, changes) = (observation.files(), Changes::between(earlier, &observation));
                return Ok((observation, files, changes));
            }
            Self::Sync(blobs) => blobs,
        };
        let mut files = observation.files();
        let is_same = |path: &String, blob: &Oid| {
            files
                .get(path)
                .is_some_and(|text| Oid::hash_object(ObjectType::Blob, text.as_bytes()).ok().as_ref() == Some(blob))
        };
        let differ = blobs.iter().filter(|(path, blob)| *path == Observation::CLUSTER || !is_same(path, blob));
        let text = |(path, blob): (&String, &Oid)| -> Result<_, HistoryError> {
            Ok(repository.text(*blob)?.map(|text| (path.clone(), text)))
        };
        let earlier: Vec<(String, String)> =
            differ.map(text).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let earlier = Observation::from_files(earlier)?;
        let observation = observation.or_earlier(&earlier);
        // What was not read this time has its earlier file again. One file is that of the cluster.
        if observation.objects.len() + 1 > files.len() {
            files = observation.files();
        }
        let is_known = |path: &String| blobs.contains_key(path);
        let differing = observation.objects.iter().filter(|(identity, _)| {
            earlier.objects.contains_key(*identity) || !is_known(&proxmox_mpc_model::observation::path(identity))
        });
        let differing = differing.map(|(identity, state)| (identity.clone(), state.clone())).collect();
        let changes = Changes::of(&earlier, &observation, &earlier.objects, &differing);
        Ok((observation, files, changes))
    }
}
