//! Surroundings of a proof: the programs, the settings of Terraform, and stamps of the files that it reads.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use crate::operation::Context;
use crate::toolchain::terraform;
use crate::verify::VerifyError;
use crate::workspace::{Workspace, hexadecimal};

/// The age from which a file's times tell any later change: some file systems count in steps of two seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// The size of a program, in bytes, below which it may be the shim of a version manager, which starts another version
/// tomorrow. Terraform and OpenTofu are three times as large.
const LEAST: u64 = 32 << 20;

/// The digest of the programs and of Terraform's settings; `None` if it cannot be told when they change.
pub(super) fn programs(choice: Option<&Path>, context: &Context) -> Result<Option<String>, VerifyError> {
    let variable = |name: &str| context.sources().variable(name);
    let mut hasher = Sha256::new();
    hasher.update(env!("CARGO_PKG_VERSION"));
    let program = match choice {
        Some(choice) => located(choice, variable("PATH").unwrap_or_default()),
        None => {
            ["terraform", "tofu"].iter().find_map(|name| located(Path::new(name), variable("PATH").unwrap_or_default()))
        }
    };
    let Some(program) = program else { return Ok(None) };
    match own_stamp(&program) {
        Some(stamp) => hasher.update(stamp),
        // A script may start any version: it is asked.
        None => hasher.update(terraform::find(Some(&program), context)?.to_string()),
    }
    let settings = match (variable("TF_CLI_CONFIG_FILE"), variable("HOME")) {
        (Some(file), _) => Some(PathBuf::from(file)),
        (None, Some(home)) => Some(Path::new(home).join(".terraformrc")),
        (None, None) => None,
    };
    let settings = settings.and_then(|path| fs::read(path).ok()).unwrap_or_default();
    // A provider that is being developed changes without a new version.
    if String::from_utf8_lossy(&settings).contains("dev_overrides") {
        return Ok(None);
    }
    hasher.update(b"\0");
    hasher.update(&settings);
    hasher.update(variable("TF_PLUGIN_CACHE_DIR").unwrap_or_default());
    Ok(Some(hexadecimal(&hasher.finalize())))
}

/// The file of a program, found as a shell finds it.
fn located(program: &Path, path: &str) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return fs::canonicalize(program).ok();
    }
    let mut folders = path.split(':').map(|folder| Path::new(folder).join(program));
    folders.find(|file| file.is_file()).and_then(|file| fs::canonicalize(file).ok())
}

/// The stamp of Terraform's own program; `None` for anything that may start another one.
fn own_stamp(program: &Path) -> Option<String> {
    let name = program.file_name()?.to_str()?;
    let metadata = fs::metadata(program).ok()?;
    let is_own = (name.starts_with("terraform") || name.starts_with("tofu")) && metadata.len() >= LEAST;
    is_own.then(|| stamp_of(program, &metadata))
}

/// Size, times and number of a file: a change of its content shows in the time of the change, which no program can set.
fn stamp_of(path: &Path, metadata: &fs::Metadata) -> String {
    format!(
        "{}\0{}\0{}\0{}.{}\0{}.{}\n",
        path.display(),
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec()
    )
}

/// Stamp of a recording.
pub(super) struct Stamp {
    pub(super) digest: String,
    /// True if every file is old enough that any later change gives another stamp.
    pub(super) settled: bool,
}

/// The stamp of a recording, a folder or a packed file, from the sizes and times of its files. Nothing is read.
pub(super) fn recording(path: &Path) -> io::Result<Stamp> {
    let (mut stamps, mut newest) = (Vec::new(), 0);
    let mut waiting = vec![fs::canonicalize(path)?];
    while let Some(path) = waiting.pop() {
        let metadata = fs::symlink_metadata(&path)?;
        newest = newest.max(metadata.ctime());
        stamps.push(stamp_of(&path, &metadata));
        if metadata.is_dir() {
            for entry in fs::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        }
    }
    stamps.sort_unstable();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let newest = Duration::from_secs(u64::try_from(newest).unwrap_or_default().saturating_add(1));
    let mut hasher = Sha256::new();
    for stamp in &stamps {
        hasher.update(stamp);
    }
    Ok(Stamp { digest: hexadecimal(&hasher.finalize()), settled: newest + SETTLED <= now })
}

/// The digest of all that decides a proof beside the recording and the programs: every file that the temporary copy of the
/// code would have, and the manifest. `None` if a folder beside the code has code of its own, which may lead anywhere.
pub(super) fn inputs(workspace: &Workspace) -> Result<Option<String>, VerifyError> {
    let folder = workspace.terraform();
    let failed = |source| VerifyError::Read { path: folder.clone(), source };
    let mut hasher = Sha256::new();
    let mut entries = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .map_err(failed)?;
    entries.sort();
    entries.push(workspace.manifest());
    for path in entries.iter().filter(|path| path.is_file()) {
        let text = fs::read(path).map_err(|source| VerifyError::Read { path: path.clone(), source })?;
        hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update(b"\0");
        hasher.update(Sha256::digest(&text));
    }
    let other =
        |path: &PathBuf| [".tf.json", ".tofu", ".tofu.json"].iter().any(|end| path.to_string_lossy().ends_with(end));
    Ok((!entries.iter().any(other)).then(|| hexadecimal(&hasher.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_every_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b.json"), "1").unwrap();
        let stamp = || recording(folder.path()).unwrap();
        let before = stamp();
        assert_eq!(before.digest, stamp().digest);
        assert!(!before.settled, "it was written just now");
        fs::write(folder.path().join("a/b.json"), "22").unwrap();
        let after = stamp();
        assert_ne!(before.digest, after.digest);
        fs::write(folder.path().join("a/c.json"), "").unwrap();
        assert_ne!(after.digest, stamp().digest);
    }
}
