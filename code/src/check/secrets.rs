//! Secrets: passwords, tokens and keys that are written in the code.

use std::collections::BTreeSet;
use std::ops::Range;

use super::code::{Code, Resource};
use super::finding::{Draft, Spot};
use super::provider::{self, Body, Form};
use super::rule::{Rule, Severity};
use crate::configuration::{Fields, Node, NodeKind, Path, Step};
use crate::document::{Attribute, Block, Document};

pub(super) static SECRET: Rule = Rule {
    code: "PVE501",
    name: "secret-in-code",
    severity: Severity::Error,
    summary: "A password, an API token or a private key is written in the code.",
    case: "resource \"proxmox_virtual_environment_user\" \"ops\" {\n  user_id  = \"ops@pve\"\n  password = \"correct horse\"\n}\n",
    why: "Whoever can read the repository can log in, and git keeps the value after the line is gone. A token of Terraform can \
          usually do everything in the cluster.",
    remedy: "Take the value out of the code, and change it in Proxmox. Give it to Terraform as a variable with `sensitive = true` \
             (`TF_VAR_…`), and to the provider in the environment (`PROXMOX_VE_API_TOKEN`). Files that git ignores are not looked \
             at.",
};

/// Ends of the names of attributes that hold secrets.
const SECRET_NAMES: [&str; 4] = ["password", "private_key", "secret", "token"];

/// Finds secrets. The places are returned: no line is printed with a secret in it.
pub(super) fn find(code: &Code<'_, '_>, drafts: &mut Vec<Draft>) -> Vec<Spot> {
    let mut spots = BTreeSet::new();
    let mut add = |draft: Draft| {
        let overlaps =
            |own: &Spot| own.file == draft.spot.file && own.start < draft.spot.end && draft.spot.start < own.end;
        if !spots.iter().any(overlaps) && spots.insert(draft.spot.clone()) {
            drafts.push(draft);
        }
    };
    for resource in &code.resources {
        let Some(body) = provider::resource(&resource.instance.address.resource_type) else { continue };
        sensitive(body, &resource.fields, &Path::default(), &mut |path, node| {
            if let Some(draft) = written(code, resource, path, node) {
                add(draft);
            }
        });
    }
    for file in &code.files {
        let text = &code.texts[file];
        if text.contains("provider") || text.contains("sensitive") {
            declared(file, text, &mut add);
        }
        for (range, noun) in patterns(text) {
            let spot = Spot { file: file.clone(), start: range.start, end: range.end };
            add(Draft::new(&SECRET, spot, format!("{noun} is written in the code")));
        }
    }
    spots.into_iter().collect()
}

/// Goes over the values of sensitive attributes.
fn sensitive<'s, 'f>(body: &Body, fields: &'s Fields<'f>, path: &Path, receive: &mut dyn FnMut(&Path, &'s Node<'f>)) {
    for (position, entry) in fields.entries.iter().enumerate() {
        let mut path = path.join(&entry.name);
        if entry.is_block {
            let earlier = fields.entries[..position].iter().filter(|other| other.name == entry.name).count();
            path = path.with(Step::Index(earlier));
        }
        match body.attributes.get(entry.name.as_str()) {
            Some(attribute) if attribute.is_sensitive => receive(&path, &entry.node),
            Some(attribute) => {
                let Form::Nested { body, .. } = &attribute.form else { continue };
                entry.node.fields().into_iter().for_each(|fields| sensitive(body, fields, &path, receive));
            }
            None => {
                let Some(nested) = body.blocks.get(entry.name.as_str()) else {
                    // In the wrong place it is a secret all the same.
                    if SECRET_NAMES.iter().any(|name| entry.name.ends_with(name)) {
                        receive(&path, &entry.node);
                    }
                    continue;
                };
                entry.node.fields().into_iter().for_each(|fields| sensitive(&nested.body, fields, &path, receive));
            }
        }
    }
}

