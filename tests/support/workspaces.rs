//! Workspaces on disk, and their state after an apply to a twin.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_engine::rehearse::RehearsalJob;
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::terraform::Tool;
use proxmox_mpc_engine::workspace::{self, Workspace};
use proxmox_mpc_generators as generators;
use proxmox_mpc_twin::server::{AgentPolicy, Options, serve};
use proxmox_mpc_twin::{Credentials, Recording};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::program::{Ran, ran_in};

/// Generates a workspace from a recording of ours.
pub(crate) fn imported(recording: &Recording) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = generators::generate(recording, &generators::Options::default(), &generators::Previous::default());
    let made = made.unwrap();
    let mut manifest = made.manifest;
    manifest.files = workspace::hashes(&made.files);
    let (workspace, manifest) = (Workspace::at(folder.path()), manifest.render());
    let changes = workspace::plan(&workspace, &made.files, &manifest, &workspace::Hashes::new()).unwrap();
    workspace::apply(&workspace, &made.files, &manifest, &changes, workspace::Edits::Stop).unwrap();
    folder
}

/// A rehearsal of a workspace on a twin of this recording, with nothing chosen.
pub(crate) fn job(workspace: &Path, recording: Arc<Recording>, tool: Tool) -> RehearsalJob {
    RehearsalJob {
        workspace: Workspace::at(workspace),
        recording,
        live: false,
        now: "2026-11-24T00:50:00Z".to_owned(),
        tool,
        var_files: Vec::new(),
        login: "root@pam!twin".to_owned(),
        destroy: false,
        ansible: None,
        given: Vec::new(),
        selected: (None, None),
    }
}

/// Applies the imports of a workspace to a twin, aside, and gives the workspace the state that this leaves.
pub(crate) fn applied(workspace: &Path, recording: Arc<Recording>) {
    let runtime = Runtime::new().unwrap();
    let credentials = Credentials::fresh();
    let token = credentials.token().unwrap();
    let options = Options { agent: AgentPolicy::RefuseUnlessUsable, ..Options::new(credentials) };
    let twin = {
        let _inside = runtime.enter();
        serve(recording, options).unwrap()
    };
    let (code, aside) = (Workspace::at(workspace).terraform(), tempfile::tempdir().unwrap());
    for entry in fs::read_dir(&code).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), aside.path().join(entry.file_name())).unwrap();
    }
    let terraform = |arguments: &[&str]| -> Ran {
        let program = Invocation::new("terraform")
            .folder(aside.path())
            .env("PROXMOX_VE_ENDPOINT", twin.endpoint())
            .env("PROXMOX_VE_INSECURE", "true")
            .secret("PROXMOX_VE_API_TOKEN", token.clone());
        ran_in(program, arguments)
    };
    for arguments in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"]] {
        let ran = terraform(arguments);
        assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    }
    runtime.block_on(twin.stop());
    fs::copy(aside.path().join("terraform.tfstate"), code.join("terraform.tfstate")).unwrap();
}

/// Every file below a folder with its content.
pub(crate) fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Changes the text of a file of a workspace.
pub(crate) fn edit(workspace: &Path, file: &str, edits: &[(&str, &str)]) {
    let path = workspace.join(file);
    let mut text = fs::read_to_string(&path).unwrap();
    for (before, after) in edits {
        assert!(text.contains(before), "`{before}` is not in {file}");
        text = text.replacen(before, after, 1);
    }
    fs::write(path, text).unwrap();
}
