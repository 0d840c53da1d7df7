//! Containers: `proxmox_virtual_environment_container`.

use super::Effect::{Error, Live, Nothing, Pending, Reboot, Replace, Start, Stop};
use super::Evidence::{Planned, Rehearsed, Source};
use super::{Row, When, row};

/// The rows, the first that matches counts.
pub(super) const ROWS: &[Row] = &[
    row(
        &[
            "vm_id",
            "node_name",
            "clone.*",
            "disk.datastore_id",
            "initialization.user_account.*",
            "mount_point.volume",
            "mount_point.size",
            "operating_system.template_file_id",
            "pool_id",
            "template",
            "unprivileged",
        ],
        When::Always,
        Replace,
        "",
        Planned,
    ),
    row(&["mount_point", "operating_system", "disk", "initialization"], When::AddedOrRemoved, Replace, "", Planned),
    row(&["mount_point.*"], When::Always, Reboot, "every mount point is sent again", Planned),
    row(&["operating_system.*"], When::Always, Reboot, "", Planned),
    row(&["disk.size"], When::Shrinks, Error, "a disk does not shrink", Rehearsed),
    row(&["disk.size"], When::Always, Live, "", Rehearsed),
    row(&["disk.mount_options"], When::Always, Reboot, "", Source),
    row(&["disk.*"], When::Always, Pending, "", Source),
    row(&["memory.*"], When::Always, Reboot, "", Rehearsed),
    row(&["cpu.cores", "cpu.limit", "cpu.units"], When::Always, Live, "", Source),
    row(&["cpu.*", "features.*"], When::Always, Pending, "", Source),
    row(
        &[
            "network_interface.*",
            "initialization.*",
            "environment_variables.*",
            "console.*",
            "device_passthrough.*",
            "idmap.*",
            "entrypoint",
        ],
        When::Always,
        Reboot,
        "",
        Rehearsed,
    ),
    row(
        &["description", "tags", "start_on_boot", "startup.*", "protection", "hook_script_file_id"],
        When::Always,
        Live,
        "",
        Rehearsed,
    ),
    row(&["started"], When::Becomes("false"), Stop, "", Planned),
    row(&["started"], When::Always, Start, "", Planned),
    row(
        &["timeout_clone", "timeout_create", "timeout_delete", "timeout_start", "timeout_update", "wait_for_ip.*"],
        When::Always,
        Nothing,
        "",
        Planned,
    ),
];
