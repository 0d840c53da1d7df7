//! The blocks of files that we wrote earlier, byte for byte.
//!
//! Our files have one block after another, each with its comments above it, at the first column; nothing inside a block
//! stands there but its closing brace.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::{Identity, kinds};

use crate::ansible;
use crate::hcl;
use crate::outcome::FileSet;

/// The blocks of the previous files.
pub(crate) struct Chunks<'f> {
    /// By file, and by the block's first line without its brace: `resource "type" "name"`.
    blocks: BTreeMap<&'f str, BTreeMap<&'f str, &'f str>>,
    /// The Ansible tasks of each object, by file.
    tasks: BTreeMap<&'f str, BTreeMap<Identity, &'f str>>,
}

impl<'f> Chunks<'f> {
    /// Splits every Terraform file, and the tasks of every Ansible role.
    pub(crate) fn read(files: &'f FileSet) -> Self {
        let below = |folder: &'static str| files.iter().filter(move |(path, _)| path.starts_with(folder));
        let roles = below("ansible/roles/").filter(|(path, _)| path.ends_with("/tasks/main.yml"));
        Self {
            blocks: below("terraform/").map(|(path, text)| (path.as_str(), split(text))).collect(),
            tasks: roles.map(|(path, text)| (path.as_str(), objects(text))).collect(),
        }
    }

    /// The tasks for this object in this file, with their comments.
    pub(crate) fn task(&self, path: &str, identity: &Identity) -> Option<&'f str> {
        self.tasks.get(path)?.get(identity).copied()
    }

    /// Every object of one sort that has tasks, with their file.
    pub(crate) fn tasks(&self, prefix: &str) -> impl Iterator<Item = (Identity, String)> {
        let found = self.tasks.iter().flat_map(|(path, tasks)| tasks.keys().map(move |identity| (identity, *path)));
        found
            .filter(move |(identity, _)| identity.prefix() == prefix)
            .map(|(identity, path)| (identity.clone(), path.to_owned()))
    }

    /// Every lookup of a task, with whose it is.
    pub(crate) fn lookups(&self) -> impl Iterator<Item = (&Identity, ansible::Lookup<'f>)> {
        let tasks = self.tasks.values().flatten();
        tasks.flat_map(|(identity, text)| ansible::lookups(text).map(move |lookup| (identity, lookup)))
    }

    /// The block of the resource at this address (`type.name`), with its comments.
    pub(crate) fn resource(&self, path: &str, address: &str) -> Option<&'f str> {
        let (resource, label) = address.split_once('.')?;
        self.blocks.get(path)?.get(&*format!("resource \"{resource}\" \"{label}\"")).copied()
    }

    /// The blocks of these variables.
    pub(crate) fn variables(&self, names: &BTreeSet<String>) -> BTreeMap<String, String> {
        let Some(blocks) = self.blocks.get(crate::files::VARIABLES) else { return BTreeMap::new() };
        let block = |name: &String| Some((name.clone(), (*blocks.get(&*format!("variable \"{name}\""))?).to_owned()));
        names.iter().filter_map(block).collect()
    }
}

