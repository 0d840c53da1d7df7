//! Draft of a block: rows take keys from an object and write attributes, and what no row takes is left over and counted.

mod block;
mod keys;
mod obstacle;
mod variable;

use std::borrow::Cow;
use std::collections::BTreeMap;

use hcl_edit::structure::Structure;
use proxmox_mpc_model::kinds::Kind;
use proxmox_mpc_model::{Cluster, Entry, Identity, Object};

use crate::ansible::AnsibleKey;
use crate::coverage::Fate;
pub use crate::property_options::PropertyOptions;
pub use obstacle::{Obstacle, Remark, RowError, RowResult};
pub use variable::{Variable, VariableDefault};

/// A block in the making: its object, what is written so far, and the fate of each key.
pub struct Draft<'a> {
    /// The object.
    pub object: &'a Object,
    /// Its cluster.
    pub cluster: &'a Cluster<'a>,
    /// Its kind.
    pub kind: &'static Kind,
    /// Addresses of the objects that have code so far, its own among them.
    pub addresses: &'a BTreeMap<Identity, String>,
    pub(crate) attributes: Vec<Structure>,
    pub(crate) blocks: Vec<Structure>,
    pub(crate) fates: BTreeMap<String, Fate>,
    /// Addresses for `depends_on`: what the object needs and no attribute refers to.
    pub(crate) dependencies: Vec<String>,
    /// Paths for `ignore_changes`, with the reason above them; `None` where the header of the file has it.
    pub(crate) ignored: Vec<(Vec<String>, Option<Cow<'static, str>>)>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) entrusted: Vec<AnsibleKey>,
    /// Values with a switch that the provider reads differently from Proxmox.
    pub(crate) misread: Vec<PropertyOptions>,
    /// True if Ansible can keep what the provider cannot express.
    ansible: bool,
    /// True if another object has the same label.
    shares_label: bool,
}

impl<'a> Draft<'a> {
    /// An empty draft.
    pub fn new(
        object: &'a Object,
        cluster: &'a Cluster<'a>,
        kind: &'static Kind,
        addresses: &'a BTreeMap<Identity, String>,
        ansible: bool,
    ) -> Self {
        Self {
            object,
            cluster,
            kind,
            addresses,
            attributes: Vec::new(),
            blocks: Vec::new(),
            fates: BTreeMap::new(),
            dependencies: Vec::new(),
            ignored: Vec::new(),
            remarks: Vec::new(),
            variables: BTreeMap::new(),
            entrusted: Vec::new(),
            misread: Vec::new(),
            ansible,
            shares_label: false,
        }
    }

    /// Notes that a resource of another type has the same label. Variables named for the label then carry a digest of the
    /// object's identity.
    pub(crate) fn share_label(&mut self) {
        self.shares_label = true;
    }

    /// Label of the object's own address: `web`.
    pub fn label(&self) -> &str {
        let address = self.addresses.get(&self.object.entry.identity).map_or("", String::as_str);
        address.split_once('.').map_or(address, |(_, label)| label)
    }

    /// Name of the object in a sentence: `virtual machine 100 (web)`.
    pub fn title(&self) -> String {
        title(self.kind, &self.object.entry)
    }
}

/// True if a key of an object has Proxmox's default.
pub(crate) fn is_default(kind: &Kind, object: &Object, key: &str) -> bool {
    let default = kind.key(key).and_then(|key| key.default);
    default.is_some() && object.text(key).as_deref() == default
}

/// Name of an object in a sentence: `virtual machine 100 (web)`, `network interface pve1 vmbr0`.
pub(crate) fn title(kind: &Kind, entry: &Entry) -> String {
    let id = entry.identity.id().replace('/', " ");
    let name = entry.name.as_deref().filter(|name| *name != entry.identity.id() && *name != id);
    format!("{} {id}{}", kind.title, name.map(|name| format!(" ({name})")).unwrap_or_default())
}
