//! Cancel: the request to stop an operation, from a signal or from whoever started it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use super::Interrupted;

/// Cause of a request to stop. It decides what a running program is sent (`toolchain::process`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Ctrl-C at a terminal, which sends it to the programs that we started as well.
    Terminal,
    /// `SIGINT` sent to this process alone.
    Interrupt,
    /// `SIGTERM`, which only this process gets.
    Terminate,
    /// Another part of this process: a console, a server, a test.
    Caller,
}

/// A handle that stops an operation and tells whether that was asked for. Clones share one state.
#[derive(Clone)]
pub struct Cancel(Arc<Shared>);

struct Shared {
    /// The number of requests so far.
    requests: watch::Sender<usize>,
    listeners: Mutex<Vec<(u64, Listener)>>,
    next: AtomicU64,
    /// The registration of a child with its parent.
    _link: Option<Listening>,
}

type Listener = Arc<dyn Fn(Cause) + Send + Sync>;

impl Shared {
    fn new(link: Option<Listening>) -> Self {
        Self { requests: watch::Sender::new(0), listeners: Mutex::default(), next: AtomicU64::new(0), _link: link }
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(Shared::new(None)))
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cancel").field("requests", &*self.0.requests.borrow()).finish_non_exhaustive()
    }
}

impl Cancel {
    /// A handle of its own for a part of the operation: it is stopped with the whole, and can be stopped alone.
    #[must_use]
    pub fn child(&self) -> Self {
        let shared = Arc::new_cyclic(|child: &Weak<Shared>| {
            let child = child.clone();
            let link = self.listen(move |cause| {
                if let Some(shared) = child.upgrade() {
                    Self(shared).request(cause);
                }
            });
            Shared::new(Some(link))
        });
        let child = Self(shared);
        if self.requested() && !child.requested() {
            child.request(Cause::Caller);
        }
        child
    }

    /// Asks the operation to stop. A second request is more urgent: it may kill a program that does not stop.
    pub fn request(&self, cause: Cause) {
        self.0.requests.send_modify(|requests| *requests += 1);
        // Called without the lock: a listener may be the last holder of a child, which leaves this list when it goes.
        let listeners: Vec<Listener> = self.listeners().iter().map(|(_, listener)| Arc::clone(listener)).collect();
        for listener in listeners {
            listener(cause);
        }
    }

    /// Reports whether the operation should stop.
    pub fn requested(&self) -> bool {
        *self.0.requests.borrow() > 0
    }

    /// Ends the operation here if it should stop.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.requested() { Err(Interrupted) } else { Ok(()) }
    }

    /// Waits until the operation should stop.
    pub async fn wait(&self) {
        let mut requests = self.0.requests.subscribe();
        // The sender lives as long as this handle.
        requests.wait_for(|requests| *requests > 0).await.ok();
    }

    /// Calls `listener` for each request from now on, on the thread that makes it, until the returned guard is dropped.
    pub fn listen(&self, listener: impl Fn(Cause) + Send + Sync + 'static) -> Listening {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.listeners().push((id, Arc::new(listener)));
        Listening { shared: Arc::downgrade(&self.0), id }
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Listener)>> {
        // A listener that panicked leaves the list whole.
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener's registration: it listens for as long as this lives.
#[must_use = "the listener is gone as soon as this is dropped"]
pub struct Listening {
    shared: Weak<Shared>,
    id: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        shared.listeners.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_listeners_and_children() {
        let (parent, heard) = (Cancel::default(), Arc::new(Mutex::new(Vec::new())));
        let child = parent.child();
        let list = Arc::clone(&heard);
        let listening = child.listen(move |cause| list.lock().unwrap().push(cause));
        child.check().unwrap();
        parent.request(Cause::Terminal);
        assert!(child.requested() && child.check().is_err());
        parent.request(Cause::Terminate);
        drop(listening);
        parent.request(Cause::Caller);
        assert_eq!(*heard.lock().unwrap(), [Cause::Terminal, Cause::Terminate]);
    }

    #[test]
    fn a_child_stops_alone_and_begins_stopped_where_its_parent_is() {
        let parent = Cancel::default();
        let child = parent.child();
        child.request(Cause::Caller);
        assert!(child.requested() && !parent.requested());
        parent.request(Cause::Caller);
        assert!(parent.child().requested());
    }
}
