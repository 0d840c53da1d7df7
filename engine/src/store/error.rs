//! Errors of the state store, and what to do about them.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use super::Location;
use super::location::Kind;
use crate::operation::fault::{Fault, FaultKind};
use crate::settings::SettingsError;
use crate::workspace::WorkspaceError;

/// The reason why the state store could not be opened, read or written. No error shows the URL of a server.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The workspace cannot take the file.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The URL is of another kind; it is not shown.
    #[error("the URL of the state store is not one of a PostgreSQL database")]
    Url,
    /// The URL has a parameter that means nothing.
    #[error("the URL of the state store has the parameter `{name}`, which is not known")]
    Parameter {
        /// The parameter, without its value.
        name: String,
    },
    /// The schema is newer than this program.
    #[error(
        "the state store was written by a newer version of proxmox-mpc (schema {schema}, this program knows {known})"
    )]
    Newer {
        /// The schema of the store.
        schema: i64,
        /// The newest schema that this program knows.
        known: i64,
        /// The file, or the server and its database.
        store: String,
        /// True for a file.
        is_file: bool,
    },
    /// The schema has the number of one of ours, and is another.
    #[error("the schema of the state store `{store}` is not the one of this program")]
    Migration {
        /// The file, or the server and its database.
        store: String,
        /// The difference.
        source: sqlx::migrate::MigrateError,
    },
    /// The file is a database of another program.
    #[error("`{}` is not a state store of proxmox-mpc", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A folder, a link or a device is where the file should be.
    #[error("`{}` is not a plain file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// `open`, `make`.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The workspace was another cluster's.
    #[error("the state store `{store}` has the history of the cluster `{other}`, and this is `{cluster}`")]
    OtherCluster {
        /// The file, or the server and its database.
        store: String,
        /// The cluster of the store.
        other: String,
        /// The cluster of the operation.
        cluster: String,
    },
    /// Somebody has deleted the workspace's part of the store since it was opened.
    #[error("the workspace is no longer in the state store `{store}`")]
    Gone {
        /// The file, or the server and its database.
        store: String,
    },
    /// The server did not answer in time.
    #[error("the state store `{store}` did not answer within 10 seconds")]
    Silent {
        /// The server and its database.
        store: String,
    },
    /// The database refused something.
    #[error("{}", problem.message(store))]
    Database {
        /// The kind of the problem.
        problem: StoreProblem,
        /// The file, or the server and its database.
        store: String,
        /// The reason in the words of the database.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The kind of a problem with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreProblem {
    /// The file is damaged, or is not a database.
    Damaged,
    /// Another process wrote for longer than anybody waits.
    Busy,
    /// The file or its folder may not be written.
    ReadOnly,
    /// The disk is full or broken.
    Disk,
    /// The server cannot be reached, or has gone away.
    Unreachable,
    /// The server refused the login.
    Login,
    /// The server has no such database.
    NoDatabase,
    /// The login lacks a privilege.
    Privilege,
    /// Anything else.
    Other,
}

impl StoreProblem {
    /// The problem of an error. SQLite's codes are those of <https://www.sqlite.org/rescode.html>, PostgreSQL's those of
    /// appendix A of its manual.
    fn of(error: &sqlx::Error, is_file: bool) -> Self {
        let code = match error {
            sqlx::Error::Database(error) => error.code().unwrap_or_default(),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => return Self::Unreachable,
            _ => return Self::Other,
        };
        if !is_file {
            return match &*code {
                "28000" | "28P01" => Self::Login,
                "3D000" => Self::NoDatabase,
                "42501" => Self::Privilege,
                "55P03" => Self::Busy,
                "53100" => Self::Disk,
                "53300" | "57P01" | "57P02" | "57P03" => Self::Unreachable,
                _ => Self::Other,
            };
        }
        // The last byte of an extended code is the code.
        match code.parse().unwrap_or(0) & 0xff {
            11 | 26 => Self::Damaged,
            5 | 6 => Self::Busy,
            3 | 8 | 14 => Self::ReadOnly,
            10 | 13 => Self::Disk,
            _ => Self::Other,
        }
    }

