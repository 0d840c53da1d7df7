//! The `git` program: how it is started, and its output.

use std::path::Path;

use super::{HistoryError, Repository};
use crate::operation::Context;
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, ProcessError, Stream};

/// Output and exit code of a program.
pub(super) struct Output {
    pub(super) code: Option<i32>,
    pub(super) output: Vec<String>,
    pub(super) errors: Vec<String>,
}

impl Repository {
    /// Reports whether the `git` program is there.
    pub fn has_program(&self, context: &Context) -> Result<bool, HistoryError> {
        match run(&Invocation::new(&self.program).arg("--version"), context) {
            Ok(answer) => Ok(answer.code == Some(0)),
            Err(ProcessError::Start { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A command of the `git` program in the work tree.
    pub(super) fn command(&self, arguments: &[&str]) -> Invocation {
        let invocation = in_repository(Invocation::new(&self.program), &self.root)
            .env("GIT_TERMINAL_PROMPT", "0") // A prompt would hang: stdin is null.
            .env("GIT_EDITOR", ":")
            .env("GIT_OPTIONAL_LOCKS", "0") // A reader must not take the lock of the index from anybody.
            .env("LC_ALL", "C");
        arguments.iter().fold(invocation, |invocation, argument| invocation.arg(*argument))
    }

    /// Runs a command of the `git` program that must succeed, and returns the lines of its output.
    pub(super) fn run(&self, invocation: &Invocation, context: &Context) -> Result<Vec<String>, HistoryError> {
        let answer = run(invocation, context)?;
        if answer.code == Some(0) {
            return Ok(answer.output);
        }
        Err(HistoryError::Program { command: invocation.to_string(), lines: answer.errors })
    }

    /// Runs a command whose failure changes nothing that counts.
    pub(super) fn command_and_forget(&self, arguments: &[&str], context: &Context) {
        if let Err(error) = run(&self.command(arguments), context) {
            tracing::debug!(%error, "the command was of no use");
        }
    }
}

/// The program in this work tree, without the variables of an outer git process: in its hooks, `GIT_DIR` and `GIT_INDEX_FILE` name
/// another repository.
pub(super) fn in_repository(invocation: Invocation, root: &Path) -> Invocation {
    [
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_EXEC_PATH",
    ]
    .into_iter()
    .fold(invocation.folder(root).withhold("GIT_"), Invocation::keep)
}

/// Runs a program to its end. The exit code is not checked.
pub(super) fn run(invocation: &Invocation, context: &Context) -> Result<Output, ProcessError> {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let exit = process::run(invocation, context, |stream, line| match stream {
        Stream::Output => output.push(line),
        Stream::Error => errors.push(line),
    })?;
    Ok(Output { code: exit.code, output, errors })
}
