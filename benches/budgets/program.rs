//! Programs that are measured: their time, and the memory that they take.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::Outcome;
use crate::twin::Twin;

/// The program that is measured, built like a release.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_proxmox-mpc");

/// The connections that are used at once: the default of `import`.
pub(crate) const CONNECTIONS: usize = 16;

/// Time after which a program is ended.
const PATIENCE: Duration = Duration::from_mins(5);

/// Interval at which memory is read. The kernel keeps the peak, so only a peak just before the end is missed.
const GLANCE: Duration = Duration::from_millis(2);

/// Time, memory and output of a run of a program.
pub(crate) struct Ran {
    pub(crate) time: Duration,
    /// The most memory that it held at once, in bytes (`VmHWM`).
    pub(crate) peak: u64,
    pub(crate) output: String,
    pub(crate) errors: String,
    pub(crate) success: bool,
}

/// A command without input and output, and without variables of ours that could change what it does.
#[expect(clippy::disallowed_methods, reason = "a bench measures whole programs, without our own room between")]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PROXMOX_") {
            command.env_remove(name);
        }
    }
    // A group of its own: whatever it starts ends with it.
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Outcome<Ran> {
    let (output, errors) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
    let started = Instant::now();
    let mut child = command.stdout(output.reopen()?).stderr(errors.reopen()?).spawn()?;
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > PATIENCE {
            end(&mut child, Signal::KILL)?;
            return Err(format!("{command:?} took longer than {PATIENCE:?}").into());
        }
        peak = peak_of(&child).unwrap_or(0).max(peak);
        std::thread::sleep(GLANCE);
    };
    let time = started.elapsed();
    Ok(Ran { time, peak, output: text(output.path())?, errors: text(errors.path())?, success: status.success() })
}

/// Sends a signal to a program and whatever it started, and waits for its end.
pub(crate) fn end(child: &mut Child, signal: Signal) -> Outcome {
    kill_process_group(Pid::from_child(child), signal)?;
    child.wait()?;
    Ok(())
}

/// An import over the network into a new workspace.
pub(crate) fn import(twin: &Twin, out: &Path) -> Outcome<Ran> {
    let ran = run(command(PROGRAM)
        .args(["--quiet", "import", &twin.endpoint, "--concurrency", &CONNECTIONS.to_string(), "--out"])
        .arg(out)
        .args(["--fingerprint", &twin.fingerprint])
        .env("PROXMOX_VE_API_TOKEN", &twin.token))?;
    if ran.success { Ok(ran) } else { Err(format!("the import failed: {}", ran.errors).into()) }
}

/// The peak of a process's memory in bytes, `None` once it has ended.
fn peak_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn text(path: &Path) -> Outcome<String> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
