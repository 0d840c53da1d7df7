//! Rows and remedies that virtual machines and containers share.

use std::net::IpAddr;

use proxmox_mpc_model::guest::Guest;
use proxmox_mpc_model::kinds::is_half_made;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::{ApiPath, Object, Unreadable, VmId, object};
use serde_json::{Map, Value as Json};

use super::{Destination, references};
use crate::ansible::Role;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowResult};
use crate::hcl::{Block, Value};

/// Role for keys of guests that the provider cannot express.
pub(super) const ROLE: Role = Role::guests("guests");

/// Destination of a guest. Both resources are imported by node and VMID: `pve1/100`. A guest whose creation has not finished
/// is not importable (docs/provider.md, C24).
pub(super) fn destination(resource: &'static str, object: &Object) -> Result<Destination, Obstacle> {
    if is_half_made(object.entry.identity.prefix(), &object.keys) {
        let why = match object.text("lock") {
            Some(lock) => format!("its creation is running or was interrupted: it has the lock `{lock}`"),
            None => "it has no root file system, and Proxmox cannot start it".to_owned(),
        };
        let remedy =
            "import again when it is finished; if nothing is creating it any more, finish or remove it in Proxmox";
        return Err(Obstacle::new(format!("{why} (provider rule C24)")).remedy(remedy));
    }
    let node = object.entry.node.as_deref().unwrap_or_default();
    Ok(Destination::Resource(resource, format!("{node}/{}", object.entry.identity.id())))
}

/// The VMID of a guest.
///
/// # Panics
/// Never for an object of a guest kind: its identity was made from a VMID.
pub(super) fn vmid(draft: &Draft<'_>) -> VmId {
    VmId::parse(draft.object.entry.identity.id()).expect("the identity of a guest ends with its VMID")
}

/// Row of the guest in the cluster's list.
pub(super) fn listed<'a>(draft: &Draft<'a>) -> Option<&'a Guest> {
    draft.cluster.guests.get(&vmid(draft))
}

/// Writes whether the guest runs. It is always written: the default would start a stopped guest, and a template without it
/// shows a change (docs/provider.md, T20).
pub(super) fn started(draft: &mut Draft<'_>) {
    let running = listed(draft).is_some_and(|guest| guest.running && !guest.template);
    draft.set("started", running);
}

/// Adds a remark about keys with pending changes: the code describes the configuration, not the running guest.
pub(super) fn pending(draft: &mut Draft<'_>) -> RowResult {
    let rows = waiting(draft)?;
    let mut keys: Vec<&str> = rows.iter().filter_map(|row| row.get("key")?.as_str()).collect();
    keys.sort_unstable();
    if !keys.is_empty() {
        draft.remark(
            format!("changes wait for its next start ({}): the code describes it with them applied", keys.join(", ")),
            Some("restart it, or revert them in Proxmox".to_owned()),
        );
    }
    Ok(())
}

/// True if a change of the key is pending until the next start.
pub(super) fn waits(draft: &Draft<'_>, key: &str) -> Result<bool, Unreadable> {
    let is_it =
        |row: &Map<String, Json>| row.contains_key("pending") && row.get("key").and_then(Json::as_str) == Some(key);
    Ok(waiting(draft)?.iter().any(is_it))
}

/// Value of a key that is in force, without its pending change.
pub(super) fn in_force(draft: &Draft<'_>, key: &str) -> Result<Option<String>, Unreadable> {
    let rows = waiting(draft)?;
    match rows.iter().find(|row| row.get("key").and_then(Json::as_str) == Some(key)) {
        Some(row) => Ok(row.get("value").and_then(object::text)),
        None => Ok(draft.object.text(key)),
    }
}

/// Changes that are pending until the next start, a row for each key.
fn waiting(draft: &Draft<'_>) -> Result<Vec<Map<String, Json>>, Unreadable> {
    let Some(guest) = listed(draft) else { return Ok(Vec::new()) };
    let path = ["nodes", &guest.node, guest.guest_type.word(), draft.object.entry.identity.id(), "pending"];
    let Some(answer) = draft.cluster.get(&ApiPath::new(path))? else { return Ok(Vec::new()) };
    let waits = |row: &&Map<String, Json>| row.contains_key("pending") || row.contains_key("delete");
    Ok(answer.list().filter(waits).cloned().collect())
}

