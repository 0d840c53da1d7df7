//! MAC addresses of network cards: `BC:24:11:2B:4C:01`.

use std::fmt;

/// A MAC address in the letter case in which it was written: Proxmox keeps it, and code has to keep it to show no
/// difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac(String);

impl Mac {
    /// Reads six pairs of hexadecimal digits between colons; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_address = text.split(':').count() == 6 && text.split(':').all(is_pair);
        is_address.then(|| Self(text.to_owned()))
    }

    /// Reports whether Proxmox accepts it for a network card: it is not a group address, whose first byte is odd
    /// (`PVE::JSONSchema`: `mac-addr`).
    pub fn is_unicast(&self) -> bool {
        u8::from_str_radix(&self.0[..2], 16).is_ok_and(|first| first % 2 == 0)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_case() {
        let check = |text: &str, unicast: Option<bool>| {
            let mac = Mac::parse(text);
            assert_eq!(mac.as_ref().map(Mac::is_unicast), unicast, "{text:?}");
            assert!(mac.is_none_or(|mac| mac.to_string() == text), "{text:?}");
        };
        check("BC:24:11:2B:4C:01", Some(true));
        check("0a:e1:b3:00:c4:7f", Some(true));
        check("aA:e1:B3:00:c4:7F", Some(true));
        check("01:00:5e:00:00:01", Some(false));
        for text in [
            "",
            "virtio",
            "BC:24:11:2B:4C",
            "BC:24:11:2B:4C:01:02",
            "BC-24-11-2B-4C-01",
            "BC:24:11:2B:4C:0G",
            "B:C24:11:2B:4C:01",
            " BC:24:11:2B:4C:01",
            "ß:24:11:2B:4C:01",
        ] {
            check(text, None);
        }
    }
}
