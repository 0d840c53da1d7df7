//! Paths of GETs of the Proxmox API, and the file of each answer in a recording.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters that stay unescaped in a path, a query and a file name of a recording: `A-Za-z0-9._~-`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'~').remove(b'-');

/// A GET below `/api2/json/`: segments, and query pairs in sorted order.
///
/// Kept in its canonical encoded form (`pools?poolid=prod%2Fweb`), so that equal requests are equal values
/// and ten thousand of them are cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct ApiPath(String);

impl ApiPath {
    /// The path made of these segments, each given as plain text (`["pools", "prod/web"]`).
    pub fn new<I>(segments: I) -> Self
    where
        I: IntoIterator,
        I::Item: fmt::Display,
    {
        let mut text = String::new();
        for segment in segments {
            if !text.is_empty() {
                text.push('/');
            }
            text.extend(utf8_percent_encode(&segment.to_string(), ESCAPED));
        }
        Self(text)
    }

    /// The same path with one more query pair, given as plain text.
    #[must_use]
    pub fn with_query(self, key: &str, value: &str) -> Self {
        let mut pairs: Vec<(String, String)> = self.query();
        pairs.push((key.to_owned(), value.to_owned()));
        Self::assemble(self.path(), pairs)
    }

    /// Reads what a client sent: with or without `/api2/json`, in any legal escaping, query in any order.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_start_matches('/');
        let text = text.strip_prefix("api2/json").map_or(text, |rest| rest.trim_start_matches('/'));
        if is_canonical(text) {
            return Self(text.to_owned());
        }
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let path = Self::new(path.split('/').filter(|segment| !segment.is_empty()).map(decoded));
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
            })
            .collect();
        Self::assemble(&path.0, pairs)
    }

    fn assemble(path: &str, mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort();
        let mut text = path.to_owned();
        for (index, (key, value)) in pairs.iter().enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.extend(utf8_percent_encode(key, ESCAPED));
            text.push('=');
            text.extend(utf8_percent_encode(value, ESCAPED));
        }
        Self(text)
    }

    /// The encoded path and query below `/api2/json/`: `pools?poolid=prod%2Fweb`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The target on the request line: `/api2/json/pools?poolid=prod%2Fweb`.
    pub fn target(&self) -> String {
        format!("/api2/json/{}", self.0)
    }

    /// The encoded path without its query.
    fn path(&self) -> &str {
        self.0.split_once('?').map_or(&self.0, |(path, _)| path)
    }

    /// The segments as plain text. No id of Proxmox has a `?`, which the format of a recording relies on.
    pub fn segments(&self) -> Vec<String> {
        self.path().split('/').filter(|segment| !segment.is_empty()).map(decoded).collect()
    }

    /// The query pairs as plain text, sorted.
    pub fn query(&self) -> Vec<(String, String)> {
        let Some((_, query)) = self.0.split_once('?') else { return Vec::new() };
        query
            .split('&')
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(key), decoded(value))
            })
            .collect()
    }

    /// The file of the answer, relative to the recording: `api2/json/pools%3Fpoolid%3Dprod%252Fweb.json`.
    /// The root index is `api2/json/index.json`.
    pub fn file(&self) -> String {
        let (path, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let path = if path.is_empty() { "index" } else { path };
        let mut file = format!("api2/json/{path}");
        if !query.is_empty() {
            file.push_str("%3F");
            file.extend(utf8_percent_encode(query, ESCAPED));
        }
        file.push_str(".json");
        file
    }

    /// The request whose answer a recording keeps in this file; `None` for a file that is no answer.
    pub fn from_file(file: &str) -> Option<Self> {
        let path = file.strip_prefix("api2/json/")?.strip_suffix(".json")?;
        if path == "index" {
            return Some(Self(String::new()));
        }
        let (folder, last) = path.rsplit_once('/').map_or(("", path), |(folder, last)| (folder, last));
        let last = match last.split_once("%3F") {
            Some((name, query)) => format!("{name}?{}", decoded(query)),
            None => last.to_owned(),
        };
        Some(Self(if folder.is_empty() { last } else { format!("{folder}/{last}") }))
    }
}

/// Reports whether a path has no query and nothing that is escaped, or should be. Most requests are like that.
fn is_canonical(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    let mut before = b'/';
    let fits = text.bytes().all(|byte| {
        let fits = plain(byte) || byte == b'/' && before != b'/';
        before = byte;
        fits
    });
    fits && before != b'/'
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl fmt::Display for ApiPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for ApiPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ApiPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

impl fmt::Debug for ApiPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiPath({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The file names of the recording format (docs/recordings.md).
    #[test]
    fn files_are_named_by_path_and_query() {
        let check = |request: &str, file: &str| {
            let path = ApiPath::parse(request);
            assert_eq!(path.file(), file);
            assert_eq!(ApiPath::from_file(file), Some(path));
        };
        check("/api2/json/", "api2/json/index.json");
        check("/api2/json/nodes/pve1/qemu/100/config", "api2/json/nodes/pve1/qemu/100/config.json");
        check("/api2/json/cluster/resources?type=vm", "api2/json/cluster/resources%3Ftype%3Dvm.json");
        check("/api2/json/pools?poolid=prod%2Fweb", "api2/json/pools%3Fpoolid%3Dprod%252Fweb.json");
        check("/api2/json/tasks?source=all&limit=3", "api2/json/tasks%3Flimit%3D3%26source%3Dall.json");
        check(
            "/api2/json/nodes/pve/storage/nas/content/nas%3Abackup%2Fx.vma.zst",
            "api2/json/nodes/pve/storage/nas/content/nas%3Abackup%2Fx.vma.zst.json",
        );
    }

    #[test]
    fn escaping_does_not_matter() {
        assert_eq!(
            ApiPath::parse("cluster/ha/resources/vm:100"),
            ApiPath::new(["cluster", "ha", "resources", "vm:100"])
        );
        assert_eq!(ApiPath::parse("/nodes//pve1/"), ApiPath::new(["nodes", "pve1"]));
        assert_eq!(ApiPath::parse("nodes/pve1"), ApiPath::new(["nodes", "pve1"]));
        assert_eq!(ApiPath::parse("pools?poolid=prod/web"), ApiPath::new(["pools"]).with_query("poolid", "prod/web"));
    }

    proptest! {
        #[test]
        fn a_path_survives_its_file_name(segments in prop::collection::vec("[^/?]{1,8}", 1..5), key in "\\PC{1,5}", value in "\\PC{0,8}") {
            let path = ApiPath::new(&segments).with_query(&key, &value);
            prop_assert_eq!(path.segments(), segments);
            prop_assert_eq!(ApiPath::from_file(&path.file()), Some(path.clone()));
            prop_assert_eq!(ApiPath::parse(&path.target()), path);
        }
    }
}
