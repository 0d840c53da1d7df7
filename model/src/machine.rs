//! Machine types of QEMU, and the QEMU that Proxmox VE 9.1 comes with.

use crate::property::Properties;

/// The version of QEMU (recorded).
pub const QEMU: &str = "10.1.2";
/// The newest machine types of that version.
const LATEST: &str = "10.1";

/// Reports whether a guest of this `ostype` is Windows (`windows_version` of `qemu-server`).
pub fn is_windows(ostype: &str) -> bool {
    matches!(ostype, "wxp" | "w2k" | "w2k3" | "w2k8" | "wvista") || {
        let version = ostype.strip_prefix("win").unwrap_or_default();
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// The machine type that runs with this configured one: `pc-i440fx-10.1` where none is configured.
pub fn running(machine: Option<&str>) -> String {
    let properties = machine.map(Properties::parse);
    let kind = properties.as_ref().and_then(|properties| properties.get_or_bare("type"));
    versioned(kind.unwrap_or("pc"))
}

/// A machine type with a version, where the configuration names one without; Windows gets one when it is created, since
/// another version is other hardware to it (`check_and_pin_machine_string`). `None` where the text stays as it is.
pub fn pinned(machine: Option<&str>, ostype: &str) -> Option<String> {
    let properties = Properties::parse(machine.unwrap_or_default());
    let kind = properties.get_or_bare("type").unwrap_or("pc");
    if !is_windows(ostype) || !matches!(kind, "pc" | "q35" | "virt") {
        return None;
    }
    let mut rest: Vec<String> = properties
        .iter()
        .filter_map(|(key, value)| Some((key.filter(|key| *key != "type")?, value)))
        .map(|(key, value)| format!(",{key}={value}"))
        .collect();
    rest.sort();
    Some(format!("{}{}", versioned(kind), rest.concat()))
}

fn versioned(kind: &str) -> String {
    match kind {
        "pc" => format!("pc-i440fx-{LATEST}"),
        "q35" => format!("pc-q35-{LATEST}"),
        "virt" => format!("virt-{LATEST}"),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_is_pinned_and_others_are_not() {
        let check = |machine: Option<&str>, ostype: &str, expected: Option<&str>| {
            assert_eq!(pinned(machine, ostype).as_deref(), expected, "{machine:?} {ostype}");
        };
        check(None, "win11", Some("pc-i440fx-10.1"));
        check(Some("q35,viommu=intel"), "w2k8", Some("pc-q35-10.1,viommu=intel"));
        check(Some("type=pc"), "wxp", Some("pc-i440fx-10.1"));
        check(Some("pc-q35-8.1"), "win10", None);
        check(None, "l26", None);
        check(None, "windows", None);
        assert_eq!(running(Some("q35")), "pc-q35-10.1");
        assert_eq!(running(Some("pc-i440fx-9.0")), "pc-i440fx-9.0");
        assert_eq!(running(None), "pc-i440fx-10.1");
    }
}
