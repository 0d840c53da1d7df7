//! Answers of the agent inside a guest, and whether they are worth waiting for.

use std::net::IpAddr;

use proxmox_mpc_model::{Answer, ApiPath};

use crate::call::Refusal;

/// The guest that the request asks about from inside: an agent call of a virtual machine, the interfaces of a
/// container.
pub(super) fn asked_guest(path: &ApiPath) -> Option<String> {
    let segments = path.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["nodes", _, "qemu", vmid, "agent", _] | ["nodes", _, "lxc", vmid, "interfaces"] => Some(vmid.to_owned()),
        _ => None,
    }
}

/// Reports whether the answer has an address that a client would stop waiting for: neither loopback nor link-local.
pub(super) fn is_usable(answer: &Answer) -> bool {
    let Some(data) = answer.data() else { return false };
    let interfaces = data.get("result").unwrap_or(data).as_array();
    let addresses = interfaces.into_iter().flatten().filter_map(|interface| interface.get("ip-addresses")?.as_array());
    addresses.flatten().filter_map(|address| address.get("ip-address")?.as_str()).any(is_global_unicast)
}

/// Go's `IsGlobalUnicast`, which is what the provider waits for.
fn is_global_unicast(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(address)) => {
            !(address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast())
        }
        Ok(IpAddr::V6(address)) => {
            !(address.is_loopback()
                || address.is_unicast_link_local()
                || address.is_unspecified()
                || address.is_multicast())
        }
        Err(_) => false,
    }
}

/// Proxmox's refusal to a login without the privilege.
pub(super) fn refusal(vmid: &str) -> Answer {
    Refusal::permission(&format!("/vms/{vmid}"), "VM.GuestAgent.Audit").into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_address_is_usable_where_the_provider_stops_waiting() {
        let check = |data: Value, expected: bool| assert_eq!(is_usable(&Answer::ok(data.clone())), expected, "{data}");
        let interface = |address: &str| json!([{"name": "x", "ip-addresses": [{"ip-address": address}]}]);
        check(json!({ "result": interface("192.168.1.100") }), true);
        check(interface("2001:db8::1"), true);
        check(interface("127.0.0.1"), false);
        check(interface("::1"), false);
        check(interface("fe80::1"), false);
        check(interface("169.254.3.4"), false);
        check(interface("soon"), false);
        check(json!([{"name": "eth0", "inet": "192.168.1.5/24"}]), false);
        check(json!(null), false);
        check(json!({"result": {}}), false);
    }

    #[test]
    fn agent_calls_are_known() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(asked_guest(&ApiPath::parse(path)).as_deref(), expected, "{path}");
        };
        check("nodes/pve/qemu/100/agent/network-get-interfaces", Some("100"));
        check("nodes/pve/lxc/200/interfaces", Some("200"));
        check("nodes/pve/qemu/100/config", None);
    }
}
