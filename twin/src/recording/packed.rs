//! The packed form of a recording: the same folder as one `.tar.zst` file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path};

use proxmox_mpc_model::ApiPath;
use tar::{Archive, Builder, EntryType, Header};
use zstd::stream::read::Decoder;
use zstd::stream::write::Encoder;

use super::about::{ABOUT, About};
use super::bounds::{self, Bounds, UNPACKED, WINDOW_LOG};
use super::error::RecordingError;
use super::folder::read_about;
use super::place::{aside, check_replaceable, replace};
use super::private;

/// The stored texts of answers, by their requests.
type StoredAnswers = BTreeMap<ApiPath, Box<[u8]>>;

/// Zstandard's level; recordings are packed once and read often.
const LEVEL: i32 = 12;

/// The first bytes of every Zstandard frame (RFC 8878, 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Packs the recording in a folder into one file. The same recording gives the same bytes.
pub fn pack(folder: &Path, file: &Path) -> Result<(), RecordingError> {
    pack_unless(folder, file, &|| false)
}

/// The same; `stop` is asked at each answer whether to stop.
pub(super) fn pack_unless(folder: &Path, file: &Path, stop: &dyn Fn() -> bool) -> Result<(), RecordingError> {
    let refused = |source| RecordingError::Write { path: file.to_owned(), source };
    let file = std::path::absolute(file).map_err(refused)?;
    let parent = file.parent().unwrap_or(&file);
    let temporary = tempfile::NamedTempFile::new_in(parent).map_err(refused)?;
    let encoder = Encoder::new(temporary, LEVEL).map_err(refused)?;
    let mut builder = Builder::new(encoder);
    for name in private::files(folder)? {
        if name != ABOUT && ApiPath::from_file(&name).is_none() {
            continue;
        }
        if stop() {
            return Err(RecordingError::Stopped);
        }
        let path = folder.join(&name);
        let content = fs::read(&path).map_err(|source| RecordingError::Read { path, source })?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, &name, content.as_slice()).map_err(refused)?;
    }
    let temporary = builder.into_inner().and_then(Encoder::finish).map_err(refused)?;
    temporary.persist(&file).map_err(|error| refused(error.error))?;
    Ok(())
}

/// Unpacks a packed recording into a folder, replacing an older recording there.
pub fn unpack(file: &Path, folder: &Path) -> Result<(), RecordingError> {
    let refused = |source| RecordingError::Write { path: folder.to_owned(), source };
    let place = std::path::absolute(folder).map_err(refused)?;
    check_replaceable(&place)?;
    let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(RecordingError::Occupied { path: place });
    };
    fs::create_dir_all(parent).map_err(refused)?;
    let entries = entries(file)?;
    if !entries.contains_key(ABOUT) {
        return Err(RecordingError::NoRecording { path: file.to_owned() });
    }
    let temporary = aside(parent, name).map_err(refused)?;
    for (name, content) in entries {
        private::write(&temporary.path().join(&name), &content)?;
    }
    replace(&place, temporary)
}

/// Reads a packed recording into memory: its description and its answers.
pub(super) fn read(path: &Path) -> Result<(About, StoredAnswers), RecordingError> {
    let mut entries = entries(path)?;
    let Some(about) = entries.remove(ABOUT) else {
        return Err(RecordingError::NoRecording { path: path.to_owned() });
    };
    let about = read_about(path, &about)?;
    let answers = entries.into_iter().filter_map(|(name, stored)| Some((ApiPath::from_file(&name)?, stored)));
    Ok((about, answers.collect()))
}

/// The files in a packed recording by name. Names that lead out of it, names that are there twice and anything but
/// files and folders are refused: a packed recording may come from a stranger.
fn entries(path: &Path) -> Result<BTreeMap<String, Box<[u8]>>, RecordingError> {
    files(path, |name| Err(RecordingError::Misplaced { name, why: "it is neither a file nor a folder" }))
}

/// The same; `other` decides on an entry that is neither a file nor a folder.
pub(crate) fn files(
    path: &Path,
    other: impl Fn(String) -> Result<(), RecordingError>,
) -> Result<BTreeMap<String, Box<[u8]>>, RecordingError> {
    let damaged = |error: &io::Error| damaged(path, error);
    survey(path)?;
    let mut archive = Archive::new(open(path)?.take(UNPACKED));
    let (mut entries, mut bounds) = (BTreeMap::new(), Bounds::default());
    for entry in archive.entries().map_err(|error| damaged(&error))? {
        let mut entry = entry.map_err(|error| damaged(&error))?;
        let name = name(&entry.path().map_err(|error| damaged(&error))?)?;
        match entry.header().entry_type() {
            EntryType::Directory => continue,
            EntryType::Regular => {}
            _ => {
                other(name)?;
                continue;
            }
        }
        // The size may be another one than the survey saw, where an entry of its own tells it.
        bounds.count(&name, entry.size())?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| damaged(&error))?;
        if (content.len() as u64) < entry.size() {
            return Err(damaged(&io::ErrorKind::UnexpectedEof.into()));
        }
        if entries.insert(name.clone(), content.into_boxed_slice()).is_some() {
            return Err(RecordingError::Misplaced { name, why: "it is there twice" });
        }
    }
    // The archive ends before the compressed stream does: the rest tells whether the file is whole.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| damaged(&error))?;
    if rest.limit() == 0 { Err(bounds::whole()) } else { Ok(entries) }
}

/// Goes through a packed recording once without keeping any of it, so that one which is beyond the bounds costs no
/// memory.
fn survey(path: &Path) -> Result<(), RecordingError> {
    let damaged = |error: &io::Error| damaged(path, error);
    let mut archive = Archive::new(open(path)?.take(UNPACKED));
    let mut bounds = Bounds::default();
    for entry in archive.entries().map_err(|error| damaged(&error))?.raw(true) {
        let entry = entry.map_err(|error| damaged(&error))?;
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions()
        {
            bounds.count_name(entry.size())?;
        } else {
            bounds.count(&String::from_utf8_lossy(&entry.path_bytes()), entry.size())?;
        }
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| damaged(&error))?;
    if rest.limit() == 0 { Err(bounds::whole()) } else { Ok(()) }
}

fn damaged(path: &Path, error: &io::Error) -> RecordingError {
    RecordingError::Damaged {
        path: path.to_owned(),
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        why: error.to_string(),
    }
}

fn open(path: &Path) -> Result<Decoder<'static, io::BufReader<File>>, RecordingError> {
    let refused = |source| RecordingError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(refused)?;
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == MAGIC => {}
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(refused(error)),
        _ => return Err(RecordingError::NoRecording { path: path.to_owned() }),
    }
    io::Seek::rewind(&mut file).map_err(refused)?;
    let mut decoder = Decoder::new(file).map_err(refused)?;
    decoder.window_log_max(WINDOW_LOG).map_err(refused)?;
    Ok(decoder)
}

/// The name of an entry relative to the recording, with `/` between the segments.
fn name(path: &Path) -> Result<String, RecordingError> {
    let mut segments = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(segment) => segments.push(segment.to_string_lossy()),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                let name = path.to_string_lossy().into_owned();
                return Err(RecordingError::Misplaced { name, why: "it leads out of the recording" });
            }
        }
    }
    Ok(segments.join("/"))
}
