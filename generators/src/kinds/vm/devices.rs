//! Other devices of a virtual machine: guest agent, passed-through devices, ports, display, sound, watchdog, encryption.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proxmox_mpc_model::boolean;

use crate::bpg;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowResult};
use crate::hcl::Block;
use crate::kinds::guest::{equivalent_command, rewritten};
use crate::kinds::references;

/// Writes the guest agent.
pub(super) fn agent(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.options("agent") else { return };
    let enabled = options.flag_or_first("enabled") == Some(true);
    let trim = options.flag("fstrim_cloned_disks") == Some(true);
    let channel = options.take("type");
    draft.keep_options_in_ansible(
        &options,
        &[
            ("freeze-fs-on-backup", "the provider has no attribute for it (provider rule K1)"),
            ("freeze-fs", "the provider has no attribute for it (provider rule K1)"),
            ("guest-fsfreeze", "the provider has no attribute for it (provider rule K1)"),
        ],
    );
    let isa = channel.as_deref() == Some("isa");
    if channel.as_deref().is_some_and(|channel| channel != "virtio" && channel != "isa") {
        draft.not_in_provider("agent.type", "the provider does not know this channel");
        draft.ignore(&["agent"], "the provider does not know the channel of the agent");
        return;
    }
    if !enabled && !trim && !isa {
        draft.set_default("agent");
        return;
    }
    let mut block = Block::new("agent");
    block.set("enabled", enabled);
    block.set_some("trim", trim.then_some(true));
    block.set_some("type", isa.then_some("isa"));
    draft.add_block(block);
}

/// Writes passed-through PCI devices. `rombar` is explicit: the schema has no default, and the provider reads true
/// (docs/provider.md, T34).
pub(super) fn hostpci(draft: &mut Draft<'_>) {
    const DROPPED: &str = "the provider has no attribute for this option; a later change of any passed-through device drops it (provider rule T34)";
    for (index, text) in draft.family("hostpci") {
        let mut options = PropertyOptions::new(&format!("hostpci{index}"), &text);
        let id = options.take_or_first("host");
        let mapping = options.take("mapping");
        if id.is_none() && mapping.is_none() {
            draft.not_in_provider(&format!("hostpci{index}"), "the provider reads devices by id or mapping only");
            continue;
        }
        let mut block = Block::new("hostpci");
        block.set("device", options.key().to_owned());
        block.set_some("id", id);
        block.set_some("mapping", mapping.map(|id| references::mapping(draft, "pci", &id)));
        block.set_some("mdev", options.take("mdev"));
        block.set_some("pcie", options.flag("pcie").filter(|on| *on));
        block.set("rombar", options.flag("rombar").unwrap_or(true));
        block.set_some("rom_file", options.take("romfile"));
        block.set_some("xvga", options.flag("x-vga").filter(|on| *on));
        let lost = ["driver", "legacy-igd", "vendor-id", "device-id", "sub-vendor-id", "sub-device-id"]
            .map(|option| (option, DROPPED));
        draft.keep_options_in_ansible(&options, &lost);
        draft.add_block(block);
    }
}

/// Writes passed-through USB devices. The provider reads the first four only (docs/provider.md, T35).
pub(super) fn usb(draft: &mut Draft<'_>) {
    for (index, text) in draft.family("usb") {
        let key = format!("usb{index}");
        let mut options = PropertyOptions::new(&key, &text);
        let (host, mapping) = (options.take_or_first("host"), options.take("mapping"));
        if index > 3 || (host.is_none() && mapping.is_none()) {
            draft.not_in_provider(&key, "the provider reads usb0 to usb3 only (provider rule V1)");
            continue;
        }
        let mut block = Block::new("usb");
        block.set_some("host", host);
        block.set_some("mapping", mapping.map(|id| references::mapping(draft, "usb", &id)));
        block.set_some("usb3", options.flag("usb3").filter(|on| *on));
        draft.explain_remaining(&options, &[]);
        draft.add_block(block);
    }
}

