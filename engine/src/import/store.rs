//! Store: a thread that removes secrets from answers, writes them to the recording, and plans the next requests.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::thread::{self, JoinHandle};

use proxmox_mpc_model::kinds::{KINDS, Kind};
use proxmox_mpc_model::redact::Redactor;
use proxmox_mpc_model::{AnswerText, ApiPath, Cluster};
use proxmox_mpc_twin::recording::{About, Recording, RecordingWriter};
use tokio::sync::{mpsc, oneshot};

use super::ImportError;

/// The number of answers that may wait to be written. It bounds memory: requests slow down to the speed of the disk.
const WAITING: usize = 32;

/// Handle on the thread. Dropping it ends the thread, and removes an unfinished recording.
pub(super) struct Store {
    /// `None` once the thread has been told to end.
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<Result<(), ImportError>>>,
}

/// Order to the thread, which carries them out one after the other.
enum Order {
    Put(ApiPath, AnswerText),
    Plan(oneshot::Sender<Vec<ApiPath>>),
    Finish(About, oneshot::Sender<Recording>),
}

impl Store {
    /// Starts the thread, which writes with this writer and plans the requests of these kinds.
    pub(super) fn start(writer: RecordingWriter, kinds: &[&'static Kind], ask_guests: bool) -> Self {
        let (orders, inbox) = mpsc::channel(WAITING);
        let keeper = Keeper {
            writer,
            kinds: kinds.to_vec(),
            ask_guests,
            asked: Cluster::overview().into_iter().collect(),
            redactor: Redactor::new(KINDS),
            nodes: Vec::new(),
            version: None,
        };
        Self { orders: Some(orders), thread: Some(thread::spawn(move || keeper.run(inbox))) }
    }

    /// Stores an answer.
    pub(super) async fn put(&mut self, path: ApiPath, answer: AnswerText) -> Result<(), ImportError> {
        self.order(Order::Put(path, answer)).await
    }

    /// Plans the next requests from all answers stored so far. No request is planned twice.
    pub(super) async fn plan(&mut self) -> Result<Vec<ApiPath>, ImportError> {
        let (reply, planned) = oneshot::channel();
        self.order(Order::Plan(reply)).await?;
        match planned.await {
            Ok(paths) => Ok(paths),
            Err(_) => Err(self.failure()),
        }
    }

    /// Finishes the recording. The version and the nodes come from the answers.
    pub(super) async fn finish(mut self, about: About) -> Result<Recording, ImportError> {
        let (reply, finished) = oneshot::channel();
        self.order(Order::Finish(about, reply)).await?;
        match finished.await {
            Ok(recording) => Ok(recording),
            Err(_) => Err(self.failure()),
        }
    }

    async fn order(&mut self, order: Order) -> Result<(), ImportError> {
        let orders = self.orders.as_ref().expect("orders are taken until the store is dropped");
        match orders.send(order).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure()),
        }
    }

    /// The error that ended the thread. It ends early only after a failure.
    fn failure(&mut self) -> ImportError {
        let thread = self.thread.take().expect("a failure is asked for once: it ends the import");
        match thread.join() {
            Ok(outcome) => outcome.expect_err("the thread ends early only when it failed"),
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl Drop for Store {
    /// Waits for the thread, so that a cancelled import leaves nothing half-written behind.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Nobody waits for its error any more.
            drop(thread.join());
        }
    }
}

/// State of the thread.
struct Keeper {
    writer: RecordingWriter,
    kinds: Vec<&'static Kind>,
    ask_guests: bool,
    asked: BTreeSet<ApiPath>,
    redactor: Redactor,
    nodes: Vec<String>,
    version: Option<String>,
}

impl Keeper {
    fn run(mut self, mut inbox: mpsc::Receiver<Order>) -> Result<(), ImportError> {
        while let Some(order) = inbox.blocking_recv() {
            match order {
                Order::Put(path, answer) => {
                    self.writer.put_text(&path, &answer, &|value| self.redactor.redact(&path, value))?;
                }
                Order::Plan(reply) => {
                    let planned = self.plan()?;
                    // Nobody waits for the reply of an import that was cancelled.
                    drop(reply.send(planned));
                }
                Order::Finish(about, reply) => {
                    let about = About { nodes: self.nodes, pve_version: self.version, ..about };
                    drop(reply.send(self.writer.finish(&about)?));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Plans the next requests, short paths first: lists name the objects that further requests are about.
    fn plan(&mut self) -> Result<Vec<ApiPath>, ImportError> {
        let mut cluster = Cluster::read(&self.writer)?;
        cluster.ask_guests = self.ask_guests;
        let mut wanted = Vec::new();
        for kind in &self.kinds {
            wanted.extend(kind.requests(&cluster)?.into_iter().filter(|path| !self.asked.contains(path)));
        }
        wanted.sort_by_cached_key(|path| (path.segments().len(), path.clone()));
        wanted.dedup();
        self.asked.extend(wanted.iter().cloned());
        self.nodes = cluster.nodes.keys().cloned().collect();
        self.version.clone_from(&cluster.version);
        Ok(wanted)
    }
}
