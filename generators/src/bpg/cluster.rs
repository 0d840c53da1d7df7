//! Values that the provider's validators accept for cluster options, jobs, HA, mappings and metric servers.

/// Languages of the web interface. Proxmox has more.
pub const LANGUAGES: &[&str] = &[
    "ca", "da", "de", "en", "es", "eu", "fa", "fr", "he", "it", "ja", "nb", "nn", "pl", "pt_BR", "ru", "sl", "sv",
    "tr", "zh_CN", "zh_TW",
];

/// Viewers of a console.
pub const CONSOLES: &[&str] = &["applet", "vv", "html5", "xtermjs"];

/// Shutdown policies of the HA manager.
pub const SHUTDOWN_POLICIES: &[&str] = &["freeze", "failover", "migrate", "conditional"];

/// Types of migration.
pub const MIGRATIONS: &[&str] = &["secure", "insecure"];

/// Schedulers of the HA manager.
pub const SCHEDULERS: &[&str] = &["static", "basic", "dynamic"];

/// Methods by which the HA manager balances.
pub const BALANCERS: &[&str] = &["bruteforce", "topsis"];

/// Notification settings.
pub const NOTIFICATIONS: &[&str] = &["always", "never"];

/// Notification settings for package updates.
pub const UPDATE_NOTIFICATIONS: &[&str] = &["auto", "always", "never"];

/// Modes of a backup.
pub const BACKUP_MODES: &[&str] = &["snapshot", "suspend", "stop"];

/// Compressions of a backup.
pub const COMPRESSIONS: &[&str] = &["0", "1", "gzip", "lzo", "zstd"];

/// Mail settings of a backup.
pub const MAIL_NOTIFICATIONS: &[&str] = &["always", "failure"];

/// Change detection modes of a backup.
pub const CHANGE_DETECTIONS: &[&str] = &["legacy", "data", "metadata"];

/// Types of metric servers.
pub const METRIC_SERVERS: &[&str] = &["graphite", "influxdb", "opentelemetry"];

/// True for a legal comment: not empty, and without whitespace at either end.
pub fn comment(text: &str) -> bool {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}');
    !text.is_empty() && !text.starts_with(blank) && !text.ends_with(blank)
}

/// True for a legal comment of a mapped device.
pub fn map_comment(text: &str) -> bool {
    comment(text) && !text.contains([',', '='])
}

/// Decodes the comment of a mapping as the provider reads it: percent-encoding is decoded if the result is text.
pub fn mapping_comment(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = text.get(at + 1..at + 3).filter(|code| *byte == b'%' && code.bytes().all(|c| c.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => decoded.push(code),
            None if *byte == b'%' => return text.to_owned(),
            None => decoded.push(*byte),
        }
        at += if *byte == b'%' { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Encodes the comment of a mapping as the provider sends it: percent signs, and everything but printable ASCII.
pub fn sent_mapping_comment(text: &str) -> String {
    let sent = text.bytes().map(|byte| match byte {
        b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    sent.collect()
}

/// True for a legal name of an HA group or rule.
pub fn ha_name(text: &str) -> bool {
    let last = text.bytes().last();
    text.len() >= 2
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && last.is_some_and(|last| last.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// True for a legal name of a node.
pub fn node_name(text: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends(text.bytes().next())
        && ends(text.bytes().last())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// True for a legal HA resource: a virtual machine or a container by its VMID.
pub fn ha_resource(text: &str) -> bool {
    let number = text.strip_prefix("vm:").or_else(|| text.strip_prefix("ct:"));
    let digits = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| (100..=999_999_999).contains(&number))
}

/// True for a network in CIDR notation: `10.10.10.0/24`.
pub fn cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let canonical = length == "0" || (!length.starts_with(['0', '+']) && !length.is_empty());
    let most = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    canonical && length.parse::<u8>().is_ok_and(|length| length <= most)
}

/// True for the id of a device: `8086:1572`.
pub fn device_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 2 && parts.iter().all(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// True for the path of a PCI device: `0000:01:00.0`, in lower case.
pub fn pci_path(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = text.split(':').collect();
    let [domain, bus, rest] = parts.as_slice() else { return false };
    let (slot, function) = rest.split_once('.').unwrap_or((rest, "0"));
    (domain.len() >= 4 && bus.len() == 2 && slot.len() == 2 && function.len() == 1)
        && [*domain, *bus, slot, function].into_iter().all(hex)
}

/// True for the path of a USB device: `1-1.2`.
pub fn usb_path(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some((bus, ports)) = text.split_once('-') else { return false };
    number(bus) && ports.split('.').all(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &[&str] = &["a b", "%E2%80%93", "100%25", "a%0Ab", "~!+"];

    #[test]
    fn comments_of_mappings_are_read_as_the_provider_reads_them() {
        let check = |text: &str, read: &str| assert_eq!(mapping_comment(text), read, "{text}");
        check("RTX 3060 %E2%80%93 Grafik", "RTX 3060 – Grafik");
        check("100%25+", "100%+");
        check("50% off", "50% off");
        check("5%", "5%");
        check("%4", "%4");
        check("%zz%41", "%zz%41");
        check("%FF", "%FF");
        check("%€", "%€");
        check("ü%41", "üA");
    }

    #[test]
    fn values_are_judged_as_by_the_provider() {
        let check = |judge: fn(&str) -> bool, good: &[&str], bad: &[&str]| {
            for (text, expected) in good.iter().map(|text| (text, true)).chain(bad.iter().map(|text| (text, false))) {
                assert_eq!(judge(text), expected, "{text}");
            }
        };
        check(comment, &["a", "a b", "\u{a0}a"], &["", " a", "a\n", "\t"]);
        check(map_comment, &["a b"], &["a,b", "a=b", ""]);
        check(
            |text| sent_mapping_comment(&mapping_comment(text)) == text,
            KEPT,
            &["50% off", "%41", "%c3%bc", "ü", "%FF"],
        );
        check(ha_name, &["ab", "a-b.c_9"], &["a", "9a", "a-", "a b", "", "ä1"]);
        check(node_name, &["pve1", "1", "a-b"], &["", "-a", "a-", "a.b", "a_b"]);
        check(ha_resource, &["vm:100", "ct:999999999"], &["vm:99", "100", "vm:1000000000", "ct:", "fa:100", "vm:+100"]);
        check(cidr, &["10.0.0.0/8", "fd00::/64", "0.0.0.0/0"], &["10.0.0.0", "10.0.0.0/33", "a/8", "10.0.0.0/08"]);
        check(device_id, &["8086:1572", "10DE:1eb8"], &["8086", "8086:157", "8086:1572:1", "80g6:1572"]);
        check(
            pci_path,
            &["0000:01:00.0", "0000:01:00", "10000:e1:00.f"],
            &["01:00.0", "0000:01:00.0;0000:01:00.1", "0000:0A:00.0", "0000:01:00."],
        );
        check(usb_path, &["1-1", "1-1.2.4", "10-2"], &["1", "1-", "1-1.", "1:1", "-1"]);
    }
}
