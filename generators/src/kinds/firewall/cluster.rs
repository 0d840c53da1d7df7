//! Firewall options of the cluster as `proxmox_virtual_environment_cluster_firewall`.

use proxmox_mpc_model::Object;
use proxmox_mpc_model::property::Properties;

use super::super::{Destination, Namespace, Translation};
use super::{POLICIES, role, switch, word};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Block;
use crate::row::Row;

/// Translation of the cluster's firewall options.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "cluster_firewall",
    file: "cluster_firewall.tf",
    word: "firewall",
    data: false,
    namespace: Namespace::Own("cluster_firewall"),
    destination: |object, _| destination(object),
    name: |_| Some("cluster".to_owned()),
    rows: &[
        Row::custom(&["enable"], enabled),
        Row::custom(&["ebtables"], |draft| switch(draft, "ebtables", "ebtables", true)),
        Row::custom(&["policy_in"], |draft| word(draft, "policy_in", "input_policy", POLICIES, "DROP")),
        Row::custom(&["policy_out"], |draft| word(draft, "policy_out", "output_policy", POLICIES, "ACCEPT")),
        // Forwarded packets cannot be rejected.
        Row::custom(&["policy_forward"], |draft| {
            word(draft, "policy_forward", "forward_policy", &POLICIES[..2], "ACCEPT");
        }),
        Row::custom(&["log_ratelimit"], limit),
        Row::volatile(&["digest"]),
    ],
    role: Some(role),
};

/// Destination of the options. Any word can be the import id. If `log_ratelimit` lacks its burst or its rate, the provider crashes
/// and the plan fails; if it lacks `enable`, the provider takes it for off and Proxmox for on.
fn destination(object: &Object) -> Result<Destination, Obstacle> {
    if let Some(limit) = object.text("log_ratelimit") {
        let words = Properties::parse(&limit);
        let enable = words.get_or_bare("enable");
        let burst = words.get("burst").filter(|burst| burst.parse::<u32>().is_ok());
        let rate = words.get("rate").filter(|rate| is_rate(rate));
        if !matches!(enable, Some("0" | "1")) || burst.is_none() || rate.is_none() {
            let reason = "the provider cannot read `log_ratelimit` without all three options (provider rule F7)";
            let remedy = format!(
                "pvesh set /cluster/firewall/options --log_ratelimit enable={},burst={},rate={}",
                enable.filter(|word| *word == "0").unwrap_or("1"),
                burst.unwrap_or("5"),
                rate.unwrap_or("1/second"),
            );
            return Err(Obstacle::new(reason).remedy(remedy));
        }
    }
    Ok(Destination::Resource("proxmox_virtual_environment_cluster_firewall", "cluster-firewall".to_owned()))
}

/// True for a rate: `1/second`.
fn is_rate(rate: &str) -> bool {
    rate.split_once('/').is_some_and(|(number, unit)| {
        let counts = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0') && !number.is_empty();
        counts && ["second", "minute", "hour", "day"].contains(&unit)
    })
}

/// Writes whether the firewall is on. Proxmox takes any number but 0 for on, the provider only 1.
fn enabled(draft: &mut Draft<'_>) {
    match draft.object.text("enable").as_deref() {
        None => {}
        Some("0" | "1") => switch(draft, "enable", "enabled", false),
        Some(_) => {
            draft.keep_in_ansible("enable", "the provider takes other numbers than 1 for off (provider rule F8)");
            draft.ignore(&["enabled"], "the provider takes what is set for off; left out, it stays on");
        }
    }
}

/// Writes the rate limit of the log. Without the key the provider does not touch it.
fn limit(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.options("log_ratelimit") else { return };
    let mut block = Block::new("log_ratelimit");
    block.set("enabled", options.take_or_first("enable").as_deref() == Some("1"));
    block.set_some("burst", options.integer("burst"));
    block.set_some("rate", options.take("rate"));
    draft.explain_remaining(&options, &[]);
    draft.add_block(block);
}
