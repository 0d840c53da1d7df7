//! Addresses of resource instances, as Terraform writes them: `module.vm["web"].proxmox_virtual_environment_vm.this[0]`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quote;

/// Address of a resource instance. As text and in documents it is written like Terraform's; a key that is not known is `[*]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Modules around the resource, the outermost first.
    pub modules: Vec<ModuleStep>,
    /// Type of the resource; empty in the address of a module.
    pub resource_type: String,
    /// Label of the resource.
    pub name: String,
    /// Key of the instance, where the resource has `count` or `for_each`.
    pub key: Option<Key>,
}

/// A module in an address: `module.vm["web"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleStep {
    /// Label of the call.
    pub name: String,
    /// Key, where the call has `count` or `for_each`.
    pub key: Option<Key>,
}

/// Key of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Of `count`.
    Number(u64),
    /// Of `for_each`.
    Text(String),
    /// `count` or `for_each` cannot be evaluated.
    Unknown,
}

impl Address {
    /// The address of a resource in the root module.
    pub fn of_root(resource_type: &str, name: &str) -> Self {
        Self { modules: Vec::new(), resource_type: resource_type.to_owned(), name: name.to_owned(), key: None }
    }

    /// Reports whether every key in the address is known.
    pub fn is_known(&self) -> bool {
        let keys = self.modules.iter().map(|step| &step.key).chain([&self.key]);
        keys.flatten().all(|key| *key != Key::Unknown)
    }

    /// The address without the key of the instance.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// The address of the module around the resource: `module.vm["web"]`; empty for the root module.
    pub fn module(&self) -> String {
        let steps: Vec<String> = self.modules.iter().map(ToString::to_string).collect();
        steps.join(".")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "[{number}]"),
            Self::Text(text) => write!(formatter, "[{}]", quote::quoted(text)),
            Self::Unknown => formatter.write_str("[*]"),
        }
    }
}

impl fmt::Display for ModuleStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "module.{}", self.name)?;
        self.key.as_ref().map_or(Ok(()), |key| key.fmt(formatter))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.modules.iter().enumerate() {
            write!(formatter, "{}{step}", if index > 0 { "." } else { "" })?;
        }
        if self.resource_type.is_empty() {
            return Ok(());
        }
        let dot = if self.modules.is_empty() { "" } else { "." };
        write!(formatter, "{dot}{}.{}", self.resource_type, self.name)?;
        self.key.as_ref().map_or(Ok(()), |key| key.fmt(formatter))
    }
}

/// Text that is not an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(pub String);

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is not the address of a resource or a module", self.0)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).ok_or_else(|| AddressError(text.to_owned()))
    }
}

/// Reads names and keys in turn. Blanks between them are skipped, as Terraform does in an `import` block.
fn parse(text: &str) -> Option<Address> {
    let mut steps: Vec<(String, Option<Key>)> = Vec::new();
    let mut rest = text.trim();
    loop {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        rest = behind.trim_start();
        let mut key = None;
        if let Some(inside) = rest.strip_prefix('[') {
            let (parsed, behind) = parse_key(inside)?;
            key = Some(parsed);
            rest = behind.trim_start();
        }
        steps.push((name.to_owned(), key));
        match rest.strip_prefix('.') {
            Some(behind) => rest = behind.trim_start(),
            None if rest.is_empty() => break,
            None => return None,
        }
    }
    assemble(steps)
}

pub(super) fn assemble(steps: Vec<(String, Option<Key>)>) -> Option<Address> {
    let mut address = Address { modules: Vec::new(), resource_type: String::new(), name: String::new(), key: None };
    let mut steps = steps.into_iter().peekable();
    while let Some((_, key)) = steps.next_if(|(name, _)| name == "module") {
        let (name, own) = steps.next().filter(|_| key.is_none())?;
        address.modules.push(ModuleStep { name, key: own });
    }
    if let Some((resource_type, key)) = steps.next() {
        let (name, own) = steps.next().filter(|_| key.is_none())?;
        (address.resource_type, address.name, address.key) = (resource_type, name, own);
    }
    (steps.next().is_none() && !(address.modules.is_empty() && address.name.is_empty())).then_some(address)
}

/// Reads a key behind its bracket, and returns it with the text behind the closing one.
fn parse_key(text: &str) -> Option<(Key, &str)> {
    let text = text.trim_start();
    if text.starts_with('"') {
        let mut escaped = false;
        let end = text.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        })?;
        let (quoted, rest) = text.split_at(end.0 + 1);
        let key = match crate::document::expression(quoted)? {
            hcl_edit::expr::Expression::String(text) => Key::Text(text.value().clone()),
            _ => return None,
        };
        return Some((key, rest.trim_start().strip_prefix(']')?));
    }
    let (inside, rest) = text.split_once(']')?;
    let key = match inside.trim() {
        "*" => Key::Unknown,
        number => Key::Number(number.parse().ok()?),
    };
    Some((key, rest))
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ResourceAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "Address of a resource instance, as Terraform writes it" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_back() {
        let check = |text: &str, expected: &str| {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), expected);
            assert_eq!(expected.parse::<Address>().unwrap(), address);
        };
        check("a.b", "a.b");
        check("a.b[0]", "a.b[0]");
        check("a.b[ \"x\" ]", "a.b[\"x\"]");
        check("a . b", "a.b");
        check("module.m.a.b[\"x.y\"]", "module.m.a.b[\"x.y\"]");
        check("module.m[\"a]\\\"b\"].module.n[1].a.b", "module.m[\"a]\\\"b\"].module.n[1].a.b");
        check("module.m[*].a.b[*]", "module.m[*].a.b[*]");
        check("module.m", "module.m");
        check("a.b[\"$${x}\"]", "a.b[\"$${x}\"]");
        for text in ["", "a", "a.b.c", "module", "a[0].b", "a.b[", "a.b[x]", "a.b[\"${x}\"]", "a..b"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        assert!(!"module.m[*].a.b".parse::<Address>().unwrap().is_known());
    }
}
