//! Schema of the Terraform provider bpg/proxmox: the blocks, attributes and types of every resource, as a table.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The version of the provider that the table was made from.
pub const VERSION: &str = "0.111.1";

const TEXT: &str = include_str!("bpg-0.111.1.txt");

static TABLE: LazyLock<Table> = LazyLock::new(|| parse(TEXT));

/// The table: types by name, and the provider's own block.
#[derive(Debug, Default)]
pub(super) struct Table {
    bodies: Vec<Body>,
    resources: BTreeMap<&'static str, usize>,
    provider: usize,
}

/// Attributes and nested blocks that a block may have.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) attributes: BTreeMap<&'static str, Attribute>,
    pub(super) blocks: BTreeMap<&'static str, NestedBlock>,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) form: Form,
    pub(super) is_required: bool,
    /// True if the provider alone sets it.
    pub(super) is_computed: bool,
    pub(super) is_sensitive: bool,
}

/// A nested block.
#[derive(Debug)]
pub(super) struct NestedBlock {
    pub(super) least: usize,
    pub(super) most: Option<usize>,
    pub(super) body: Body,
}

/// The type of an attribute.
#[derive(Debug)]
pub(super) enum Form {
    Text,
    Number,
    Truth,
    List(Box<Self>),
    Map(Box<Self>),
    Object(BTreeMap<&'static str, Self>),
    /// Attributes of its own; several of them in a list, a set or a map.
    Nested {
        nesting: &'static str,
        body: Body,
    },
}

/// Resource type in the table; `None` for one that the provider does not have.
pub(super) fn resource(name: &str) -> Option<&'static Body> {
    TABLE.resources.get(name).map(|index| &TABLE.bodies[*index])
}

/// Names of all resource types.
pub(super) fn resources() -> impl Iterator<Item = &'static str> {
    TABLE.resources.keys().copied()
}

/// The block `provider "proxmox"`.
pub(super) fn provider() -> &'static Body {
    &TABLE.bodies[TABLE.provider]
}

impl Form {
    /// The type in Terraform's words.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Nested { nesting, .. } => match *nesting {
                "single" => "an object",
                "map" => "a map of objects",
                _ => "a list of objects",
            },
        }
    }
}

fn parse(text: &'static str) -> Table {
    let mut table = Table::default();
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let mut words = line.split(' ');
        let word = words.next().unwrap_or_default();
        let body = body(&mut lines, 1);
        let index = table.bodies.len();
        table.bodies.push(body);
        match word {
            "resource" => table.resources.extend(words.map(|name| (name, index))),
            "provider" => table.provider = index,
            _ => {}
        }
    }
    table
}

/// Reads the lines that are indented by this number of blanks.
fn body(lines: &mut std::iter::Peekable<impl Iterator<Item = &'static str>>, depth: usize) -> Body {
    let mut result = Body::default();
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    while let Some(line) = lines.next_if(|line| indent(line) == depth) {
        let mut words = line[depth..].splitn(3, ' ');
        let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
        let flags = words.next().unwrap_or_default();
        if let Some(range) = kind.strip_prefix('{') {
            let (least, most) = range.split_once(',').unwrap_or_default();
            let body = body(lines, depth + 1);
            let least = least.parse().unwrap_or_default();
            result.blocks.insert(name, NestedBlock { least, most: most.parse().ok(), body });
            continue;
        }
        let form = match kind.strip_prefix('=') {
            Some(nesting) => Form::Nested { nesting, body: body(lines, depth + 1) },
            None => form(kind),
        };
        let is_required = flags.contains('r');
        let attribute = Attribute {
            form,
            is_required,
            is_computed: flags.contains('c') && !flags.contains('o') && !is_required,
            is_sensitive: flags.contains('s'),
        };
        result.attributes.insert(name, attribute);
    }
    result
}

/// Reads a type as Terraform writes it.
fn form(text: &'static str) -> Form {
    let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(inner) = inside("list").or_else(|| inside("set")) {
        return Form::List(Box::new(form(inner)));
    }
    if let Some(inner) = inside("map") {
        return Form::Map(Box::new(form(inner)));
    }
    if let Some(inner) = inside("object") {
        let inner = inner.trim_start_matches('{').trim_end_matches('}');
        return Form::Object(split(inner).into_iter().map(|(name, text)| (name, form(text))).collect());
    }
    match text {
        "number" => Form::Number,
        "bool" => Form::Truth,
        _ => Form::Text,
    }
}

/// Splits `a=string,b=list(object({c=string,d=bool}))` at its outer commas.
fn split(text: &'static str) -> Vec<(&'static str, &'static str)> {
    let (mut fields, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (offset, c) in text.char_indices().chain([(text.len(), ',')]) {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                fields.extend(text[start..offset].split_once('='));
                start = offset + 1;
            }
            _ => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        assert_eq!(resources().count(), 115);
        let vm = resource("proxmox_virtual_environment_vm").unwrap();
        assert!(vm.attributes["node_name"].is_required && vm.attributes["ipv4_addresses"].is_computed);
        assert!(!vm.attributes["vm_id"].is_computed && matches!(vm.attributes["vm_id"].form, Form::Number));
        assert_eq!((vm.blocks["cpu"].least, vm.blocks["cpu"].most), (0, Some(1)));
        assert!(vm.blocks["disk"].body.attributes["interface"].is_required);
        let account = &vm.blocks["initialization"].body.blocks["user_account"].body;
        assert!(account.attributes["password"].is_sensitive);
        let Form::List(inner) = &vm.attributes["network_device"].form else { panic!("not a list") };
        let Form::Object(fields) = &**inner else { panic!("not an object") };
        assert!(matches!(fields["vlan_id"], Form::Number) && fields.len() == 11);
        let mapping = resource("proxmox_hardware_mapping_usb").unwrap();
        let Form::Nested { nesting, body } = &mapping.attributes["map"].form else { panic!("not nested") };
        assert!(*nesting == "set" && body.attributes["node"].is_required);
        assert!(provider().attributes["api_token"].is_sensitive && provider().blocks.contains_key("ssh"));
    }
}
