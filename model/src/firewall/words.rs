//! Names, ports, protocols, ICMP types and connection helpers of firewall rules.

/// Longest name of an alias or an IP set, in characters.
pub const LONGEST_NAME: usize = 64;

/// Names in Debian's `/etc/services`, which may stand for ports.
static SERVICES: &str = include_str!("services.txt");
/// Names and numbers in Debian's `/etc/protocols`, and `icmpv6`, which Proxmox adds.
static PROTOCOLS: &str = include_str!("protocols.txt");
static ICMP: &str = "any echo-reply destination-unreachable network-unreachable host-unreachable protocol-unreachable \
    port-unreachable fragmentation-needed source-route-failed network-unknown host-unknown network-prohibited \
    host-prohibited TOS-network-unreachable TOS-host-unreachable communication-prohibited host-precedence-violation \
    precedence-cutoff source-quench redirect network-redirect host-redirect TOS-network-redirect TOS-host-redirect \
    echo-request router-advertisement router-solicitation time-exceeded ttl-zero-during-transit \
    ttl-zero-during-reassembly parameter-problem ip-header-bad required-option-missing timestamp-request \
    timestamp-reply address-mask-request address-mask-reply";
static ICMPV6: &str = "destination-unreachable no-route communication-prohibited beyond-scope address-unreachable \
    port-unreachable failed-policy reject-route packet-too-big time-exceeded ttl-zero-during-transit \
    ttl-zero-during-reassembly parameter-problem bad-header unknown-header-type unknown-option echo-request echo-reply \
    router-solicitation router-advertisement neighbor-solicitation neighbour-solicitation neighbor-advertisement \
    neighbour-advertisement redirect";
/// Protocols that have ports.
const WITH_PORTS: &[&str] = &["udp", "17", "udplite", "136", "tcp", "6", "dccp", "33", "sctp", "132"];
/// Connection helpers (`nf_conntrack_helpers`).
const HELPERS: &[&str] = &["amanda", "ftp", "irc", "netbios-ns", "pptp", "sane", "sip", "snmp", "tftp"];

/// Reports whether a text may be the name of a security group, an IP set or an alias.
pub fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let rest = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    characters.next().is_some_and(|first| first.is_ascii_alphabetic()) && text.len() > 1 && characters.all(rest)
}

fn is_one_of(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

/// Reports whether a protocol is ICMP of either version, by the names that Proxmox checks rules for.
pub fn is_icmp(protocol: &str) -> bool {
    is_icmpv6(protocol) || protocol == "icmp"
}

/// Reports whether a protocol is ICMP of IPv6.
pub fn is_icmpv6(protocol: &str) -> bool {
    matches!(protocol, "icmpv6" | "ipv6-icmp")
}

/// Reports whether a protocol, by its name or number, has ports.
pub fn has_ports(protocol: &str) -> bool {
    WITH_PORTS.contains(&protocol)
}

/// Reports whether a word is a type of ICMP, or of ICMP of IPv6 if `six` is set.
pub fn is_icmp_type(word: &str, six: bool) -> bool {
    is_one_of(if six { ICMPV6 } else { ICMP }, word)
}

/// Checks the name or number of a protocol (`pve-fw-protocol-spec`); the complaint has no line break.
pub fn protocol(word: &str) -> Result<(), String> {
    let nothing = word.is_empty() || word == "0";
    if nothing || is_one_of(PROTOCOLS, word) { Ok(()) } else { Err(format!("unknown protocol '{word}'")) }
}

/// Checks a type of ICMP (`pve-fw-icmp-type-spec`).
pub fn icmp_type(word: &str) -> Result<(), String> {
    let known = word.is_empty() || is_icmp_type(word, false) || is_icmp_type(word, true);
    if known { Ok(()) } else { Err(format!("invalid icmp-type value '{word}'")) }
}

/// Checks a list of connection helpers (`pve-fw-conntrack-helper`).
pub fn helpers(list: &str) -> Result<(), String> {
    let items = items(list)?;
    let strange = items.into_iter().find(|helper| !HELPERS.contains(helper));
    strange.map_or(Ok(()), |helper| Err(format!("unknown helper {helper}")))
}

/// Checks a list of ports, ranges and services (`pve-fw-dport-spec`, `pve-fw-sport-spec`). A type of ICMP may stand
/// alone if `types_too` is set: rules once had it there.
pub fn ports(list: &str, types_too: bool) -> Result<(), String> {
    let (mut count, mut types) = (0, false);
    for item in items(list)? {
        match item.split_once(':') {
            Some((begin, end)) if is_number(begin) && is_number(end) => {
                count += 2;
                if port(begin)? > port(end)? {
                    let hint = format!("did you mean '{end}:{begin}'?");
                    return Err(format!("backwards range '{begin}:{end}' not allowed, {hint}"));
                }
            }
            None if is_number(item) => {
                count += 1;
                port(item)?;
            }
            _ if types_too && (is_icmp_type(item, false) || is_icmp_type(item, true)) => types = true,
            _ if is_one_of(SERVICES, item) => {}
            _ => return Err(format!("invalid port '{item}'")),
        }
    }
    if types && count > 0 {
        return Err("ICMP ports not allowed in port range".to_owned());
    }
    if count > 15 { Err("too many entries in port list (> 15 numbers)".to_owned()) } else { Ok(()) }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("invalid port '{text}'"))
}

/// The items of a list between commas. Perl drops empty ones at the end, and Proxmox complains of them.
pub(super) fn items(list: &str) -> Result<Vec<&str>, String> {
    if list.ends_with(',') {
        return Err("extraneous commas in list".to_owned());
    }
    Ok(if list.is_empty() { Vec::new() } else { list.split(',').collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_ranges_and_services() {
        let check = |list: &str, types_too: bool, expected: Result<(), &str>| {
            assert_eq!(ports(list, types_too), expected.map_err(str::to_owned), "{list}");
        };
        check("22", false, Ok(()));
        check("https,8000:8010", false, Ok(()));
        check("70000", false, Err("invalid port '70000'"));
        check("90:80", false, Err("backwards range '90:80' not allowed, did you mean '80:90'?"));
        check("nonsense", false, Err("invalid port 'nonsense'"));
        check("22,", false, Err("extraneous commas in list"));
        check("echo-request", true, Ok(()));
        check("echo-request", false, Err("invalid port 'echo-request'"));
        check("echo-request,22", true, Err("ICMP ports not allowed in port range"));
        check("1,2,3,4,5,6,7,8,9,10,11,12,13,14:15,16", false, Err("too many entries in port list (> 15 numbers)"));
    }

    #[test]
    fn protocols_have_names_and_numbers() {
        for word in ["tcp", "6", "icmpv6", "ipv6-icmp", ""] {
            assert_eq!(protocol(word), Ok(()), "{word}");
        }
        assert_eq!(protocol("tpc"), Err("unknown protocol 'tpc'".to_owned()));
        assert!(has_ports("sctp") && !has_ports("icmp"));
        assert_eq!(helpers("ftp,nonsense"), Err("unknown helper nonsense".to_owned()));
        assert_eq!(icmp_type("echo"), Err("invalid icmp-type value 'echo'".to_owned()));
    }
}
