//! Test cluster with a single guest, whose generated code tests can examine.

use std::collections::BTreeMap;

use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Value, json};

use crate::coverage::{Fate, ObjectCoverage, Outcome};
use crate::{Options, Previous, generate};

/// Generated code and coverage of the guest.
pub(crate) struct GeneratedGuest {
    /// The text of its file.
    pub(crate) code: String,
    /// The tasks of the guests' role.
    pub(crate) tasks: String,
    coverage: ObjectCoverage,
    remedies: Vec<String>,
}

/// Generates a virtual machine with these keys, in addition to a minimal configuration.
pub(crate) fn vm(keys: Value) -> GeneratedGuest {
    guest(
        "qemu",
        json!({"scsihw": "virtio-scsi-pci", "ostype": "l26", "name": "web", "cpu": "host"}),
        keys,
        BTreeMap::new(),
    )
}

/// Generates a container with these keys, in addition to a minimal configuration.
pub(crate) fn container(keys: Value) -> GeneratedGuest {
    let own = json!({
        "rootfs": "local-lvm:vm-100-disk-0,size=8G", "ostype": "debian", "arch": "amd64", "cores": 1, "memory": 512,
        "swap": 512, "hostname": "web", "unprivileged": 1,
    });
    guest("lxc", own, keys, BTreeMap::new())
}

/// Generates a guest from a configuration with changed keys (`null` removes one), in a cluster with additional answers.
pub(crate) fn guest(kind: &str, own: Value, keys: Value, more: BTreeMap<ApiPath, Answer>) -> GeneratedGuest {
    let mut config = own;
    let config_keys = config.as_object_mut().expect("keys are an object");
    let Value::Object(keys) = keys else { panic!("keys are an object: {keys}") };
    config_keys.extend(keys);
    config_keys.retain(|_, value| !value.is_null());
    let mut answers: BTreeMap<ApiPath, Answer> = [
        ("access/permissions".to_owned(), json!({"/": {"VM.Audit": 1, "VM.Config.Disk": 1, "Sys.Audit": 1}})),
        ("nodes".to_owned(), json!([{"node": "pve", "status": "online", "maxcpu": 8}])),
        (
            "cluster/resources".to_owned(),
            json!([{"type": kind, "vmid": 100, "node": "pve", "name": "web", "status": "stopped"}]),
        ),
        ("storage".to_owned(), json!([])),
        ("pools".to_owned(), json!([])),
        (format!("nodes/pve/{kind}/100/config"), config),
    ]
    .into_iter()
    .map(|(path, data)| (ApiPath::parse(&path), Answer::ok(data)))
    .collect();
    answers.extend(more);
    let mut generated = generate(&answers, &Options::default(), &Previous::default()).expect("answers are readable");
    let identity = Identity::new(kind, 100);
    let file = if kind == "qemu" { "terraform/virtual_machines.tf" } else { "terraform/containers.tf" };
    let remedies = generated.notices.iter().filter(|notice| notice.identity == identity);
    GeneratedGuest {
        remedies: remedies.filter_map(|notice| notice.remedy.clone()).collect(),
        code: generated.files.remove(file).unwrap_or_default(),
        tasks: generated.files.remove("ansible/roles/guests/tasks/main.yml").unwrap_or_default(),
        coverage: generated.coverage.objects.remove(&identity).expect("the guest was read"),
    }
}

impl GeneratedGuest {
    /// The lines of the code, with single blanks.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.code.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Fate of a key: `Terraform`, `not expressible: reason`; empty for an absent key.
    pub(crate) fn fate(&self, key: &str) -> String {
        match self.coverage.keys.get(key) {
            Some(Fate::Ansible(reason)) => format!("Ansible: {reason}"),
            Some(Fate::NotExpressible(reason)) => format!("not expressible: {reason}"),
            Some(fate) => fate.word().to_owned(),
            None => String::new(),
        }
    }

    /// True if the code ignores this path.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        let list = self.code.rsplit_once("ignore_changes").map_or("", |(_, list)| list);
        let inside = list.split_once('[').and_then(|(_, list)| list.split_once("]\n")).map_or("", |(list, _)| list);
        inside.split([',', '\n', ' ']).any(|one| !one.is_empty() && one == path)
    }

    /// Remedies of all remarks.
    pub(crate) fn remedies(&self) -> Vec<&str> {
        self.remedies.iter().map(String::as_str).collect()
    }

    /// Reason and remedy, if the guest is not in Terraform.
    pub(crate) fn obstacle(&self) -> Option<(&str, Option<&str>)> {
        match &self.coverage.outcome {
            Outcome::NotImportable { reason, remedy } | Outcome::Ansible { reason, remedy, .. } => {
                Some((reason, remedy.as_deref()))
            }
            _ => None,
        }
    }
}
