//! Parts that the kinds of the SDN share: their role, names that the provider accepts, and values as it reads them.

use std::net::IpAddr;

use proxmox_mpc_model::{Identity, Object};

use crate::ansible::Role;
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;

pub(super) mod controller;
pub(super) mod dns;
pub(super) mod fabric;
pub(super) mod fabric_node;
pub(super) mod ipam;
pub(super) mod routing;
pub(super) mod subnet;
pub(super) mod vnet;
pub(super) mod zone;

/// Role of the SDN. Changes are pending until its handler applies them.
fn role(_: &Identity) -> Role {
    Role::cluster("sdn").handler("Apply the SDN", "cluster/sdn")
}

/// Checks that an object is not about to be removed (docs/provider.md, D3).
fn not_removed(object: &Object) -> Result<(), Obstacle> {
    if object.text("state").as_deref() != Some("deleted") {
        return Ok(());
    }
    let reason = "it is no longer configured, and disappears when the SDN is applied; the provider would take it for one that \
                  stays (provider rule D3)";
    Err(Obstacle::new(reason).remedy("apply the SDN, or create it again"))
}

/// Checks a name: the provider accepts two to eight letters and digits, the first one a letter.
fn legal_name(id: &str) -> Result<(), Obstacle> {
    let fits = (2..=8).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && id.starts_with(|first: char| first.is_ascii_alphabetic());
    if fits { Ok(()) } else { Err(Obstacle::new(format!("the provider refuses the name `{id}` (provider rule D10)"))) }
}

/// Checks that the keys are whole numbers: the provider cannot read text or fractions.
pub(super) fn numbers(object: &Object, keys: &[&str]) -> Result<(), Obstacle> {
    match keys.iter().find(|key| object.keys.get(**key).is_some_and(|value| !value.is_i64())) {
        Some(key) => Err(Obstacle::new(format!("the provider cannot read `{key}`: it is not a whole number"))),
        None => Ok(()),
    }
}

/// Checks that keys are set which the provider requires and Proxmox does not.
fn required(object: &Object, keys: &[&str]) -> Result<(), Obstacle> {
    match keys.iter().find(|key| object.text(key).is_none_or(|text| text.is_empty())) {
        Some(key) => Err(Obstacle::new(format!("the provider requires `{key}`, which is not set (provider rule D12)"))),
        None => Ok(()),
    }
}

/// Splits a list as the provider does, at commas only, and sorts it.
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split(',').collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn list(words: Vec<&str>) -> Value {
    Value::List(words.into_iter().map(Value::from).collect())
}

/// Writes a text attribute if the key is present.
fn text(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    let text = draft.text(key);
    draft.set_some(attribute, text);
}

/// Writes an attribute that refers to another object of the SDN, or its id if that has no code.
fn refer(draft: &mut Draft<'_>, key: &str, attribute: &str, prefix: &str) {
    if let Some(id) = draft.text(key) {
        let value = draft.reference(&Identity::new(prefix, &id), "id").unwrap_or(Value::Text(id));
        draft.set(attribute, value);
    }
}

/// Parses a network into its address and prefix length.
fn network(cidr: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = cidr.split_once('/')?;
    let (address, length): (IpAddr, u32) = (address.parse().ok()?, length.parse().ok()?);
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
}

/// True if the network contains the address.
fn holds((network, length): (IpAddr, u32), address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, true),
        IpAddr::V6(address) => (u128::from(address), false),
    };
    let ((network, short), (address, other)) = (bits(network), bits(address));
    short == other && (network ^ address).checked_shr(128 - length).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let check = |cidr: &str, address: &str, expected: bool| {
            assert_eq!(holds(network(cidr).unwrap(), address.parse().unwrap()), expected, "{cidr} {address}");
        };
        check("10.20.0.0/24", "10.20.0.1", true);
        check("10.20.0.0/24", "10.20.1.1", false);
        check("10.20.0.1/32", "10.20.0.1", true);
        check("10.20.0.1/32", "10.20.0.2", false);
        check("0.0.0.0/0", "203.0.113.7", true);
        check("2001:db8::/64", "2001:db8::ffff", true);
        check("2001:db8::/64", "2001:db8:1::1", false);
        check("::/0", "10.0.0.1", false);
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(network("10.0.0.0"), None);
    }
}
