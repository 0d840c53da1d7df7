//! Signals: Ctrl-C (SIGINT) and SIGTERM stop the running operation.
//!
//! While no operation runs, they end the process, as they do by default.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use proxmox_mpc_engine::operation::{Cancel, Cause};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Cancels the running operation; `None` while there is none.
static RUNNING: Mutex<Option<Cancel>> = Mutex::new(None);

/// Lets signals stop this operation until the returned guard is dropped. `terminal` is true if Ctrl-C comes from a
/// terminal, which also sends it to the programs that we started.
///
/// The first call of the process installs the handlers; errors are the operating system's.
pub fn stop(cancel: Cancel, terminal: bool) -> io::Result<Guard> {
    install(terminal)?;
    *running() = Some(cancel);
    Ok(Guard)
}

/// Signals stop the operation while this exists.
#[must_use = "signals end the process as soon as this is dropped"]
pub struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        *running() = None;
    }
}

fn running() -> std::sync::MutexGuard<'static, Option<Cancel>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn install(terminal: bool) -> io::Result<()> {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    if INSTALLED.get().is_some() {
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for number in signals.forever() {
            deliver(number, terminal);
        }
    })?;
    INSTALLED.get_or_init(|| ());
    Ok(())
}

fn deliver(number: i32, terminal: bool) {
    let cause = match number {
        SIGTERM => Cause::Terminate,
        _ if terminal => Cause::Terminal,
        _ => Cause::Interrupt,
    };
    // Not under the lock: the operation's listeners may take their time.
    let cancel = running().clone();
    match cancel {
        Some(cancel) => cancel.request(cause),
        None => {
            if let Err(error) = signal_hook::low_level::emulate_default_handler(number) {
                tracing::error!(%error, number, "the signal could not end the process");
            }
        }
    }
}
