//! Clients that people use to write to Proxmox, on a twin: a script with proxmoxer, and a playbook with the modules of
//! community.proxmox. Their code is in `clients/`.

use std::fs;
use std::path::Path;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use tempfile::TempDir;

use super::play::Recap;
use super::{Ansible, PASSWORD, Served, TOKEN};
use crate::support::clusters::fixture;
use crate::support::program::{Ran, ran_in};
use crate::support::tools::or_skip;

/// A folder with the clients, and a container template that has no content.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ansible/clients");
    for entry in fs::read_dir(clients).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    fs::write(folder.path().join("box.tar.zst"), [0; 2048]).unwrap();
    folder
}

/// A program with the cluster and the login in its environment.
fn with_cluster(served: &Served, program: Invocation) -> Invocation {
    let endpoint = served.twin.as_ref().unwrap().endpoint();
    let program = served.reached(program).env("PROXMOX_HOST", endpoint);
    program.env("PROXMOX_TOKEN", TOKEN).env("PROXMOX_PASSWORD", PASSWORD)
}

fn played(ansible: &Ansible, folder: &Path, served: &Served, playbook: &str) -> (Ran, Recap) {
    let program = with_cluster(served, ansible.program("ansible-playbook", folder));
    // A host that is named has Python as the system has it, without proxmoxer.
    let python = "ansible_python_interpreter={{ ansible_playbook_python }}";
    let ran = ran_in(program, &["--inventory", "localhost,", "--extra-vars", python, playbook]);
    let recap = Recap::read(&ran);
    assert_eq!((recap.failed, recap.unreachable), (0, 0), "{playbook}:\n{}\n{}", ran.output, ran.errors);
    (ran, recap)
}

#[test]
fn a_script_with_proxmoxer_does_its_work() {
    let ansible = or_skip!(Ansible::find());
    let (folder, served) = (folder(), Served::whole(fixture("pve-9.1")));
    let ran = ran_in(with_cluster(&served, ansible.program("python3", folder.path())), &["client.py"]);
    assert_eq!((ran.code, ran.output.trim()), (Some(0), "all done"), "{}", ran.errors);
}

/// The first run creates all objects, the second changes nothing, and the third deletes them.
#[test]
fn a_playbook_with_community_proxmox_changes_things_once() {
    let ansible = or_skip!(Ansible::find());
    let (folder, served) = (folder(), Served::whole(fixture("pve-9.1")));
    let play = |playbook: &str| played(&ansible, folder.path(), &served, playbook);
    let (ran, recap) = play("present.yml");
    let tasks = fs::read_to_string(folder.path().join("present.yml")).unwrap();
    let (changes, _) = tasks.split_once("What is there").unwrap();
    let made = u32::try_from(changes.matches("community.proxmox.proxmox").count()).unwrap() - 1;
    assert_eq!(recap.changed, made, "{}", ran.output);
    let (ran, recap) = play("present.yml");
    assert_eq!(recap.changed, 0, "{}", ran.output);
    let (ran, recap) = play("absent.yml");
    assert_eq!(recap.changed, recap.ok, "{}", ran.output);
}
