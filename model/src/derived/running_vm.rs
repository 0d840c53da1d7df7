//! Status of a running virtual machine (`vmstatus` of `qemu-server`). The twin's machines are not measured: they are
//! idle, and use half of their memory.

use serde_json::{Value, json};

use super::deriver::Row;
use crate::machine;
use crate::object::text;

/// Measurements of a running guest, which are zero in the twin.
const MEASURED: [&str; 6] = [
    "pressurecpufull",
    "pressurecpusome",
    "pressureiofull",
    "pressureiosome",
    "pressurememoryfull",
    "pressurememorysome",
];
/// Bytes of a virtual machine's memory that its guest does not see: firmware and kernel keep them (recorded).
const KEPT: u64 = 90_000_000;

/// Adds the keys that every list has of a running virtual machine.
pub(super) fn listed(status: &mut Row) {
    let vmid = status.get("vmid").and_then(Value::as_u64).unwrap_or_default();
    status.entry("pid").or_insert_with(|| json!(vmid));
    for key in MEASURED {
        status.entry(key).or_insert_with(|| json!(0));
    }
}

/// Adds the keys that QEMU itself reports, which only the single answer has.
pub(super) fn asked(status: &mut Row, configuration: &Row) {
    let memory = status.get("maxmem").and_then(Value::as_u64).unwrap_or_default();
    let (total, free) = (memory.saturating_sub(KEPT), memory / 2);
    let mut set = |key: &str, value: Value| drop(status.insert(key.to_owned(), value));
    set("balloon", json!(memory));
    set("freemem", json!(free));
    set("mem", json!(total.saturating_sub(free)));
    set(
        "ballooninfo",
        json!({
            "actual": memory, "max_mem": memory, "total_mem": total, "free_mem": free, "last_update": 1,
            "major_page_faults": 0, "minor_page_faults": 0, "mem_swapped_in": 0, "mem_swapped_out": 0,
        }),
    );
    set("diskread", json!(0));
    set("diskwrite", json!(0));
    set(
        "proxmox-support",
        json!({
            "backup-fleecing": true, "backup-max-workers": true, "pbs-dirty-bitmap": true,
            "pbs-dirty-bitmap-migration": true, "pbs-dirty-bitmap-savevm": true, "pbs-library-version": "1.5.1",
            "pbs-masterkey": true, "query-bitmap-info": true,
        }),
    );
    let configured = configuration.get("machine").and_then(text);
    set("running-machine", json!(machine::running(configured.as_deref())));
    set("running-qemu", json!(machine::QEMU));
}
