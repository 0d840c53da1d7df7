//! Programs that the judges start: an environment without the user's own settings, a log, and a time limit.
#![expect(clippy::disallowed_methods, reason = "the judges start programs here and nowhere else")]

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::JudgeError;

/// Prefixes of variables that change what Terraform, Ansible and `proxmox-mpc` do.
const WITHHELD: [&str; 7] = ["TF_", "PROXMOX_", "ANSIBLE_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC", "PYTHON"];
/// Exceptions: without them the provider may not be found.
const PASSED_ON: [&str; 2] = ["TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR"];
/// Settings of every program: no call home, no colours, one language.
const FIXED: [(&str, &str); 4] =
    [("CHECKPOINT_DISABLE", "1"), ("TF_IN_AUTOMATION", "1"), ("ANSIBLE_NOCOLOR", "1"), ("LC_ALL", "C.UTF-8")];
/// Exit code that stands for a program that was killed because it took too long, as `timeout(1)` has it.
pub(crate) const TOO_LONG: i32 = 124;

/// A program with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    folder: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    patience: Duration,
}

/// End of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code; [`TOO_LONG`] if it was killed.
    pub(crate) code: i32,
    /// Standard output and standard error, in the order in which they were written.
    pub(crate) output: String,
}

impl Program {
    /// A program that runs in this folder, without the user's settings.
    pub(crate) fn new(path: impl Into<PathBuf>, folder: &Path) -> Self {
        let environment = env::vars_os().filter(|(name, _)| is_passed_on(&name.to_string_lossy()));
        let fixed = FIXED.iter().map(|(name, value)| (name.into(), value.into()));
        Self {
            path: path.into(),
            arguments: Vec::new(),
            folder: folder.to_owned(),
            environment: environment.chain(fixed).collect(),
            patience: Duration::from_mins(10),
        }
    }

    pub(crate) fn arguments(mut self, arguments: impl IntoIterator<Item: Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn environment(mut self, variables: &BTreeMap<String, String>) -> Self {
        self.environment.extend(variables.iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets the time after which the program is killed; 10 minutes otherwise.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs the program to its end, and adds its output to the log.
    pub(crate) fn run(&self, log: &Path) -> Result<Ended, JudgeError> {
        let failed = JudgeError::file(log);
        let (start, code) = self.logged(log)?;
        let written = fs::read(log).map_err(failed)?;
        let output = written.get(start..).unwrap_or_default();
        Ok(Ended { code, output: String::from_utf8_lossy(output).into_owned() })
    }

    /// The place in the log at which the program's output begins, and its exit code.
    fn logged(&self, log: &Path) -> Result<(usize, i32), JudgeError> {
        let mut file = OpenOptions::new().create(true).append(true).open(log).map_err(JudgeError::file(log))?;
        let words: Vec<_> = self.arguments.iter().map(|word| word.to_string_lossy()).collect();
        writeln!(file, "$ {} {}", self.name(), words.join(" ")).map_err(JudgeError::file(log))?;
        let start = file.seek(SeekFrom::End(0)).map_err(JudgeError::file(log))?;
        let errors = file.try_clone().map_err(JudgeError::file(log))?;
        let refused = |source| JudgeError::Program { program: self.name(), source };
        let mut child = Command::new(&self.path)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .process_group(0) // a provider that Terraform started is killed with it
            .spawn()
            .map_err(refused)?;
        let ended = self.wait(&mut child).map_err(refused)?;
        let code = ended.map_or(TOO_LONG, |status| status.code().unwrap_or(-1));
        Ok((usize::try_from(start).unwrap_or(usize::MAX), code))
    }

    /// Waits for the end; `None` if the program was killed because it took too long.
    fn wait(&self, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
        let end = Instant::now() + self.patience;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > end {
                let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                group.map(|group| kill_process_group(group, Signal::KILL)).transpose()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// Reports whether a variable of the user's environment is passed on to programs.
fn is_passed_on(name: &str) -> bool {
    PASSED_ON.contains(&name) || !WITHHELD.iter().any(|prefix| name.starts_with(prefix))
}

/// Finds a program on the `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).find_map(|folder| executable(&folder, name))
}

/// Finds a program of Ansible: where `PROXMOX_MPC_ANSIBLE` says, where `scripts/test` installs it, or on the `PATH`.
pub(crate) fn of_ansible(name: &str) -> Option<PathBuf> {
    let named = env::var_os("PROXMOX_MPC_ANSIBLE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from).or_else(home);
    let installed = cache.map(|cache| cache.join("proxmox-mpc/ansible/bin"));
    [named, installed].into_iter().flatten().find_map(|folder| executable(&folder, name)).or_else(|| on_path(name))
}

/// The absolute path of a program in a folder, if it may be executed.
fn executable(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = folder.join(name);
    let is_executable = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if is_executable { std::path::absolute(path).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_user_are_withheld() {
        let check = |name: &str, expected: bool| assert_eq!(is_passed_on(name), expected, "{name}");
        check("PATH", true);
        check("TF_CLI_CONFIG_FILE", true);
        check("TF_VAR_password", false);
        check("PROXMOX_VE_ENDPOINT", false);
        check("PYTHONPATH", false);
    }

    #[test]
    fn a_program_ends_with_a_code_and_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let check = |script: &str, code: i32, output: &str| {
            let program = Program::new("/bin/sh", folder.path()).arguments(["-c", script]);
            let ended = program.patience(Duration::from_secs(2)).run(&log).unwrap();
            assert_eq!((ended.code, ended.output.as_str()), (code, output), "{script}");
        };
        check("echo one; echo two >&2; exit 7", 7, "one\ntwo\n");
        check("echo begun; sleep 60", TOO_LONG, "begun\n");
        let log = fs::read_to_string(log).unwrap();
        assert!(
            log.starts_with("$ sh -c echo one;") && log.ends_with("$ sh -c echo begun; sleep 60\nbegun\n"),
            "{log}"
        );
    }
}
