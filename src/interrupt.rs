//! Ctrl-C and the request to end, heard in one place for the whole process.
//!
//! While nobody listens they end the process, as if it had never asked for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

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
