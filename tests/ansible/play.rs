//! The playbooks against the cluster that they came from: nothing to change, and one change where one value differs.

use std::path::Path;

use proxmox_mpc::toolchain::invocation::Invocation;
use serde_json::Value;

use super::{Ansible, Served, Workspace};
use crate::support::clusters::{Memory, data, fixture};
use crate::support::program::{Ran, ran_in};
use crate::support::skip;

/// A text that would be run if it were a template.
const NOTES: &str = "{{ lookup('pipe', 'id') }} {% for x in [1] %}{{ x }}{% endfor %}";

/// The counts of the last line: `ok=15 changed=0 unreachable=0 failed=0 …`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recap {
    pub(super) ok: u32,
    pub(super) changed: u32,
    pub(super) unreachable: u32,
    pub(super) failed: u32,
}

impl Recap {
    pub(super) fn read(ran: &Ran) -> Self {
        let line = ran.output.lines().find(|line| line.starts_with("localhost ") && line.contains("ok="));
        let line = line.unwrap_or_else(|| panic!("no recap:\n{}\n{}", ran.output, ran.errors));
        let count = |name: &str| {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.unwrap().parse().unwrap()
        };
        Self { ok: count("ok"), changed: count("changed"), unreachable: count("unreachable"), failed: count("failed") }
    }
}

fn checked(ansible: &Ansible, folder: &Path, served: &Served, arguments: &[&str]) -> Ran {
    let program: Invocation = served.reached(ansible.program("ansible-playbook", folder));
    ran_in(program, &[&["--check", "--diff", "playbooks/site.yml"], arguments].concat())
}

#[test]
fn the_cluster_is_as_the_code_says() {
    let ansible = match Ansible::find() {
        Ok(ansible) => ansible,
        Err(why) => skip!("{why}"),
    };
    for name in ["pve-9.1", "homelab-auditor"] {
        let answers = fixture(name);
        let (workspace, served) = (Workspace::new(&answers), Served::imported(&answers));
        let ran = checked(&ansible, &workspace.ansible(), &served, &[]);
        let recap = Recap::read(&ran);
        assert!(recap.ok >= 8, "{name}: {recap:?}");
        let expected = Recap { ok: recap.ok, changed: 0, unreachable: 0, failed: 0 };
        assert_eq!(recap, expected, "{name}:\n{}\n{}", ran.output, ran.errors);
        assert_eq!(ran.code, Some(0));
    }
}

/// A value that differs is the one change, seen in the difference; what a template would do is never done.
#[test]
fn one_value_is_one_change_and_no_text_is_run() {
    let ansible = match Ansible::find() {
        Ok(ansible) => ansible,
        Err(why) => skip!("{why}"),
    };
    let with = |notes: &str| -> Memory {
        let mut answers = fixture("pve-9.1");
        let matcher = "cluster/notifications/matchers";
        data(&mut answers, &format!("{matcher}/errors"))["comment"] = notes.into();
        for row in data(&mut answers, matcher).as_array_mut().unwrap() {
            if row["name"] == "errors" {
                row["comment"] = notes.into();
            }
        }
        for what in ["config", "pending"] {
            let guest = data(&mut answers, &format!("nodes/pve1/qemu/100/{what}"));
            if let Value::Object(keys) = guest {
                keys.insert("args".to_owned(), format!("-name '{notes}'").into());
            }
        }
        answers
    };
    let answers = with(NOTES);
    let workspace = Workspace::new(&answers);
    let tags = ["--tags", "all"];
    // The same text on both sides.
    let ran = checked(&ansible, &workspace.ansible(), &Served::imported(&answers), &tags);
    let recap = Recap::read(&ran);
    assert_eq!((recap.changed, recap.failed), (0, 0), "{}", ran.output);
    // Somebody has changed one value in the cluster.
    let mut other = answers;
    data(&mut other, "nodes/pve1/lxc/200/config")["timezone"] = "Europe/Vienna".into();
    data(&mut other, "nodes/pve1/qemu/100/config")["args"] = "-version".into();
    let ran = checked(&ansible, &workspace.ansible(), &Served::imported(&other), &tags);
    let recap = Recap::read(&ran);
    assert_eq!((recap.changed, recap.failed), (2, 0), "{}", ran.output);
    let differences: Vec<&str> =
        ran.output.lines().filter(|line| line.starts_with("-  ") || line.starts_with("+  ")).collect();
    let notes = serde_json::to_string(&format!("-name '{NOTES}'")).unwrap();
    let expected = [
        "-    \"args\": \"-version\"".to_owned(),
        format!("+    \"args\": {notes}"),
        "-    \"timezone\": \"Europe/Vienna\"".to_owned(),
        "+    \"timezone\": \"Europe/Berlin\"".to_owned(),
    ];
    assert_eq!(differences, expected, "{}", ran.output);
    for said in [&ran.output, &ran.errors] {
        assert!(!said.contains("uid="), "{said}");
    }
}
