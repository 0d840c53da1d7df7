//! References in generated blocks: which variables a block uses, and addresses brought up to date where objects have moved.
//!
//! Blocks are read line by line in the layout in which they were generated: `pool_id = type.name.pool_id`, in a list, within
//! a string, and in `depends_on`.

use std::collections::BTreeSet;

use proxmox_mpc_model::Identity;

use crate::quote;

/// Names of the variables that a block refers to.
pub fn variables(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let names = text.match_indices("= var.").map(|(start, prefix)| {
        let rest = &text[start + prefix.len()..];
        rest[..rest.find(|c| !word(c)).unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

/// Fate of an object that a block refers to.
pub enum Successor {
    /// It has this address now.
    Address(String),
    /// It has no code any more. Its id takes the place of the reference.
    Removed(Identity),
}

/// Brings the references of a block up to date. `successor` gives the new state of an address that has changed. An entry of
/// `depends_on` goes with the code of its object.
pub fn update(text: &str, successor: impl Fn(&str) -> Option<Successor>) -> String {
    let line = |line: &str| {
        let plain = line.trim_end_matches('\n');
        let (left, value) = match plain.split_once(" = ") {
            Some((left, value)) => (format!("{left} = "), value),
            // An item of a list that is written over several lines.
            None => (plain[..plain.len() - plain.trim_start().len()].to_owned(), plain.trim_start()),
        };
        let now = update_value(value, &successor)?;
        Some(if now.is_empty() { String::new() } else { format!("{left}{now}\n") })
    };
    text.split_inclusive('\n').map(|text| line(text).unwrap_or_else(|| text.to_owned())).collect()
}

/// Updates the references inside a quoted string: `"+dc/${type.name.name}"`.
fn update_string(line: &str, successor: &impl Fn(&str) -> Option<Successor>) -> String {
    let (mut text, mut rest) = (String::new(), line);
    while let Some(start) = rest.find("${") {
        let (before, behind) = rest.split_at(start);
        let reference = behind[2..].split_once('}').filter(|_| !before.ends_with('$'));
        let now = reference.and_then(|(reference, _)| {
            let (address, attribute) = reference.rsplit_once('.')?;
            Some(match successor(address)? {
                Successor::Address(address) => format!("${{{address}.{attribute}}}"),
                Successor::Removed(identity) => quote::unquoted(literal(&identity, attribute)),
            })
        });
        let length = match (&now, reference) {
            (Some(_), Some((reference, _))) => reference.len() + 3,
            _ => 2,
        };
        text.push_str(before);
        text.push_str(now.as_deref().unwrap_or("${"));
        rest = &behind[length..];
    }
    text.push_str(rest);
    text
}

/// Value that an attribute of a removed object had: its id, or for `name` the last part of an id with a location in it
/// (`pve1/vmbr0`).
fn literal<'i>(identity: &'i Identity, attribute: &str) -> &'i str {
    let id = identity.id();
    if attribute == "name" { id.rsplit('/').next().unwrap_or(id) } else { id }
}

/// Updates a value. `None` if nothing in it has changed; empty for the bare address of an object without code.
fn update_value(value: &str, successor: &impl Fn(&str) -> Option<Successor>) -> Option<String> {
    if let Some(item) = value.strip_suffix(',') {
        let now = update_value(item, successor)?;
        return Some(if now.is_empty() { now } else { format!("{now},") });
    }
    if let Some(items) = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        let items: Vec<_> = items.split(", ").map(|item| (item, update_value(item, successor))).collect();
        let moved = items.iter().any(|(_, now)| now.is_some());
        let items = items.into_iter().map(|(item, now)| now.unwrap_or_else(|| item.to_owned()));
        let items: Vec<_> = items.filter(|item| !item.is_empty()).collect();
        return moved.then(|| format!("[{}]", items.join(", ")));
    }
    if value.starts_with('"') {
        let now = update_string(value, successor);
        return (now != value).then_some(now);
    }
    match successor(value) {
        Some(Successor::Address(address)) => return Some(address),
        Some(Successor::Removed(_)) => return Some(String::new()),
        None => {}
    }
    let (address, attribute) = value.rsplit_once('.')?;
    Some(match successor(address)? {
        Successor::Address(address) => format!("{address}.{attribute}"),
        Successor::Removed(guest) if attribute == "id" && guest.id().parse::<u32>().is_ok() => guest.id().to_owned(),
        Successor::Removed(identity) => quote::quoted(literal(&identity, attribute)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_follow_their_objects() {
        let successor = |address: &str| match address {
            "a.one" => Some(Successor::Address("a.other".to_owned())),
            "a.gone" => Some(Successor::Removed(Identity::new("qemu", 100))),
            "p.gone" => Some(Successor::Removed(Identity::new("pool", "prod/web"))),
            "n.gone" => Some(Successor::Removed(Identity::new("network", "pve1/vmbr0"))),
            _ => None,
        };
        let check = |text: &str, expected: &str| assert_eq!(update(text, successor), expected);
        check("  b  = a.one.id\n  f {}\n}\n", "  b  = a.other.id\n  f {}\n}\n");
        check("  c = a.gone.id\n", "  c = 100\n");
        check("  d = a.gone.pool_id\n", "  d = \"100\"\n");
        check("  e = a.two.id # a.one.id\n", "  e = a.two.id # a.one.id\n");
        check("  b = [a.one.id, \"x\", a.gone.sid]\n", "  b = [a.other.id, \"x\", \"100\"]\n");
        check("  c = [\n    a.gone.sid,\n    a.two.id,\n  ]\n", "  c = [\n    \"100\",\n    a.two.id,\n  ]\n");
        check("  b = \"vm:${a.one.id}\"\n", "  b = \"vm:${a.other.id}\"\n");
        check("  c = \"${a.gone.id}-0\"\n", "  c = \"100-0\"\n");
        check("  d = \"${a.two.id}\"\n  e = \"$${a.one.id}\"\n", "  d = \"${a.two.id}\"\n  e = \"$${a.one.id}\"\n");
        check(
            "  s = \"+dc/${a.one.name},+dc/${a.gone.name},$${a.one.name}\"\n  t = \"${x}\"\n",
            "  s = \"+dc/${a.other.name},+dc/100,$${a.one.name}\"\n  t = \"${x}\"\n",
        );
        check("  b = \"/pool/${p.gone.pool_id}\"\n", "  b = \"/pool/prod/web\"\n");
        check("  c = p.gone.pool_id\n", "  c = \"prod/web\"\n");
        check("  b = n.gone.name\n  d = \"+dc/${n.gone.name}\"\n", "  b = \"vmbr0\"\n  d = \"+dc/vmbr0\"\n");
        check("  depends_on = [a.two, n.gone, a.one]\n", "  depends_on = [a.two, a.other]\n");
        check("  depends_on = [n.gone]\n", "  depends_on = []\n");
        check("  c = [\n    n.gone,\n    a.one,\n  ]\n", "  c = [\n    a.other,\n  ]\n");
    }

    #[test]
    fn variables_are_named() {
        let names = ["one", "two-b"].map(str::to_owned);
        assert_eq!(variables("  x = var.one\n  y = var.two-b\n"), BTreeSet::from(names));
    }
}
