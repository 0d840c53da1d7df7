//! Random guests made from Proxmox's own parameter schema: any keys, with any parts, in any spelling, with gaps
//! between numbers.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::subsequence;
use proxmox_mpc_model::etc_pve::{self, File, Loaded, Tree};
use proxmox_mpc_model::schema::{Domain, Method, Parameter, Release, Verb};

use super::values::{ValueOwner, value};

/// Keys that do not configure a guest: how it is created, secrets, locks and unused drives.
const NO_CONFIGURATION: &[&str] = &[
    "archive",
    "bwlimit",
    "cdrom",
    "cipassword",
    "force",
    "ha-managed",
    "ignore-unpack-errors",
    "import-working-storage",
    "live-restore",
    "lock",
    "node",
    "ostemplate",
    "password",
    "pool",
    "reboot",
    "restore",
    "ssh-public-keys",
    "start",
    "storage",
    "template",
    "unique",
    "unused[n]",
    "vmid",
];

/// Parts that only a request has, that name what another part says, or that go with what a test has none of.
const NO_PARTS: &[&str] = &["format", "import-from", "keepattrs", "legacy-igd"];

/// Largest number of members of a family in one guest, and the bound of their numbers.
const MEMBERS: (usize, u32) = (3, 6);

/// Virtual machines and containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Qemu,
    Lxc,
}

impl Sort {
    /// The word of identities and paths.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Qemu => "qemu-server",
            Self::Lxc => "lxc",
        }
    }
}

/// One part of a value.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Empty where the value has no parts.
    pub(super) name: String,
    pub(super) value: String,
    /// Text before the value: the name and `=`, or nothing.
    pub(super) prefix: String,
    pub(super) parameter: &'static Parameter,
}

/// A line of a configuration.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) key: String,
    pub(super) parts: Vec<Part>,
}

impl Line {
    /// Value as it is written in the file.
    pub(super) fn value(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| format!("{}{}", part.prefix, part.value)).collect();
        parts.join(",")
    }

    /// `net0.firewall`, or the key alone.
    pub(super) fn path(&self, part: &Part) -> String {
        if part.name.is_empty() { self.key.clone() } else { format!("{}.{}", self.key, part.name) }
    }
}

/// A guest's configuration.
#[derive(Clone)]
pub(super) struct Guest {
    pub(super) id: u32,
    pub(super) sort: Sort,
    pub(super) lines: Vec<Line>,
}

impl Guest {
    /// Copy of the guest without a part, and without the line if nothing of it is left.
    pub(super) fn without(&self, line: usize, part: usize) -> Self {
        let mut guest = self.clone();
        guest.lines[line].parts.remove(part);
        if guest.lines[line].parts.is_empty() {
            guest.lines.remove(line);
        }
        guest
    }

    /// Copy of the guest with another number, which its volumes carry as well.
    pub(super) fn renumbered(&self, id: u32) -> Self {
        let mut guest = self.clone();
        for part in guest.lines.iter_mut().flat_map(|line| &mut line.parts) {
            part.value = part.value.replace(&self.id.to_string(), &id.to_string());
        }
        Self { id, ..guest }
    }

    /// The text of its file.
    pub(super) fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(|line| format!("{}: {}\n", line.key, line.value())).collect();
        lines.concat()
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}\n{}", self.sort.word(), self.id, self.text())
    }
}

/// A guest of this number.
pub(super) fn guest(sort: Sort, id: u32) -> BoxedStrategy<Guest> {
    let found = Release::NEWEST.schema().find(Verb::Post, &["nodes", "pve", sort.word()]).expect("guests can be made");
    let keys: Vec<(&'static str, &'static Parameter)> = Release::NEWEST
        .schema()
        .parameters(found.method)
        .filter(|(name, _)| !NO_CONFIGURATION.contains(name))
        .collect();
    let (needed, free): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|(name, _)| matches!(*name, "rootfs" | "hostname"));
    let most = free.len().min(14);
    subsequence(free, 0..=most)
        .prop_map(move |free| [needed.clone(), free].concat())
        .prop_flat_map(move |keys| {
            keys.into_iter().map(|(name, parameter)| lines(id, found.method, name, parameter)).collect::<Vec<_>>()
        })
        .prop_map(move |lines| settled(Guest { id, sort, lines: lines.into_iter().flatten().collect() }))
        .boxed()
}

/// The lines of a key, more than one of a family.
fn lines(
    guest: u32,
    method: &'static Method,
    name: &'static str,
    parameter: &'static Parameter,
) -> BoxedStrategy<Vec<Line>> {
    let Some(stem) = name.strip_suffix("[n]") else {
        return line(guest, name.to_owned(), parameter).prop_map(|line| line.into_iter().collect()).boxed();
    };
    let is_one = |number: &u32| Release::NEWEST.schema().parameter(method, &format!("{stem}{number}")).is_some();
    let numbers: Vec<u32> = (0..MEMBERS.1).filter(is_one).collect();
    subsequence(numbers, 1..=MEMBERS.0)
        .prop_flat_map(move |numbers| {
            numbers.into_iter().map(|number| line(guest, format!("{stem}{number}"), parameter)).collect::<Vec<_>>()
        })
        .prop_map(|lines| lines.into_iter().flatten().collect())
        .boxed()
}