/// Maximum number of shares for the provider; Proxmox allows 10.
const MOST_SHARES: usize = 8;

pub(super) fn virtiofs(draft: &mut Draft<'_>) -> RowResult {
    let shares = draft.family("virtiofs");
    if shares.len() > MOST_SHARES {
        for index in shares.keys() {
            draft.not_in_provider(
                &format!("virtiofs{index}"),
                format!("the provider takes {MOST_SHARES} shares, and there are more"),
            );
        }
        draft.ignore(&["virtiofs"], format!("the provider takes {MOST_SHARES} shares; left out, all stay"));
        return Ok(());
    }
    for (index, text) in shares {
        let mut options = PropertyOptions::new(&format!("virtiofs{index}"), &text);
        let (acl, attributes) = (options.flag("expose-acl"), options.flag("expose-xattr"));
        if acl == Some(true) && attributes == Some(false) {
            let reason = format!("the provider's Read fails on `{}`: expose-acl without expose-xattr", options.key());
            let kept = text.split(',').filter(|option| !option.starts_with("expose-xattr="));
            let mended = equivalent_command(draft, options.key(), &kept.collect::<Vec<_>>().join(","));
            return Err(Obstacle::new(reason).remedy(mended).into());
        }
        let mut block = Block::new("virtiofs");
        let directory = options.take_or_first("dirid").unwrap_or_default();
        block.set("mapping", references::mapping(draft, "dir", &directory));
        match options.take("cache") {
            Some(cache) if !bpg::VIRTIOFS_CACHES.contains(&cache.as_str()) => {
                draft.not_in_provider(&format!("{}.cache", options.key()), "the provider does not know this mode");
                draft.ignore(&["virtiofs"], "the provider refuses a cache mode");
            }
            cache => block.set_some("cache", cache.filter(|cache| cache != "auto")),
        }
        block.set_some("direct_io", options.flag("direct-io").filter(|on| *on));
        block.set_some("expose_acl", acl.filter(|on| *on));
        block.set_some("expose_xattr", (acl == Some(true) || attributes == Some(true)).then_some(true));
        draft.explain_remaining(&options, &[]);
        draft.add_block(block);
    }
    Ok(())
}

/// Writes serial ports by position. A gap between them cannot be written (docs/provider.md, T19).
pub(super) fn serial(draft: &mut Draft<'_>) {
    let ports = draft.family("serial");
    let Some(last) = ports.keys().next_back().copied() else { return };
    let gap = usize::try_from(last).unwrap_or(usize::MAX) + 1 != ports.len();
    if gap || !ports.values().all(|port| bpg::serial_port(port)) {
        for index in ports.keys() {
            draft.not_in_provider(
                &format!("serial{index}"),
                "a port is missing between others, or is one that the provider refuses (provider rule T19)",
            );
        }
        draft.ignore(&["serial_device"], "the provider cannot say these serial ports");
        return;
    }
    for port in ports.into_values() {
        let mut block = Block::new("serial_device");
        block.set_some("device", (port != "socket").then_some(port));
        draft.add_block(block);
    }
}

/// Writes the sound card. The provider knows the driver `spice` only (docs/provider.md, T28).
pub(super) fn audio(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.options("audio0") else { return };
    let (device, driver) = (options.take("device").unwrap_or_default(), options.take("driver"));
    draft.explain_remaining(&options, &[]);
    if driver.as_deref() == Some("spice") && bpg::AUDIO_DEVICES.contains(&device.as_str()) {
        let mut block = Block::new("audio_device");
        block.set("device", device);
        block.set("driver", "spice");
        draft.add_block(block);
    } else {
        draft.not_in_provider(
            "audio0",
            "the provider takes the driver `spice` only, and it must be written down (provider rule T28)",
        );
        draft.ignore(&["audio_device"], "the provider cannot say this sound card");
    }
}

