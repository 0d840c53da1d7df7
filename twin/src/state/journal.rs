//! The journal: one line for each write, on disk before the write counts.
//!
//! A line is the first 16 hexadecimal digits of the SHA-256 of the rest, a space, and the changes as JSON. The first
//! line names the recording that the changes were made over. A last line that is cut is what a crash leaves: it is
//! taken off.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use proxmox_mpc_model::{Answers, ApiPath, Unreadable};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::changes::Changes;
use super::view::View;
use crate::hexadecimal::hexadecimal;

const NAME: &str = "journal";

/// A journal that is longer than this, in bytes, is written anew when it is opened.
const COMPACT_ABOVE: u64 = 8 << 20;

/// Reason why a state cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused an operation on a file.
    #[error("cannot keep the twin's state in `{}`", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A line before the last one was changed after it was written.
    #[error("the twin's state in `{}` is damaged at line {line}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Another twin keeps its state there.
    #[error("another twin keeps its state in `{}`", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// The recording below cannot be read.
    #[error("the recording under the twin's state cannot be read")]
    Recording(#[from] Unreadable),
    /// The state belongs to another recording.
    #[error("the twin's state in `{}` was written over another recording", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// The open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Its length without what a failed write may have left.
    length: u64,
    /// Locked for as long as the journal is open.
    _lock: File,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Head {
    recording: String,
}

impl Journal {
    /// Opens the journal of a folder, makes one where there is none, and applies what it holds.
    pub(super) fn open(folder: &Path, view: &mut View) -> Result<Self, JournalError> {
        let path = folder.join(NAME);
        let failed = |source| JournalError::System { path: path.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = lock(folder)?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        let head = Head { recording: fingerprint(view) };
        let length = replay(&path, &text, &head, view)?;
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
        let mut journal = Self { path: path.clone(), file, length, _lock: lock };
        journal.cut().map_err(failed)?;
        if length == 0 {
            journal.line(&head).map_err(failed)?;
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        } else if length > COMPACT_ABOVE {
            journal.compact(folder, &head, view).map_err(failed)?;
        }
        Ok(journal)
    }

    /// Appends changes. Where that fails, what was written of them is taken off again.
    pub(super) fn append(&mut self, changes: &Changes) -> Result<(), JournalError> {
        self.line(changes).map_err(|source| {
            // If this fails as well, the next start takes the cut line off.
            drop(self.cut());
            JournalError::System { path: self.path.clone(), source }
        })
    }

    fn line<T: Serialize>(&mut self, content: &T) -> io::Result<()> {
        let line = line(content)?;
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Takes off what follows the last whole line.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length)).map(drop)
    }

    /// Writes everything as one change into a file beside, and puts it in place.
    fn compact(&mut self, folder: &Path, head: &Head, view: &View) -> io::Result<()> {
        let aside = folder.join("journal.new");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
        let lines = [line(head)?, line(&view.changes())?].concat();
        file.write_all(&lines)?;
        file.sync_all()?;
        fs::rename(&aside, &self.path)?;
        File::open(folder)?.sync_all()?;
        self.file = file;
        self.length = lines.len() as u64;
        Ok(())
    }
}

/// Locks the folder for this twin.
fn lock(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join("lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.map_err(|source| JournalError::System { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Taken { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(JournalError::System { path, source }),
    }
}

fn line<T: Serialize>(content: &T) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(content)?;
    Ok(format!("{} {json}\n", checksum(json.as_bytes())).into_bytes())
}

/// Applies every whole line; the length of these, in bytes.
fn replay(path: &Path, text: &[u8], head: &Head, view: &mut View) -> Result<u64, JournalError> {
    let mut length = 0;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_last = length + line.len() == text.len();
        let Some(json) = content(line) else {
            if is_last {
                break;
            }
            return Err(JournalError::Damaged { path: path.to_owned(), line: index + 1 });
        };
        let damaged = |_| JournalError::Damaged { path: path.to_owned(), line: index + 1 };
        if index == 0 {
            let written: Head = serde_json::from_slice(json).map_err(damaged)?;
            if written != *head {
                return Err(JournalError::Foreign { path: path.to_owned() });
            }
        } else {
            view.apply(serde_json::from_slice(json).map_err(damaged)?)?;
        }
        length += line.len();
    }
    Ok(length as u64)
}

/// The JSON of a line whose checksum is right.
fn content(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n")?;
    let at = line.iter().position(|byte| *byte == b' ')?;
    let (sum, json) = (&line[..at], &line[at + 1..]);
    (sum == checksum(json).as_bytes()).then_some(json)
}

fn checksum(bytes: &[u8]) -> String {
    hexadecimal(&digest(&SHA256, bytes).as_ref()[..8])
}

/// Fingerprint that tells one recording from another: its nodes, guests and version.
fn fingerprint(view: &View) -> String {
    let paths = ["version", "nodes", "cluster/resources"].map(ApiPath::parse);
    let bodies = paths.iter().map(|path| view.text(path).ok().flatten().map(|answer| answer.body).unwrap_or_default());
    checksum(bodies.collect::<Vec<_>>().join("\n").as_bytes())
}
