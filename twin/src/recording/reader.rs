//! Recording that can be read, from a folder or from a packed file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};

use super::about::{ABOUT, About};
use super::error::RecordingError;
use super::folder::{parse, parse_text, read_about, read_file, read_stored};
use super::{packed, private};

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
            let (about, answers) = packed::read(path)?;
            return Ok(Self { about, store: Store::Memory(answers) });
        }
        let file = path.join(ABOUT);
        let stored = read_file(&file, ABOUT).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordingError::NoRecording { path: path.to_owned() },
            _ => RecordingError::Read { path: file.clone(), source },
        })?;
        Ok(Self { about: read_about(path, &stored)?, store: Store::Folder(path.to_owned()) })
    }

    /// Description of the recording.
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
