//! Workspaces that an import wrote, read object by object.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;
use serde_json::Value;

use crate::{JudgeError, programs};

/// The program whose code is judged.
#[derive(Debug)]
pub(super) struct Program(pub(super) PathBuf);

/// An imported workspace.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) folder: PathBuf,
    /// Address of each object that has one, by identity.
    pub(super) addresses: BTreeMap<String, String>,
    /// Identities of all objects.
    pub(super) objects: BTreeSet<String>,
    /// Code of each object, by identity: its block and its tasks.
    pub(super) code: BTreeMap<String, String>,
}

impl Workspace {
    /// Imports into a folder that does not exist yet.
    pub(super) fn import(
        program: &Program,
        folder: &Path,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
        log: &Path,
    ) -> Result<Self, JudgeError> {
        let parent = folder.parent().unwrap_or(folder);
        let run = |command: &'static str, arguments: Vec<String>| {
            let words = ["--quiet".to_owned(), command.to_owned()].into_iter().chain(arguments);
            let ended =
                programs::Program::new(&program.0, parent).arguments(words).environment(environment).run(log)?;
            let failed = JudgeError::Command { command, log: log.to_owned() };
            if ended.code == 0 { Ok(ended.output) } else { Err(failed) }
        };
        let out = folder.display().to_string();
        run("import", [arguments, &["--out".to_owned(), out.clone()]].concat())?;
        let coverage = run("coverage", vec![out, "--output".to_owned(), "json".to_owned()])?;
        let form = |source| JudgeError::Form { name: "the output of `coverage`".to_owned(), source };
        let coverage: Value = serde_json::from_str(&coverage).map_err(form)?;
        let objects = coverage["objects"].as_object().cloned().unwrap_or_default();
        let address =
            |(identity, object): (&String, &Value)| Some((identity.clone(), object["address"].as_str()?.to_owned()));
        let mut workspace = Self {
            folder: folder.to_owned(),
            addresses: objects.iter().filter_map(address).collect(),
            objects: objects.keys().cloned().collect(),
            code: BTreeMap::new(),
        };
        workspace.read()?;
        Ok(workspace)
    }

    /// Reads the code of all objects.
    pub(super) fn read(&mut self) -> Result<(), JudgeError> {
        self.code.clear();
        let identities: BTreeMap<&str, &String> =
            self.addresses.iter().map(|(identity, address)| (address.as_str(), identity)).collect();
        for file in self.terraform()? {
            let text = fs::read_to_string(&file).map_err(JudgeError::file(&file))?;
            for (address, block) in blocks(&text) {
                if let Some(identity) = identities.get(address.as_str()) {
                    self.code.insert((*identity).clone(), block);
                }
            }
        }
        for file in self.tasks()? {
            let text = fs::read_to_string(&file).map_err(JudgeError::file(&file))?;
            for (identity, task) in tasks(&text) {
                *self.code.entry(identity).or_default() += &task;
            }
        }
        Ok(())
    }

    /// The files of Terraform code, sorted.
    fn terraform(&self) -> Result<Vec<PathBuf>, JudgeError> {
        let files = sorted(&self.folder.join("terraform"))?;
        Ok(files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "tf")).collect())
    }

    /// The files of tasks, one for each role, sorted.
    pub(super) fn tasks(&self) -> Result<Vec<PathBuf>, JudgeError> {
        let roles = self.folder.join("ansible/roles");
        if !roles.exists() {
            return Ok(Vec::new());
        }
        let files = sorted(&roles)?.into_iter().map(|role| role.join("tasks/main.yml"));
        Ok(files.filter(|file| file.exists()).collect())
    }
}

/// Content of a folder, sorted.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>, JudgeError> {
    let entries = fs::read_dir(folder).map_err(JudgeError::file(folder))?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(JudgeError::file(folder))?;
    paths.sort();
    Ok(paths)
}

/// Each resource of Terraform code: its address and its text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let pattern = Regex::new(r#"(?ms)^resource "(\w+)" "(\w+)" \{\n.*?^\}\n"#);
    let pattern = pattern.expect("the pattern is a constant, and a test compiles it");
    let blocks = pattern.captures_iter(text);
    blocks.map(|block| (format!("{}.{}", &block[1], &block[2]), block[0].to_owned())).collect()
}

/// Each task of a role: the object that its comment names, and its text.
fn tasks(text: &str) -> Vec<(String, String)> {
    let task = |part: &str| {
        // The first task comes after the head of the file.
        let task = part.split_once("\n---\n").map_or(part, |(_, task)| task);
        let object = task.lines().next()?.strip_prefix("# ")?;
        let is_object = task.contains('\n') && object.contains('/') && !object.split('/').next()?.contains(' ');
        is_object.then(|| (object.to_owned(), format!("{}\n", task.trim_end_matches('\n'))))
    };
    text.split("\n\n").filter_map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_address() {
        let text = "import {\n  to = a.b\n}\n\nresource \"a\" \"b\" {\n  c {\n  }\n}\n\nresource \"a\" \"d\" {\n}\n";
        let expected = [("a.b", "resource \"a\" \"b\" {\n  c {\n  }\n}\n"), ("a.d", "resource \"a\" \"d\" {\n}\n")];
        let found = blocks(text);
        let found: Vec<_> = found.iter().map(|(address, block)| (address.as_str(), block.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn tasks_are_found_by_the_object_in_their_comment() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let found = tasks(text);
            let found: Vec<_> = found.iter().map(|(object, task)| (object.as_str(), task.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "# Head.\n---\n# qemu/100\n- name: a\n\n# lxc/7\n- name: b\n",
            &[("qemu/100", "# qemu/100\n- name: a\n"), ("lxc/7", "# lxc/7\n- name: b\n")],
        );
        check("# a and/or b\n- name: c\n", &[]);
        check("- name: no comment\n", &[]);
    }
}
