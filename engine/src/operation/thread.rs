//! Work on threads of its own, so that whoever waits for it hears a request to stop meanwhile.

use std::panic::resume_unwind;
use std::sync::mpsc;

use tokio::runtime::Handle;

use super::{Cancel, Cause};

/// Does work that writes nothing. Dropping the future leaves the thread to itself.
pub(super) async fn compute<T: Send + 'static>(runtime: &Handle, work: impl FnOnce() -> T + Send + 'static) -> T {
    match runtime.spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => resume_unwind(error.into_panic()),
    }
}

/// Does work that writes. Dropping the future asks the work to stop, and waits until it has.
pub(super) async fn block<T: Send + 'static>(
    runtime: &Handle,
    cancel: Cancel,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (ending, ended) = mpsc::channel::<()>();
    let mut waiting = Waiting { cancel: Some(cancel), ended };
    let done = compute(runtime, move || {
        let done = work();
        // Gone only when the work is done, and whatever it held is dropped.
        drop(ending);
        done
    })
    .await;
    waiting.cancel = None;
    done
}

struct Waiting {
    /// `None` once the work has ended by itself.
    cancel: Option<Cancel>,
    ended: mpsc::Receiver<()>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(cancel) = &self.cancel else { return };
        cancel.request(Cause::Caller);
        // Nothing is ever sent: this returns when the other end is gone.
        self.ended.recv().ok();
    }
}