    fn message(self, store: &str) -> String {
        match self {
            Self::Damaged => format!("the state store `{store}` is damaged, or is not a database"),
            Self::Busy => format!("another process is writing to the state store `{store}`"),
            Self::ReadOnly => format!("the state store `{store}` cannot be opened for writing"),
            Self::Disk => format!("the disk of the state store `{store}` is full or broken"),
            Self::Unreachable => format!("the state store `{store}` cannot be reached"),
            Self::Login => format!("the state store `{store}` refused the login"),
            Self::NoDatabase => format!("the server has no database for the state store `{store}`"),
            Self::Privilege => format!("the login to the state store `{store}` lacks a privilege"),
            Self::Other => format!("the state store `{store}` could not do what it was asked to"),
        }
    }
}

impl StoreError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(super) fn database(location: &Location, error: sqlx::Error) -> Self {
        let problem = StoreProblem::of(&error, matches!(location.0, Kind::File(_)));
        let source = match error {
            sqlx::Error::Database(error) => error.into_error(),
            error => error.into(),
        };
        Self::Database { problem, store: location.to_string(), source }
    }
}

/// The hint where a file can go: nothing in it is lost for good.
fn deletion(store: &str) -> String {
    format!("Delete `{store}`, with `{store}-wal` and `{store}-shm` where they are there: it is rebuilt from git.")
}

impl Fault for StoreError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Settings(error) => error.kind(),
            Self::Workspace(error) => error.kind(),
            Self::Url | Self::Parameter { .. } => FaultKind::Usage,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Settings(error) => return error.hints(),
            Self::Workspace(error) => return error.hints(),
            Self::Url => {
                "URLs look like `postgres://user:password@db.example/database?sslmode=verify-full`.".to_owned()
            }
            Self::Parameter { .. } => "Parameters are those of PostgreSQL's own URLs, such as `sslmode`.".to_owned(),
            Self::Newer { store, is_file: true, .. } => {
                return vec!["Update this program.".to_owned(), deletion(store)];
            }
            Self::Newer { .. } => "Update this program, or choose another database with `state_url_file`.".to_owned(),
            Self::Migration { .. } => {
                "Use the version of this program that wrote it, or delete it: it is rebuilt from git.".to_owned()
            }
            Self::Foreign { path } | Self::NotAFile { path } => {
                format!("Move `{}` out of the way: a new one is made, and filled from git.", path.display())
            }
            Self::Io { source, .. } => return io_hint(source.kind()),
            Self::OtherCluster { other, .. } => {
                format!(
                    "Give each cluster a workspace of its own; if `{other}` was renamed, delete the state store: it is rebuilt from git."
                )
            }
            Self::Gone { .. } => "Run again: what is missing is rebuilt from git.".to_owned(),
            Self::Silent { .. } => StoreProblem::Unreachable.hint(""),
            Self::Database { problem, store, .. } => problem.hint(store),
        };
        vec![hint]
    }
}

impl StoreProblem {
    fn hint(self, store: &str) -> String {
        let hint = match self {
            Self::Damaged => return deletion(store),
            Self::Busy => "Run again when the other process has finished.",
            Self::ReadOnly => "Make the folder `.proxmox-mpc` and the files in it writable for you.",
            Self::Disk => "Free some space and run again: what was written before is whole.",
            Self::Unreachable => "Look whether the server runs, and whether `state_url` names its host and port.",
            Self::Login => "Correct the user and the password in `state_url`.",
            Self::NoDatabase => "Make it on the server: `createdb NAME`.",
            Self::Privilege => "`GRANT CREATE ON DATABASE … TO …` lets the user make the schema `proxmox_mpc`.",
            Self::Other => "If this happens again, please report it.",
        };
        hint.to_owned()
    }
}

fn io_hint(kind: io::ErrorKind) -> Vec<String> {
    let hint = match kind {
        io::ErrorKind::PermissionDenied => "Make the folder `.proxmox-mpc` and the files in it writable for you.",
        io::ErrorKind::ReadOnlyFilesystem => "The disk is read-only: move the workspace to another one.",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space and run again.",
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}
