//! Contents of a firewall file, and the levels at which there is one.

use std::collections::{BTreeMap, BTreeSet};

use super::sheet::Row;
use super::words::is_digits;

/// Contents of a firewall file.
#[derive(Clone, Debug, Default)]
pub(super) struct Firewall {
    pub(super) options: Row,
    /// The aliases by name in small letters.
    pub(super) aliases: BTreeMap<String, Alias>,
    /// The entries of each set.
    pub(super) sets: BTreeMap<String, Vec<Row>>,
    pub(super) set_comments: BTreeMap<String, String>,
    pub(super) rules: Vec<Row>,
    pub(super) groups: BTreeMap<String, Vec<Row>>,
    pub(super) group_comments: BTreeMap<String, String>,
    /// The sets that the software-defined network has.
    pub(super) network_sets: BTreeSet<String>,
}

/// Alias of an address.
#[derive(Clone, Debug)]
pub(super) struct Alias {
    pub(super) name: String,
    pub(super) cidr: String,
    pub(super) version: u8,
    pub(super) comment: Option<String>,
}

/// Level of a firewall file or a security group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Cluster,
    /// A security group, inside the cluster's file.
    Group,
    Host,
    Machine,
    Container,
    /// A virtual network.
    Network,
}

impl Level {
    /// Proxmox's word for it, which errors contain.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Group => "group",
            Self::Host => "host",
            Self::Machine => "vm",
            Self::Container => "ct",
            Self::Network => "vnet",
        }
    }

    /// The types that rules may have here.
    pub(super) fn directions(self) -> &'static str {
        match self {
            Self::Cluster | Self::Host => "in out forward group",
            Self::Group => "in out forward",
            Self::Machine | Self::Container => "in out group",
            Self::Network => "forward group",
        }
    }

    /// Reports whether the file may have this section.
    pub(super) fn has(self, section: &str) -> bool {
        match section {
            "aliases" | "ipset" => matches!(self, Self::Cluster | Self::Machine | Self::Container),
            "group" => self == Self::Cluster,
            _ => true,
        }
    }

    /// The options at this level: `b` is a switch, `i` a number, `l` a log level, `p` a policy, `t` a word.
    pub(super) fn options(self) -> &'static str {
        match self {
            Self::Cluster | Self::Group => {
                "enable:i ebtables:b policy_in:p policy_out:p policy_forward:p log_ratelimit:t"
            }
            Self::Host => {
                "enable:b nosmurfs:b tcpflags:b ndp:b log_nf_conntrack:b nf_conntrack_allow_invalid:b \
                protection_synflood:b nftables:b log_level_in:l log_level_out:l log_level_forward:l \
                tcp_flags_log_level:l smurf_log_level:l nf_conntrack_helpers:t nf_conntrack_max:i \
                nf_conntrack_tcp_timeout_established:i nf_conntrack_tcp_timeout_syn_recv:i protection_synflood_rate:i \
                protection_synflood_burst:i"
            }
            Self::Machine | Self::Container => {
                "enable:b dhcp:b ndp:b radv:b macfilter:b ipfilter:b ips:b log_level_in:l log_level_out:l policy_in:p \
                policy_out:p ips_queues:t layer2_protocols:t"
            }
            Self::Network => "enable:i policy_forward:p log_level_forward:l",
        }
    }
}

/// An address or a network, without the prefix length of a single address, and its version of IP.
pub(super) fn address(text: &str) -> Option<(String, u8)> {
    let (host, prefix) = text.split_once('/').map_or((text, None), |(host, prefix)| (host, Some(prefix)));
    if prefix.is_some_and(|prefix| !is_digits(prefix)) {
        return None;
    }
    let version = match host.parse().ok()? {
        std::net::IpAddr::V4(_) => 4,
        std::net::IpAddr::V6(_) => 6,
    };
    let whole = if version == 4 { "32" } else { "128" };
    Some((if prefix == Some(whole) { host } else { text }.to_owned(), version))
}
