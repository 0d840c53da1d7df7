//! Linters of Ansible and YAML over the generated files.

use std::collections::BTreeMap;
use std::fs;
use std::thread;

use super::reader::ODD;
use super::{Ansible, Workspace};
use crate::support::clusters::{all, data, fixture, generated};
use crate::support::program::ran_in;
use crate::support::tools::or_skip;

/// The Ansible half of each cluster, once where two have the same.
fn halves() -> Vec<(&'static str, BTreeMap<String, String>)> {
    let mut halves: Vec<(&'static str, BTreeMap<String, String>)> = Vec::new();
    for (name, answers) in all() {
        let mut files = generated(&answers).files;
        files.retain(|path, _| path.starts_with("ansible/"));
        if !halves.iter().any(|(_, known)| *known == files) {
            halves.push((name, files));
        }
    }
    halves
}

fn linted(ansible: &Ansible, name: &str, files: &BTreeMap<String, String>) {
    let workspace = Workspace::of(files);
    let folder = workspace.ansible();
    for (program, arguments) in [
        ("yamllint", &["--strict", "."][..]),
        ("ansible-lint", &["--offline", "-q", "--nocolor", "--profile", "production"]),
    ] {
        let ran = ran_in(ansible.program(program, &folder), arguments);
        assert_eq!(ran.code, Some(0), "{program} of {name}:\n{}\n{}", ran.output, ran.errors);
    }
}

#[test]
fn the_linters_find_nothing() {
    let ansible = or_skip!(Ansible::find());
    // They are slow, and a machine has more than one processor.
    let halves = halves();
    thread::scope(|scope| {
        for part in [0, 1] {
            let (halves, ansible) = (&halves, &ansible);
            scope.spawn(move || {
                halves.iter().skip(part).step_by(2).for_each(|(name, files)| linted(ansible, name, files));
            });
        }
    });
}

/// Odd texts in notes and addresses: tabs, template words, words of YAML.
#[test]
fn the_linters_find_nothing_in_any_text() {
    let ansible = or_skip!(Ansible::find());
    let mut answers = fixture("pve-9.1");
    let text = format!("{} {{{{ escape title }}}} {{% if", ODD.join(" "));
    data(&mut answers, "nodes/pve1/qemu/100/config")["args"] = text.clone().into();
    let matcher = "cluster/notifications/matchers";
    data(&mut answers, &format!("{matcher}/errors"))["comment"] = text.clone().into();
    for row in data(&mut answers, matcher).as_array_mut().unwrap() {
        row["comment"] = text.clone().into();
    }
    let mut files = generated(&answers).files;
    files.retain(|path, _| path.starts_with("ansible/"));
    linted(&ansible, "odd texts", &files);
}

/// The linters find faults that were put into the files.
#[test]
fn the_linters_find_what_is_wrong() {
    let ansible = or_skip!(Ansible::find());
    let task = "---\n- name: lower case\n  shell: id\n  options: yes\n";
    let files = BTreeMap::from([
        ("ansible/ansible.cfg".to_owned(), "[defaults]\n".to_owned()),
        ("ansible/roles/bad/tasks/main.yml".to_owned(), task.to_owned()),
    ]);
    let workspace = Workspace::of(&files);
    let lint = ran_in(
        ansible.program("ansible-lint", &workspace.ansible()),
        &["--offline", "-q", "--nocolor", "--profile", "production"],
    );
    assert!(lint.code != Some(0) && lint.output.contains("roles/bad"), "{}{}", lint.output, lint.errors);
    let yaml = ran_in(ansible.program("yamllint", &workspace.ansible()), &["--strict", "."]);
    assert!(yaml.code != Some(0) && yaml.output.contains("truthy"), "{}{}", yaml.output, yaml.errors);
}

/// The documentation of the module, as Ansible reads it.
#[test]
fn the_module_is_documented() {
    let ansible = or_skip!(Ansible::find());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ansible.cfg"), "").unwrap();
    let module = include_str!("../../generators/src/ansible/proxmox_object.py");
    fs::write(folder.path().join("proxmox_object.py"), module).unwrap();
    let arguments = ["--json", "--type", "module", "--module-path", ".", "proxmox_object"];
    let ran = ran_in(ansible.program("ansible-doc", folder.path()), &arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let documentation: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    let options = documentation["proxmox_object"]["doc"]["options"].as_object().unwrap();
    // Each option that the module takes is in its documentation, with the same type.
    let spec = "import json, sys; sys.path.insert(0, '.'); import proxmox_object as m; \
                print(json.dumps({k: v['type'] for k, v in m.arguments().items()}))";
    let ran = ansible.python(spec, folder.path());
    let taken: BTreeMap<String, String> = serde_json::from_str(&ran.output).unwrap();
    let documented: BTreeMap<String, String> =
        options.iter().map(|(name, option)| (name.clone(), option["type"].as_str().unwrap().to_owned())).collect();
    assert_eq!(documented, taken);
}