/// Writes the notes. The provider trims what is written but not what it reads (docs/provider.md, T12 and C16), so a text with
/// blanks at an end or with CRLF always differs. Notes of containers end with one newline, which the provider adds.
pub(super) fn description(draft: &mut Draft<'_>) {
    let Some(text) = draft.text("description") else { return };
    let container = draft.kind.id == "container";
    let kept = if container { text.strip_suffix('\n') } else { Some(text.as_str()) };
    let same =
        kept.is_some_and(|kept| kept.trim() == kept && !kept.contains("\r\n") && (!container || !kept.is_empty()));
    if text.is_empty() {
        draft.set_default("description");
        return;
    }
    let trimmed = text.replace("\r\n", "\n").trim().to_owned();
    if !trimmed.is_empty() {
        draft.set("description", Value::Trimmed(trimmed));
    }
    if !same {
        draft.ignore_without_comment(&["description"]);
    }
}

/// Writes the tags, sorted. Only `;` separates them: for the provider, a comma or a blank is part of a tag (docs/provider.md,
/// T25).
pub(super) fn tags(draft: &mut Draft<'_>) {
    let Some(text) = draft.text("tags") else { return };
    let mut tags: Vec<&str> = text.split(';').map(str::trim).filter(|tag| !tag.is_empty()).collect();
    tags.sort_unstable();
    if tags.is_empty() {
        draft.set_default("tags");
    } else {
        draft.set("tags", Value::List(tags.into_iter().map(Value::from).collect()));
    }
}

/// Writes the script that Proxmox runs when the guest starts and stops.
pub(super) fn hook_script(draft: &mut Draft<'_>) {
    match draft.text("hookscript").filter(|file| !file.trim().is_empty()) {
        Some(file) => draft.set("hook_script_file_id", references::volume(draft, &file)),
        None => draft.set_default("hookscript"),
    }
}

/// Writes the start order. The block is in the state whenever the key is present; the provider does not understand a bare
/// number (docs/provider.md, T36).
pub(super) fn startup(draft: &mut Draft<'_>) -> RowResult {
    let Some(mut options) = draft.options("startup") else { return Ok(()) };
    let mut block = Block::new("startup");
    for (option, attribute) in [("order", "order"), ("up", "up_delay"), ("down", "down_delay")] {
        if options.has(option) {
            let Some(number) = options.integer(option) else {
                return Err(
                    Obstacle::new(format!("the provider cannot read startup: `{option}` is not a number")).into()
                );
            };
            if number != -1 {
                block.set(attribute, number);
            }
        }
    }
    if let Some(bare) = options.first() {
        draft.not_in_provider(
            "startup",
            format!("the provider understands `order={bare}`, not the bare number (provider rule T36)"),
        );
        let text = draft.object.text("startup").unwrap_or_default();
        let named: Vec<String> =
            text.split(',').map(|one| if one == bare { format!("order={one}") } else { one.to_owned() }).collect();
        let remedy = equivalent_command(draft, "startup", &named.join(","));
        draft.remark(
            format!(
                "its start order is written as a bare `{bare}`, which the provider does not read (provider rule T36)"
            ),
            Some(remedy),
        );
    }
    draft.explain_remaining(&options, &[]);
    if block.is_empty() {
        draft.add_commented_block(
            "Proxmox has a start order that the provider does not read, and the block all the same.",
            block,
        );
    } else {
        draft.add_block(block);
    }
    Ok(())
}

