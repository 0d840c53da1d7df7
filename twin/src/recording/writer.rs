//! Writing a recording aside, answer by answer from any thread, and putting it in place once it is whole.

use std::fs;
use std::path::{Path, PathBuf};

use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};
use serde_json::Value;
use tempfile::TempDir;

use super::about::{ABOUT, About};
use super::error::RecordingError;
use super::folder::{leads_out, parse, parse_text, read_stored};
use super::place::{aside, check_replaceable, is_packed_name, replace};
use super::reader::Recording;
use super::{packed, private, text};

/// A recording that is being made. Until [`RecordingWriter::finish`] it lives in a folder beside its place; dropping
/// the writer removes that folder.
#[derive(Debug)]
pub struct RecordingWriter {
    place: PathBuf,
    folder: TempDir,
}

impl RecordingWriter {
    /// Starts a recording that is to stand at this path: a folder, or a packed recording where the name ends in
    /// `.tar.zst`. What is there now must be a recording or an empty folder; it stays until the new one is whole.
    pub fn create(place: &Path) -> Result<Self, RecordingError> {
        let refused = |source| RecordingError::Write { path: place.to_owned(), source };
        let place = std::path::absolute(place).map_err(refused)?;
        check_replaceable(&place)?;
        let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
            return Err(RecordingError::Occupied { path: place });
        };
        fs::create_dir_all(parent).map_err(refused)?;
        let folder = aside(parent, name).map_err(refused)?;
        Ok(Self { place, folder })
    }

    /// Stores the answer to a request.
    pub fn put(&self, path: &ApiPath, answer: &Answer) -> Result<(), RecordingError> {
        private::write(&self.file(path)?, &text::answer(answer))
    }

    /// Stores the answer to a request as [`RecordingWriter::put`] does, each part of it changed by `edit` first: the
    /// rows of a list one by one, anything else whole. A long list is never held as values.
    pub fn put_text(
        &self,
        path: &ApiPath,
        answer: &AnswerText,
        edit: &dyn Fn(&mut Value),
    ) -> Result<(), RecordingError> {
        let file = self.file(path)?;
        let text = text::edited(answer, edit).map_err(|error| RecordingError::Damaged {
            path: self.place.clone(),
            file: path.file(),
            why: error.to_string(),
        })?;
        private::write(&file, &text)
    }

    /// The file of an answer.
    fn file(&self, path: &ApiPath) -> Result<PathBuf, RecordingError> {
        if leads_out(path) {
            return Err(RecordingError::Misplaced { name: path.to_string(), why: "it leads out of the recording" });
        }
        Ok(self.folder.path().join(path.file()))
    }

    /// Writes the description and puts the recording in place of an older one.
    pub fn finish(self, about: &About) -> Result<Recording, RecordingError> {
        self.finish_unless(about, &|| false)
    }

    /// The same; `stop` is asked while it is packed whether to stop. Nothing is left then.
    pub fn finish_unless(self, about: &About, stop: &dyn Fn() -> bool) -> Result<Recording, RecordingError> {
        private::write(&self.folder.path().join(ABOUT), &text::about(about))?;
        if is_packed_name(&self.place) {
            packed::pack_unless(self.folder.path(), &self.place, stop)?;
        } else if stop() {
            return Err(RecordingError::Stopped);
        } else {
            replace(&self.place, self.folder)?;
        }
        Recording::open(&self.place)
    }
}

impl Answers for RecordingWriter {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        read_stored(self.folder.path(), path)?.map(|stored| parse(path, &stored)).transpose()
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        read_stored(self.folder.path(), path)?.map(|stored| parse_text(path, &stored)).transpose()
    }
}
