//! Derived answers about the interfaces of a node: lists of one type, those with the networks of the SDN, and the
//! loopback device.

use serde_json::{Value, json};

use super::deriver::{Derivation, Deriver, Row};
use super::sdn;
use crate::list;
use crate::object::text;
use crate::{Answer, Answers, ApiPath, Unreadable};

/// The answer that the list of a node's interfaces holds.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    match (segments, query) {
        (["nodes", node, "network"], [(key, wanted)]) if key == "type" => of_type(deriver, node, wanted),
        (["nodes", node, "network", "lo"], []) => loopback(deriver, node),
        _ => Ok(None),
    }
}

/// A list of one type. Pending changes, which are beside the rows, stay there.
fn of_type<A: Answers>(deriver: &Deriver<A>, node: &str, wanted: &str) -> Derivation {
    let Some(mut answer) = deriver.answers.get(&ApiPath::new(["nodes", node, "network"]))? else { return Ok(None) };
    let Some(mut rows) = answer.data().and_then(Value::as_array).cloned() else { return Ok(None) };
    let kind = |row: &Value| row.get("type").and_then(text).unwrap_or_default();
    rows.retain(|row| match wanted {
        "include_sdn" => true,
        "any_bridge" | "any_local_bridge" => matches!(kind(row).as_str(), "bridge" | "OVSBridge"),
        _ => kind(row) == wanted,
    });
    if matches!(wanted, "any_bridge" | "include_sdn" | "vnet") {
        let Some(networks) = networks(deriver, node)? else { return Ok(None) };
        rows.extend(networks);
    }
    // No recording has what a fabric does to the interfaces of a node.
    if matches!(wanted, "include_sdn" | "fabric") && sdn::has_fabrics(deriver)? {
        return Ok(None);
    }
    answer.body["data"] = rows.into();
    Ok(Some(answer))
}

/// The virtual networks that run on a node (`PVE::Network::SDN::get_local_vnets`).
fn networks<A: Answers>(deriver: &Deriver<A>, node: &str) -> Result<Option<Vec<Value>>, Unreadable> {
    let (Some(zones), Some(vnets)) = (sdn::running(deriver, "zones")?, sdn::running(deriver, "vnets")?) else {
        return Ok(None);
    };
    let word = |row: &Row, key: &str| row.get(key).and_then(text).unwrap_or_default();
    let here = vnets.iter().filter_map(|vnet| {
        let zone = zones.iter().find(|zone| word(zone, "zone") == word(vnet, "zone"))?;
        let nodes = word(zone, "nodes");
        (nodes.is_empty() || list::items(&nodes).any(|allowed| allowed == node)).then_some((vnet, zone))
    });
    let rows = here.map(|(vnet, zone)| {
        json!({
            "iface": vnet.get("vnet"), "type": "vnet", "active": "1", "comments": vnet.get("alias"),
            "ipam": u8::from(zone.contains_key("ipam")), "vlanaware": u8::from(word(vnet, "vlanaware") == "1"),
        })
    });
    Ok(Some(rows.collect()))
}

/// The loopback device, which no list has. The file begins with it, or does not have it at all.
fn loopback<A: Answers>(deriver: &Deriver<A>, node: &str) -> Derivation {
    let Some(rows) = deriver.rows(&ApiPath::new(["nodes", node, "network"]), "iface")? else { return Ok(None) };
    let configured = rows.values().all(|row| row.get("priority") != Some(&json!(2)));
    Ok(Some(Answer::ok(json!({
        "active": 1, "autostart": 1, "families": ["inet"], "method": "loopback", "method6": "manual",
        "priority": if configured { 2 } else { 1 }, "type": "loopback",
    }))))
}