/// Block of the resolver. The provider splits the servers at every blank and accepts addresses only (docs/provider.md, C15);
/// otherwise the block is omitted and ignored.
pub(super) fn dns(draft: &mut Draft<'_>) -> Option<Block> {
    let (domain, servers) = (draft.text("searchdomain"), draft.text("nameserver"));
    if domain.is_none() && servers.is_none() {
        return None;
    }
    let servers: Option<Vec<&str>> = servers.as_deref().map(|servers| servers.split(' ').collect());
    if servers.iter().flatten().any(|server| server.parse::<IpAddr>().is_err()) {
        for key in ["nameserver", "searchdomain"] {
            draft.not_in_provider(
                key,
                "the provider takes name servers as addresses, separated by one blank (provider rule C15)",
            );
        }
        draft.ignore(&["initialization[0].dns"], "the provider refuses the name servers; left out, they stay");
        return None;
    }
    let mut block = Block::new("dns");
    block.set_some("domain", domain);
    block.set_some("servers", servers.map(|servers| Value::List(servers.into_iter().map(Value::from).collect())));
    Some(block)
}

/// Block with the addresses and gateways of a network interface; empty if there are none.
pub(super) fn ip_config(options: &mut PropertyOptions) -> Block {
    let mut block = Block::new("ip_config");
    for (family, address, gateway) in [("ipv4", "ip", "gw"), ("ipv6", "ip6", "gw6")] {
        let (address, gateway) = (options.take(address), options.take(gateway));
        if address.is_none() && gateway.is_none() {
            continue;
        }
        let mut version = Block::new(family);
        version.set_some("address", address);
        version.set_some("gateway", gateway);
        block.add_block(version);
    }
    block
}

/// True if the HA manager may move the guest. A plan with the old node would replace it (docs/provider.md, T45).
pub(super) fn managed(draft: &Draft<'_>) -> bool {
    listed(draft).is_some_and(|guest| guest.ha)
}

/// Comment after a command that writes the same value in another form.
pub(super) const SAME: &str = "  # changes nothing for the guest; then import again";

/// Command that writes the same value of a key in another form.
pub(super) fn equivalent_command(draft: &Draft<'_>, key: &str, value: &str) -> String {
    command(draft, &format!("--{key} '{value}'{SAME}"))
}

/// Rewrites options of a value. `None` keeps an option, and an empty text removes it.
pub(super) fn rewritten(text: &str, other: impl Fn(Option<&str>, &str) -> Option<String>) -> String {
    let properties = Properties::parse(text);
    let items = properties.iter().filter_map(|(name, value)| {
        let value = other(name, value).unwrap_or_else(|| value.to_owned());
        let item = name.map_or_else(|| value.clone(), |name| format!("{name}={value}"));
        (!value.is_empty()).then_some(item)
    });
    items.collect::<Vec<_>>().join(",")
}

/// Remedy for a range of VLANs, which the provider cannot read (docs/provider.md, T9 and C14): the VLANs one by one, or no
/// `trunks` at all for the full range, which means the same.
pub(super) fn single_vlans(draft: &Draft<'_>, key: &str, text: &str, trunks: &str) -> String {
    /// Maximum number of VLANs in a readable command.
    const MOST: usize = 128;
    let numbers: Option<Vec<Vec<u16>>> = trunks
        .split(';')
        .map(|part| match part.split_once('-') {
            Some((first, last)) => Some((first.parse().ok()?..=last.parse().ok()?).collect()),
            None => Some(vec![part.parse().ok()?]),
        })
        .collect();
    let numbers: Vec<u16> = numbers.into_iter().flatten().flatten().collect();
    let singles = match numbers.len() {
        0 => None,
        count if count <= MOST => Some(numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(";")),
        _ => (2..=4094).all(|vlan| numbers.contains(&vlan)).then(String::new),
    };
    let Some(singles) = singles else {
        return format!("list the VLANs of {key} that are used, one by one: trunks=2;3;4");
    };
    equivalent_command(draft, key, &rewritten(text, |name, _| (name == Some("trunks")).then(|| singles.clone())))
}

/// `qm` or `pct` command that sets options of the guest.
pub(super) fn command(draft: &Draft<'_>, arguments: &str) -> String {
    let program = if draft.kind.id == "container" { "pct" } else { "qm" };
    format!("{program} set {} {arguments}", vmid(draft))
}
