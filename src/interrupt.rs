//! Ctrl-C and the request to end, heard in one place for the whole process.
//!
//! While nobody listens they end the process, as if it had never asked for them.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What was asked of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C (`SIGINT`), which a terminal sends to the programs that we started as well.
    Interrupt,
    /// `SIGTERM`, which only this process gets.
    Terminate,
}

/// Calls `listener`, on a thread of its own, for each signal until the returned guard is dropped.
///
/// The first call of the process installs the handlers; errors are the operating system's.
pub fn listen(listener: impl Fn(Signal) + Send + 'static) -> std::io::Result<Listening> {
    install()?;
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    listeners().push((id, Box::new(listener)));
    Ok(Listening(id))
}

/// Listens to signals for as long as it lives.
#[must_use = "the listener is gone as soon as this is dropped"]
#[derive(Debug)]
pub struct Listening(u64);

impl Drop for Listening {
    fn drop(&mut self) {
        listeners().retain(|(id, _)| *id != self.0);
    }
}

/// Does work that keeps a processor busy on a thread of its own, so that whoever waits for it hears a signal meanwhile.
///
/// Dropping the future leaves the thread to itself: such work writes nothing, and ends with the process.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => resume_unwind(error.into_panic()),
    }
}

/// The same for work that writes. Dropping the future asks the work to stop, and waits until it has and has cleaned up
/// behind itself.
pub async fn aside_until<T: Send + 'static>(work: impl FnOnce(&Stop) -> T + Send + 'static) -> T {
    let stop = Stop::default();
    let (ending, ended) = mpsc::channel::<()>();
    let theirs = stop.clone();
    let _guard = Waiting { stop, ended };
    aside(move || {
        let done = work(&theirs);
        // Gone only when the work is done, and whatever it held is dropped.
        drop(ending);
        done
    })
    .await
}

/// Tells work whether nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether the work should end.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Waiting {
    stop: Stop,
    ended: mpsc::Receiver<()>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
        // Nothing is ever sent: this returns when the other end is gone.
        self.ended.recv().ok();
    }
}

type Listener = (u64, Box<dyn Fn(Signal) + Send>);

static NEXT: AtomicU64 = AtomicU64::new(0);
static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());

fn listeners() -> std::sync::MutexGuard<'static, Vec<Listener>> {
    // A listener that panicked leaves the list whole.
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn install() -> std::io::Result<()> {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if INSTALLED.get().is_some() {
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for number in signals.forever() {
            deliver(number);
        }
    })?;
    INSTALLED.get_or_init(|| ());
    Ok(())
}

fn deliver(number: i32) {
    let signal = if number == SIGTERM { Signal::Terminate } else { Signal::Interrupt };
    let listeners = listeners();
    for (_, listener) in listeners.iter() {
        listener(signal);
    }
    if listeners.is_empty()
        && let Err(error) = signal_hook::low_level::emulate_default_handler(number)
    {
        tracing::error!(%error, number, "the signal could not end the process");
    }
}
