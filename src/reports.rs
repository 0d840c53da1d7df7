//! Reports of the commands that only the command line has: completions and the manual.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proxmox_mpc_engine::operation::report::ReportType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Completions of the command line for a shell.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Completions {
    /// The shell: `bash`.
    pub(crate) shell: String,
    /// The script that the shell reads.
    pub(crate) script: String,
}

impl ReportType for Completions {
    const KIND: &'static str = "completions";
}

/// Pages of the manual.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Manual {
    /// The folder that the pages were written into; none if they were not written.
    pub(crate) folder: Option<PathBuf>,
    /// The pages by file name, as roff.
    pub(crate) pages: BTreeMap<String, String>,
}

impl ReportType for Manual {
    const KIND: &'static str = "manual";
}
