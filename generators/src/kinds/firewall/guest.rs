//! Firewall options of guests as `proxmox_virtual_environment_firewall_options`.

use super::super::{Destination, Namespace, Translation, guard};
use super::{LEVELS, POLICIES, import_id, role, scope, switch, word};
use crate::draft::Obstacle;
use crate::row::Row;

/// Translation of the guests' firewall options.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "guest_firewall",
    file: "guest_firewalls.tf",
    word: "firewall",
    data: false,
    namespace: Namespace::Own("guest_firewall"),
    destination: |object, _| match import_id(object) {
        Some(id) => Ok(Destination::Resource("proxmox_virtual_environment_firewall_options", id)),
        None => Err(Obstacle::new("the object does not belong to a guest")),
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&[], scope),
        Row::custom(&["enable"], |draft| switch(draft, "enable", "enabled", false)),
        Row::custom(&["dhcp"], |draft| switch(draft, "dhcp", "dhcp", false)),
        // The only attribute without a default.
        Row::custom(&["ipfilter"], |draft| guard::switch(draft, "ipfilter", "ipfilter")),
        Row::custom(&["macfilter"], |draft| switch(draft, "macfilter", "macfilter", true)),
        Row::custom(&["ndp"], |draft| switch(draft, "ndp", "ndp", true)),
        Row::custom(&["radv"], |draft| switch(draft, "radv", "radv", false)),
        Row::custom(&["policy_in"], |draft| word(draft, "policy_in", "input_policy", POLICIES, "DROP")),
        Row::custom(&["policy_out"], |draft| word(draft, "policy_out", "output_policy", POLICIES, "ACCEPT")),
        Row::custom(&["log_level_in"], |draft| word(draft, "log_level_in", "log_level_in", LEVELS, "nolog")),
        Row::custom(&["log_level_out"], |draft| word(draft, "log_level_out", "log_level_out", LEVELS, "nolog")),
        Row::volatile(&["digest"]),
    ],
    role: Some(role),
};
