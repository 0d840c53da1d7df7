//! An import into an existing workspace, seen from outside: the program, and the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::support::clusters::{Memory, asked, data, fixture, record, terraform};
use crate::support::program::{Ran, ran};

mod adopt;
mod again;
mod ansible;
mod brake;
mod edits;
mod mapping;
mod report;
mod selection;
mod source;

/// A cluster that a test may change, and the workspace that it is imported to.
struct Lab {
    folder: TempDir,
    answers: Memory,
}

/// The files of a workspace, without those of this machine.
type Files = BTreeMap<String, String>;

impl Lab {
    /// A cluster without an import.
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), answers: cluster() }
    }

    /// A cluster with an import of all objects.
    fn imported() -> Self {
        let lab = Self::new();
        lab.import(&[]).done();
        lab
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path as an argument.
    fn word(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    /// Imports the cluster as it is now.
    fn import(&self, more: &[&str]) -> Ran {
        record(&self.answers, &self.at("answers"));
        let (answers, out) = (self.word("answers"), self.word("lab"));
        ran(&[&["import", "--from", &answers, "--out", &out], more].concat())
    }

    fn data(&mut self, path: &str) -> &mut serde_json::Value {
        data(&mut self.answers, path)
    }

    /// Removes a guest from all lists of the cluster.
    fn remove_guest(&mut self, vmid: u32) {
        let text = vmid.to_string();
        let is_it = |row: &serde_json::Value| row["vmid"] == vmid || row["vmid"] == *text;
        for (path, answer) in &mut self.answers {
            let segments = path.segments();
            let rows = answer.body.get_mut("data").and_then(serde_json::Value::as_array_mut);
            let Some(rows) = rows else { continue };
            match segments.iter().map(|segment| &**segment).collect::<Vec<_>>()[..] {
                ["cluster", "resources"] | ["nodes", _, "qemu" | "lxc"] => rows.retain(|row| !is_it(row)),
                ["pools"] => {
                    let members = rows.iter_mut().filter_map(|pool| pool.get_mut("members")?.as_array_mut());
                    members.for_each(|members| members.retain(|row| !is_it(row)));
                }
                ["cluster", "ha", "resources"] => {
                    rows.retain(|row| row["sid"] != format!("vm:{vmid}") && row["sid"] != format!("ct:{vmid}"));
                }
                _ => {}
            }
        }
    }

    fn files(&self) -> Files {
        let mut files = files(&self.at("lab"));
        files.retain(|path, _| !path.starts_with(".proxmox-mpc/"));
        files
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at("lab").join(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.at("lab").join(path), text).unwrap();
    }

    /// All code about an address: its block, its import, its variables.
    fn code(&self, address: &str) -> String {
        code(&self.files(), address)
    }

    /// Time at which each file was written last.
    fn times(&self) -> BTreeMap<String, SystemTime> {
        let time = |path: &String| fs::metadata(self.at("lab").join(path)).unwrap().modified().unwrap();
        self.files().keys().map(|path| (path.clone(), time(path))).collect()
    }
}

/// A recorded cluster whose first virtual machine is changed so that the provider can read it.
fn cluster() -> Memory {
    let mut answers = asked(&fixture("pve-9.1"));
    data(&mut answers, "nodes/pve1/qemu/100/config").as_object_mut().unwrap().remove("migrate_downtime").unwrap();
    answers
}

impl Ran {
    /// The run succeeded; its output.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.output, self.errors);
        self.output
    }

    /// The run failed; its errors.
    #[track_caller]
    fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.output, self.errors);
        self.errors
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// All code about an address in these files, top-level block by top-level block; empty if it has none.
fn code(files: &Files, address: &str) -> String {
    let (resource, label) = address.split_once('.').unwrap();
    let own = [
        format!("resource \"{resource}\" \"{label}\" {{"),
        format!("variable \"{label}_template_file_id\" {{"),
        format!("variable \"{label}_storage_password\" {{"),
    ];
    let import = format!("to = {address}");
    let blocks = terraform(files).flat_map(|(_, text)| text.split("\n}\n"));
    let ours = blocks.filter(|block| {
        let first = block.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
        own.iter().any(|head| head == first) || block.lines().any(|line| line.trim() == import)
    });
    ours.map(str::trim_start).collect::<Vec<_>>().join("\n}\n")
}

const WEB: &str = "proxmox_virtual_environment_vm.web_frontend";
const APP: &str = "proxmox_virtual_environment_container.ct_app";
const PROD: &str = "proxmox_virtual_environment_pool.prod";
