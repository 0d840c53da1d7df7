//! Terraform as the judges run it, and the lines with its numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::JudgeError;
use crate::programs::{Ended, Program, on_path};
use crate::tools::{Missing, Tool};

/// Terraform in a folder with code.
pub(crate) struct Terraform {
    program: PathBuf,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    patience: Duration,
}

/// Finds the program.
pub(crate) fn find() -> Result<PathBuf, Missing> {
    on_path("terraform").ok_or_else(|| Missing::new(Tool::Terraform, "terraform is not installed"))
}

impl Terraform {
    pub(crate) fn new(
        program: &Path,
        folder: &Path,
        environment: &BTreeMap<String, String>,
        log: &Path,
        patience: Duration,
    ) -> Self {
        Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            environment: environment.clone(),
            log: log.to_owned(),
            patience,
        }
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Ended, JudgeError> {
        Program::new(&self.program, &self.folder)
            .arguments(arguments)
            .arguments(["-no-color", "-input=false"]) // a prompt would hang: the standard input is empty
            .environment(&self.environment)
            .patience(self.patience)
            .run(&self.log)
    }

    /// Installs the provider; it is missing where that fails.
    pub(crate) fn init(&self) -> Result<Result<(), Missing>, JudgeError> {
        let ended = self.run(&["init"])?;
        let missing = || Missing::new(Tool::Provider, "the provider cannot be installed");
        Ok(if ended.code == 0 { Ok(()) } else { Err(missing()) })
    }
}

/// The lines with Terraform's numbers: `Plan: 1 to add, …`, `Apply complete! …`, `No changes. …`.
pub(crate) fn summary(output: &str) -> Vec<String> {
    let starts = ["Plan: ", "Apply complete! ", "Destroy complete! ", "No changes."];
    let lines = output.lines().filter(|line| starts.iter().any(|start| line.starts_with(start)));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The errors that Terraform reports, each on one line.
pub(crate) fn errors(output: &str) -> Vec<String> {
    let output = format!("\n{output}");
    let errors = output.split("\nError: ").skip(1);
    errors.map(|error| error.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_errors_are_found_in_the_output() {
        let check = |output: &str, numbers: &[&str], found: &[&str]| {
            assert_eq!(summary(output), numbers, "{output}");
            assert_eq!(errors(output), found, "{output}");
        };
        check("Plan: 1 to add, 0 to change, 0 to destroy.\n", &["Plan: 1 to add, 0 to change, 0 to destroy."], &[]);
        check("x\nNo changes. Your infrastructure matches.\n", &["No changes. Your infrastructure matches."], &[]);
        check("Error: one\n  two\n\nError: three\n", &[], &["one two", "three"]);
        check("An Error: no\nPlans: 2\n", &[], &[]);
    }
}
