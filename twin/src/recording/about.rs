//! About: what a recording says of itself in `recording.json`.

use serde::{Deserialize, Serialize};

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The file of a recording that says what it is.
pub(super) const ABOUT: &str = "recording.json";

/// Description of a recording, in `recording.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The format of the recording.
    pub format: u32,
    /// As whom it was read: `root@pam` or `monitor@pve!audit`.
    #[serde(default)]
    pub login: Option<String>,
    /// The nodes of the cluster, sorted.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// The version of Proxmox VE: `9.1.9`.
    #[serde(default)]
    pub pve_version: Option<String>,
    /// Time at which it was read, in UTC: `2026-11-23T00:50:00Z`.
    pub recorded_at: String,
}
