//! Fetch: asks a cluster for everything that an import needs, each request once, and records the answers.

use std::collections::{BTreeMap, VecDeque};

use futures_util::stream::{self, FuturesUnordered, StreamExt};
use proxmox_mpc_model::kinds::Kind;
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Cluster, Unreadable};
use proxmox_mpc_twin::recording::{About, FORMAT, Recording, RecordingWriter};

use super::ImportError;
use super::store::Store;
use crate::client::{Client, ClientError};
use crate::operation::{Context, Step, StepKind};

/// Options of a fetch.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// The number of requests that may be sent at once, each on a connection of its own.
    pub concurrency: usize,
    /// True if running guests are asked for their addresses where their configuration has none.
    pub ask_guests: bool,
    /// The time to write into the recording: `2026-11-23T00:50:00Z`.
    pub recorded_at: String,
}

/// Result of a fetch.
#[derive(Debug)]
pub struct Fetched {
    /// Every answer, refusals included.
    pub recording: Recording,
    /// The number of different requests.
    pub asked: u64,
    /// The number of requests that were sent, repetitions and logins included.
    pub sent: u64,
    /// The requests that were not answered, sorted by path.
    pub failures: Vec<FailedRequest>,
}

/// A request without an answer. Its subject counts as unread, never as gone.
#[derive(Debug)]
pub struct FailedRequest {
    /// The path of the request.
    pub path: ApiPath,
    /// The reason why there is no answer.
    pub error: ClientError,
}

/// Answers of a fetch. A request that failed has an unusable answer with the reason.
pub struct FetchedAnswers<'f> {
    recording: &'f Recording,
    causes: BTreeMap<&'f ApiPath, String>,
}

impl<'f> From<&'f Fetched> for FetchedAnswers<'f> {
    fn from(fetched: &'f Fetched) -> Self {
        let causes =
            fetched.failures.iter().map(|failure| (&failure.path, crate::operation::fault::sentence(&failure.error)));
        Self { recording: &fetched.recording, causes: causes.collect() }
    }
}

impl FetchedAnswers<'_> {
    fn missing(&self, path: &ApiPath) -> Option<Answer> {
        self.causes.get(path).cloned().map(Answer::unusable)
    }
}

impl Answers for FetchedAnswers<'_> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        Ok(self.recording.get(path)?.or_else(|| self.missing(path)))
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        Ok(self.recording.text(path)?.or_else(|| self.missing(path).map(AnswerText::from)))
    }
}

/// Asks the cluster for what these kinds need, and makes a recording of the answers.
///
/// An error that concerns one request is kept in [`Fetched::failures`]; one that concerns all of them (the login, the
/// certificate, no node that answers) ends the import. Dropping the future at any moment leaves nothing behind.
pub async fn record(
    client: &Client,
    kinds: &[&'static Kind],
    writer: RecordingWriter,
    options: &FetchOptions,
    context: &Context,
) -> Result<Fetched, ImportError> {
    let step = Step::start(context, StepKind::ReadCluster);
    let before = client.sent();
    let mut fetch = Fetch {
        client,
        store: Store::start(writer, kinds, options.ask_guests),
        step,
        asked: 0,
        answered: 0,
        failures: Vec::new(),
    };
    fetch.overview(options.concurrency).await?;
    fetch.rest(options.concurrency).await?;
    let about = About {
        format: FORMAT,
        login: Some(client.login().to_owned()),
        nodes: Vec::new(),
        pve_version: None,
        recorded_at: options.recorded_at.clone(),
    };
    fetch.failures.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(Fetched {
        recording: fetch.store.finish(about).await?,
        asked: fetch.asked,
        sent: client.sent() - before,
        failures: fetch.failures,
    })
}

struct Fetch<'f> {
    client: &'f Client,
    store: Store,
    step: Step,
    asked: u64,
    answered: u64,
    failures: Vec<FailedRequest>,
}

impl Fetch<'_> {
    /// Asks for the answers that the whole import depends on: here every failure ends it.
    async fn overview(&mut self, concurrency: usize) -> Result<(), ImportError> {
        let client = self.client;
        let mut requests = Cluster::overview().into_iter().map(|path| ask(client, path));
        self.asked = requests.len() as u64;
        // The first request is sent alone: a wrong login then counts as one failed login, not as one for each connection.
        let first = stream::iter(requests.next()).buffer_unordered(1);
        let mut answers = first.chain(stream::iter(requests).buffer_unordered(concurrency.max(1)));
        while let Some((path, outcome)) = answers.next().await {
            let answer = outcome?;
            // Proxmox filters these lists by the login's privileges and never refuses them. If one fails, an object that is
            // missing from it may still exist.
            if let Some(problem) = Cluster::complaint(&path, &answer)? {
                return Err(ImportError::Overview { problem: problem.to_string() });
            }
            self.store.put(path, answer).await?;
            self.answered += 1;
            self.step.progress(self.answered, None);
        }
        Ok(())
    }

    /// Asks for everything else. Requests that follow from answers are planned as soon as no known request is waiting,
    /// while others are still being answered, so that no connection is idle between rounds.
    async fn rest(&mut self, concurrency: usize) -> Result<(), ImportError> {
        let client = self.client;
        let concurrency = concurrency.max(1);
        let mut waiting = VecDeque::new();
        let mut running = FuturesUnordered::new();
        // The number of answers since the last plan. It starts high enough for the overview to lead to the first plan.
        let mut unplanned = concurrency;
        loop {
            if waiting.is_empty() && unplanned > 0 && (unplanned >= concurrency || running.is_empty()) {
                let planned = self.store.plan().await?;
                self.asked += planned.len() as u64;
                waiting.extend(planned);
                unplanned = 0;
            }
            while running.len() < concurrency {
                let Some(path) = waiting.pop_front() else { break };
                running.push(ask(client, path));
            }
            let Some((path, outcome)) = running.next().await else { return Ok(()) };
            unplanned += 1;
            self.keep(path, outcome).await?;
        }
    }

    async fn keep(&mut self, path: ApiPath, outcome: Result<AnswerText, ClientError>) -> Result<(), ImportError> {
        match outcome {
            Ok(answer) => self.store.put(path, answer).await?,
            Err(error) if error.concerns_one_request() => self.failures.push(FailedRequest { path, error }),
            Err(error) => return Err(error.into()),
        }
        self.answered += 1;
        self.step.progress(self.answered, Some(self.asked));
        Ok(())
    }
}

async fn ask(client: &Client, path: ApiPath) -> (ApiPath, Result<AnswerText, ClientError>) {
    let outcome = client.get(&path).await;
    (path, outcome)
}
