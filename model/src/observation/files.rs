//! Files of an observation: one for each object, and one for the cluster.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{ObjectState, Observation};
use crate::{Identity, Unread};

/// Folder of the files.
pub const FOLDER: &str = "observed";

/// Path of an object's file: `observed/qemu/101.json`. Of the id, each byte other than `A-Za-z0-9._~-` is
/// percent-encoded, so that it is one name in one folder.
pub fn path(identity: &Identity) -> String {
    let mut path = format!("{FOLDER}/{}/", encoded(identity.prefix()));
    path.push_str(&encoded(identity.id()));
    path.push_str(".json");
    path
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'~' | b'-' => encoded.push(char::from(byte)),
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

/// A file of an observation that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` is not a file of an observation")]
pub struct FileError {
    /// The path.
    pub path: String,
    /// The complaint.
    pub source: serde_json::Error,
}

/// Contents of the file for the cluster.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_read: Vec<Unread>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl Observation {
    /// Path of the file with the name and version of the cluster, and what was not read of it.
    pub const CLUSTER: &str = "observed/cluster.json";

    /// The files, by their paths below the workspace.
    ///
    /// # Panics
    /// Never: texts and reasons are always JSON.
    pub fn files(&self) -> BTreeMap<String, String> {
        let Self { cluster, version, not_read, objects } = self;
        let file = ClusterFile { cluster: cluster.clone(), not_read: not_read.clone(), version: version.clone() };
        let text = serde_json::to_string_pretty(&file).expect("texts and reasons are always JSON") + "\n";
        let objects = objects.values().map(|object| (path(&object.identity), object.json()));
        objects.chain([(Self::CLUSTER.to_owned(), text)]).collect()
    }

    /// Reads the files back. Files in other folders are no part of it.
    ///
    /// # Errors
    /// A file that is not one of an observation.
    pub fn from_files<P: AsRef<str>, C: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (P, C)>,
    ) -> Result<Self, FileError> {
        let mut observation = Self::default();
        for (path, content) in files {
            let path = path.as_ref();
            let error = |source| FileError { path: path.to_owned(), source };
            if path == Self::CLUSTER {
                let file: ClusterFile = serde_json::from_slice(content.as_ref()).map_err(error)?;
                observation.cluster = file.cluster;
                observation.version = file.version;
                observation.not_read = file.not_read;
            } else if path.strip_prefix(FOLDER).is_some_and(|rest| rest.starts_with('/')) {
                let object: ObjectState = serde_json::from_slice(content.as_ref()).map_err(error)?;
                observation.objects.insert(object.identity.clone(), object);
            }
        }
        Ok(observation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_one_file() {
        let check = |prefix: &str, id: &str, expected: &str| assert_eq!(path(&Identity::new(prefix, id)), expected);
        check("qemu", "101", "observed/qemu/101.json");
        check("pool", "prod/web", "observed/pool/prod%2Fweb.json");
        check("volume", "pve1/local:iso/a b.iso", "observed/volume/pve1%2Flocal%3Aiso%2Fa%20b.iso.json");
        check("user", "jürgen@pve", "observed/user/j%C3%BCrgen%40pve.json");
        check("role", "..", "observed/role/...json");
    }
}
