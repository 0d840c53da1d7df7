//! Place of a recording: what may stand there before, and how a new one takes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::about::ABOUT;
use super::error::RecordingError;

/// Reports whether a file of this name is a packed recording.
pub(super) fn is_packed_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".tar.zst"))
}

/// A folder beside the place, on the same file system, so that a rename is enough to put it there.
pub(super) fn aside(parent: &Path, name: &std::ffi::OsStr) -> io::Result<TempDir> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
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
        !is_packed_name(place) && (place.join(ABOUT).is_file() || fs::read_dir(place).map_err(read)?.next().is_none())
    } else {
        is_packed_name(place) && metadata.is_file()
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
