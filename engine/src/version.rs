//! Version: versions of the program, and of what it works with.

use proxmox_mpc_generators::bpg;
use proxmox_mpc_twin::recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};

/// Request for the versions.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VersionRequest {}

/// Report of the versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Versions {
    /// The version of this program.
    pub version: String,
    /// The Terraform provider and the version that the rules were tested with.
    pub provider: String,
    /// The versions of Terraform that the code is for.
    pub terraform: String,
    /// The format of recordings.
    pub recording: u32,
}

impl ReportType for Versions {
    const KIND: &'static str = "version";
}

impl Request for VersionRequest {
    const NAME: &'static str = "version";
    const EFFECT: Effect = Effect::Reads;
    type Report = Versions;

    async fn run(self, _: Context) -> Result<Versions, Failure> {
        Ok(Versions {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            provider: format!("{} {}", bpg::SOURCE, bpg::VERSION),
            terraform: bpg::TERRAFORM.to_owned(),
            recording: recording::FORMAT,
        })
    }
}
