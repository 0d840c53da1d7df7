//! CPU models of one's own, which no API writes.

use super::{Half, Namespace};
use crate::draft::SetAside;

/// The generators' half of CPU models.
pub(super) static HALF: Half = Half {
    kind: "cpu_model",
    file: "",
    word: "model",
    data: false,
    namespace: Namespace::Own("cpu_model"),
    place: |_, _| {
        let reason = "Proxmox's API shows its name and cannot write it (provider rule J19)";
        Err(SetAside::new(reason).remedy("keep /etc/pve/virtual-guest/cpu-models.conf with the code, by hand"))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: None,
};
