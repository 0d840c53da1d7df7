//! Custom CPU models: the provider has no resource for them. Ansible keeps them if Proxmox's API can write them.

use super::{Destination, Namespace, Translation};
use crate::ansible::Role;
use crate::draft::Obstacle;

/// Translation of CPU models.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "cpu_model",
    file: "",
    word: "model",
    data: false,
    namespace: Namespace::Own("cpu_model"),
    destination: |object, _| {
        if object.keys.contains_key("cputype") {
            return Ok(Destination::Ansible("the provider has no resource for CPU models (provider rule J19)".into()));
        }
        let reason = "Proxmox's API shows its name and cannot write it before Proxmox VE 9.2 (provider rule J19)";
        Err(Obstacle::new(reason).remedy("keep /etc/pve/virtual-guest/cpu-models.conf with the code, by hand"))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(|_| Role::cluster("cpu_models")),
};
