//! Format: every generated file is as its canonical formatter writes it.

use std::fs;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process::run;

use crate::support;
use crate::support::clusters::{all, generated, terraform};
use crate::support::tools::{self, or_skip};

#[test]
fn terraform_would_format_nothing() {
    let tool = or_skip!(tools::terraform());
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
    let mut output = String::new();
    let ended = run(&invocation, &support::context(), |_, line| output.extend([line.as_str(), "\n"])).unwrap();
    assert_eq!(ended.code, Some(0), "{output}");
}
