//! Every generated file is as its canonical formatter would write it.

use std::fs;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process::run;
use proxmox_mpc_engine::toolchain::terraform::{ToolError, find};

use crate::support;
use crate::support::clusters::{all, generated, terraform};
use crate::support::skip;

#[test]
fn terraform_would_format_nothing() {
    let tool = match find(None, &support::context()) {
        Ok(tool) => tool,
        Err(error @ ToolError::Missing) => skip!("{error}"),
        Err(error) => panic!("{error}"),
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, answers) in all() {
        for (path, text) in terraform(&generated(&answers).files) {
            let path = folder.path().join(name).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let check = ["fmt", "-check", "-recursive", "-diff", "-no-color"];
    let invocation = check.iter().fold(Invocation::new(&tool.program), |invocation, word| invocation.arg(*word));
    let invocation = invocation.env("CHECKPOINT_DISABLE", "1").folder(folder.path());
    let mut said = String::new();
    let ended = run(&invocation, &support::context(), |_, line| said.extend([line.as_str(), "\n"])).unwrap();
    assert_eq!(ended.code, Some(0), "{said}");
}
