//! Invocation: a program to start, with its arguments and environment, as a value that never shows its secrets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

/// A program, its arguments, its environment and the folder it runs in.
#[derive(Clone, Debug)]
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, Value>,
    withheld: Vec<&'static str>,
    kept: Vec<&'static str>,
    folder: Option<PathBuf>,
}

/// Value of an environment variable.
#[derive(Clone, Debug)]
enum Value {
    Plain(String),
    Secret(SecretString),
}

impl Invocation {
    /// Creates an invocation without arguments, in our own folder and environment.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            withheld: Vec::new(),
            kept: Vec::new(),
            folder: None,
        }
    }

    /// Adds an argument. Never a secret: every user of the machine can read arguments.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), Value::Plain(value.into()));
        self
    }

    /// Sets an environment variable that is masked wherever the invocation is shown.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.environment.insert(name.into(), Value::Secret(value));
        self
    }

    /// Withholds the variables of our own environment that begin with `prefix` from the program, but for those that
    /// [`Invocation::keep`] names.
    #[must_use]
    pub fn withhold(mut self, prefix: &'static str) -> Self {
        self.withheld.push(prefix);
        self
    }

    /// Passes this variable on although its prefix is withheld.
    #[must_use]
    pub fn keep(mut self, name: &'static str) -> Self {
        self.kept.push(name);
        self
    }

    /// Runs the program in this folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The name to show for the program: `terraform` of `/usr/bin/terraform`.
    pub fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }

    /// The program as it was named.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The command, without its streams. `ours` is the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "this is where commands are made")]
    pub(super) fn command(&self, ours: impl Iterator<Item = (OsString, OsString)>) -> duct::Expression {
        let mut environment: BTreeMap<OsString, OsString> = ours.filter(|(name, _)| self.inherits(name)).collect();
        for (name, setting) in &self.environment {
            let value = match setting {
                Value::Plain(value) => value,
                Value::Secret(value) => value.expose_secret(),
            };
            environment.insert(name.into(), value.into());
        }
        // As text: duct looks for a `Path` without a slash in the current folder, and for text in PATH.
        let command = duct::cmd(self.program.as_os_str(), &self.arguments).full_env(environment);
        match &self.folder {
            Some(folder) => command.dir(folder),
            None => command,
        }
    }

    fn inherits(&self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        self.kept.iter().any(|kept| *kept == name) || !self.withheld.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// Formats the invocation as a line for a POSIX shell, with secrets masked and without withheld variables.
impl fmt::Display for Invocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(folder) = &self.folder {
            write!(formatter, "cd {} && ", quoted(folder.as_os_str()))?;
        }
        for (name, setting) in &self.environment {
            match setting {
                Value::Plain(value) => write!(formatter, "{name}={} ", quoted(value.as_ref()))?,
                Value::Secret(_) => write!(formatter, "{name}=[secret] ")?,
            }
        }
        formatter.write_str(&quoted(self.program.as_os_str()))?;
        for argument in &self.arguments {
            write!(formatter, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.into_owned(); // shlex would quote every `-input=false`, which only zsh needs
    }
    // Only text with a NUL cannot be quoted, and no argument has one.
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_a_shell_line_without_its_secrets() {
        let invocation = Invocation::new("/usr/bin/terraform")
            .arg("plan")
            .arg("-var=note=a b")
            .env("TF_IN_AUTOMATION", "1")
            .secret("PROXMOX_VE_API_TOKEN", SecretString::from("canary"))
            .folder("/tmp/a b");
        assert_eq!(
            invocation.to_string(),
            "cd '/tmp/a b' && PROXMOX_VE_API_TOKEN=[secret] TF_IN_AUTOMATION=1 /usr/bin/terraform plan '-var=note=a b'"
        );
        assert!(!format!("{invocation:?}").contains("canary"));
        assert_eq!(invocation.name(), "terraform");
    }

    #[test]
    fn what_is_withheld_does_not_reach_the_program() {
        let invocation = Invocation::new("x").withhold("TF_").withhold("PROXMOX_VE_").keep("TF_CLI_CONFIG_FILE");
        let check = |name: &str, expected: bool| assert_eq!(invocation.inherits(OsStr::new(name)), expected, "{name}");
        check("HOME", true);
        check("TF_VAR_password", false);
        check("TF_CLI_CONFIG_FILE", true);
        check("TF_CLI_CONFIG_FILES", false);
        check("PROXMOX_VE_API_TOKEN", false);
        check("MY_PROXMOX_VE_API_TOKEN", true);
    }
}
