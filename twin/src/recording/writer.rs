//! Writing a recording aside, answer by answer from any thread, and putting it in place once it is whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    ABOUT, About, Recording, RecordingError, leads_out, packed, parse, parse_text, private, read_stored, text,
};

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

    /// Says what the recording is and puts it in place of whatever recording was there.
    pub fn finish(self, about: &About) -> Result<Recording, RecordingError> {
        self.finish_unless(about, &|| false)
    }

    /// The same, unless it should stop: packing takes its time. Nothing is left then.
    pub fn finish_unless(self, about: &About, stop: &dyn Fn() -> bool) -> Result<Recording, RecordingError> {
        private::write(&self.folder.path().join(ABOUT), &text::about(about))?;
        if packed::is_packed_name(&self.place) {
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

/// A folder beside the place, on the same file system, so that a rename is enough to put it there.
pub(super) fn aside(parent: &Path, name: &std::ffi::OsStr) -> io::Result<TempDir> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.prefix(&prefix).tempdir_in(parent)
}

/// Refuses to replace what is not a recording: a mistyped path must not cost anybody a folder.
pub(super) fn check_replaceable(place: &Path) -> Result<(), RecordingError> {
    let read = |source| RecordingError::Read { path: place.to_owned(), source };
    let metadata = match fs::symlink_metadata(place) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(read(error)),
    };
    let replaceable = if metadata.is_dir() {
        !packed::is_packed_name(place)
            && (place.join(ABOUT).is_file() || fs::read_dir(place).map_err(read)?.next().is_none())
    } else {
        packed::is_packed_name(place) && metadata.is_file()
    };
    if replaceable { Ok(()) } else { Err(RecordingError::Occupied { path: place.to_owned() }) }
}

/// Renames the finished folder into place. An older recording is moved aside first, and back if that fails.
pub(super) fn replace(place: &Path, folder: TempDir) -> Result<(), RecordingError> {
    let refused = |source| RecordingError::Write { path: place.to_owned(), source };
    let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(RecordingError::Occupied { path: place.to_owned() });
    };
    let older = if place.exists() {
        let older = aside(parent, name).map_err(refused)?;
        fs::rename(place, older.path().join("older")).map_err(refused)?;
        Some(older)
    } else {
        None
    };
    if let Err(error) = fs::rename(folder.path(), place) {
        if let Some(older) = older {
            fs::rename(older.path().join("older"), place).map_err(refused)?;
        }
        return Err(refused(error));
    }
    // It is no longer where it was made, so there is nothing to remove when the guard is dropped.
    let _moved: PathBuf = folder.keep();
    Ok(())
}
