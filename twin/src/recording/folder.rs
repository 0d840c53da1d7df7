//! Files of a recording in a folder, read with care: somebody else may have made it.

use std::fs;
use std::io;
use std::path::Path;

use proxmox_mpc_model::{Answer, AnswerText, ApiPath, Unreadable};
use serde::Deserialize;

use super::about::{ABOUT, About, FORMAT};
use super::bounds;
use super::error::RecordingError;

/// Reads `recording.json`; the format comes first, since the rest may have another meaning in a newer one.
pub(super) fn read_about(recording: &Path, stored: &[u8]) -> Result<About, RecordingError> {
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u32,
    }
    let damaged = |error: serde_json::Error| RecordingError::Damaged {
        path: recording.to_owned(),
        file: ABOUT.to_owned(),
        why: error.to_string(),
    };
    let FormatOnly { format } = serde_json::from_slice(stored).map_err(damaged)?;
    if format != FORMAT {
        return Err(RecordingError::Format { path: recording.to_owned(), format });
    }
    serde_json::from_slice(stored).map_err(damaged)
}

/// Reads the file of an answer in a folder; `None` where there is none.
pub(super) fn read_stored(folder: &Path, path: &ApiPath) -> Result<Option<Vec<u8>>, Unreadable> {
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
pub(super) fn read_file(path: &Path, name: &str) -> io::Result<Vec<u8>> {
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

/// Description of an entry that has no content of its own.
const NO_FILE: &str = "a link or a device, and not a file";

/// Reports whether the path has a segment that a file system reads as a way out of the recording.
pub(super) fn leads_out(path: &ApiPath) -> bool {
    // Neither is ever escaped.
    path.as_str().split(['/', '?']).any(|segment| segment == "." || segment == "..")
}

pub(super) fn parse(path: &ApiPath, stored: &[u8]) -> Result<Answer, Unreadable> {
    serde_json::from_slice(stored).map_err(|error| damaged(path, &error))
}

pub(super) fn parse_text(path: &ApiPath, stored: &[u8]) -> Result<AnswerText, Unreadable> {
    AnswerText::parse(stored).map_err(|error| damaged(path, &error))
}

fn damaged(path: &ApiPath, error: &serde_json::Error) -> Unreadable {
    Unreadable { path: path.clone(), why: format!("{} is cut or damaged: {error}", path.file()) }
}
