//! Programs that we start: their lines, their exit codes, and signals.

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process::{Stream, run};

use crate::support;

fn shell(script: &str) -> Invocation {
    Invocation::new("/bin/sh").arg("-c").arg(script)
}

#[test]
fn lines_and_code_come_back() {
    let mut lines = Vec::new();
    let ended = run(
        &shell("echo one; printf 'two\\r\\nthree'; printf '\\377\\n' >&2; exit 7"),
        &support::context(),
        |stream, line| {
            lines.push((stream, line));
        },
    )
    .unwrap();
    assert_eq!(ended.code, Some(7));
    lines.sort_by_key(|(stream, _)| *stream == Stream::Error);
    let lines: Vec<_> = lines.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, ["one", "two", "three", "\u{fffd}"]);
}

#[test]
fn standard_input_is_empty() {
    assert_eq!(run(&shell("read answer || exit 9"), &support::context(), |_, _| ()).unwrap().code, Some(9));
}

#[test]
fn secrets_and_folder_reach_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    let invocation = shell("echo $TOKEN; pwd").secret("TOKEN", "hidden".into()).folder(folder.path());
    run(&invocation, &support::context(), |_, line| lines.push(line)).unwrap();
    assert_eq!(lines, ["hidden", folder.path().canonicalize().unwrap().to_str().unwrap()]);
}

#[test]
fn a_missing_program_says_so() {
    let error = run(&Invocation::new("no-such-program-here"), &support::context(), |_, _| ()).unwrap_err();
    assert!(error.is_missing());
    assert_eq!(error.to_string(), "`no-such-program-here` could not be started");
}

/// A grandchild that keeps the streams open (a provider) does not delay the end.
#[test]
fn the_end_of_the_program_is_the_end() {
    let mut lines = Vec::new();
    run(&shell("sleep 30 & echo $!"), &support::context(), |_, line| lines.push(line)).unwrap();
    let sleeper: i32 = lines[0].parse().unwrap();
    let sleeper = rustix::process::Pid::from_raw(sleeper).unwrap();
    rustix::process::kill_process(sleeper, rustix::process::Signal::KILL).unwrap();
}
