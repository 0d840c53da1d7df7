//! Records of proofs, in the workspace's private folder: what was proved, from which code and which answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;

use serde::{Deserialize, Serialize};

use crate::workspace::Workspace;

/// Version of the file's format, and of the rules by which digests are made: others are not read.
const FORMAT: u32 = 1;

/// The name of the file in the private folder.
const FILE: &str = "proofs.json";

/// The content of `proofs.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Records {
    pub(super) format: u32,
    /// Digest of what every proof depends on: programs, provider, and the blocks about them.
    pub(super) surroundings: String,
    /// Topics of answers that some object read although no rule says so: they count for all.
    pub(super) common: BTreeSet<String>,
    /// Records by part of the code: `type.name`.
    pub(super) parts: BTreeMap<String, PartRecord>,
    /// The inputs of the last proof as a whole, if nothing was left unproved.
    pub(super) last: Option<LastProof>,
}

/// Digests of a part at the time of its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartRecord {
    pub(super) code: String,
    pub(super) answers: String,
}

/// Everything that was proved, by a digest of all inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LastProof {
    /// Digest of the code, the manifest and the programs.
    pub(super) inputs: String,
    /// Stamp of the recording.
    pub(super) recording: String,
    /// The number of objects.
    pub(super) objects: usize,
    /// The program and the provider that proved them.
    pub(super) tool: String,
    pub(super) provider: Option<String>,
    pub(super) pinned: Option<String>,
}

impl Records {
    /// The records of a workspace. A file that is missing, cannot be read or is of another version is as none: then all is
    /// proved again.
    pub(super) fn read(workspace: &Workspace) -> Self {
        let read = || serde_json::from_slice::<Self>(&fs::read(workspace.private().join(FILE)).ok()?).ok();
        read().filter(|records| records.format == FORMAT).unwrap_or_default()
    }

    /// Writes the records, whole or not at all. A failure costs the next proof time and nothing else, so that it is only
    /// logged.
    pub(super) fn write(mut self, workspace: &Workspace) {
        self.format = FORMAT;
        let folder = workspace.private();
        let write = || {
            workspace.make_private().map_err(std::io::Error::other)?;
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(&serde_json::to_vec(&self)?)?;
            file.persist(folder.join(FILE)).map_err(|error| error.error)
        };
        if let Err(error) = write() {
            tracing::warn!(%error, folder = %folder.display(), "the records of this proof could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_others_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let path = workspace.private().join(FILE);
        assert_eq!(Records::read(&workspace), Records::default());
        Records { surroundings: "s".to_owned(), ..Records::default() }.write(&workspace);
        assert_eq!(Records::read(&workspace).surroundings, "s");
        let text = fs::read_to_string(&path).unwrap();
        for other in [text.replace("\"format\":1", "\"format\":2"), text[1..].to_owned(), String::new()] {
            fs::write(&path, other).unwrap();
            assert_eq!(Records::read(&workspace), Records::default());
        }
    }
}
