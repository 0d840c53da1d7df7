//! Rehearsals with the real Terraform and the real provider.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc::ui::{Captured, Options, OutputFormat, Ui};
use proxmox_mpc_engine::operation::fault::{Fault as _, FaultKind};
use proxmox_mpc_engine::rehearse::{
    ChangeKind, GuestAction, Reached, Rehearsal, RehearsalJob, RehearseError, StateUsed, rehearse,
};
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_judges::tools::{Missing, Tool};
use proxmox_mpc_twin::Recording;
use serde_json::Value;
use tempfile::TempDir;

use crate::support;
use crate::support::clusters::place;
use crate::support::tools::{or_skip, rehearsal, terraform};
use crate::support::workspaces::{applied, bytes, edit, imported, job};

/// A workspace of a fixture, and the rehearsal of it.
struct RehearsalStage {
    folder: TempDir,
    job: RehearsalJob,
}

impl RehearsalStage {
    fn new(fixture: &str) -> Result<Self, Missing> {
        let tool = terraform()?;
        let recording = Arc::new(Recording::open(&place(fixture)).unwrap());
        let folder = imported(&recording);
        let job = job(folder.path(), recording, tool);
        // Whether the provider can be had is seen with the smallest code there is.
        let stage = Self { folder, job };
        let small = tempfile::tempdir().unwrap();
        fs::create_dir(small.path().join("terraform")).unwrap();
        fs::write(small.path().join("terraform/main.tf"), include_str!("terraform/pools.tf")).unwrap();
        let small = RehearsalJob { workspace: Workspace::at(small.path()), ..stage.job.clone() };
        // What comes of it does not matter.
        rehearsal(&small).map(|_| stage)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn edit(&self, file: &str, edits: &[(&str, &str)]) {
        edit(self.path(), &format!("terraform/{file}"), edits);
    }

    fn add(&self, text: &str) {
        fs::write(self.path().join("terraform/more.tf"), text).unwrap();
    }

    /// Replaces all code of the workspace by this code, which imports two pools.
    fn only_pools(&self, code: &str) {
        let folder = self.path().join("terraform");
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("main.tf"), code).unwrap();
        let manifest = self.path().join("manifest.json");
        if manifest.exists() {
            fs::remove_file(manifest).unwrap();
        }
    }

    /// Rehearses, and checks that the workspace is unchanged.
    fn run(&self) -> Result<Rehearsal, RehearseError> {
        let before = bytes(self.path());
        let rehearsal = rehearse(&self.job, &support::context());
        assert_eq!(bytes(self.path()), before, "the workspace was touched");
        rehearsal
    }
}

fn shown(rehearsal: &Rehearsal, output: OutputFormat) -> String {
    let (results, errors) = (Captured::default(), Captured::default());
    Ui::captured(Options { output, ..Options::default() }, &results, &errors, None).report(rehearsal).unwrap();
    results.text()
}

fn change<'r>(rehearsal: &'r Rehearsal, identity: &str) -> Option<(ChangeKind, Option<&'r str>)> {
    let object = rehearsal.objects.iter().find(|object| object.identity.as_str() == identity)?;
    Some((object.change, object.address.as_deref()))
}

fn traps(rehearsal: &Rehearsal) -> Vec<(&str, Vec<&str>)> {
    rehearsal.traps.iter().map(|trap| (&*trap.id, trap.at.iter().map(String::as_str).collect())).collect()
}

/// The report for programs, without what differs between runs: times, and the order of parallel changes.
fn settled(rehearsal: &Rehearsal) -> String {
    let mut value: Value = serde_json::from_str(&shown(rehearsal, OutputFormat::Json)).unwrap();
    for list in ["calls", "guests", "errors", "refused"] {
        let rows = value[list].as_array_mut().unwrap();
        for row in rows.iter_mut() {
            for time in ["at", "down"] {
                if row[time].is_number() {
                    row[time] = 0.into();
                }
            }
        }
        rows.sort_by_key(ToString::to_string);
    }
    value["tool"] = "Terraform".into();
    serde_json::to_string_pretty(&value).unwrap()
}

