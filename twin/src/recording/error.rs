//! Errors of recordings.

use std::io;
use std::path::PathBuf;

use super::about::FORMAT;
use super::sizes;

/// Reason why a recording cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The path does not exist.
    #[error("there is no recording at `{}`", path.display())]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The path is not a recording.
    #[error("`{}` is not a recording: neither a folder with a recording.json nor such a folder packed as .tar.zst", path.display())]
    NoRecording {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The recording was written by another version.
    #[error("the recording at `{}` has format {format}, and this version reads format {FORMAT}", path.display())]
    Format {
        /// The recording.
        path: PathBuf,
        /// The format that it says it has.
        format: u32,
    },
    /// A file of the recording is cut, or holds something else than it should.
    #[error("`{file}` of the recording at `{}` is cut or damaged: {why}", path.display())]
    Damaged {
        /// The recording.
        path: PathBuf,
        /// The file inside it; the packed file's own name where the packing is damaged.
        file: String,
        /// Description of the damage.
        why: String,
    },
    /// A name that would lead out of the recording, or that is there twice.
    #[error("`{name}` cannot be in a recording: {why}")]
    Misplaced {
        /// The name of the entry, or the request.
        name: String,
        /// Reason why it has no place there.
        why: &'static str,
    },
    /// An answer is too large.
    #[error("{what} has {}, and the limit is {}", sizes::bytes(*size), sizes::bytes(*bound))]
    TooLarge {
        /// The entry.
        what: String,
        /// Its size, in bytes.
        size: u64,
        /// Largest size, in bytes.
        bound: u64,
    },
    /// All answers together are too large.
    #[error("the packed recording unpacks to more than {}, the limit of what is held in memory", sizes::bytes(*bound))]
    TooLargeWhole {
        /// Largest size of all answers together, in bytes.
        bound: u64,
    },
    /// More entries than a packed recording may have.
    #[error("the packed recording has more than {bound} files and folders, which is the limit")]
    TooMany {
        /// Largest number.
        bound: u64,
    },
    /// The path holds something else than a recording, which is not replaced.
    #[error("`{}` is not a recording, so a recording does not replace it", path.display())]
    Occupied {
        /// The path that was to be written.
        path: PathBuf,
    },
    /// The recording was stopped before it was finished.
    #[error("the recording was not finished")]
    Stopped,
    /// The system refused to read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The system refused to write: a full or read-only disk, a missing permission.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}
