//! Hardware and directory mappings as `proxmox_hardware_mapping_pci`, `…_usb` and `…_dir`.

use proxmox_mpc_model::Object;
use proxmox_mpc_model::object::text;
use serde_json::Value as Json;

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of PCI mappings.
pub(super) static PCI: Translation = Translation {
    kind: "hardware_mapping_pci",
    file: "pci_mappings.tf",
    word: "pci",
    data: false,
    namespace: Namespace::Own("hardware_mapping_pci"),
    destination: |object, _| destination(object, "proxmox_hardware_mapping_pci", PCI_MAP),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["id"], "name"),
        COMMENT,
        Row::flag(&["mdev"], "mediated_devices", false),
        Row::custom(&["map"], |draft| devices(draft, PCI_MAP)),
        Row::volatile(&["digest", "type"]),
        Row::ansible(&["live-migration-capable"], "the provider has no attribute for it (provider rule J13)"),
    ],
    role: ROLE,
};

/// Translation of USB mappings.
pub(super) static USB: Translation = Translation {
    kind: "hardware_mapping_usb",
    file: "usb_mappings.tf",
    word: "usb",
    data: false,
    namespace: Namespace::Own("hardware_mapping_usb"),
    destination: |object, _| destination(object, "proxmox_hardware_mapping_usb", USB_MAP),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["id"], "name"),
        COMMENT,
        Row::custom(&["map"], |draft| devices(draft, USB_MAP)),
        Row::volatile(&["digest", "type"]),
    ],
    role: ROLE,
};

/// Translation of directory mappings.
pub(super) static DIR: Translation = Translation {
    kind: "hardware_mapping_dir",
    file: "directory_mappings.tf",
    word: "directory",
    data: false,
    namespace: Namespace::Own("hardware_mapping_dir"),
    destination: |object, _| destination(object, "proxmox_hardware_mapping_dir", DIR_MAP),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["id"], "name"),
        COMMENT,
        Row::custom(&["map"], |draft| devices(draft, DIR_MAP)),
        Row::volatile(&["digest", "type"]),
    ],
    role: ROLE,
};

const COMMENT: Row = Row::custom(&["description"], comment);

const ROLE: Option<fn(&proxmox_mpc_model::Identity) -> Role> = Some(|_| Role::cluster("mappings"));

/// Option of a device: its name, the attribute, the check of its value, and whether it is required.
type DeviceOption = (&'static str, &'static str, fn(&str) -> bool, bool);

const PCI_MAP: &[DeviceOption] = &[
    ("node", "node", any, true),
    ("path", "path", bpg::pci_path, true),
    ("id", "id", bpg::device_id, true),
    ("subsystem-id", "subsystem_id", bpg::device_id, false),
    ("iommugroup", "iommu_group", |text| text.parse::<i64>().is_ok(), false),
    ("description", "comment", device_comment, false),
];

const USB_MAP: &[DeviceOption] = &[
    ("node", "node", any, true),
    ("path", "path", bpg::usb_path, false),
    ("id", "id", bpg::device_id, true),
    ("description", "comment", device_comment, false),
];

const DIR_MAP: &[DeviceOption] =
    &[("node", "node", any, true), ("path", "path", |path| path.len() > 1 && path.starts_with('/'), true)];

fn any(_: &str) -> bool {
    true
}

/// True for a comment that the provider would send unchanged. It would send `50% off` as `50%25 off`, so such a mapping goes to
/// Ansible. It changes letters beyond ASCII as well, but these Ansible could not write either.
fn device_comment(text: &str) -> bool {
    let read = bpg::mapping_comment(text);
    bpg::map_comment(&read) && (!text.is_ascii() || bpg::sent_mapping_comment(&read) == text)
}

/// Writes the comment. Proxmox stores it byte by byte and shows each byte beyond ASCII as a letter. The provider percent-encodes
/// these letters when it writes, and decodes when it reads (docs/provider.md, J18).
fn comment(draft: &mut Draft<'_>) {
    let Some(text) = draft.text("description") else { return };
    let read = bpg::mapping_comment(&text);
    if !text.is_ascii() {
        let decoded = text.chars().map(|letter| u8::try_from(letter).ok()).collect::<Option<Vec<u8>>>();
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text);
        draft.ignore(
            &["comment"],
            "Proxmox shows its letters as others, and the provider would encode them (provider rule J18)",
        );
        draft.not_expressible(
            "description",
            "the provider writes letters beyond ASCII percent-encoded (provider rule J18)",
        );
        draft.set_some("comment", Some(decoded).filter(|decoded| bpg::comment(decoded)));
    } else if bpg::comment(&read) && bpg::sent_mapping_comment(&read) == text {
        draft.set("comment", read);
    } else {
        guard::refuse(draft, "description", "comment", "J18");
    }
}

/// Devices as the provider reads them; `None` if it cannot read one or refuses it.
fn map(object: &Object, known: &[DeviceOption]) -> Option<Vec<Value>> {
    let mut devices: Vec<String> = object.keys.get("map").and_then(Json::as_array)?.iter().filter_map(text).collect();
    devices.sort_unstable();
    let device = |device: &String| {
        let mut options: Vec<(&str, &str)> = Vec::new();
        for option in device.split(',') {
            options.push(option.split_once('=').filter(|(_, value)| !value.contains('='))?);
        }
        let mut pairs = Vec::new();
        for (option, attribute, passes, needed) in known {
            let Some(index) = options.iter().position(|(name, _)| name == option) else {
                if *needed {
                    return None;
                }
                continue;
            };
            let (_, value) = options.remove(index);
            passes(value).then_some(())?;
            let value = match *option {
                "iommugroup" => value.parse().map_or_else(|_| value.into(), Value::Integer),
                "description" => bpg::mapping_comment(value).into(),
                _ => value.into(),
            };
            pairs.push(((*attribute).to_owned(), value));
        }
        options.is_empty().then_some(Value::Map(pairs))
    };
    let devices: Option<Vec<Value>> = devices.iter().map(device).collect();
    // A set of the provider's has no duplicates.
    let once = |devices: &Vec<Value>| devices.iter().enumerate().all(|(n, device)| !devices[..n].contains(device));
    devices.filter(|devices| !devices.is_empty() && once(devices))
}

fn destination(object: &Object, resource: &'static str, known: &[DeviceOption]) -> Result<Destination, Obstacle> {
    if map(object, known).is_none() {
        let reason = "the provider refuses one of its devices: several paths, capitals in a path, or an option that it does \
                      not know (provider rule J13)";
        return Err(Obstacle::new(reason));
    }
    Ok(Destination::Resource(resource, object.entry.identity.id().to_owned()))
}

fn devices(draft: &mut Draft<'_>, known: &[DeviceOption]) {
    draft.take("map");
    draft.set_some("map", map(draft.object, known).map(Value::List));
}