/// The names of the variables that a text refers to.
pub(crate) fn variables(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let names = text.match_indices("= var.").map(|(start, prefix)| {
        let rest = &text[start + prefix.len()..];
        rest[..rest.find(|c| !word(c)).unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

/// The description of a variable, where its block says that it is sensitive.
pub(crate) fn sensitive(block: &str) -> Option<String> {
    let value = |name: &str| {
        let mut words = block.lines().filter_map(|line| line.trim().split_once('='));
        words.find(|(left, _)| left.trim() == name).map(|(_, right)| right.trim())
    };
    if value("sensitive") != Some("true") {
        return None;
    }
    let text = value("description")?;
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Some(text.replace("\\\"", "\"").replace("$${", "${").replace("%%{", "%{").replace("\\\\", "\\"))
}

/// Where an object went that a text refers to.
pub(crate) enum Referred {
    /// Its address now.
    At(String),
    /// It has no code any more; this is who it was.
    Called(Identity),
}

/// The text with its references brought up to date, line by line: `  pool_id = type.name.pool_id`, in a list, within a text, and
/// in `depends_on`, which loses what has no code any more.
pub(crate) fn refer(text: &str, successor: impl Fn(&str) -> Option<Referred>) -> String {
    let line = |line: &str| {
        let plain = line.trim_end_matches('\n');
        let (left, value) = match plain.split_once(" = ") {
            Some((left, value)) => (format!("{left} = "), value),
            // An item of a list that is written over several lines.
            None => (plain[..plain.len() - plain.trim_start().len()].to_owned(), plain.trim_start()),
        };
        let now = renewed(value, &successor)?;
        Some(if now.is_empty() { String::new() } else { format!("{left}{now}\n") })
    };
    text.split_inclusive('\n').map(|text| line(text).unwrap_or_else(|| text.to_owned())).collect()
}

/// The same inside a string: `"+dc/${type.name.name}"`.
fn within(line: &str, successor: &impl Fn(&str) -> Option<Referred>) -> String {
    let (mut text, mut rest) = (String::new(), line);
    while let Some(start) = rest.find("${") {
        let (before, behind) = rest.split_at(start);
        let reference = behind[2..].split_once('}').filter(|_| !before.ends_with('$'));
        let now = reference.and_then(|(reference, _)| {
            let (address, attribute) = reference.rsplit_once('.')?;
            Some(match successor(address)? {
                Referred::At(address) => format!("${{{address}.{attribute}}}"),
                Referred::Called(identity) => hcl::unquoted(said(&identity, attribute)),
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

/// What an attribute of an object said: its id, or its name, which is the last part of an id that says as well where it is
/// (`pve1/vmbr0`).
fn said<'i>(identity: &'i Identity, attribute: &str) -> &'i str {
    let id = identity.id();
    if attribute == "name" { id.rsplit('/').next().unwrap_or(id) } else { id }
}

/// A value with its references brought up to date, empty where it is an address that leads nowhere any more; `None` where it
/// has none that moved.
fn renewed(value: &str, successor: &impl Fn(&str) -> Option<Referred>) -> Option<String> {
    if let Some(item) = value.strip_suffix(',') {
        let now = renewed(item, successor)?;
        return Some(if now.is_empty() { now } else { format!("{now},") });
    }
    if let Some(items) = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        let items: Vec<_> = items.split(", ").map(|item| (item, renewed(item, successor))).collect();
        let moved = items.iter().any(|(_, now)| now.is_some());
        let items = items.into_iter().map(|(item, now)| now.unwrap_or_else(|| item.to_owned()));
        let items: Vec<_> = items.filter(|item| !item.is_empty()).collect();
        return moved.then(|| format!("[{}]", items.join(", ")));
    }
    if value.starts_with('"') {
        let now = within(value, successor);
        return (now != value).then_some(now);
    }
    match successor(value) {
        Some(Referred::At(address)) => return Some(address),
        Some(Referred::Called(_)) => return Some(String::new()),
        None => {}
    }
    let (address, attribute) = value.rsplit_once('.')?;
    Some(match successor(address)? {
        Referred::At(address) => format!("{address}.{attribute}"),
        Referred::Called(guest) if attribute == "id" && guest.id().parse::<u32>().is_ok() => guest.id().to_owned(),
        Referred::Called(identity) => hcl::quoted(said(&identity, attribute)),
    })
}

/// The tasks of each object. Each task stands behind a comment that names its object and nothing else; the tasks of one
/// object stand together.
fn objects(text: &str) -> BTreeMap<Identity, &str> {
    let mut found: BTreeMap<Identity, (usize, usize)> = BTreeMap::new();
    let (mut at, mut open): (usize, Option<(Identity, usize)>) = (0, None);
    for line in text.split_inclusive('\n') {
        let anchored = ansible::anchored(line.trim_end()).filter(|identity| kinds::of(identity).is_some());
        if let Some(identity) = anchored.filter(|identity| open.as_ref().is_none_or(|(last, _)| last != identity))
            && let Some((before, start)) = open.replace((identity, at))
        {
            found.insert(before, (start, at));
        }
        at += line.len();
    }
    if let Some((last, start)) = open {
        found.insert(last, (start, at));
    }
    let tasks = |(identity, (start, end)): (Identity, (usize, usize))| {
        let tasks = text[start..end].trim_end_matches('\n');
        (identity, &text[start..=start + tasks.len()])
    };
    found.into_iter().map(tasks).collect()
}

fn split(text: &str) -> BTreeMap<&str, &str> {
    let mut blocks = BTreeMap::new();
    let (mut start, mut end, mut head) = (0, 0, None);
    for line in text.split_inclusive('\n') {
        end += line.len();
        let plain = line.trim_end_matches('\n');
        let name = match head {
            None if plain.is_empty() => {
                start = end;
                continue;
            }
            None => plain.strip_suffix(" {").or_else(|| plain.strip_suffix(" {}")).filter(|_| !plain.starts_with('#')),
            Some(name) => Some(name),
        };
        let Some(name) = name else { continue };
        // `{}` ends a block where it begins.
        if plain == "}" || (head.is_none() && plain.ends_with('}')) {
            blocks.insert(name, &text[start..end]);
            (start, head) = (end, None);
        } else {
            head = Some(name);
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_byte_for_byte() {
        let one = "# A sentence.\nresource \"a\" \"one\" {\n  text = <<-EOT\n    x\n\n    }\n  EOT\n\n  b {}\n}\n";
        let two = "resource \"a\" \"two\" {}\n";
        let files = FileSet::from([("terraform/a.tf".to_owned(), format!("# Header.\n\n{one}\n{two}"))]);
        let chunks = Chunks::read(&files);
        assert_eq!(chunks.resource("terraform/a.tf", "a.one"), Some(one));
        assert_eq!(chunks.resource("terraform/a.tf", "a.two"), Some(two));
        assert_eq!(chunks.resource("terraform/a.tf", "a.three"), None);
        let now = |address: &str| match address {
            "a.one" => Some(Referred::At("a.other".to_owned())),
            "a.gone" => Some(Referred::Called(Identity::new("qemu", 100))),
            "p.gone" => Some(Referred::Called(Identity::new("pool", "prod/web"))),
            "n.gone" => Some(Referred::Called(Identity::new("network", "pve1/vmbr0"))),
            _ => None,
        };
        let text = "  b  = a.one.id\n  c = a.gone.id\n  d = a.gone.pool_id\n  e = a.two.id # a.one.id\n  f {}\n}\n";
        let expected = "  b  = a.other.id\n  c = 100\n  d = \"100\"\n  e = a.two.id # a.one.id\n  f {}\n}\n";
        assert_eq!(refer(text, now), expected);
        let text = "  b = [a.one.id, \"x\", a.gone.sid]\n  c = [\n    a.gone.sid,\n    a.two.id,\n  ]\n";
        let expected = "  b = [a.other.id, \"x\", \"100\"]\n  c = [\n    \"100\",\n    a.two.id,\n  ]\n";
        assert_eq!(refer(text, now), expected);
        let text =
            "  b = \"vm:${a.one.id}\"\n  c = \"${a.gone.id}-0\"\n  d = \"${a.two.id}\"\n  e = \"$${a.one.id}\"\n";
        let expected = "  b = \"vm:${a.other.id}\"\n  c = \"100-0\"\n  d = \"${a.two.id}\"\n  e = \"$${a.one.id}\"\n";
        assert_eq!(refer(text, now), expected);
        let text = "  s = \"+dc/${a.one.name},+dc/${a.gone.name},$${a.one.name}\"\n  t = \"${x}\"\n";
        let expected = "  s = \"+dc/${a.other.name},+dc/100,$${a.one.name}\"\n  t = \"${x}\"\n";
        assert_eq!(refer(text, now), expected);
        let text = "  b = \"/pool/${p.gone.pool_id}\"\n  c = p.gone.pool_id\n  d = \"+dc/${n.gone.name}\"\n";
        let expected = "  b = \"/pool/prod/web\"\n  c = \"prod/web\"\n  d = \"+dc/vmbr0\"\n";
        assert_eq!(refer(text, now), expected);
        let text = "  b = n.gone.name\n  depends_on = [a.two, n.gone, a.one]\n  depends_on = [n.gone]\n  c = [\n    n.gone,\n    a.one,\n  ]\n";
        let expected =
            "  b = \"vmbr0\"\n  depends_on = [a.two, a.other]\n  depends_on = []\n  c = [\n    a.other,\n  ]\n";
        assert_eq!(refer(text, now), expected);
        let secret = |last: &str| {
            format!("variable \"x\" {{\n  description = \"Of \\\"x\\\"\"\n  type        = string\n{last}}}\n")
        };
        assert_eq!(sensitive(&secret("  sensitive   = true\n")), Some("Of \"x\"".to_owned()));
        assert_eq!(sensitive(&secret("")), None);
        assert_eq!(
            variables("  x = var.one\n  y = var.two-b\n"),
            BTreeSet::from(["one".to_owned(), "two-b".to_owned()])
        );
    }
}
