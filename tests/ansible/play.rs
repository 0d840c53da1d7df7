//! The playbooks against the cluster that they came from: nothing to change, and one change where one value differs.

use std::path::Path;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use serde_json::Value;

use super::{Ansible, OPERATOR, PASSWORD, Served, TOKEN, Workspace};
use crate::support::clusters::{Memory, data, fixture};
use crate::support::program::{Ran, ran_in};
use crate::support::tools::or_skip;

/// A text that would be run if it were a template, with a tab, which linters do not like.
const NOTES: &str = "{{ lookup('pipe', 'id') }} {% for x in [1] %}{{ x }}{% endfor %}\t{\t{#";

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
    let ansible = or_skip!(Ansible::find());
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

/// A different value is the one change, shown in the difference. Text that looks like a template is never run.
#[test]
fn one_value_is_one_change_and_no_text_is_run() {
    let ansible = or_skip!(Ansible::find());
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
    for stream in [&ran.output, &ran.errors] {
        assert!(!stream.contains("uid="), "{stream}");
    }
}

/// A login that is not root makes the changes that it may make. The play then reports the others, and only then fails.
#[test]
fn what_is_refused_stops_nothing_else() {
    let ansible = or_skip!(Ansible::find());
    let mut answers = fixture("pve-9.1");
    let workspace = Workspace::new(&answers);
    let machine = data(&mut answers, "nodes/pve1/qemu/100/config");
    (machine["args"], machine["autostart"]) = ("-version".into(), 1.into());
    data(&mut answers, "nodes/pve1/lxc/200/config")["timezone"] = "Europe/Vienna".into();
    let served = Served::imported(&answers);
    let play = |login: &[(&str, &str)], arguments: &[&str]| {
        let program = served.reached(ansible.program("ansible-playbook", &workspace.ansible()));
        let program = login.iter().fold(program, |program, (name, value)| program.env(*name, *value));
        let ran = ran_in(program, arguments);
        (Recap::read(&ran), ran)
    };
    let token = format!("{OPERATOR}={TOKEN}");
    let operator = [("PROXMOX_VE_API_TOKEN", token.as_str())];
    let refused = "nodes/pve1/qemu/100/config: args: only root can set 'args' config";
    let check = |login: &[(&str, &str)], arguments: &[&str], (changed, failed): (u32, u32)| {
        let (recap, ran) = play(login, arguments);
        assert_eq!((recap.changed, recap.failed), (changed, failed), "{arguments:?}: {}", ran.output);
        assert_eq!(ran.code, Some(if failed > 0 { 2 } else { 0 }));
        let summary = ran.output.rsplit("TASK [Say what was refused]").next().unwrap();
        assert_eq!(summary.contains(refused), failed > 0, "{arguments:?}: {}", ran.output);
    };
    // Two guests differ; what is refused is not known before it is sent.
    check(&operator, &["--check", "playbooks/guests.yml"], (2, 0));
    check(&operator, &["playbooks/site.yml"], (2, 1));
    check(&operator, &["playbooks/guests.yml"], (0, 1));
    let root = [("PROXMOX_VE_API_TOKEN", ""), ("PROXMOX_VE_USERNAME", "root@pam"), ("PROXMOX_VE_PASSWORD", PASSWORD)];
    check(&root, &["playbooks/guests.yml"], (1, 0));
    check(&operator, &["playbooks/guests.yml"], (0, 0));
    // Nobody who answers is no refusal: it ends at once.
    let (recap, ran) = play(&[("PROXMOX_VE_API_TOKEN", "alice@pve!operator=wrong")], &["playbooks/guests.yml"]);
    assert_eq!((recap.ok, recap.failed), (0, 1), "{}", ran.output);
}
