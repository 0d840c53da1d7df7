//! Session: a folder of code, and the Terraform commands that run there.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{Environment, Plan, PlanReader, TerraformError, Tool, UiMessage};
use crate::operation::event::{Diagnostic, EventKind, Severity, StepKind};
use crate::operation::{Context, Step};
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, Exit, Stream};
use crate::toolchain::terraform;

/// A folder of code, and how Terraform is started there.
pub(crate) struct Session<'a> {
    pub(crate) tool: &'a Tool,
    pub(crate) folder: PathBuf,
    /// The folder where Terraform keeps what it installs (`TF_DATA_DIR`); `None` for the default.
    pub(crate) data: Option<PathBuf>,
    pub(crate) environment: Environment,
    /// The API token of the provider; `None` for the user's own credentials.
    pub(crate) token: Option<SecretString>,
    /// Placeholders for variables without a value.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) context: &'a Context,
}

impl Session<'_> {
    /// Installs the provider.
    pub(crate) fn init(&self, data: &Path) -> Result<(), TerraformError> {
        let step = Step::start(self.context, StepKind::InstallProvider);
        let invocation = self.with_environment(terraform::init(self.tool, &self.folder, data, self.environment));
        let mut output = InitOutput::default();
        let context = step.context();
        let ended = process::run(&invocation, &context, |_, line| output.line(&invocation.name(), &line, &context))?;
        if ended.code == Some(0) { Ok(()) } else { Err(output.fault(invocation.name())) }
    }

    /// Runs a command that plans, and reads its output about `total` objects.
    pub(crate) fn run(
        &self,
        invocation: Invocation,
        what: StepKind,
        total: Option<u64>,
    ) -> Result<(Exit, Plan), TerraformError> {
        let invocation = self.with_environment(invocation);
        let mut reader = PlanReader::new(&invocation.name(), what, total, self.context);
        let ended = process::run(&invocation, self.context, |_, line| reader.line(&line))?;
        Ok((ended, reader.finish()))
    }

    /// Plans into the file `out`.
    pub(crate) fn plan(&self, out: &Path, total: Option<u64>) -> Result<(Exit, Plan), TerraformError> {
        let plan = terraform::plan(self.tool, &self.folder, self.data.as_deref(), out, self.environment);
        self.run(plan, StepKind::Plan, total)
    }

    /// Prints a plan file, or the state, as JSON, and passes it to a reader.
    pub(crate) fn show<T>(
        &self,
        plan: Option<&Path>,
        read: impl FnOnce(&str) -> Result<T, serde_json::Error>,
    ) -> Result<T, TerraformError> {
        let shown = terraform::show(self.tool, &self.folder, self.data.as_deref(), plan, self.environment);
        let shown = self.with_environment(shown);
        let mut json = String::new();
        process::run(&shown, self.context, |stream, line| {
            if stream == Stream::Output {
                json.push_str(&line);
            }
        })?;
        read(&json).map_err(|source| TerraformError::Show { tool: shown.name(), source })
    }

    /// The invocation with the token and the placeholders in its environment.
    pub(crate) fn with_environment(&self, invocation: Invocation) -> Invocation {
        let mut invocation = invocation;
        for (name, value) in &self.variables {
            invocation = invocation.env(format!("TF_VAR_{name}"), value);
        }
        match &self.token {
            Some(token) => invocation.secret("PROXMOX_VE_API_TOKEN", token.clone()),
            None => invocation,
        }
    }
}

/// The output of `init`, which older versions write as plain text.
#[derive(Default)]
struct InitOutput {
    diagnostics: Vec<Diagnostic>,
    text: Vec<String>,
}

/// Texts with which Terraform and OpenTofu report that a provider is not available.
const NO_PROVIDER: [&str; 4] = [
    "Failed to query available provider packages",
    "Failed to install provider",
    "Could not retrieve the list of available versions",
    "Failed to resolve provider packages",
];

impl InitOutput {
    fn line(&mut self, program: &str, line: &str, context: &Context) {
        match terraform::message(line) {
            UiMessage::Diagnostic(diagnostic) => self.diagnostics.push(diagnostic),
            UiMessage::Text(line) if !line.trim().is_empty() => {
                self.text.push(line.clone());
                context.event(EventKind::Text { program: program.to_owned(), line });
            }
            _ => {}
        }
    }

    fn fault(mut self, tool: String) -> TerraformError {
        self.diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        let is_missing = |text: &str| NO_PROVIDER.iter().any(|beginning| text.contains(beginning));
        if let Some(missing) = self.diagnostics.iter().find(|diagnostic| is_missing(&diagnostic.summary)) {
            return TerraformError::Provider { why: first_line(&missing.detail, &missing.summary) };
        }
        if let Some(missing) = self.text.iter().find(|line| is_missing(line)) {
            return TerraformError::Provider { why: missing.trim_start_matches(['│', ' ']).to_owned() };
        }
        if self.diagnostics.is_empty() {
            let detail = self.text.join("\n");
            let summary = "its output:".to_owned();
            self.diagnostics.push(Diagnostic { severity: Severity::Error, summary, detail, address: None });
        }
        TerraformError::Init { tool, diagnostics: self.diagnostics }
    }
}

fn first_line(text: &str, otherwise: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or(otherwise).trim().to_owned()
}

/// The version of the provider, from the lock file that `init` wrote.
pub(crate) fn provider_version(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(".terraform.lock.hcl")).ok()?;
    proxmox_mpc_code::lock_file::version(&text, "/bpg/proxmox")
}