/// A changed guest that runs, a new one with a taken number, a new pool, and a pool with a taken name.
#[test]
fn what_would_happen_is_told_and_nothing_is_touched() {
    let stage = or_skip!(RehearsalStage::new("homelab.tar.zst"));
    stage.edit("virtual_machines.tf", &[("dedicated = 2048", "dedicated = 3072")]);
    stage.add(
        "resource \"proxmox_virtual_environment_vm\" \"fresh\" {\n  node_name = \"pve\"\n  vm_id     = 104\n  name      = \"fresh\"\n  started   = false\n}\n\
         resource \"proxmox_virtual_environment_pool\" \"lab\" {\n  pool_id = \"lab\"\n}\n\
         resource \"proxmox_virtual_environment_pool\" \"taken\" {\n  pool_id = \"media\"\n}\n\
         resource \"proxmox_virtual_environment_user\" \"guest\" {\n  user_id  = \"guest@pve\"\n  password = \"CANARY-of-a-secret\"\n}\n",
    );
    let rehearsal = stage.run().unwrap();
    let page = shown(&rehearsal, OutputFormat::Table);
    assert_eq!((rehearsal.reached, rehearsal.fault_kind()), (Reached::Failed, Some(FaultKind::Failed)), "{page}");
    let address = "proxmox_virtual_environment_vm.fw_home_arpa";
    assert_eq!(change(&rehearsal, "qemu/101"), Some((ChangeKind::Changed, Some(address))), "{page}");
    let lab = Some("proxmox_virtual_environment_pool.lab");
    assert_eq!(change(&rehearsal, "pool/lab"), Some((ChangeKind::Created, lab)), "{page}");
    assert_eq!(change(&rehearsal, "qemu/104"), None, "{page}");
    let way: Vec<(&str, GuestAction)> = rehearsal
        .guests
        .iter()
        .map(|event| (event.identity.as_str(), event.what))
        .filter(|(id, _)| *id == "qemu/101")
        .collect();
    assert_eq!(way, [("qemu/101", GuestAction::Stop), ("qemu/101", GuestAction::Start)], "{page}");
    assert_eq!(rehearsal.totals.restarted, 1);
    assert_eq!(
        traps(&rehearsal),
        [("vmid-taken", vec!["proxmox_virtual_environment_vm.fresh"]), ("power-cut", vec![address])],
        "{page}"
    );
    let why: Vec<&str> = rehearsal.refused.iter().map(|refused| refused.why.as_str()).collect();
    assert!(why.contains(&"create pool failed: pool 'media' already exists"), "{page}");
    let json = settled(&rehearsal);
    assert!(!json.contains("CANARY") && !page.contains("CANARY"), "a secret was printed");
    support::snapshot("rehearse_json", &json);
}

/// A running guest with pending values is restarted for another change, and they take effect with it. An empty address
/// of the user is no change.
#[test]
fn what_waited_comes_with_a_restart() {
    let stage = or_skip!(RehearsalStage::new("homelab.tar.zst"));
    stage.edit(
        "virtual_machines.tf",
        &[(
            "  startup {\n    order = 3\n  }\n\n  operating_system {\n    type = \"l26\"",
            "  startup {\n    order = 3\n  }\n\n  operating_system {\n    type = \"other\"",
        )],
    );
    let rehearsal = stage.run().unwrap();
    let page = shown(&rehearsal, OutputFormat::Table);
    assert_eq!((rehearsal.reached, rehearsal.totals.restarted), (Reached::Applied, 1), "{page}");
    let [guest] = &rehearsal.in_force[..] else { panic!("{page}") };
    assert_eq!(guest.address.as_deref(), Some("proxmox_virtual_environment_vm.docker01"));
    for line in ["memory: 6144 -> 8192", "cores: 4 -> 6", "vga: serial0 -> -"] {
        assert!(page.contains(&format!("qemu/110 (docker01): {line}")), "{line}: {page}");
    }
    assert!(!page.contains("ostype: l26 -> other\nqemu"), "{page}");
}

/// With a token, a part of a refused change may stay, and is reported.
#[test]
fn a_part_of_a_refused_change_may_stay() {
    let stage = or_skip!(RehearsalStage::new("homelab.tar.zst"));
    let usb = "  name          = \"docker01\"\n  usb {\n    host = \"1234:5678\"\n  }\n";
    let edits = [
        ("  name          = \"docker01\"\n", usb),
        (
            "dedicated = 8192\n  }\n\n  disk {\n    interface    = \"scsi0\"",
            "dedicated = 9216\n  }\n\n  disk {\n    interface    = \"scsi0\"",
        ),
    ];
    stage.edit("virtual_machines.tf", &edits);
    let rehearsal = stage.run().unwrap();
    let page = shown(&rehearsal, OutputFormat::Table);
    assert_eq!(rehearsal.reached, Reached::Failed, "{page}");
    let address = "proxmox_virtual_environment_vm.docker01";
    assert_eq!(change(&rehearsal, "qemu/110"), Some((ChangeKind::Changed, Some(address))), "{page}");
    assert_eq!(traps(&rehearsal), [("root-only", vec![address]), ("refused-in-part", vec![address])], "{page}");
    assert!(page.contains("memory: 8192 -> 9216"), "{page}");
}

