//! Objects that code makes: the ids of nodes, storages, bridges, pools and the like, by the kind of the object.

use std::collections::BTreeMap;

use super::code::{Code, Resource};

/// Kind of an object that others refer to by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectKind {
    Storage,
    Bridge,
    Pool,
    PciMapping,
    UsbMapping,
    DirectoryMapping,
    User,
    Group,
    Role,
    Token,
    Zone,
    Vnet,
    HaGroup,
    Guest,
}

impl ObjectKind {
    /// The word of a sentence: `storage`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Bridge => "bridge or VNet",
            Self::Pool => "pool",
            Self::PciMapping => "PCI mapping",
            Self::UsbMapping => "USB mapping",
            Self::DirectoryMapping => "directory mapping",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Token => "API token",
            Self::Zone => "SDN zone",
            Self::Vnet => "VNet",
            Self::HaGroup => "HA group",
            Self::Guest => "guest",
        }
    }

    /// The kind of the object of a resource, and the attribute with its id.
    pub(super) fn of(resource: &Resource<'_, '_>) -> Option<(Self, &'static str)> {
        Some(match resource.kind {
            kind if kind.starts_with("storage_") => (Self::Storage, "id"),
            kind if kind.starts_with("sdn_zone_") => (Self::Zone, "id"),
            "sdn_vnet" => (Self::Vnet, "id"),
            "network_linux_bridge" => (Self::Bridge, "name"),
            "pool" => (Self::Pool, "pool_id"),
            "hardware_mapping_pci" => (Self::PciMapping, "name"),
            "hardware_mapping_usb" => (Self::UsbMapping, "name"),
            "hardware_mapping_dir" => (Self::DirectoryMapping, "name"),
            "user" => (Self::User, "user_id"),
            "group" => (Self::Group, "group_id"),
            "role" => (Self::Role, "role_id"),
            "hagroup" => (Self::HaGroup, "group"),
            "user_token" => (Self::Token, "token_name"),
            _ => (Self::Guest, resource.vmid_attribute()?),
        })
    }
}

/// The ids of the objects of code.
#[derive(Default)]
pub(super) struct Objects {
    ids: BTreeMap<ObjectKind, Vec<String>>,
    /// Kinds of which an object has an id that only Terraform knows.
    unknown: Vec<ObjectKind>,
}

impl Objects {
    pub(super) fn read(code: &Code<'_, '_>) -> Self {
        let mut objects = Self::default();
        for resource in &code.resources {
            let Some((kind, attribute)) = ObjectKind::of(resource) else { continue };
            match id(resource, kind, attribute) {
                // A guest without a VMID gets one that nobody can write down.
                None if kind == ObjectKind::Guest && resource.fields.get(attribute).is_none() => {}
                Some(id) => objects.ids.entry(kind).or_default().push(id),
                None => objects.unknown.push(kind),
            }
        }
        // A guest can be attached to a VNet as to a bridge.
        let vnets = objects.ids.get(&ObjectKind::Vnet).cloned().unwrap_or_default();
        objects.ids.entry(ObjectKind::Bridge).or_default().extend(vnets);
        if objects.unknown.contains(&ObjectKind::Vnet) {
            objects.unknown.push(ObjectKind::Bridge);
        }
        objects
    }

    /// Reports whether the code makes an object with this id, or may make it.
    pub(super) fn may_have(&self, kind: ObjectKind, id: &str) -> bool {
        self.unknown.contains(&kind) || self.ids.get(&kind).is_some_and(|ids| ids.iter().any(|own| own == id))
    }

    /// All ids of a kind.
    pub(super) fn ids(&self, kind: ObjectKind) -> &[String] {
        self.ids.get(&kind).map_or(&[], Vec::as_slice)
    }
}

/// The id of a resource's object; `None` where only Terraform knows it.
pub(super) fn id(resource: &Resource<'_, '_>, kind: ObjectKind, attribute: &str) -> Option<String> {
    let own = resource.text(attribute)?;
    match kind {
        ObjectKind::Token => Some(format!("{}!{own}", resource.text("user_id")?)),
        _ => Some(own),
    }
}
