//! Task log of the cluster: who changed what since the last observation.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use proxmox_mpc_model::observation::{Changes, TaskLog, Window};
use proxmox_mpc_model::{Answer, Answers, ApiPath, Cluster, Unreadable};
use proxmox_mpc_twin::recording::Recording;

use crate::client::Client;
use crate::import::Source;

/// Looks up each change between two observations in the task log of the cluster that `recording` was made of.
/// `concurrency` is the number of requests at once.
///
/// A node that does not answer makes the log incomplete, and the changes say so: nobody is named by guess.
///
/// # Errors
/// A stored answer that cannot be read back.
pub(super) async fn attribute(
    changes: &mut Changes,
    source: &Source,
    recording: &Recording,
    window: Window,
    concurrency: usize,
) -> Result<(), Unreadable> {
    if changes.is_empty() || changes.first.is_some() {
        return Ok(());
    }
    let requests = TaskLog::requests(&Cluster::read(recording)?, window.from);
    let log = match source {
        Source::Cluster(client) => {
            let answers = WithTasks { recording, tasks: ask(client, requests, concurrency).await };
            TaskLog::read(&Cluster::read(&answers)?, window.from)?
        }
        Source::Recording(recording) => recorded(recording)?,
    };
    changes.attribute(&log, window);
    Ok(())
}

/// Asks each node for its tasks.
async fn ask(client: &Client, requests: Vec<ApiPath>, concurrency: usize) -> BTreeMap<ApiPath, Answer> {
    let ask = |path: ApiPath| async move { (client.get(&path).await.map(|answer| answer.parsed()), path) };
    let mut outcomes = stream::iter(requests.into_iter().map(ask)).buffer_unordered(concurrency.max(1));
    let mut answers = BTreeMap::new();
    while let Some((outcome, path)) = outcomes.next().await {
        match outcome {
            Ok(Ok(answer)) => drop(answers.insert(path, answer)),
            Ok(Err(error)) => tracing::debug!(%path, %error, "a task log is not JSON"),
            Err(error) => tracing::debug!(%path, %error, "a node did not give its task log"),
        }
    }
    answers
}

/// Reads the lists of tasks that a recording has. Nobody asked it for those of a certain time, so that it may lack tasks.
fn recorded(recording: &Recording) -> Result<TaskLog, Unreadable> {
    let mut log = TaskLog::default();
    let nodes = Cluster::read(recording)?.nodes.into_keys();
    let of_nodes = nodes.map(|node| ApiPath::new(["nodes", &node, "tasks"]));
    for path in [ApiPath::new(["cluster", "tasks"])].into_iter().chain(of_nodes) {
        if let Some(answer) = recording.get(&path)? {
            log.add(&answer);
        }
    }
    Ok(log)
}

/// A recording, and the lists of tasks beside it.
struct WithTasks<'r> {
    recording: &'r Recording,
    tasks: BTreeMap<ApiPath, Answer>,
}

impl Answers for WithTasks<'_> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        match self.tasks.get(path) {
            Some(answer) => Ok(Some(answer.clone())),
            None => self.recording.get(path),
        }
    }
}
