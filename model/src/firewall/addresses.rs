//! Addresses, networks and ranges of a rule, with the complaints of Perl's `Net::IP`, which Proxmox passes on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::words::{LONGEST_NAME, is_name, items};

/// Version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// IPv4.
    Four,
    /// IPv6.
    Six,
}

impl Version {
    /// `4` or `6`.
    pub fn number(self) -> i64 {
        match self {
            Self::Four => 4,
            Self::Six => 6,
        }
    }

    /// The number of bits of an address.
    fn width(self) -> u32 {
        if self == Self::Four { 32 } else { 128 }
    }
}

/// The version of the addresses in a list (`parse_address_list`); `None` where it is the name of a set or of an alias.
/// The complaint has no line break.
pub fn addresses(list: &str) -> Result<Option<Version>, String> {
    if let Some(name) = list.strip_prefix('+').filter(|name| !name.is_empty() && !name.contains(char::is_whitespace)) {
        return if name.len() > LONGEST_NAME { Err("ipset name too long".to_owned()) } else { Ok(None) };
    }
    if is_name(unscoped(list)) {
        return if list.len() > LONGEST_NAME { Err("alias name too long".to_owned()) } else { Ok(None) };
    }
    let (mut version, mut range) = (None, false);
    let items = items(list)?;
    for item in &items {
        let item_version = parsed(item).map_err(|why| format!("invalid IP address: {why}"))?;
        range |= item.contains('-');
        if version.is_some_and(|version| version != item_version) {
            return Err(format!("detected mixed ipv4/ipv6 addresses in address list '{list}'"));
        }
        version = Some(item_version);
    }
    if range && items.len() > 1 { Err("you can't use a range in a list".to_owned()) } else { Ok(version) }
}

/// The name of an alias or a set without its scope (`dc/`, `guest/`).
pub fn unscoped(name: &str) -> &str {
    name.strip_prefix("dc/").or_else(|| name.strip_prefix("guest/")).unwrap_or(name)
}

/// Checks an address, or a network that may have the bits of a host (`IPorCIDR`).
pub fn cidr(text: &str) -> Result<(), String> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let digits = length.is_none_or(|length| !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()));
    if address.parse::<IpAddr>().is_err() || !digits {
        return Err("value does not look like a valid IP address or CIDR network".to_owned());
    }
    parsed(&unmasked(text)).map(drop)
}

/// A network without the bits of a host, and a single address without its prefix length (`clean_cidr`,
/// `parse_ip_or_cidr`); any other text comes back as it is.
pub fn unmasked(cidr: &str) -> String {
    let Some((address, length)) = cidr.split_once('/') else { return cidr.to_owned() };
    match (address.parse::<IpAddr>(), length.parse::<u32>()) {
        (Ok(IpAddr::V4(_)), Ok(32)) | (Ok(IpAddr::V6(_)), Ok(128)) => address.to_owned(),
        (Ok(IpAddr::V4(four)), Ok(length @ 0..32)) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            format!("{}/{length}", Ipv4Addr::from(u32::from(four) & mask))
        }
        (Ok(IpAddr::V6(six)), Ok(length @ 0..128)) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            format!("{}/{length}", Ipv6Addr::from(u128::from(six) & mask))
        }
        _ => cidr.to_owned(),
    }
}

/// The version of an address, a network or a range.
fn parsed(text: &str) -> Result<Version, String> {
    if let Some((address, length)) = text.split_once('/') {
        let (version, bits) = address_of(address)?;
        let Ok(length) = length.parse::<u32>() else { return Ok(version) };
        let width = version.width();
        if length > width {
            return Err(format!("Prefix length {length} is longer than IP address ({width})"));
        }
        let host = u128::MAX.checked_shr(128 - (width - length)).unwrap_or(0);
        return if bits & host == 0 {
            Ok(version)
        } else {
            Err(format!("Invalid prefix {bits:0width$b}/{length}", width = width as usize))
        };
    }
    let Some((first, last)) = text.split_once('-').map(|(first, last)| (first.trim_end(), last.trim_start())) else {
        return address_of(text).map(|(version, _)| version);
    };
    let (version, begin) = address_of(first)?;
    match address_of(last) {
        Ok((same, end)) if same == version && begin <= end => Ok(version),
        Ok((same, _)) if same == version => Err(format!("Begin address is greater than End address {first} - {last}")),
        _ => Err(format!("Not a valid IPv{} address {last}", version.number())),
    }
}

