//! Asking a cluster for everything that the kinds need to know, each thing once, and recording the answers.

use std::collections::{BTreeMap, VecDeque};

use futures_util::stream::{self, FuturesUnordered, StreamExt};
use proxmox_mpc_model::kinds::Kind;
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Cluster, Unreadable};
use proxmox_mpc_twin::recording::{About, FORMAT, Recording, RecordingWriter};

use super::ImportError;
use super::store::Store;
use crate::client::{Client, ClientError};
use crate::operation::{Context, Step, StepKind};

/// How to ask.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many requests may be on their way at once, each on a connection of its own.
    pub concurrency: usize,
    /// Whether running guests are asked for their addresses where their configuration tells none.
    pub ask_guests: bool,
    /// The time to write into the recording: `2026-11-23T00:50:00Z`.
    pub recorded_at: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Fetched {
    /// Every answer, refusals included.
    pub recording: Recording,
    /// How many requests were asked; each of them once.
    pub asked: u64,
    /// How many requests were sent, repetitions and logins included.
    pub sent: u64,
    /// What was not answered, in the order of the requests.
    pub failures: Vec<Failure>,
}

/// A request without an answer. What it was about counts as unread, never as gone.
#[derive(Debug)]
pub struct Failure {
    /// The request.
    pub path: ApiPath,
    /// Why there is no answer.
    pub error: ClientError,
}

/// What was answered, and in the place of what was not, why it was not.
pub struct Heard<'f> {
    recording: &'f Recording,
    causes: BTreeMap<&'f ApiPath, String>,
}

impl<'f> From<&'f Fetched> for Heard<'f> {
    fn from(fetched: &'f Fetched) -> Self {
        let causes =
            fetched.failures.iter().map(|failure| (&failure.path, crate::operation::fault::sentence(&failure.error)));
        Self { recording: &fetched.recording, causes: causes.collect() }
    }
}

impl Heard<'_> {
    fn missing(&self, path: &ApiPath) -> Option<Answer> {
        self.causes.get(path).cloned().map(Answer::unusable)
    }
}

impl Answers for Heard<'_> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        Ok(self.recording.get(path)?.or_else(|| self.missing(path)))
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        Ok(self.recording.text(path)?.or_else(|| self.missing(path).map(AnswerText::from)))
    }
}

/// Asks the cluster for what these kinds need, and makes a recording of the answers.
///
/// An error that concerns one request sets that request aside; one that concerns all of them (the login, the
/// certificate, no node in reach) ends the import. Dropping the future at any moment leaves nothing behind.
pub async fn record(
    client: &Client,
    kinds: &[&'static Kind],
    writer: RecordingWriter,
    options: &Options,
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
    fetch.failures.sort_by(|one, other| one.path.cmp(&other.path));
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
    failures: Vec<Failure>,
}

impl Fetch<'_> {
    /// The answers that everything else hangs on: here every failure is the end.
    async fn overview(&mut self, concurrency: usize) -> Result<(), ImportError> {
        let client = self.client;
        let mut requests = Cluster::overview().into_iter().map(|path| ask(client, path));
        self.asked = requests.len() as u64;
        // The first goes alone: a login that is refused is refused once, not by as many connections at once.
        let first = stream::iter(requests.next()).buffer_unordered(1);
        let mut answers = first.chain(stream::iter(requests).buffer_unordered(concurrency.max(1)));
        while let Some((path, outcome)) = answers.next().await {
            let answer = outcome?;
            // Proxmox filters these lists and never refuses them: where one fails, nothing can be told from what is not in it.
            if let Some(problem) = Cluster::complaint(&path, &answer)? {
                return Err(ImportError::Overview { problem: problem.to_string() });
            }
            self.store.put(path, answer).await?;
            self.answered += 1;
            self.step.progress(self.answered, None);
        }
        Ok(())
    }

    /// Everything else. What answers lead to is asked as soon as no known request is waiting, while others are still
    /// on their way, so that no connection rests between rounds.
    async fn rest(&mut self, concurrency: usize) -> Result<(), ImportError> {
        let client = self.client;
        let concurrency = concurrency.max(1);
        let mut waiting = VecDeque::new();
        let mut flying = FuturesUnordered::new();
        // So many answers are not yet reflected in what is waiting. The overview makes the first plan.
        let mut news = concurrency;
        loop {
            if waiting.is_empty() && news > 0 && (news >= concurrency || flying.is_empty()) {
                let planned = self.store.plan().await?;
                self.asked += planned.len() as u64;
                waiting.extend(planned);
                news = 0;
            }
            while flying.len() < concurrency {
                let Some(path) = waiting.pop_front() else { break };
                flying.push(ask(client, path));
            }
            let Some((path, outcome)) = flying.next().await else { return Ok(()) };
            news += 1;
            self.keep(path, outcome).await?;
        }
    }

    async fn keep(&mut self, path: ApiPath, outcome: Result<AnswerText, ClientError>) -> Result<(), ImportError> {
        match outcome {
            Ok(answer) => self.store.put(path, answer).await?,
            Err(error) if error.concerns_one_request() => self.failures.push(Failure { path, error }),
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
