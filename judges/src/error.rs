//! Errors that keep a judge from coming to a verdict.

use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_model::Unreadable;
use proxmox_mpc_twin::credentials::CredentialsError;
use proxmox_mpc_twin::recording::RecordingError;
use proxmox_mpc_twin::server::TwinError;

/// Reason why a judge could not compare.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The command line names something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("`{}` cannot be read or written", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A fixture does not have the expected form.
    #[error("`{name}` does not have the expected form")]
    Form {
        /// Name of the fixture.
        name: String,
        /// Error of the JSON reader.
        source: serde_json::Error,
    },
    /// A pattern of a fixture is no regular expression.
    #[error("`{pattern}` is not a regular expression")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Error of the regular expression's reader.
        source: regex_lite::Error,
    },
    /// A program cannot be started, or its end cannot be waited for.
    #[error("`{program}` cannot be run")]
    Program {
        /// Name of the program.
        program: String,
        /// Error of the operating system.
        source: io::Error,
    },
    /// `proxmox-mpc` failed on a recording that it should read.
    #[error("`proxmox-mpc {command}` failed; its output is in `{}`", log.display())]
    Command {
        /// Name of the command, `import` or `coverage`.
        command: &'static str,
        /// File with its output.
        log: PathBuf,
    },
    /// A request that an earlier step had made is answered in another way, so that the following ones cannot be judged.
    #[error("`{0}` is not answered as recorded")]
    Unequal(String),
    /// The twin does not start.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// The recording of the twin cannot be opened.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The recording of the twin cannot be emptied.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The logins of the twin cannot be read.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// There is no runtime or no HTTP client.
    #[error("no request can be sent")]
    Network(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl JudgeError {
    /// Turns an error of the operating system about this file into a [`JudgeError::File`].
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