/// With a state: a guest that was removed from the code, a protected one, and an object that is replaced.
#[test]
fn what_would_be_lost_is_told() {
    let stage = or_skip!(RehearsalStage::new("homelab.tar.zst"));
    applied(stage.path(), Arc::clone(&stage.job.recording));
    take_out(&stage.path().join("terraform"), "docker01");
    stage.edit("containers.tf", &[("unprivileged  = true", "unprivileged  = false")]);
    let rehearsal = stage.run().unwrap();
    let page = shown(&rehearsal, OutputFormat::Table);
    assert_eq!(rehearsal.fault_kind(), Some(FaultKind::Differences), "{page}");
    assert!(matches!(rehearsal.state, StateUsed::Copy { objects: 70, .. }), "{:?}", rehearsal.state);
    let docker = "proxmox_virtual_environment_vm.docker01";
    assert_eq!(change(&rehearsal, "qemu/110"), Some((ChangeKind::Destroyed, Some(docker))), "{page}");
    let way: Vec<GuestAction> =
        rehearsal.guests.iter().filter(|event| event.identity.as_str() == "qemu/110").map(|event| event.what).collect();
    assert_eq!(way, [GuestAction::Shutdown, GuestAction::Destroy], "{page}");
    let pihole = "proxmox_virtual_environment_container.pihole";
    let protected: Vec<&str> = rehearsal.protected.iter().map(|protected| protected.address.as_str()).collect();
    assert_eq!(protected, [pihole], "what left the code is not protected any more: {page}");
    let found = traps(&rehearsal);
    for expected in [("purged", vec![docker]), ("guest-replaced", vec![pihole]), ("no-time-limit", vec![pihole])] {
        assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
    }
    assert!(page.starts_with("Terraform would REFUSE to start: 1 object is protected."), "{page}");
}

/// Removes every block that is, imports or names the guest with this label.
fn take_out(folder: &Path, label: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "tf") {
            continue;
        }
        let body: hcl_edit::structure::Body = fs::read_to_string(&path).unwrap().parse().unwrap();
        let about = |block: &hcl_edit::structure::Block| {
            let text = block.body.to_string();
            let named = block.labels.iter().any(|name| name.as_str() == label);
            let imports = block.ident.as_str() == "import" && text.contains(&format!("{label}\n"));
            named || imports || text.contains(&format!(".{label}."))
        };
        let kept: Vec<_> = body.into_iter().filter(|structure| !structure.as_block().is_some_and(about)).collect();
        let mut body = hcl_edit::structure::Body::new();
        for structure in kept {
            body.push(structure);
        }
        fs::write(&path, body.to_string()).unwrap();
    }
}

/// A workspace without applied imports has nothing to destroy; with applied ones, it has.
#[test]
fn a_destroy_is_rehearsed_from_the_imports_on() {
    let mut stage = or_skip!(RehearsalStage::new("pve-9.1.tar.zst"));
    let group = "import {\n  to = proxmox_virtual_environment_group.ops\n  id = \"ops\"\n}\n\
                 resource \"proxmox_virtual_environment_group\" \"ops\" {\n  group_id = \"ops\"\n}\n";
    stage.only_pools(&(include_str!("terraform/pools.tf").to_owned() + group));
    stage.job.destroy = true;
    let rehearsal = stage.run().unwrap();
    let page = shown(&rehearsal, OutputFormat::Table);
    assert_eq!((rehearsal.reached, rehearsal.fault_kind()), (Reached::Failed, Some(FaultKind::Differences)), "{page}");
    let ops = Some("proxmox_virtual_environment_group.ops");
    assert_eq!(change(&rehearsal, "group/ops"), Some((ChangeKind::Destroyed, ops)), "{page}");
    let with_it = "acl/pool/prod?ops?PVEVMAdmin";
    assert!(change(&rehearsal, with_it).is_some(), "what goes with a group is reported as well: {page}");
    assert_eq!(change(&rehearsal, "pool/dev"), None, "{page}");
    assert_eq!(traps(&rehearsal), [("pool-not-empty", vec!["pool/dev", "pool/prod"])], "{page}");
    // What cannot be imported cannot be destroyed either.
    stage.only_pools(&include_str!("terraform/pools.tf").replace("id = \"dev\"", "id = \"gone\""));
    let rehearsal = stage.run().unwrap();
    assert_eq!((rehearsal.reached, rehearsal.fault_kind()), (Reached::NoPlan, Some(FaultKind::Failed)));
    assert_eq!(rehearsal.errors[0].summary, "Cannot import non-existent remote object");
}