fn line(guest: u32, key: String, parameter: &'static Parameter) -> BoxedStrategy<Option<Line>> {
    let Domain::Properties(keys) = Release::NEWEST.schema().domain(parameter) else {
        let place = ValueOwner { guest, key: &key, part: "" };
        let Some(values) = value(place, parameter) else { return Just(None).boxed() };
        let part = move |value| Part { name: String::new(), value, prefix: String::new(), parameter };
        return values.prop_map(move |value| Some(Line { key: key.clone(), parts: vec![part(value)] })).boxed();
    };
    let keys: Vec<(&'static str, &'static Parameter)> = keys
        .into_iter()
        .filter(|(name, known)| known.alias().is_none() && known.key_alias().is_none() && !NO_PARTS.contains(name))
        .collect();
    // Proxmox measures the volumes of guests; a drive that is no disk is a medium.
    let measured = |name: &str| name == "size" && !key.starts_with("efidisk") && !key.starts_with("tpmstate");
    let (needed, free): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|(name, known)| known.is_required() || measured(name));
    let most = free.len().min(5);
    (subsequence(free, 0..=most), any::<bool>())
        .prop_flat_map(move |(free, bare)| {
            let chosen = needed.iter().copied().chain(free);
            let parts: Vec<_> = chosen.filter_map(|(name, known)| part(guest, &key, name, known, bare)).collect();
            (Just(key.clone()), parts)
        })
        .prop_map(|(key, mut parts)| {
            // What stands without its name stands first.
            parts.sort_by_key(|part| !part.prefix.is_empty());
            (!parts.is_empty()).then_some(Line { key, parts })
        })
        .boxed()
}

fn part(
    guest: u32,
    key: &str,
    name: &'static str,
    parameter: &'static Parameter,
    bare: bool,
) -> Option<BoxedStrategy<Part>> {
    let values = value(ValueOwner { guest, key, part: name }, parameter)?;
    let prefix = if bare && parameter.stands_alone() { String::new() } else { format!("{name}=") };
    Some(values.prop_map(move |value| Part { name: name.to_owned(), value, prefix: prefix.clone(), parameter }).boxed())
}

/// Adjusts a guest as Proxmox does when it writes a configuration, so that a cluster could have it: one device is
/// passed by its address or its mapping, cards have addresses, and required keys are there.
fn settled(mut guest: Guest) -> Guest {
    for line in &mut guest.lines {
        let has = |name: &str| line.parts.iter().any(|part| part.name == name);
        let devices = line.key.starts_with("usb") || line.key.starts_with("hostpci");
        if devices && has("mapping") && has("host") {
            line.parts.retain(|part| part.name != "host");
        }
        for (address, gateway) in [("ip", "gw"), ("ip6", "gw6")] {
            let fixed = line.parts.iter().any(|part| part.name == address && part.value.contains('/'));
            line.parts.retain(|part| fixed || part.name != gateway);
        }
        let medium = line.parts.iter().any(|part| part.value == "none" || part.value.contains(":iso/"));
        // One is part of the other.
        if line.parts.iter().any(|part| part.name == "expose-acl") {
            line.parts.retain(|part| part.name != "expose-xattr");
        }
        // A folder of the node is not measured.
        if line.parts.iter().any(|part| part.name == "volume" && part.value.starts_with('/')) {
            line.parts.retain(|part| part.name != "size");
        }
        if !medium {
            line.parts.retain(|part| part.name != "media");
        }
        if medium {
            line.parts.retain(|part| part.name == "file" || part.name == "media");
        }
    }
    guest.lines.retain(|line| {
        let device = line.key.starts_with("usb") || line.key.starts_with("hostpci");
        let named = line.parts.iter().any(|part| matches!(part.name.as_str(), "host" | "mapping"));
        (!device || named) && !line.parts.is_empty()
    });
    guest
}

/// Reduces a guest while the condition holds: half of the lines are removed, then fewer, then parts of the rest.
pub(super) fn smallest(guest: &Guest, is_so: impl Fn(&Guest) -> bool) -> Guest {
    let mut guest = guest.clone();
    let mut count = guest.lines.len().div_ceil(2);
    while count > 0 {
        let mut start = 0;
        while start < guest.lines.len() {
            let mut less = guest.clone();
            less.lines.drain(start..(start + count).min(guest.lines.len()));
            if is_so(&less) {
                guest = less;
            } else {
                start += count;
            }
        }
        count /= 2;
    }
    for line in (0..guest.lines.len()).rev() {
        for part in (0..guest.lines[line].parts.len()).rev() {
            if guest.lines[line].parts.len() > 1 {
                let less = guest.without(line, part);
                if is_so(&less) {
                    guest = less;
                }
            }
        }
    }
    guest
}

/// A cluster of one node with these guests and what they refer to.
pub(super) fn tree(guests: &[Guest]) -> Tree {
    let mut tree = Tree::new();
    let mut file = |name: &str, text: &str| tree.insert(name.to_owned(), File::of(text));
    file(
        "storage.cfg",
        "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup,images,rootdir,snippets\n\n\
         lvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n\tcontent rootdir,images\n",
    );
    file("mapping/pci.cfg", "gpu\n\tmap id=10de:2204,node=pve,path=0000:01:00.0\n");
    file("mapping/usb.cfg", "stick\n\tmap id=0781:5571,node=pve\n");
    file("mapping/directory.cfg", "share\n\tmap node=pve,path=/srv/share\n");
    for guest in guests {
        file(&format!("nodes/pve/{}/{}.conf", guest.sort.folder(), guest.id), &guest.text());
    }
    tree
}

/// Answers that a twin of these guests gives.
pub(super) fn loaded(guests: &[Guest]) -> Loaded {
    etc_pve::load(&tree(guests), "9.2.11")
}
