//! Process: runs a program, reads its streams line by line, and passes requests to stop on to it.

use std::io::{BufRead as _, BufReader, PipeReader};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::operation::{Cause, Context, Fault, FaultKind, Message};
use crate::toolchain::invocation::Invocation;

/// Runs a program to its end with an empty standard input, and hands over each line that it writes. Lines of one stream keep
/// their order. The exit code is not checked.
///
/// A request to stop is passed on to the program, except for Ctrl-C at a terminal, which the program gets as well. The first
/// one waits for the program to stop, and sends a message; a second one from a terminal or from the caller kills it.
pub fn run(
    invocation: &Invocation,
    context: &Context,
    mut line: impl FnMut(Stream, String),
) -> Result<Exit, ProcessError> {
    tracing::debug!(%invocation, "starting");
    let program = invocation.name();
    let (sender, messages) = channel();
    let cancels = sender.clone();
    let listening = context.cancel().listen(move |cause| {
        // Sending fails once the program has ended.
        cancels.send(ProcessEvent::Cancel(cause)).ok();
    });
    if context.cancel().requested() {
        return Err(ProcessError::Interrupted { program });
    }
    let handle = start(invocation, sender)?;
    let mut requests = 0;
    let ended = loop {
        match messages.recv() {
            Ok(ProcessEvent::Line(stream, text)) => line(stream, text),
            Ok(ProcessEvent::Ended(ended)) => break ended,
            Ok(ProcessEvent::Cancel(cause)) => {
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

/// Stream of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Exit of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code; `None` if a signal ended the program.
    pub code: Option<i32>,
}

/// A program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is missing, or may not be started.
    #[error("`{program}` could not be started")]
    Start {
        /// The name of the program.
        program: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The end of the program could not be waited for.
    #[error("could not wait for `{program}` to end")]
    Wait {
        /// The name of the program.
        program: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The operation was stopped.
    #[error("`{program}` was interrupted")]
    Interrupted {
        /// The name of the program.
        program: String,
    },
}

impl ProcessError {
    /// Reports whether the program is missing.
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

/// Event for the thread that waits for a program.
enum ProcessEvent {
    Line(Stream, String),
    Cancel(Cause),
    Ended(std::io::Result<Exit>),
}

/// The time to wait for further lines after the program has ended. A grandchild may keep the streams open (the provider of a
/// killed terraform), and must not keep us waiting.
const LAST_LINES: Duration = Duration::from_secs(2);

fn start(invocation: &Invocation, sender: Sender<ProcessEvent>) -> Result<Arc<duct::Handle>, ProcessError> {
    let failed = |source| ProcessError::Start { program: invocation.name(), source };
    let (output, output_writer) = std::io::pipe().map_err(failed)?;
    let (error, error_writer) = std::io::pipe().map_err(failed)?;
    let handle = invocation
        .command(environment())
        .stdin_null() // a program that asks a question must fail, not hang
        .stdout_file(output_writer)
        .stderr_file(error_writer)
        .unchecked() // the caller judges the exit code
        .start()
        .map_err(failed)?;
    forward(Stream::Output, output, sender.clone());
    forward(Stream::Error, error, sender.clone());
    let handle = Arc::new(handle);
    let waited = Arc::clone(&handle);
    thread::spawn(move || {
        let ended = waited.wait().map(|output| Exit { code: output.status.code() });
        sender.send(ProcessEvent::Ended(ended)).ok();
    });
    Ok(handle)
}

#[expect(clippy::disallowed_methods, reason = "what a program inherits is chosen here, by its invocation")]
fn environment() -> std::env::VarsOs {
    std::env::vars_os()
}

fn forward(stream: Stream, pipe: PipeReader, sender: Sender<ProcessEvent>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        // A pipe that cannot be read ends its stream, like its end.
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end_matches(['\n', '\r']).to_owned();
            if sender.send(ProcessEvent::Line(stream, line)).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

fn drain(messages: &Receiver<ProcessEvent>, mut line: impl FnMut(Stream, String)) {
    while let Ok(message) = messages.recv_timeout(LAST_LINES) {
        if let ProcessEvent::Line(stream, text) = message {
            line(stream, text);
        }
    }
}

/// Passes the request on, or kills the program if it is not the first one.
fn stop(handle: &duct::Handle, program: &str, cause: Cause, count: u32, context: &Context) {
    let kills = matches!(cause, Cause::Terminal | Cause::Caller);
    if count > 1 {
        // Only the second request kills, and the program alone: a killed terraform leaves the lock of its state behind.
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
