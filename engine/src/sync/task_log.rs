//! Task log of the cluster since the last observation: who changed what.

use proxmox_mpc_model::observation::TaskLog;
use proxmox_mpc_model::{Answers as _, ApiPath, Cluster, Unreadable};
use proxmox_mpc_twin::recording::Recording;

use super::SyncError;
use crate::import::Source;
use crate::import::fetch::Fetched;
use crate::timeline;

/// The task log since a moment (seconds since 1970), beside the answers that were fetched.
pub(crate) async fn read(source: &Source, fetched: Fetched, since: u64) -> Result<(Fetched, TaskLog), SyncError> {
    match source {
        Source::Cluster(client) => Ok(timeline::task_log(client, fetched, since).await?),
        Source::Recording(recording) => Ok((fetched, recorded(recording)?)),
    }
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
