//! Tools that tests need and a machine may lack: a test without its tool is skipped aloud, or fails where
//! `PROXMOX_MPC_REQUIRE` names the tool.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_engine::rehearse::{Rehearsal, RehearsalJob, RehearseError, rehearse};
use proxmox_mpc_engine::toolchain::terraform::{self, TerraformError, ToolError};
use proxmox_mpc_engine::verify::{self, Proof, VerifyError};
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_judges::tools::{Missing, REQUIRE, Tool};
use proxmox_mpc_twin::Recording;

/// The value of a `Result<_, Missing>`; ends the test if this machine lacks the tool.
macro_rules! or_skip {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(missing) => {
                crate::support::tools::skip(module_path!(), &missing);
                return;
            }
        }
    };
}
pub(crate) use or_skip;

/// Reports a test as skipped.
///
/// # Panics
///
/// If the tool is required.
pub(crate) fn skip(test: &str, missing: &Missing) {
    match skipped(test, missing, missing.tool.is_required()) {
        Ok(line) => say(&line),
        Err(why) => panic!("{why}"),
    }
}

/// The line about a skipped test, or why it may not be skipped.
fn skipped(test: &str, missing: &Missing, is_required: bool) -> Result<String, String> {
    if is_required {
        return Err(format!("{REQUIRE} names `{}`, and it is missing: {missing}", missing.tool.name()));
    }
    Ok(format!("skipped {test}: {missing}\n"))
}

#[test]
fn a_required_tool_is_not_skipped() {
    let missing = Missing::new(Tool::Provider, "no registry answers");
    let check = |is_required: bool, expected: Result<&str, &str>| {
        let line = skipped("verify", &missing, is_required);
        assert_eq!(line.as_deref().map_err(String::as_str), expected);
    };
    check(false, Ok("skipped verify: no registry answers\n"));
    check(true, Err("PROXMOX_MPC_REQUIRE names `provider`, and it is missing: no registry answers"));
}

/// Writes straight to the standard error stream: the test harness captures what tests print that pass.
#[expect(clippy::disallowed_methods, reason = "a test that was left out must be seen to be")]
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).expect("the standard error stream is writable");
}

/// Finds Terraform.
pub(crate) fn terraform() -> Result<terraform::Tool, Missing> {
    match terraform::find(None, &super::context()) {
        Ok(tool) => Ok(tool),
        Err(error @ ToolError::Missing) => Err(Missing::new(Tool::Terraform, error.to_string())),
        Err(error) => panic!("{error}"),
    }
}

/// Proves a workspace against a twin of this recording, with the real provider.
pub(crate) fn proof(workspace: &Path, recording: &Arc<Recording>, tool: &terraform::Tool) -> Result<Proof, Missing> {
    match verify::against_twin(&Workspace::at(workspace), recording, tool, &super::context()) {
        Ok(proof) => Ok(proof),
        Err(error @ VerifyError::Terraform(TerraformError::Provider { .. })) => {
            Err(Missing::new(Tool::Provider, error.to_string()))
        }
        Err(error) => panic!("{}: {error}", workspace.display()),
    }
}

/// Rehearses an apply, with the real provider. Other errors are for the test to judge.
pub(crate) fn rehearsal(job: &RehearsalJob) -> Result<Result<Rehearsal, RehearseError>, Missing> {
    match rehearse(job, &super::context()) {
        Err(RehearseError::Terraform(error @ TerraformError::Provider { .. })) => {
            Err(Missing::new(Tool::Provider, error.to_string()))
        }
        result => Ok(result),
    }
}
