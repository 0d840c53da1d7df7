//! A recording: the one stored form of a cluster's state, a folder or the same folder packed as one file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};
use serde::{Deserialize, Serialize};

mod bounds;
mod error;
mod packed;
mod private;
mod text;
mod writer;

pub use error::RecordingError;
pub(crate) use packed::files as packed_files;
pub use packed::{pack, unpack};
pub use writer::RecordingWriter;

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The file of a recording that says what it is.
const ABOUT: &str = "recording.json";

/// What a recording says of itself (`recording.json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The format of the recording.
    pub format: u32,
    /// As whom it was read: `root@pam` or `monitor@pve!audit`.
    #[serde(default)]
    pub login: Option<String>,
    /// The nodes of the cluster, sorted.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// The version of Proxmox VE: `9.1.9`.
    #[serde(default)]
    pub pve_version: Option<String>,
    /// When it was read, in UTC: `2026-11-23T00:50:00Z`.
    pub recorded_at: String,
}

/// A recording that can be read: every answer that a cluster gave, by request.
///
/// A folder is read answer by answer, on demand; a packed recording is unpacked into memory.
#[derive(Debug)]
pub struct Recording {
    about: About,
    store: Store,
}

#[derive(Debug)]
enum Store {
    Folder(PathBuf),
    Memory(BTreeMap<ApiPath, Box<[u8]>>),
}

impl Recording {
    /// Opens the recording at this path, a folder or a `.tar.zst` file.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let metadata = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordingError::Missing { path: path.to_owned() },
            _ => RecordingError::Read { path: path.to_owned(), source },
        })?;
        if metadata.is_file() {
            return packed::read(path);
        }
        let file = path.join(ABOUT);
        let stored = read_file(&file, ABOUT).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordingError::NoRecording { path: path.to_owned() },
            _ => RecordingError::Read { path: file.clone(), source },
        })?;
        Ok(Self { about: read_about(path, &stored)?, store: Store::Folder(path.to_owned()) })
    }

    /// What the recording says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Every request that has an answer here, sorted.
    pub fn paths(&self) -> Result<impl Iterator<Item = ApiPath>, RecordingError> {
        let paths = match &self.store {
            Store::Memory(answers) => answers.keys().cloned().collect(),
            Store::Folder(folder) => {
                let mut paths: Vec<ApiPath> =
                    private::files(folder)?.iter().filter_map(|file| ApiPath::from_file(file)).collect();
                paths.sort_unstable();
                paths
            }
        };
        Ok(paths.into_iter())
    }

    /// The stored text of an answer.
    fn stored(&self, path: &ApiPath) -> Result<Option<Vec<u8>>, Unreadable> {
        match &self.store {
            Store::Memory(answers) => Ok(answers.get(path).map(|stored| stored.to_vec())),
            Store::Folder(folder) => read_stored(folder, path),
        }
    }
}

impl Answers for Recording {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        self.stored(path)?.map(|stored| parse(path, &stored)).transpose()
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        self.stored(path)?.map(|stored| parse_text(path, &stored)).transpose()
    }
}

/// Reads `recording.json`; the format is looked at first, since a newer one may mean anything by the rest.
fn read_about(recording: &Path, stored: &[u8]) -> Result<About, RecordingError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged = |error: serde_json::Error| RecordingError::Damaged {
        path: recording.to_owned(),
        file: ABOUT.to_owned(),
        why: error.to_string(),
    };
    let Format { format } = serde_json::from_slice(stored).map_err(damaged)?;
    if format != FORMAT {
        return Err(RecordingError::Format { path: recording.to_owned(), format });
    }
    serde_json::from_slice(stored).map_err(damaged)
}

/// Reads the file of an answer in a folder; `None` where there is none.
fn read_stored(folder: &Path, path: &ApiPath) -> Result<Option<Vec<u8>>, Unreadable> {
    if leads_out(path) {
        return Ok(None);
    }
    let file = path.file();
    match read_file(&folder.join(&file), &file) {
        Ok(stored) => Ok(Some(stored)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => Ok(None),
            _ => Err(Unreadable { path: path.clone(), why: error.to_string() }),
        },
    }
}

/// Reads a file of a folder, which somebody else may have made: a link may lead anywhere, and a device never ends.
fn read_file(path: &Path, name: &str) -> io::Result<Vec<u8>> {
    let found = fs::symlink_metadata(path)?;
    if found.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    if !found.is_file() {
        return Err(io::Error::other(format!("`{name}` is {NO_FILE}")));
    }
    bounds::answer(name, found.len()).map_err(io::Error::other)?;
    fs::read(path)
}

/// What is said of an entry that holds nothing itself.
const NO_FILE: &str = "a link or a device, and not a file";

/// Whether the path has a segment that a file system reads as a way out of the recording.
fn leads_out(path: &ApiPath) -> bool {
    // Neither is ever escaped.
    path.as_str().split(['/', '?']).any(|segment| segment == "." || segment == "..")
}

fn parse(path: &ApiPath, stored: &[u8]) -> Result<Answer, Unreadable> {
    serde_json::from_slice(stored).map_err(|error| damaged(path, &error))
}

fn parse_text(path: &ApiPath, stored: &[u8]) -> Result<AnswerText, Unreadable> {
    AnswerText::parse(stored).map_err(|error| damaged(path, &error))
}

fn damaged(path: &ApiPath, error: &serde_json::Error) -> Unreadable {
    Unreadable { path: path.clone(), why: format!("{} is cut or damaged: {error}", path.file()) }
}
