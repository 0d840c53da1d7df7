//! Values in firewall rules (ports, protocols, ICMP types, addresses), with `pve-firewall`'s complaints.

mod addresses;
mod words;

pub use addresses::{Version, addresses, cidr, unmasked, unscoped};
pub use words::{
    LONGEST_NAME, has_ports, helpers, icmp_type, is_icmp, is_icmp_type, is_icmpv6, is_name, ports, protocol,
};
