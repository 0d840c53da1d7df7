//! Record of a proof, kept beside the workspace, so that changes of the code or of the recording are noticed even where the
//! provider cannot be run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::Manifest;
use proxmox_mpc_model::{Answers, Unreadable};
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::RecordingError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::operation::fault::Fault;
use crate::toolchain::terraform::Counts;
use crate::verify::Proof;
use crate::workspace::{Hashes, Workspace};

/// The content of `proof.json`: the result of a proof, the versions, and digests of the recording and of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofRecord {
    /// The version of the format: 1.
    pub format: u32,
    /// The counts of Terraform.
    pub counts: Counts,
    /// True if the proof was clean.
    pub clean: bool,
    /// The program and its version: `Terraform 1.11.4`.
    pub terraform: String,
    /// The version of the provider.
    pub provider: Option<String>,
    /// The [`digest`] of the recording.
    pub recording: String,
    /// The SHA-256 of each generated Terraform file, by path relative to the workspace.
    pub files: Hashes,
}

/// Change since a proof was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Mismatch {
    /// The recording has changed.
    Recording,
    /// A file was changed, added or removed.
    File {
        /// The path relative to the workspace.
        path: String,
    },
}

/// A stored proof cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read or written.
    #[error("could not access `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file does not have the form of a proof.
    #[error("`{}` is not a stored proof", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        source: serde_json::Error,
    },
    /// An answer of the recording cannot be read.
    #[error("the recording is damaged")]
    Answer(#[from] Unreadable),
    /// The recording cannot be read.
    #[error("the recording cannot be read")]
    Recording(#[from] RecordingError),
}

impl Fault for RecordError {
    fn hints(&self) -> Vec<String> {
        vec!["Make the proof again with `proxmox-mpc verify`.".to_owned()]
    }
}

impl ProofRecord {
    /// The record of a proof; `None` if Terraform gave no counts.
    pub fn new(proof: &Proof, recording: String, files: Hashes) -> Option<Self> {
        Some(Self {
            format: 1,
            counts: proof.counts?,
            clean: proof.clean,
            terraform: proof.tool.clone(),
            provider: proof.provider.clone(),
            recording,
            files,
        })
    }

    /// Reads a stored proof.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let text = fs::read(path).map_err(|source| RecordError::Io { path: path.to_owned(), source })?;
        serde_json::from_slice(&text).map_err(|source| RecordError::Form { path: path.to_owned(), source })
    }

    /// Stores the proof. The same proof gives the same bytes.
    pub fn write(&self, path: &Path) -> Result<(), RecordError> {
        let failed = |source| RecordError::Form { path: path.to_owned(), source };
        let mut text = serde_json::to_string_pretty(self).map_err(failed)?;
        text.push('\n');
        fs::write(path, text).map_err(|source| RecordError::Io { path: path.to_owned(), source })
    }

    /// Everything that has changed since the proof was made.
    pub fn mismatches(&self, recording: &str, files: &Hashes) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        if self.recording != recording {
            mismatches.push(Mismatch::Recording);
        }
        let paths: std::collections::BTreeSet<&String> = self.files.keys().chain(files.keys()).collect();
        let differs = |path: &&String| self.files.get(*path) != files.get(*path);
        mismatches.extend(paths.into_iter().filter(differs).map(|path| Mismatch::File { path: path.clone() }));
        mismatches
    }
}

/// The hashes of the generated Terraform files of `workspace` as they are now, from the list in its manifest. A proof covers
/// no other files.
pub fn generated(workspace: &Workspace, manifest: &Manifest) -> Result<Hashes, RecordError> {
    let mut hashes = Hashes::new();
    let code = |path: &&String| Path::new(path).extension().is_some_and(|extension| extension == "tf");
    for path in manifest.files.keys().filter(code) {
        let file = workspace.root().join(path);
        match fs::read(&file) {
            Ok(bytes) => hashes.insert(path.clone(), crate::workspace::hash(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(RecordError::Io { path: file, source }),
        };
    }
    Ok(hashes)
}

/// The SHA-256 of every request and answer of a recording. It is the same for a folder and for an archive of it.
pub fn digest(recording: &Recording) -> Result<String, RecordError> {
    let mut hasher = Sha256::new();
    for path in recording.paths()? {
        let Some(answer) = recording.get(&path)? else { continue };
        let failed = |error: serde_json::Error| Unreadable { path: path.clone(), why: error.to_string() };
        let answer = serde_json::to_vec(&answer).map_err(failed)?;
        // A NUL and a line end separate the entries, so that no two recordings have the same bytes.
        for part in [path.as_str().as_bytes(), b"\0", &answer, b"\n"] {
            hasher.update(part);
        }
    }
    Ok(crate::workspace::hexadecimal(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_since_the_proof_are_named() {
        let files = |list: &[(&str, &str)]| -> Hashes {
            list.iter().map(|(path, hash)| ((*path).to_owned(), (*hash).to_owned())).collect()
        };
        let record = ProofRecord {
            format: 1,
            counts: Counts { import: 2, ..Counts::default() },
            clean: true,
            terraform: "Terraform 1.11.4".to_owned(),
            provider: Some("0.111.1".to_owned()),
            recording: "r".to_owned(),
            files: files(&[("a.tf", "1"), ("b.tf", "2"), ("c.tf", "3")]),
        };
        let file = |path: &str| Mismatch::File { path: path.to_owned() };
        assert_eq!(record.mismatches("r", &record.files), []);
        assert_eq!(
            record.mismatches("s", &files(&[("a.tf", "1"), ("b.tf", "9"), ("d.tf", "4")])),
            [Mismatch::Recording, file("b.tf"), file("c.tf"), file("d.tf")]
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proof.json");
        record.write(&path).unwrap();
        assert_eq!(ProofRecord::read(&path).unwrap(), record);
        assert!(matches!(ProofRecord::read(folder.path()), Err(RecordError::Io { .. })));
    }
}
