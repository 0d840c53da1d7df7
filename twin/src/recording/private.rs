//! Files and folders that only their owner can read, and the list of files in a folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::error::RecordingError;

/// Writes a file that only its owner can read (mode 0600), with the folders above it (0700).
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), RecordingError> {
    let written = match create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), create_folder).and_then(|()| create(path))
        }
        other => other,
    };
    written
        .and_then(|mut file| io::Write::write_all(&mut file, content))
        .map_err(|source| RecordingError::Write { path: path.to_owned(), source })
}

/// Makes a folder that only its owner can read (mode 0700), with those above it.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Every file below a folder, as paths relative to it with `/` between the segments, sorted.
pub(super) fn files(folder: &Path) -> Result<Vec<String>, RecordingError> {
    let mut files = Vec::new();
    let mut waiting: Vec<(PathBuf, String)> = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        let refused = |source| RecordingError::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let relative = format!("{prefix}{name}");
            if entry.file_type().map_err(refused)?.is_dir() {
                waiting.push((entry.path(), format!("{relative}/")));
            } else {
                files.push(relative);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
