//! Network devices of a virtual machine.

use std::collections::BTreeMap;

use crate::bpg;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowError, RowResult};
use crate::hcl::{self, Block, Value};
use crate::kinds::guest::single_vlans;
use crate::kinds::references;

/// Writes all devices or none. The attribute is computed, so omitting it shows no difference, unless an index is missing
/// (docs/provider.md, T7).
pub(super) fn network_devices(draft: &mut Draft<'_>) -> RowResult {
    let cards = draft.family("net");
    let Some(last) = cards.keys().next_back().copied() else { return Ok(()) };
    let mut blocks = Vec::new();
    let mut refused = None;
    for (index, text) in &cards {
        match card(draft, *index, text)? {
            Ok(block) => blocks.push(block),
            Err(reason) => refused = refused.or(Some(reason)),
        }
    }
    let gap = usize::try_from(last).unwrap_or(usize::MAX) + 1 != cards.len();
    if gap {
        draft.ignore(
            &["network_device", "ipv4_addresses", "ipv6_addresses", "network_interface_names"],
            "a card is missing between others, which the provider cannot say; Terraform's warning that this is \
             redundant is wrong (without the last three the plan shows a change)",
        );
    }
    let reason = if gap { Some("a card is missing between others (provider rule T7)".to_owned()) } else { refused };
    if let Some(reason) = reason {
        for index in cards.keys() {
            draft.not_in_provider(&format!("net{index}"), format!("{reason}; left out, the cards stay as they are"));
        }
        return Ok(());
    }
    for block in blocks {
        draft.add_block(block);
    }
    Ok(())
}

/// Block of a device, or the reason if the provider does not know its model, or takes an option for the model.
fn card(draft: &mut Draft<'_>, index: u32, text: &str) -> Result<Result<Block, String>, RowError> {
    let key = format!("net{index}");
    if text.contains(['"', '\\']) {
        return Err(
            Obstacle::new(format!("the provider cannot read `{key}`: there is a quote or a backslash in it")).into()
        );
    }
    let mut options = PropertyOptions::new(&key, text);
    let (rate, numbers) = (rate(&mut options, &key)?, numbers(&mut options, &key)?);
    let trunks = options.take("trunks");
    if let Some(range) =
        trunks.as_deref().and_then(|trunks| trunks.split(';').find(|trunk| trunk.parse::<i64>().is_err()))
    {
        let reason =
            format!("the provider's Read fails on the range `{range}` in the trunks of {key} (provider rule T9)");
        let remedy = single_vlans(draft, &key, text, trunks.as_deref().unwrap_or_default());
        return Err(Obstacle::new(reason).remedy(remedy).into());
    }
    let (bridge, firewall, link_down) = (options.take("bridge"), options.flag("firewall"), options.flag("link_down"));
    // A model without an address (`virtio`) is not understood; a running Proxmox always writes one.
    options.first();
    let (mut model, mut mac) = (options.take("model"), options.take("macaddr"));
    let unknown = options.names();
    if let Some(option) = unknown.iter().find(|name| !bpg::NETWORK_MODELS.contains(&name.as_str()))
        && unknown.len() > usize::from(model.is_none())
    {
        return Ok(Err(format!("the provider takes the option `{option}` of {key} for its model (provider rule T8)")));
    }
    if let Some(name) = unknown.last() {
        // In `virtio=BC:24:…` the provider takes any unknown name for the model.
        mac = options.take(name);
        model = Some(name.clone());
    }
    draft.explain_remaining(&options, &[]);
    let model = model.unwrap_or_default();
    let queues = numbers.get("queues").is_none_or(|queues| (0..=64).contains(queues));
    if !bpg::NETWORK_MODELS.contains(&model.as_str()) || !mac.as_deref().is_none_or(bpg::mac) || !queues {
        return Ok(Err("the provider does not know the model of one of the cards (provider rule T8)".to_owned()));
    }
    let mut block = Block::new("network_device");
    let bridge = bridge.unwrap_or_default();
    block.set("bridge", references::bridge(draft, &bridge));
    if bridge.is_empty() {
        block.comment("It is on no bridge in Proxmox: the guest is behind QEMU's own address translation.");
    }
    block.set_some("model", (model != "virtio").then_some(model));
    block.set_some("mac_address", mac);
    block.set_some("vlan_id", numbers.get("tag").copied().filter(|tag| *tag != 0));
    block.set_some("trunks", trunks);
    block.set_some("firewall", firewall.filter(|on| *on));
    block.set_some("disconnected", link_down.filter(|on| *on));
    block.set_some("mtu", numbers.get("mtu").copied().filter(|mtu| *mtu != 0));
    block.set_some("queues", numbers.get("queues").copied().filter(|queues| *queues != 0));
    block.set_some("rate_limit", rate);
    Ok(Ok(block))
}

fn numbers(options: &mut PropertyOptions, key: &str) -> Result<BTreeMap<&'static str, i64>, RowError> {
    let mut numbers = BTreeMap::new();
    for option in ["queues", "mtu", "tag"] {
        let Some(text) = options.take(option) else { continue };
        let number =
            text.parse().map_err(|_| Obstacle::new(format!("the provider cannot read `{option}={text}` of {key}")))?;
        numbers.insert(option, number);
    }
    Ok(numbers)
}

/// Rate limit in MB/s.
fn rate(options: &mut PropertyOptions, key: &str) -> Result<Option<Value>, RowError> {
    let Some(text) = options.take("rate") else { return Ok(None) };
    let value =
        hcl::number(&text).ok_or_else(|| Obstacle::new(format!("the provider cannot read `rate={text}` of {key}")))?;
    Ok(Some(value).filter(|value| *value != Value::Integer(0)))
}
