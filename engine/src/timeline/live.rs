//! A look at the running cluster that writes nothing: an observation of now, and the tasks since an earlier one.

use std::collections::BTreeMap;

use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::observation::{Changes, Observation, TaskLog, Window};
use proxmox_mpc_model::{AnswerText, Answers, ApiPath, Cluster, Unreadable};
use proxmox_mpc_twin::recording::RecordingWriter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TimelineError;
use crate::client::Client;
use crate::import::ImportError;
use crate::import::fetch::{self, FetchOptions, Fetched, FetchedAnswers};
use crate::operation::{Context, Failure};
use crate::settings::{self, Connection};
use crate::workspace::Workspace;

/// A look at the running cluster.
pub struct Look {
    /// The observation.
    pub observation: Observation,
    /// The task log since the earlier observation.
    pub tasks: TaskLog,
    /// The time, in seconds since 1970 (UTC).
    pub time: i64,
}

/// Changes since the last sync, as the cluster is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Live {
    /// The time of the look, in seconds since 1970 (UTC).
    pub time: i64,
    /// The changes.
    pub changes: Changes,
    /// Objects and lists that could not be read: nothing is known of changes there.
    pub not_read: usize,
}

impl Look {
    /// The changes since an earlier observation, with who made them where the task log tells.
    pub fn since(&self, earlier: &Observation, time: i64) -> Live {
        let mut changes = Changes::between(earlier, &self.observation);
        let seconds = |time: i64| u64::try_from(time).unwrap_or_default();
        changes.attribute(&self.tasks, Window { from: seconds(time), to: seconds(self.time) });
        Live { time: self.time, changes, not_read: self.observation.not_read.len() }
    }
}

/// Reads the cluster as an import does, without writing anything but a temporary folder. `since` is the time of the earlier
/// observation, in seconds since 1970.
pub async fn look(
    connection: Connection,
    workspace: &Workspace,
    since: i64,
    context: &Context,
) -> Result<Look, Failure> {
    let concurrency = settings::concurrency(context, None, Some(workspace))?;
    let place = workspace.clone();
    let settings = context.block(move |context| settings::of(context, connection, Some(&place))).await?;
    let client = Client::new(settings)?;
    let folder = tempfile::tempdir().map_err(|source| TimelineError::Read { path: std::env::temp_dir(), source })?;
    let options = FetchOptions { concurrency, ask_guests: false, recorded_at: context.now() };
    let work = async {
        let writer = RecordingWriter::create(&folder.path().join("recording")).map_err(ImportError::from)?;
        let fetched = fetch::record(&client, KINDS, writer, &options, context).await?;
        let since = u64::try_from(since).unwrap_or_default();
        let (fetched, tasks) = task_log(&client, fetched, since).await?;
        let observed = context.compute(move || Observation::read(&FetchedAnswers::from(&fetched)));
        let observation = observed.await.map_err(TimelineError::from)?;
        Ok::<_, Failure>(Look { observation, tasks, time: context.seconds() })
    };
    context.unless_cancelled(work).await?
}

/// Asks the nodes for their tasks since a moment (seconds since 1970). A node that does not answer, or refuses, makes the
/// log incomplete and nothing worse.
pub async fn task_log(client: &Client, fetched: Fetched, since: u64) -> Result<(Fetched, TaskLog), TimelineError> {
    let requests = {
        let answers = FetchedAnswers::from(&fetched);
        let cluster = Cluster::read(&answers).map_err(TimelineError::from)?;
        TaskLog::requests(&cluster, since)
    };
    let mut tasks = BTreeMap::new();
    for request in requests {
        if let Ok(answer) = client.get(&request).await {
            tasks.insert(request, answer);
        }
    }
    let log = {
        let answers = WithTasks { answers: &FetchedAnswers::from(&fetched), tasks };
        Cluster::read(&answers).and_then(|cluster| TaskLog::read(&cluster, since)).map_err(TimelineError::from)?
    };
    Ok((fetched, log))
}

/// Answers of a cluster, with its lists of tasks.
struct WithTasks<'a> {
    answers: &'a dyn Answers,
    tasks: BTreeMap<ApiPath, AnswerText>,
}

impl Answers for WithTasks<'_> {
    fn get(&self, path: &ApiPath) -> Result<Option<proxmox_mpc_model::Answer>, Unreadable> {
        match Answers::get(&self.tasks, path)? {
            Some(answer) => Ok(Some(answer)),
            None => self.answers.get(path),
        }
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        match Answers::text(&self.tasks, path)? {
            Some(answer) => Ok(Some(answer)),
            None => self.answers.text(path),
        }
    }
}