/// An address and its bits. The quads that an IPv4 address lacks are zero.
fn address_of(text: &str) -> Result<(Version, u128), String> {
    if text.contains(':') {
        let address = text.parse::<Ipv6Addr>().map_err(|_| strange_six(text))?;
        return Ok((Version::Six, address.into()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') || text.is_empty() {
        return Err(format!("Invalid chars in IP {text}"));
    }
    if text.starts_with('.') {
        return Err(format!("Invalid IP {text} - starts with a dot"));
    }
    if text.ends_with('.') {
        return Err(format!("Invalid IP {text} - ends with a dot"));
    }
    let quads: Vec<&str> = text.split('.').collect();
    if quads.len() > 4 {
        return Err(format!("Invalid IP address {text}"));
    }
    if quads.contains(&"") {
        return Err(format!("Empty quad in IP address {text}"));
    }
    let mut bits = 0_u32;
    for quad in &quads {
        let byte: u8 = quad.parse().map_err(|_| format!("Invalid quad in IP address {text} - {quad}"))?;
        bits = (bits << 8) | u32::from(byte);
    }
    let missing = u32::try_from(4 - quads.len()).unwrap_or(0);
    Ok((Version::Four, bits.checked_shl(8 * missing).unwrap_or(0).into()))
}

/// The complaint about an address with colons.
fn strange_six(text: &str) -> String {
    let octets = || text.split(':').all(|octet| octet.len() <= 4 && octet.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match text {
        _ if !octets() => format!("Invalid IP address {text}"),
        _ if text.starts_with(':') && !text.starts_with("::") => format!("Invalid address {text} (starts with :)"),
        _ if text.ends_with(':') && !text.ends_with("::") => format!("Invalid address {text} (ends with :)"),
        _ if text.matches("::").count() > 1 => format!("Invalid address {text} (More than one :: pattern)"),
        _ => format!("Invalid IP address {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The complaints of `Net::IP` 1.26.
    #[test]
    fn addresses_are_read_as_by_net_ip() {
        let check = |list: &str, expected: Result<Option<Version>, &str>| {
            assert_eq!(addresses(list), expected.map_err(str::to_owned), "{list}");
        };
        check("+blocked", Ok(None));
        check("dc/home", Ok(None));
        check("10.0.0.0/24", Ok(Some(Version::Four)));
        check("10.0.0", Ok(Some(Version::Four)));
        check("fe80::/64", Ok(Some(Version::Six)));
        check("10.0.0.1-10.0.0.9", Ok(Some(Version::Four)));
        check("10.0.0.1,10.0.0.2", Ok(Some(Version::Four)));
        check("10.0.0.5/24", Err("invalid IP address: Invalid prefix 00001010000000000000000000000101/24"));
        check("10.0.0.0/33", Err("invalid IP address: Prefix length 33 is longer than IP address (32)"));
        check("300.1.1.1", Err("invalid IP address: Invalid quad in IP address 300.1.1.1 - 300"));
        check("foo.bar", Err("invalid IP address: Invalid chars in IP foo.bar"));
        check("1.2.", Err("invalid IP address: Invalid IP 1.2. - ends with a dot"));
        check("1..2", Err("invalid IP address: Empty quad in IP address 1..2"));
        check("fe80::g", Err("invalid IP address: Invalid IP address fe80::g"));
        check("1::2::3", Err("invalid IP address: Invalid address 1::2::3 (More than one :: pattern)"));
        check(
            "10.0.0.9-10.0.0.1",
            Err("invalid IP address: Begin address is greater than End address 10.0.0.9 - 10.0.0.1"),
        );
        check("10.0.0.1-foo", Err("invalid IP address: Not a valid IPv4 address foo"));
        check("10.0.0.1,fe80::1", Err("detected mixed ipv4/ipv6 addresses in address list '10.0.0.1,fe80::1'"));
        check("10.0.0.1-10.0.0.2,10.0.0.3", Err("you can't use a range in a list"));
        check("10.0.0.1,", Err("extraneous commas in list"));
    }

    #[test]
    fn a_network_may_have_any_length() {
        for text in ["10.1.2.3", "10.1.2.3/24", "0.0.0.0/0", "fd00::1/64"] {
            assert_eq!(cidr(text), Ok(()), "{text}");
        }
        let strange = "value does not look like a valid IP address or CIDR network";
        for (text, expected) in [
            ("10.1.2.3/33", "Prefix length 33 is longer than IP address (32)"),
            ("10.1.2.3/x", strange),
            ("10.1.2", strange),
        ] {
            assert_eq!(cidr(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_network_has_no_host() {
        for (given, expected) in [
            ("10.1.2.3/24", "10.1.2.0/24"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("fd00::5/64", "fd00::/64"),
            ("fd00::5/128", "fd00::5"),
            ("10.1.2.3/0", "0.0.0.0/0"),
            ("home", "home"),
        ] {
            assert_eq!(unmasked(given), expected);
        }
    }
}