/// Writes the display. It may always be omitted, so it is written only if the provider accepts it (docs/provider.md, V1).
pub(super) fn vga(draft: &mut Draft<'_>) -> RowResult {
    let Some(mut options) = draft.options("vga") else { return Ok(()) };
    let display = options.take_or_first("type").unwrap_or_default();
    let memory = options.take("memory");
    let clipboard = options.take("clipboard");
    draft.explain_remaining(&options, &[]);
    let megabytes = memory.as_deref().map(str::parse::<i64>);
    if matches!(megabytes, Some(Err(_))) {
        return Err(Obstacle::new("the provider cannot read the memory of `vga`").into());
    }
    let megabytes = megabytes.and_then(Result::ok);
    let taken = bpg::DISPLAYS.contains(&display.as_str())
        && megabytes.is_none_or(|memory| (4..=512).contains(&memory))
        && clipboard.as_deref().is_none_or(|clipboard| clipboard == "vnc");
    if !taken {
        draft.not_in_provider("vga", "the provider refuses these values; left out, the display stays as it is");
    } else if display == "std" && megabytes.is_none_or(|memory| memory == 16) && clipboard.is_none() {
        draft.set_default("vga");
    } else {
        let mut block = Block::new("vga");
        block.set("type", display);
        // The provider's default, which it sends with every creation.
        block.set_some("memory", megabytes.filter(|memory| *memory != 16));
        block.set_some("clipboard", clipboard);
        draft.add_block(block);
    }
    Ok(())
}

pub(super) fn rng(draft: &mut Draft<'_>) -> RowResult {
    let Some(mut options) = draft.options("rng0") else { return Ok(()) };
    let mut block = Block::new("rng");
    block.set("source", options.take_or_first("source").unwrap_or_default());
    for option in ["max_bytes", "period"] {
        let Some(text) = options.take(option) else { continue };
        let number: i64 =
            text.parse().map_err(|_| Obstacle::new(format!("the provider cannot read `{option}={text}` of rng0")))?;
        // The provider refuses 0; an omitted value is computed.
        block.set_some(option, (number >= 1).then_some(number));
    }
    draft.explain_remaining(&options, &[]);
    draft.add_block(block);
    Ok(())
}

/// Writes the SMBIOS fields. The provider decodes every value as Base64, whether it is encoded or not (docs/provider.md, T22).
pub(super) fn smbios(draft: &mut Draft<'_>) -> RowResult {
    let Some(mut options) = draft.options("smbios1") else { return Ok(()) };
    let encoded = options.take_raw("base64").as_deref().and_then(boolean::parse) == Some(true);
    let uuid = options.take_raw("uuid");
    let mut block = Block::new("smbios");
    let mut plain = false;
    for field in ["family", "manufacturer", "product", "serial", "sku", "version"] {
        let Some(value) = options.take_raw(field) else { continue };
        let Ok(decoded) = BASE64_STANDARD.decode(&value) else {
            let reason =
                format!("the provider cannot read `{field}` of smbios1, which is not Base64 (provider rule T22)");
            let mut obstacle = Obstacle::new(reason);
            obstacle.remedy = in_base64(draft, encoded);
            return Err(obstacle.into());
        };
        let decoded = String::from_utf8(decoded);
        plain |= !encoded || decoded.is_err();
        block.set_some(field, decoded.ok().filter(|decoded| !decoded.is_empty()));
    }
    draft.explain_remaining(&options, &[]);
    if plain {
        draft.not_in_provider(
            "smbios1",
            "the texts are not Base64 of UTF-8, as which the provider decodes them all the same (provider rule T22)",
        );
        draft.ignore(&["smbios"], "the provider reads these texts wrongly");
        if let Some(remedy) = in_base64(draft, encoded) {
            draft.remark("the provider reads the texts of its smbios1 wrongly (provider rule T22)", Some(remedy));
        }
        return Ok(());
    }
    if block.is_empty() {
        draft.not_in_provider("smbios1", "the provider shows no block that has a UUID only (provider rule V1)");
        return Ok(());
    }
    block.set_some("uuid", uuid);
    draft.add_block(block);
    Ok(())
}

