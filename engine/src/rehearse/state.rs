//! State of the workspace, which a rehearsal copies and never writes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::operation::{Context, Step, StepKind};
use crate::toolchain::process::{self, Stream};
use crate::toolchain::terraform::{self, TerraformError, Tool};
use crate::workbench::{Scratch, WorkbenchError};

/// The state that a rehearsal starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum StateUsed {
    /// The workspace has no state: its imports have not been applied.
    None,
    /// A copy of the workspace's state.
    Copy {
        /// The number of its objects.
        objects: usize,
        /// Its serial number.
        serial: u64,
        /// The Terraform workspace that is selected.
        workspace: String,
    },
    /// The state could not be read from the workspace's backend.
    Unreachable {
        /// The reason, in Terraform's words.
        why: String,
    },
}

/// State of the workspace. Its text has secrets in it.
pub(super) struct State {
    pub(super) used: StateUsed,
    text: Option<SecretString>,
    workspace: String,
}

#[derive(Deserialize)]
struct StateFile {
    #[serde(default)]
    serial: u64,
    #[serde(default)]
    resources: Vec<StateResource>,
}

#[derive(Deserialize)]
struct StateResource {
    #[serde(default)]
    mode: String,
    #[serde(default)]
    instances: Vec<serde::de::IgnoredAny>,
}

/// The name of Terraform's default workspace.
const DEFAULT: &str = "default";

impl State {
    /// Pulls the state of the code in `folder`, with the user's environment. `workspace` is the value of `TF_WORKSPACE`,
    /// `data` that of `TF_DATA_DIR`.
    pub(super) fn pull(
        tool: &Tool,
        folder: &Path,
        (workspace, data): (Option<String>, Option<String>),
        context: &Context,
    ) -> Result<Self, WorkbenchError> {
        let step = Step::start(context, StepKind::ReadState);
        let context = step.context();
        let selected = || fs::read_to_string(data_folder(folder, data.as_deref()).join("environment")).ok();
        let workspace = workspace.or_else(selected).map(|name| name.trim().to_owned());
        let workspace = workspace.filter(|name| !name.is_empty()).unwrap_or_else(|| DEFAULT.to_owned());
        let invocation = terraform::pull(tool, folder);
        let (mut text, mut errors) = (String::new(), Vec::new());
        let ended = process::run(&invocation, &context, |stream, line| match stream {
            Stream::Output => text.push_str(&line),
            Stream::Error => errors.push(line),
        })
        .map_err(TerraformError::from)?;
        if ended.code != Some(0) {
            let used = StateUsed::Unreachable { why: first_message(&errors) };
            return Ok(Self { used, text: None, workspace });
        }
        if text.trim().is_empty() {
            return Ok(Self { used: StateUsed::None, text: None, workspace });
        }
        let state: StateFile =
            serde_json::from_str(&text).map_err(|source| TerraformError::Show { tool: invocation.name(), source })?;
        let managed = state.resources.iter().filter(|resource| resource.mode != "data");
        let objects = managed.map(|resource| resource.instances.len()).sum();
        let used = if objects == 0 {
            StateUsed::None
        } else {
            StateUsed::Copy { objects, serial: state.serial, workspace: workspace.clone() }
        };
        Ok(Self { used, text: Some(text.into()), workspace })
    }

    /// Reports whether the objects of the workspace may be in a state that could not be read.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self.used, StateUsed::Unreachable { .. })
    }

    /// Writes a copy of the state into the scratch copy. Only its owner may read it.
    pub(super) fn copy(&self, scratch: &Scratch) -> io::Result<()> {
        let path = self.path(scratch);
        if self.workspace != DEFAULT {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(scratch.data().join("environment"), &self.workspace)?;
        }
        let Some(text) = &self.text else { return Ok(()) };
        private(&path)?.write_all(text.expose_secret().as_bytes())
    }

    /// Reads the state of the scratch copy as it is now; `None` if it has none.
    pub(super) fn now(&self, scratch: &Scratch) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(scratch)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn path(&self, scratch: &Scratch) -> PathBuf {
        if self.workspace == DEFAULT {
            return scratch.code().join("terraform.tfstate");
        }
        scratch.code().join("terraform.tfstate.d").join(&self.workspace).join("terraform.tfstate")
    }
}

/// The data folder of Terraform for the code in `folder`. `data` is the value of `TF_DATA_DIR`, which is relative to `folder`.
fn data_folder(folder: &Path, data: Option<&str>) -> PathBuf {
    folder.join(data.unwrap_or(".terraform"))
}

/// Creates a file that only its owner may read.
fn private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The first line of Terraform's error output that is not empty.
fn first_message(lines: &[String]) -> String {
    let plain = lines.iter().map(|line| without_frame(line));
    let mut messages = plain.filter(|line| !line.is_empty());
    let message = messages.next().map(|line| line.trim_start_matches("Error: ").to_owned());
    message.unwrap_or_else(|| "it printed no error".to_owned())
}

/// A line without the colours and the frame that Terraform draws around its errors.
fn without_frame(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => drop(rest.by_ref().take_while(|character| !character.is_ascii_alphabetic()).last()),
            character => text.push(character),
        }
    }
    text.trim_start_matches(['│', '╷', '╵', ' ']).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_relative_to_the_code() {
        let check = |data: Option<&str>, expected: &str| {
            assert_eq!(data_folder(Path::new("lab/terraform"), data), Path::new(expected));
        };
        check(None, "lab/terraform/.terraform");
        check(Some("../data"), "lab/terraform/../data");
        check(Some("/var/data"), "/var/data");
    }

    #[test]
    fn the_first_message_is_without_its_frame() {
        let lines = [
            "\u{1b}[31m\u{1b}[31m╷\u{1b}[0m\u{1b}[0m",
            "\u{1b}[31m│\u{1b}[0m \u{1b}[0m\u{1b}[1m\u{1b}[31mError: \u{1b}[0m\u{1b}[0m\u{1b}[1mBackend initialization required, please run \"terraform init\"\u{1b}[0m",
            "│ Reason: Initial configuration of the requested backend \"http\"",
        ];
        let lines = lines.map(str::to_owned);
        assert_eq!(first_message(&lines), "Backend initialization required, please run \"terraform init\"");
        assert_eq!(first_message(&[]), "it printed no error");
    }
}