/// A secret whose literal is in the code.
fn written(code: &Code<'_, '_>, resource: &Resource<'_, '_>, path: &Path, node: &Node<'_>) -> Option<Draft> {
    let text = match &node.kind {
        NodeKind::Scalar(_) => node.text()?,
        _ => return None,
    };
    if !is_secret(&text) {
        return None;
    }
    let spot = if node.is_literal {
        Spot::from(&node.place)
    } else {
        code.configuration.literal_place(resource.instance, path)?.into()
    };
    let path = path.to_string().replace("[0]", "");
    let message = format!("the secret `{path}` is written in the code");
    Some(Draft::new(&SECRET, spot, message).at(&resource.address).related(&node.place, "used here"))
}

/// Reports whether a text is a secret, and not an empty one or a placeholder of ours.
fn is_secret(text: &str) -> bool {
    !text.trim().is_empty() && !text.starts_with("redacted-")
}

/// Secrets of provider blocks, and defaults of sensitive variables.
fn declared(file: &str, text: &str, add: &mut dyn FnMut(Draft)) {
    let Ok(document) = Document::parse(text) else { return };
    let mut secret = |attribute: Attribute<'_>, message: String| {
        if attribute.string().is_some_and(is_secret) {
            let range = attribute.value_range();
            let spot = Spot { file: file.to_owned(), start: range.start, end: range.end };
            add(Draft::new(&SECRET, spot, message));
        }
    };
    for block in document.blocks() {
        match (block.keyword(), &block.labels()[..]) {
            ("provider", ["proxmox"]) => provider_block(provider::provider(), &block, &mut secret),
            ("variable", [name]) => {
                let is_sensitive = block.attribute("sensitive").and_then(|sensitive| sensitive.boolean()) == Some(true);
                if let Some(default) = block.attribute("default").filter(|_| is_sensitive) {
                    secret(default, format!("the sensitive variable `{name}` has its value in the code"));
                }
            }
            _ => {}
        }
    }
}

fn provider_block(body: &Body, block: &Block<'_>, secret: &mut dyn FnMut(Attribute<'_>, String)) {
    for attribute in block.attributes() {
        if body.attributes.get(attribute.name()).is_some_and(|known| known.is_sensitive) {
            secret(attribute, format!("`{}` of the provider is written in the code", attribute.name()));
        }
    }
    for nested in block.nested() {
        if let Some(inner) = body.blocks.get(nested.keyword()) {
            provider_block(&inner.body, &nested, secret);
        }
    }
}

/// Tokens and keys by their form, wherever they stand.
fn patterns(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut secrets = Vec::new();
    for (position, _) in text.match_indices('!') {
        secrets.extend(token(text, position).map(|range| (range, "an API token of Proxmox")));
    }
    for (position, begin) in text.match_indices("-----BEGIN ") {
        let Some(end) = text[position + begin.len()..].find("-----") else { continue };
        let title = &text[position + begin.len()..position + begin.len() + end];
        if title.ends_with("PRIVATE KEY") {
            let close = format!("-----END {title}-----");
            let end = text[position..].find(&close).map_or(text.len(), |end| position + end + close.len());
            secrets.push((position..end, "a private key"));
        }
    }
    secrets
}

/// A token `user@realm!name=UUID` around this exclamation mark.
fn token(text: &str, mark: usize) -> Option<Range<usize>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let before = text[..mark].char_indices().rev().find(|(_, c)| !is_word(*c) && *c != '@');
    let user = before.map_or(0, |(offset, c)| offset + c.len_utf8());
    if !text[user..mark].trim_matches('@').contains('@') {
        return None;
    }
    let rest = &text[mark + 1..];
    let name = rest.find(|c: char| !is_word(c))?;
    let uuid = rest[name..].strip_prefix('=')?.get(..36)?;
    let is_uuid = uuid.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    // Documentation shows tokens of one digit.
    let is_example = uuid.bytes().filter(|byte| *byte != b'-').collect::<BTreeSet<u8>>().len() == 1;
    (is_uuid && !is_example).then(|| user..mark + 1 + name + 1 + uuid.len())
}
