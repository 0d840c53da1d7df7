//! Blocks of guests that Terraform must not change, because a change would turn off a switch or renumber devices. The code has the
//! values that Proxmox uses, `ignore_changes` keeps Terraform from changing them, and a remark has the remedy.

use proxmox_mpc_model::boolean;
use proxmox_mpc_model::kinds::{Form, index, matches};
use proxmox_mpc_model::property::Properties;
use serde_json::Value as Json;

use super::guest::{SAME, command, equivalent_command, rewritten};
use crate::coverage::Fate;
use crate::draft::{Draft, PropertyOptions};

/// A family of keys and its block.
struct KeyFamily {
    kind: &'static str,
    key: &'static str,
    block: &'static str,
    /// Another path that the provider writes the keys from.
    second_path: Option<&'static str>,
    /// True if the provider numbers the keys by the order of the blocks.
    numbered: bool,
}

const fn family(kind: &'static str, key: &'static str, block: &'static str) -> KeyFamily {
    KeyFamily { kind, key, block, second_path: None, numbered: false }
}

impl KeyFamily {
    const fn numbered(mut self) -> Self {
        self.numbered = true;
        self
    }

    const fn second_path(mut self, path: &'static str) -> Self {
        self.second_path = Some(path);
        self
    }
}

/// All keys with a switch that the provider may misread, or with numbers that it counts.
static FAMILIES: &[KeyFamily] = &[
    family("vm", "agent", "agent"),
    family("vm", "amd-sev", "amd_sev"),
    family("vm", "efidisk0", "efi_disk"),
    family("vm", "hostpci[n]", "hostpci"),
    family("vm", "ide[n]", "disk"),
    family("vm", "net[n]", "network_device"),
    family("vm", "sata[n]", "disk"),
    family("vm", "scsi[n]", "disk"),
    family("vm", "usb[n]", "usb").numbered(),
    family("vm", "virtio[n]", "disk"),
    family("vm", "virtiofs[n]", "virtiofs").numbered(),
    family("container", "dev[n]", "device_passthrough").numbered(),
    family("container", "features", "features"),
    family("container", "mp[n]", "mount_point").numbered(),
    family("container", "net[n]", "network_interface").second_path("initialization[0].ip_config").numbered(),
    family("container", "rootfs", "disk"),
];

/// Checks all values that earlier rows have read.
pub(super) fn row(draft: &mut Draft<'_>) {
    for options in std::mem::take(&mut draft.misread) {
        misread(draft, &options);
    }
    for family in FAMILIES.iter().filter(|family| family.numbered && family.kind == draft.kind.id) {
        gaps(draft, family);
    }
    if draft.kind.id == "container" {
        addresses(draft);
    }
    top_level(draft);
}

/// Protects a value with a switch that is on by a word which the provider reads as off (docs/provider.md, T16).
fn misread(draft: &mut Draft<'_>, options: &PropertyOptions) {
    let key = options.key();
    let is_terraform = !matches!(draft.fates.get(key), Some(Fate::Ansible(_) | Fate::NotExpressible(_)));
    let Some(family) = FAMILIES.iter().find(|family| family.kind == draft.kind.id && matches(family.key, key)) else {
        return;
    };
    let Some(text) = draft.object.keys.get(key).and_then(Json::as_str).filter(|_| is_terraform) else { return };
    let words: Vec<String> = options.misread.iter().map(word).collect();
    let words = words.join(",");
    for (name, _) in &options.misread {
        let name = name.as_deref().unwrap_or("enabled");
        draft.not_expressible(
            &format!("{key}.{name}"),
            "on in another word than `1`, which the provider reads as off (provider rule T16)",
        );
    }
    let is_one = |name: Option<&str>, value: &str| {
        options.misread.iter().any(|(known, word)| known.as_deref() == name && word == value).then(|| "1".to_owned())
    };
    let remedy = equivalent_command(draft, key, &rewritten(text, is_one));
    protect(
        draft,
        family,
        format!(
            "the provider reads `{words}` of {key} as off, and a change here would turn it off (provider rule T16): left alone \
             until it is written as 1"
        ),
    );
    draft.remark(
        format!(
            "the provider reads `{words}` of {key} as off (provider rule T16): the code says that it is on, and Terraform \
             changes nothing of the `{}` blocks",
            family.block
        ),
        Some(remedy),
    );
}

/// Option as it is written: `firewall=on`, or `on` without a name.
fn word((name, word): &(Option<String>, String)) -> String {
    name.as_ref().map_or_else(|| word.clone(), |name| format!("{name}={word}"))
}

