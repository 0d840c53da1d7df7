//! Network interfaces of a container, and the `initialization` block with their addresses.

use crate::bpg;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowError, RowResult};
use crate::hcl::{self, Block, Value};
use crate::kinds::{guest, references};

use super::volumes::decoded;

const DROPPED: &str =
    "the provider has no attribute for this option; a later change of any interface drops it (provider rule C14)";

/// Maximum number of interfaces for the provider; Proxmox allows 32.
const MOST: usize = 10;

/// Writes the interfaces in order, without gaps.
pub(super) fn interfaces(draft: &mut Draft<'_>) -> RowResult {
    let interfaces = draft.family("net");
    if interfaces.len() > MOST {
        for index in interfaces.keys() {
            draft.not_in_provider(
                &format!("net{index}"),
                format!("the provider takes {MOST} interfaces, and there are more"),
            );
        }
        draft.ignore(
            &["network_interface", "initialization"],
            format!("the provider takes {MOST} interfaces; left out, all stay"),
        );
        return Ok(());
    }
    for (index, text) in interfaces {
        let block = interface(draft, &format!("net{index}"), &text)?;
        draft.add_block(block);
    }
    Ok(())
}

fn interface(draft: &mut Draft<'_>, key: &str, text: &str) -> Result<Block, RowError> {
    let mut options = decoded(key, text)?;
    if let Some(trunks) = options.get("trunks")
        && let Some(range) = trunks.split(';').find(|trunk| !trunk.is_empty() && trunk.parse::<i64>().is_err())
    {
        let reason =
            format!("the provider's Read fails on the range `{range}` in the trunks of {key} (provider rule C14)");
        return Err(Obstacle::new(reason).remedy(guest::single_vlans(draft, key, text, trunks)).into());
    }
    let mut block = Block::new("network_interface");
    block.set("name", options.take_or_first("name").unwrap_or_default());
    let bridge = options.take("bridge").unwrap_or_default();
    block.set("bridge", references::bridge(draft, &bridge));
    if bridge.is_empty() {
        block.comment("It is on no bridge in Proxmox.");
    }
    let mac = options.take("hwaddr");
    if mac.as_deref().is_none_or(bpg::mac) {
        block.set_some("mac_address", mac);
    } else {
        draft.not_in_provider(&format!("{key}.hwaddr"), "the provider refuses the address; left out, it stays");
    }
    for (option, attribute) in [("tag", "vlan_id"), ("mtu", "mtu")] {
        let Some(text) = options.take(option) else { continue };
        let number: i64 =
            text.parse().map_err(|_| Obstacle::new(format!("the provider cannot read `{option}={text}` of {key}")))?;
        block.set_some(attribute, (number != 0).then_some(number));
    }
    if let Some(text) = options.take("rate") {
        let rate = hcl::number(&text)
            .ok_or_else(|| Obstacle::new(format!("the provider cannot read `rate={text}` of {key}")))?;
        block.set_some("rate_limit", Some(rate).filter(|rate| *rate != Value::Integer(0)));
    }
    block.set_some("firewall", options.flag("firewall").filter(|on| *on));
    block.set_some("host_managed", options.flag("host-managed").filter(|on| *on));
    if options.take("type").is_some_and(|kind| kind != "veth") {
        draft.not_in_provider(&format!("{key}.type"), DROPPED);
    }
    for option in ["ip", "gw", "ip6", "gw6"] {
        options.take(option);
    }
    draft.keep_options_in_ansible(&options, &[("link_down", DROPPED), ("trunks", DROPPED)]);
    Ok(block)
}

/// Writes the block, which is always in the state, even if it is empty (docs/provider.md, C17), with an `ip_config` for each
/// interface that has an address or a gateway, in order.
pub(super) fn initialization(draft: &mut Draft<'_>) {
    let mut block = Block::new("initialization");
    match draft.text("hostname") {
        Some(name) if bpg::hostname(&name) => block.set("hostname", name),
        Some(_) => {
            draft.not_in_provider("hostname", "the provider takes DNS names only");
            draft.ignore(&["initialization[0].hostname"], "the provider refuses the name, which is no DNS name");
        }
        None => {}
    }
    match draft.text("entrypoint") {
        Some(command) if bpg::plain_text(&command) => {
            block.set_some("entrypoint", (!command.is_empty()).then_some(command));
        }
        Some(_) => {
            draft.not_in_provider("entrypoint", "the provider refuses a character in it");
            draft.ignore(&["initialization[0].entrypoint"], "the provider refuses a character in it");
        }
        None => {}
    }
    block.add_some_block(guest::dns(draft));
    let interfaces: Vec<(u32, String)> = draft.values("net").collect();
    if interfaces.len() > MOST {
        for key in ["hostname", "nameserver", "searchdomain", "entrypoint"] {
            draft.not_in_provider(key, "it is in the same block as the addresses, which cannot be written");
        }
        return;
    }
    for (index, text) in interfaces {
        let addresses = guest::ip_config(&mut PropertyOptions::new(&format!("net{index}"), &text));
        block.add_some_block(Some(addresses).filter(|addresses| !addresses.is_empty()));
    }
    draft.add_block(block);
}