/// Command that writes the texts of `smbios1` in Base64; `None` if they are marked as Base64 already.
fn in_base64(draft: &Draft<'_>, encoded: bool) -> Option<String> {
    let text = draft.object.text("smbios1").filter(|_| !encoded)?;
    let value = rewritten(&text, |name, value| match name {
        Some("uuid") | None => None,
        Some("base64") => Some(String::new()),
        Some(_) => Some(BASE64_STANDARD.encode(value)),
    });
    Some(equivalent_command(draft, "smbios1", &format!("{value},base64=1")))
}

pub(super) fn watchdog(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.options("watchdog") else { return };
    let (model, action) = (options.take_or_first("model"), options.take("action"));
    draft.explain_remaining(&options, &[]);
    let known = |value: &Option<String>, list: &[&str]| {
        value.as_deref().is_none_or(|value| list.contains(&value.to_lowercase().as_str()))
    };
    if !known(&model, bpg::WATCHDOGS) || !known(&action, bpg::WATCHDOG_ACTIONS) {
        draft.not_in_provider("watchdog", "the provider does not know this model or action");
        draft.ignore(&["watchdog"], "the provider refuses the model or the action");
        return;
    }
    let mut block = Block::new("watchdog");
    block.set("enabled", true);
    block.set_some("model", model.as_deref().filter(|model| *model != "i6300esb"));
    if action.is_some() {
        block.set_some("action", action.filter(|action| action != "none"));
    } else {
        // Ignored while the guest exists; the value counts when the guest is created again.
        const WHY: &str = "no action means reset to Proxmox, and the provider reads none (provider rule T49)";
        block.set("action", "reset");
        draft.ignore(&["watchdog[0].action"], WHY);
        let text = draft.object.text("watchdog").unwrap_or_default();
        let remedy = equivalent_command(draft, "watchdog", &format!("{text},action=reset"));
        draft.remark(format!("of its watchdog, {WHY}: the first change of it would write that"), Some(remedy));
    }
    draft.add_block(block);
}

/// Writes memory encryption. Every attribute forces a replacement, so all of them are written (docs/provider.md, T38). With defaults
/// only, it is not in the state of an import: it is written nevertheless, and ignored.
pub(super) fn amd_sev(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.options("amd-sev") else { return };
    let stands_first = options.rest.first().is_some_and(|(name, _)| name.is_none());
    let bare = options.first();
    let kind = options.take("type").or_else(|| bare.filter(|_| stands_first)).unwrap_or_default();
    let has_allow_smt = options.has("allow-smt");
    let flags = ["allow-smt", "kernel-hashes", "no-debug", "no-key-sharing"]
        .map(|option| (option, options.flag(option).unwrap_or(option == "allow-smt")));
    draft.explain_remaining(&options, &[]);
    if !bpg::SEV_TYPES.contains(&kind.as_str()) {
        draft.not_in_provider("amd-sev", "the provider does not know this kind of encryption, or does not find it");
        draft.ignore(&["amd_sev"], "the provider refuses the kind of memory encryption");
        return;
    }
    if !has_allow_smt {
        // Ignored like a switch that the provider misreads: the first change would turn it off.
        const WHY: &str = "no allow-smt means on to Proxmox, and the provider reads off (provider rule T38)";
        draft.not_expressible("amd-sev.allow-smt", WHY);
        draft.ignore(&["amd_sev"], WHY);
        let text = draft.object.text("amd-sev").unwrap_or_default();
        let remedy = equivalent_command(draft, "amd-sev", &format!("{text},allow-smt=1"));
        draft.remark(format!("of its memory encryption, {WHY}"), Some(remedy));
    } else if kind == "std" && flags.iter().all(|(option, on)| *on == (*option == "allow-smt")) {
        draft.ignore(
            &["amd_sev"],
            "an import does not read memory encryption that has nothing but defaults (provider rule T38)",
        );
    }
    let mut block = Block::new("amd_sev");
    block.set("type", kind);
    for (option, on) in flags {
        block.set(&option.replace('-', "_"), on);
    }
    draft.add_block(block);
}
