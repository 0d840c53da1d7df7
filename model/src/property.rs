//! Property strings, the notation that holds several values in one key: `local-lvm:vm-100-disk-0,size=32G,ssd=1`.

use std::fmt;

use crate::boolean;

/// A property string: items separated by commas, each `key=value` or, for the format's default key, a bare value.
///
/// Any text parses and prints back unchanged: the order, unknown keys and items that Proxmox would refuse are kept.
/// The format decides which key may stand without its name (`file` of a drive, `enabled` of the agent); readers that know it
/// ask with [`Properties::get_or_bare`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    /// The key; `None` for an item without `=`.
    key: Option<String>,
    value: String,
}

impl Properties {
    /// Splits at every comma, and each item at its first `=` (`PVE::JSONSchema::parse_property_string`).
    pub fn parse(text: &str) -> Self {
        let item = |item: &str| match item.split_once('=') {
            Some((key, value)) => Item { key: Some(key.to_owned()), value: value.to_owned() },
            None => Item { key: None, value: item.to_owned() },
        };
        Self { items: text.split(',').map(item).collect() }
    }

    /// The bare item: the value of the format's default key. Proxmox prints it first and accepts it anywhere; blank
    /// items do not count.
    pub fn first(&self) -> Option<&str> {
        self.iter().find_map(|(key, value)| key.is_none().then_some(value))
    }

    /// The value of `key`, where it is written with its name.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(name, value)| (name == Some(key)).then_some(value))
    }

    /// The value of the format's default key, written with its name (`enabled=1`) or without (`1`).
    pub fn get_or_bare(&self, key: &str) -> Option<&str> {
        self.get(key).or_else(|| self.first())
    }

    /// The switch `key`; `None` where it is absent or not a boolean.
    pub fn flag(&self, key: &str) -> Option<bool> {
        boolean::parse(self.get(key)?)
    }

    /// The number that `key` holds; `None` where it is absent or no such number.
    pub fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.get(key)?.parse().ok()
    }

    /// The items in their order, without blank ones: key (`None` of the bare item) and value.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let items = self.items.iter().map(|item| (item.key.as_deref(), item.value.as_str()));
        items.filter(|(key, value)| key.is_some() || !value.trim().is_empty())
    }
}

impl fmt::Display for Properties {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            if let Some(key) = &item.key {
                write!(formatter, "{key}=")?;
            }
            formatter.write_str(&item.value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found() {
        let check = |text: &str, first: Option<&str>, items: &[(Option<&str>, &str)]| {
            let properties = Properties::parse(text);
            assert_eq!(properties.first(), first, "{text}");
            assert_eq!(properties.iter().collect::<Vec<_>>(), items, "{text}");
            assert_eq!(properties.to_string(), text);
        };
        check(
            "local:100/vm-100-disk-1.qcow2,aio=io_uring,size=32G",
            Some("local:100/vm-100-disk-1.qcow2"),
            &[(None, "local:100/vm-100-disk-1.qcow2"), (Some("aio"), "io_uring"), (Some("size"), "32G")],
        );
        check(
            "virtio=BC:24:11:2B:4C:01,bridge=vmbr0,trunks=10;20",
            None,
            &[(Some("virtio"), "BC:24:11:2B:4C:01"), (Some("bridge"), "vmbr0"), (Some("trunks"), "10;20")],
        );
        check("type=virtio,1", Some("1"), &[(Some("type"), "virtio"), (None, "1")]);
        // Base64 padding of `smbios1` and the equals signs of a mount option belong to the value.
        check("base64=1,serial=QUI=,=x,", None, &[(Some("base64"), "1"), (Some("serial"), "QUI="), (Some(""), "x")]);
        check("", None, &[]);
        check(" ", None, &[]);
    }

    /// The agent, memory, processors, the start order and a drive.
    #[test]
    fn the_default_key_may_be_named() {
        let check = |key: &str, text: &str, expected: Option<&str>| {
            assert_eq!(Properties::parse(text).get_or_bare(key), expected, "{text}");
        };
        check("enabled", "1", Some("1"));
        check("enabled", "enabled=1,type=isa", Some("1"));
        check("enabled", "1,fstrim_cloned_disks=1", Some("1"));
        check("enabled", "type=isa", None);
        check("current", "16384", Some("16384"));
        check("current", "current=16384", Some("16384"));
        check("cputype", "host,flags=+aes;-pcid,hidden=1", Some("host"));
        check("cputype", "cputype=custom-avx,flags=+hv-tlbflush", Some("custom-avx"));
        check("order", "3", Some("3"));
        check("order", "order=1,up=45,down=120", Some("1"));
        check("order", "up=45", None);
        check("file", "size=4G,san:vm-100-disk-0", Some("san:vm-100-disk-0"));
    }

    #[test]
    fn values_are_read_by_their_type() {
        let properties = Properties::parse("virtio,firewall=1,link_down=no,tag=5,rate=2.5,mtu=big");
        assert_eq!(properties.flag("firewall"), Some(true));
        assert_eq!(properties.flag("link_down"), Some(false));
        assert_eq!(properties.flag("mtu"), None);
        assert_eq!(properties.flag("absent"), None);
        assert_eq!(properties.number::<u16>("tag"), Some(5));
        assert_eq!(properties.number::<f64>("rate"), Some(2.5));
        assert_eq!(properties.number::<u16>("mtu"), None);
    }
}