/// A rehearsal refuses code that would act outside of the twin. A backend that was never set up does not stop it.
#[test]
fn nothing_is_really_done() {
    let stage = or_skip!(RehearsalStage::new("pve-9.1.tar.zst"));
    let canary = tempfile::tempdir().unwrap();
    let canary = canary.path().join("really-done");
    stage.add(&format!(
        "resource \"terraform_data\" \"x\" {{\n  provisioner \"local-exec\" {{\n    command = \"touch {}\"\n  }}\n}}\n",
        canary.display()
    ));
    let error = stage.run().unwrap_err();
    assert!(matches!(&error, RehearseError::Outside { what } if what.len() == 1), "{error}");
    assert!(error.to_string().contains("terraform_data.x starts programs"), "{error}");
    assert!(!canary.exists() && !error.hints().is_empty());
    stage.add("terraform {\n  backend \"http\" {\n    address = \"http://127.0.0.1:9/\"\n  }\n}\n");
    let rehearsal = stage.run().unwrap();
    let expected = "Backend initialization required, please run \"terraform init\"";
    assert!(matches!(&rehearsal.state, StateUsed::Unreachable { why } if why == expected), "{:?}", rehearsal.state);
    assert_eq!((rehearsal.reached, rehearsal.fault_kind()), (Reached::Nothing, None));
    support::snapshot("rehearse_nothing", &shown(&rehearsal, OutputFormat::Table));
}

/// A token without the privilege is refused as the cluster would refuse it.
#[test]
fn a_token_may_do_what_the_cluster_lets_it() {
    let mut stage = or_skip!(RehearsalStage::new("pve-9.1.tar.zst"));
    stage.only_pools(&include_str!("terraform/pools.tf").replace("Production workloads", "Something else"));
    assert_eq!(stage.run().unwrap().reached, Reached::Applied);
    stage.job.login = "terraform@pve!ro".to_owned();
    let rehearsal = stage.run().unwrap();
    let page = shown(&rehearsal, OutputFormat::Table);
    assert_eq!(rehearsal.fault_kind(), Some(FaultKind::Failed), "{page}");
    assert!(page.contains("Permission check failed"), "{page}");
}

/// Playbooks run after Terraform, on the same twin; their changes and failures are reported.
#[test]
fn playbooks_are_rehearsed_too() {
    let programs = support::variable("PROXMOX_MPC_ANSIBLE").map(PathBuf::from);
    let why = "PROXMOX_MPC_ANSIBLE names no folder with Ansible; scripts/test makes one";
    let programs = or_skip!(programs.ok_or_else(|| Missing::new(Tool::Ansible, why)));
    let mut stage = or_skip!(RehearsalStage::new("pve-9.1.tar.zst"));
    let play = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    \
                - name: \"An option\"\n      proxmox_object: {path: nodes/pve2/lxc/201/config, values: {description: new}}\n    \
                - name: \"Nothing there\"\n      proxmox_object: {path: nodes/pve1/qemu/999/config, values: {description: new}}\n\
                - hosts: elsewhere.example\n  tasks:\n    - command: \"false\"\n";
    fs::write(stage.path().join("ansible/playbooks/site.yml"), play).unwrap();
    stage.job.ansible = Some(programs.join("ansible-playbook"));
    let rehearsal = stage.run().unwrap();
    let page = shown(&rehearsal, OutputFormat::Table);
    let played = rehearsal.playbooks.as_ref().unwrap();
    assert_eq!(played.failed.len(), 1, "{page}");
    assert_eq!((played.failed[0].task.as_str(), rehearsal.fault_kind()), ("Nothing there", Some(FaultKind::Failed)));
    let missing = RehearsalJob { ansible: Some("/nonexistent/ansible-playbook".into()), ..stage.job.clone() };
    let error = rehearse(&missing, &support::context()).unwrap_err();
    assert_eq!(error.to_string(), "`/nonexistent/ansible-playbook` is not installed here");
}
