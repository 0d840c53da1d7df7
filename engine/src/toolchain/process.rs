//! The one function that starts programs: their streams line by line, and how a request to stop reaches them.

use std::io::{BufRead as _, BufReader, PipeReader};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::operation::{Cause, Context, Fault, FaultKind, Message};
use crate::toolchain::invocation::Invocation;

/// Runs a program to its end with an empty standard input and hands over each line that it writes, in the order in
/// which the lines of one stream were written. The exit code is for the caller to judge.
///
/// A request to stop is passed on to the program, except for a Ctrl-C at a terminal, which the program got as well. The
/// first one waits for the program to stop, and says so; a second one from a terminal or from the caller kills it.
pub fn run(
    invocation: &Invocation,
    context: &Context,
    mut line: impl FnMut(Stream, String),
) -> Result<Ended, ProcessError> {
    tracing::debug!(%invocation, "starting");
    let program = invocation.name();
    let (sender, messages) = channel();
    let heard = sender.clone();
    let listening = context.cancel().listen(move |cause| {
        // Nobody receives any more once the program has ended.
        heard.send(News::Cancel(cause)).ok();
    });
    if context.cancel().requested() {
        return Err(ProcessError::Interrupted { program });
    }
    let handle = start(invocation, sender)?;
    let mut requests = 0;
    let ended = loop {
        match messages.recv() {
            Ok(News::Line(stream, text)) => line(stream, text),
            Ok(News::Ended(ended)) => break ended,
            Ok(News::Cancel(cause)) => {
                requests += 1;
                stop(&handle, &program, cause, requests, context);
            }
            Err(error) => break Err(std::io::Error::other(error)),
        }
    };
    drop(listening);
    drain(&messages, line);
    let ended = ended.map_err(|source| ProcessError::Wait { program: program.clone(), source })?;
    tracing::debug!(program, ?ended, "ended");
    if requests > 0 { Err(ProcessError::Interrupted { program }) } else { Ok(ended) }
}

/// Which of its two streams a program wrote a line to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// How a program ended: with a code, or without one where a signal ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
}

/// Why a program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program, or it may not be started.
    #[error("`{program}` could not be started")]
    Start {
        /// Its name.
        program: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It runs, but its end cannot be waited for.
    #[error("lost track of `{program}`")]
    Wait {
        /// Its name.
        program: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The user stopped it.
    #[error("`{program}` was interrupted")]
    Interrupted {
        /// Its name.
        program: String,
    },
}

impl ProcessError {
    /// Whether there is no such program.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

impl Fault for ProcessError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Start { .. } | Self::Wait { .. } => FaultKind::Failed,
            Self::Interrupted { .. } => FaultKind::Interrupted,
        }
    }

    fn hints(&self) -> Vec<String> {
        if let Self::Start { program, .. } = self
            && self.is_missing()
        {
            return vec![format!("Install `{program}`, or add its folder to PATH.")];
        }
        Vec::new()
    }
}

/// What the thread that waits for a program hears.
enum News {
    Line(Stream, String),
    Cancel(Cause),
    Ended(std::io::Result<Ended>),
}

/// How long to wait for lines that are still under way when the program has ended. A grandchild that holds the
/// streams open (a provider whose terraform was killed) must not hold us as well.
const LAST_LINES: Duration = Duration::from_secs(2);

fn start(invocation: &Invocation, sender: Sender<News>) -> Result<Arc<duct::Handle>, ProcessError> {
    let failed = |source| ProcessError::Start { program: invocation.name(), source };
    let (output, output_writer) = std::io::pipe().map_err(failed)?;
    let (error, error_writer) = std::io::pipe().map_err(failed)?;
    let handle = invocation
        .command(environment())
        .stdin_null() // A program that asks a question must fail, not hang.
        .stdout_file(output_writer)
        .stderr_file(error_writer)
        .unchecked() // The exit code is an answer, not an error.
        .start()
        .map_err(failed)?;
    forward(Stream::Output, output, sender.clone());
    forward(Stream::Error, error, sender.clone());
    let handle = Arc::new(handle);
    let waited = Arc::clone(&handle);
    thread::spawn(move || {
        let ended = waited.wait().map(|output| Ended { code: output.status.code() });
        sender.send(News::Ended(ended)).ok();
    });
    Ok(handle)
}

#[expect(clippy::disallowed_methods, reason = "what a program inherits is chosen here, by its invocation")]
fn environment() -> std::env::VarsOs {
    std::env::vars_os()
}

fn forward(stream: Stream, pipe: PipeReader, sender: Sender<News>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        // An unreadable pipe ends its stream, as its end does.
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end_matches(['\n', '\r']).to_owned();
            if sender.send(News::Line(stream, line)).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

fn drain(messages: &Receiver<News>, mut line: impl FnMut(Stream, String)) {
    while let Ok(message) = messages.recv_timeout(LAST_LINES) {
        if let News::Line(stream, text) = message {
            line(stream, text);
        }
    }
}

/// Passes the request on, or kills the program where this is not the first one.
fn stop(handle: &duct::Handle, program: &str, cause: Cause, count: u32, context: &Context) {
    let kills = matches!(cause, Cause::Terminal | Cause::Caller);
    if count > 1 {
        // Kills the program alone; a killed terraform leaves the lock of its state, hence not at once.
        if kills && let Err(error) = handle.kill() {
            tracing::warn!(%error, program, "could not be killed");
        }
        return;
    }
    match cause {
        Cause::Terminal => {}
        Cause::Interrupt | Cause::Caller => pass_on(handle, rustix::process::Signal::INT),
        Cause::Terminate => pass_on(handle, rustix::process::Signal::TERM),
    }
    context.message(Message::WaitingForProgram { program: program.to_owned(), kills });
}

fn pass_on(handle: &duct::Handle, signal: rustix::process::Signal) {
    for pid in handle.pids() {
        let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { continue };
        if let Err(error) = rustix::process::kill_process(pid, signal) {
            tracing::debug!(%error, "the program had ended already");
        }
    }
}