/// Protects devices whose numbers have a gap. The provider numbers the blocks from 0, so a change would write devices under other
/// numbers, mostly in addition to the existing ones (docs/provider.md, T35 and C22).
fn gaps(draft: &mut Draft<'_>, family: &KeyFamily) {
    let stem = family.key.trim_end_matches("[n]");
    let is_code = |key: &String| draft.fates.get(key) == Some(&Fate::Terraform);
    let mut numbers: Vec<u32> =
        draft.object.keys.keys().filter(|key| is_code(key)).filter_map(|key| index(stem, key)).collect();
    numbers.sort_unstable();
    let moved: Vec<(u32, u32)> = numbers.into_iter().zip(0..).filter(|(number, place)| number != place).collect();
    if moved.is_empty() {
        return;
    }
    let rule = if draft.kind.id == "vm" { "T35" } else { "C22" };
    for (number, _) in &moved {
        let reason = format!("created again, it has another number: the provider counts from 0 (provider rule {rule})");
        draft.not_expressible(&format!("{stem}{number}"), reason);
    }
    let all = |one: fn(&(u32, u32)) -> u32| {
        moved.iter().map(|pair| format!("{stem}{}", one(pair))).collect::<Vec<_>>().join(", ")
    };
    let (is, becomes) = (all(|pair| pair.0), all(|pair| pair.1));
    let comment = format!("{is} in Proxmox. The provider counts from 0: a change here would write {becomes} instead.");
    draft.comment_on(family.block, &comment);
    protect(
        draft,
        family,
        format!(
            "a number is missing before {is}, and the provider would write {becomes} (provider rule {rule}): left alone"
        ),
    );
    let renaming: Vec<String> =
        moved.iter().map(|(number, place)| format!("s/^{stem}{number}:/{stem}{place}:/")).collect();
    let folder = if draft.kind.id == "vm" { "qemu-server" } else { "lxc" };
    let id = draft.object.entry.identity.id();
    draft.remark(
        format!(
            "a number is missing before {is}: a change of its `{}` blocks would write {becomes} instead, so Terraform changes \
             nothing of them (provider rule {rule})",
            family.block
        ),
        Some(format!(
            "on its node, while it is stopped: sed -i '{}' /etc/pve/{folder}/{id}.conf; then import again",
            renaming.join("; ")
        )),
    );
}

/// Protects the addresses of interfaces if one without an address comes before one with an address. The provider assigns addresses
/// in order, so a change would give the later address to the earlier interface (docs/provider.md, C26).
fn addresses(draft: &mut Draft<'_>) {
    const OPTIONS: [&str; 4] = ["ip", "gw", "ip6", "gw6"];
    let mut cards: Vec<(u32, String)> = draft.values("net").collect();
    cards.sort();
    let has_one = |text: &str| OPTIONS.iter().any(|option| Properties::parse(text).get(option).is_some());
    let Some(last) = cards.iter().rposition(|(_, text)| has_one(text)) else { return };
    let bare: Vec<&(u32, String)> = cards[..last].iter().filter(|(_, text)| !has_one(text)).collect();
    let Some((first, _)) = bare.first() else { return };
    for (number, text) in cards.iter().filter(|(number, _)| number > first) {
        for option in OPTIONS.iter().filter(|option| Properties::parse(text).get(option).is_some()) {
            let reason = format!("created again, net{first} would get it, which has none (provider rule C26)");
            draft.not_expressible(&format!("net{number}.{option}"), reason);
        }
    }
    let family = FAMILIES.iter().find(|family| family.kind == "container" && family.key == "net[n]");
    if let Some(family) = family {
        let reason = format!(
            "net{first} has no address, and the provider would give it that of the next (provider rule C26): left alone"
        );
        protect(draft, family, reason);
    }
    let manual: Vec<String> = bare.iter().map(|(number, text)| format!("--net{number} '{text},ip=manual'")).collect();
    let remedy = command(draft, &format!("{}{SAME}", manual.join(" ")));
    draft.remark(
        format!(
            "net{first} has no address and a later interface has one: a change of its `network_interface` or `ip_config` blocks would \
             give net{first} that address, so Terraform changes nothing of them (provider rule C26)"
        ),
        Some(remedy),
    );
}

/// Reports switches of the guest that Proxmox sends as text; the provider reads any text as off (docs/provider.md, T41).
fn top_level(draft: &mut Draft<'_>) {
    for (key, value) in &draft.object.keys {
        let is_switch = draft.kind.key(key).is_some_and(|key| key.form == Form::Boolean);
        let Some(word) = value.as_str().filter(|_| is_switch) else { continue };
        if boolean::parse(word) == Some(true) {
            draft.not_expressible(key, format!("the provider reads the text `{word}` as off (provider rule T41)"));
            let remedy = command(draft, &format!("--{key} 1{SAME}"));
            draft.remark(
                format!(
                    "{key} is on, and sent as the text `{word}`, which the provider reads as off (provider rule T41)"
                ),
                Some(remedy),
            );
        }
    }
}

fn protect(draft: &mut Draft<'_>, family: &KeyFamily, reason: String) {
    let paths: Vec<&str> = [family.block].into_iter().chain(family.second_path).collect();
    draft.ignore_blocks(&paths, reason);
}

#[cfg(test)]
mod tests;
