//! Reading a Terraform state: where resources are and by which ids they go, and nothing else of it.
//!
//! A state holds secrets in plain text. What is not an address or an id is skipped while it is read, and an error tells the
//! place in the file, never what stands there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::hcl;

/// The attributes that identify objects; nothing else is kept.
const IDENTIFYING: &[&str] = &[
    "container_id",
    "file_path",
    "guest_id",
    "handle",
    "id",
    "index",
    "name",
    "node",
    "node_name",
    "plugin",
    "poolid",
    "vm_id",
    "vmid",
    "vnet",
];

/// What is wrong with a state.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StateError {
    /// It is not JSON.
    #[error("line {line}, column {column}: this is not JSON as Terraform writes it")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is JSON of something else.
    #[error("it is JSON, but neither what `terraform show -json` prints nor a state file")]
    Form,
    /// A later Terraform wrote it.
    #[error("its format is newer than this program knows")]
    Newer,
    /// It was written by Terraform 0.11 or older.
    #[error("it is a state of Terraform 0.11 or older")]
    Older,
    /// There is no resource in it.
    #[error("there is no resource in it")]
    Empty,
    /// There are resources in it, and none is Proxmox's.
    #[error("none of its {0} resources is of a Proxmox provider")]
    Foreign(usize),
    /// An address that Terraform would not write.
    #[error("resource {0} of it has an address that Terraform would not write")]
    Address(usize),
}

/// One instance of a resource of a Proxmox provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The modules that it is in, outermost first, each with its key.
    pub modules: Vec<(String, Option<Key>)>,
    /// The type: `proxmox_vm_qemu`.
    pub resource: String,
    /// The name: `web`.
    pub name: String,
    /// Its key, where the resource has `count` or `for_each`.
    pub key: Option<Key>,
    pub(super) attributes: BTreeMap<&'static str, String>,
}

/// The key of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// Of `count`.
    Number(u64),
    /// Of `for_each`.
    Text(String),
}

impl Instance {
    /// Its address, as Terraform writes it.
    pub fn address(&self) -> String {
        format!("{}{}", self.path(true), self.key.as_ref().map(Key::bracketed).unwrap_or_default())
    }

    /// The address of its resource without any key, as a `removed` block names it.
    pub fn resource_address(&self) -> String {
        self.path(false)
    }

    fn path(&self, keys: bool) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (name, key) in &self.modules {
            let key = key.as_ref().filter(|_| keys).map(Key::bracketed).unwrap_or_default();
            parts.push(format!("module.{name}{key}"));
        }
        parts.push(format!("{}.{}", self.resource, self.name));
        parts.join(".")
    }
}

impl Key {
    fn bracketed(&self) -> String {
        match self {
            Self::Number(number) => format!("[{number}]"),
            Self::Text(text) => format!("[{}]", hcl::quoted(text)),
        }
    }
}

/// Every instance of a resource of a Proxmox provider in a state: the output of `terraform show -json` for a state or a
/// plan, or the state file itself.
pub fn parse(bytes: &[u8]) -> Result<Vec<Instance>, StateError> {
    let text = decoded(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let document: Document = serde_json::from_str(text).map_err(|error| match error.classify() {
        // A value of another type than Terraform writes there; what it is stays unsaid.
        serde_json::error::Category::Data => StateError::Form,
        _ => StateError::Json { line: error.line(), column: error.column() },
    })?;
    let mut found = StateReader::default();
    if let Some(version) = document.version {
        match version {
            4 => found.file(document.resources)?,
            0..=3 => return Err(StateError::Older),
            _ => return Err(StateError::Newer),
        }
    } else {
        let format = document.format_version.as_deref().ok_or(StateError::Form)?;
        if !matches!(format.split('.').next(), Some("0" | "1")) {
            return Err(StateError::Newer);
        }
        let values = document.prior_state.and_then(|state| state.values).or(document.values);
        if let Some(module) = values.and_then(|values| values.root_module) {
            found.module(module, &[])?;
        }
    }
    match (found.instances.is_empty(), found.all) {
        (true, 0) => Err(StateError::Empty),
        (true, all) => Err(StateError::Foreign(all)),
        (false, _) => Ok(found.instances),
    }
}

/// The text of a file. PowerShell's `>` writes UTF-16, and says so with a mark in front.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let units = |to_unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes[2..].as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| to_unit(*pair)).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// Either form of a state.
#[derive(Deserialize)]
struct Document {
    /// Of a state file.
    version: Option<u64>,
    #[serde(default)]
    resources: Vec<StoredResource>,
    /// Of `terraform show -json`.
    format_version: Option<String>,
    values: Option<Values>,
    /// A plan has the state that it began with here.
    prior_state: Option<PriorState>,
}

#[derive(Deserialize)]
struct PriorState {
    values: Option<Values>,
}

#[derive(Deserialize)]
struct Values {
    root_module: Option<Module>,
}

#[derive(Deserialize)]
struct Module {
    address: Option<String>,
    #[serde(default)]
    resources: Vec<ShownResource>,
    #[serde(default)]
    child_modules: Vec<Self>,
}

/// A resource as `show -json` has it.
#[derive(Deserialize)]
struct ShownResource {
    mode: String,
    #[serde(rename = "type")]
    resource: String,
    name: String,
    index: Option<Key>,
    /// An object that is about to be destroyed, and that another one stands for already.
    deposed_key: Option<String>,
    #[serde(default)]
    values: Option<Attributes>,
}

/// A resource as the state file has it.
#[derive(Deserialize)]
struct StoredResource {
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    resource: String,
    name: String,
    #[serde(default)]
    instances: Vec<StoredInstance>,
}

#[derive(Deserialize)]
struct StoredInstance {
    index_key: Option<Key>,
    deposed: Option<String>,
    #[serde(default)]
    attributes: Option<Attributes>,
}

/// What identifies an object; every other attribute is passed over.
#[derive(Default)]
struct Attributes(BTreeMap<&'static str, String>);

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Identifying)
    }
}

struct Identifying;

impl<'de> Visitor<'de> for Identifying {
    type Value = Attributes;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the attributes of a resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalar {
            Text(String),
            Number(u64),
            Other(IgnoredAny),
        }
        let mut attributes = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(known) = IDENTIFYING.iter().find(|known| **known == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let text = match map.next_value()? {
                Scalar::Text(text) => text,
                Scalar::Number(number) => number.to_string(),
                Scalar::Other(_) => continue,
            };
            attributes.insert(*known, text);
        }
        Ok(Attributes(attributes))
    }
}

#[derive(Default)]
struct StateReader {
    instances: Vec<Instance>,
    /// How many managed resources there are, whose ever they are.
    all: usize,
}

impl StateReader {
    fn module(&mut self, module: Module, within: &[(String, Option<Key>)]) -> Result<(), StateError> {
        let modules = match &module.address {
            Some(address) => path(address).ok_or(StateError::Address(self.all + 1))?,
            None => within.to_vec(),
        };
        for shown in module.resources {
            if shown.mode != "managed" || shown.deposed_key.is_some() {
                continue;
            }
            let attributes = shown.values.unwrap_or_default();
            self.instance(modules.clone(), &shown.resource, &shown.name, shown.index, attributes)?;
        }
        module.child_modules.into_iter().try_for_each(|child| self.module(child, &modules))
    }

    fn file(&mut self, resources: Vec<StoredResource>) -> Result<(), StateError> {
        for stored in resources.into_iter().filter(|stored| stored.mode == "managed") {
            let modules = path(stored.module.as_deref().unwrap_or("")).ok_or(StateError::Address(self.all + 1))?;
            for instance in stored.instances.into_iter().filter(|instance| instance.deposed.is_none()) {
                let attributes = instance.attributes.unwrap_or_default();
                self.instance(modules.clone(), &stored.resource, &stored.name, instance.index_key, attributes)?;
            }
        }
        Ok(())
    }

    fn instance(
        &mut self,
        modules: Vec<(String, Option<Key>)>,
        resource: &str,
        name: &str,
        key: Option<Key>,
        attributes: Attributes,
    ) -> Result<(), StateError> {
        self.all += 1;
        if !resource.starts_with("proxmox_") {
            return Ok(());
        }
        if !hcl::identifier(resource) || !word(name) {
            return Err(StateError::Address(self.all));
        }
        let (resource, name, Attributes(attributes)) = (resource.to_owned(), name.to_owned(), attributes);
        self.instances.push(Instance { modules, resource, name, key, attributes });
        Ok(())
    }
}

/// Whether Terraform would take the word for a name, which may have letters of any language.
fn word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// The steps of a module's address: `module.a["x"].module.b`; `None` where it is none.
fn path(address: &str) -> Option<Vec<(String, Option<Key>)>> {
    let (mut steps, mut rest) = (Vec::new(), address);
    while !rest.is_empty() {
        rest = rest.strip_prefix("module.")?;
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let mut key = None;
        if let Some(after) = rest.strip_prefix('[') {
            // A key is a number or a text in quotes, both as JSON writes them but for the template marks.
            let mut values = serde_json::Deserializer::from_str(after).into_iter::<Key>();
            let value = values.next()?.ok()?;
            rest = after[values.byte_offset()..].strip_prefix(']')?;
            key = Some(match value {
                Key::Text(text) => Key::Text(text.replace("$${", "${").replace("%%{", "%{")),
                Key::Number(number) => Key::Number(number),
            });
        }
        rest = match rest.strip_prefix('.') {
            Some(more) if !more.is_empty() => more,
            Some(_) => return None,
            None => rest,
        };
        if !word(&name) {
            return None;
        }
        steps.push((name, key));
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_back() {
        let check = |module: &str, key: Option<Key>, expected: &str, resource: &str| {
            let instance = Instance {
                modules: path(module).unwrap(),
                resource: "proxmox_lxc".to_owned(),
                name: "web".to_owned(),
                key,
                attributes: BTreeMap::new(),
            };
            assert_eq!(instance.address(), expected);
            assert_eq!(instance.resource_address(), resource);
        };
        let text = |text: &str| Some(Key::Text(text.to_owned()));
        check("", None, "proxmox_lxc.web", "proxmox_lxc.web");
        check("", Some(Key::Number(0)), "proxmox_lxc.web[0]", "proxmox_lxc.web");
        check("module.a", text("x"), "module.a.proxmox_lxc.web[\"x\"]", "module.a.proxmox_lxc.web");
        check(
            "module.a[\"x.]\\\"y\"].module.b[2]",
            text("${z}"),
            "module.a[\"x.]\\\"y\"].module.b[2].proxmox_lxc.web[\"$${z}\"]",
            "module.a.module.b.proxmox_lxc.web",
        );
        for bad in
            ["a", "module.", "module.a.", "module.a[", "module.a[\"x\"", "module.a[x]", "module.a b", "module.a]"]
        {
            assert_eq!(path(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_error_says_nothing_of_what_stands_there() {
        let check =
            |text: &str, expected: StateError| assert_eq!(parse(text.as_bytes()).unwrap_err(), expected, "{text}");
        check("# proxmox_lxc.web:\nresource", StateError::Json { line: 1, column: 1 });
        check("{\"format_version\": \"1.0\"", StateError::Json { line: 1, column: 24 });
        check("", StateError::Json { line: 1, column: 0 });
        check("[]", StateError::Form);
        check("{}", StateError::Form);
        check("{\"format_version\": 1, \"values\": \"CANARY\"}", StateError::Form);
        check("{\"format_version\": \"2.0\"}", StateError::Newer);
        check("{\"format_version\": \"1.0\"}", StateError::Empty);
        check("{\"version\": 5}", StateError::Newer);
        check("{\"version\": 3, \"modules\": []}", StateError::Older);
        check("{\"version\": 4, \"resources\": []}", StateError::Empty);
        let resource = |resource: &str, name: &str| {
            format!(
                "{{\"version\": 4, \"resources\": [{{\"mode\": \"managed\", \"type\": \"{resource}\", \"name\": \
                 \"{name}\", \"instances\": [{{\"attributes\": {{\"id\": \"x\"}}}}]}}]}}"
            )
        };
        check(&resource("aws_instance", "web"), StateError::Foreign(1));
        check(&resource("proxmox_lxc", "we b"), StateError::Address(1));
        check(&resource("proxmox_l\\nxc", "web"), StateError::Address(1));
        let told = |bytes: &[u8]| parse(bytes).unwrap()[0].address();
        let text = resource("proxmox_lxc", "wéb");
        assert_eq!(told(text.as_bytes()), "proxmox_lxc.wéb");
        assert_eq!(told(format!("\u{feff}{text}").as_bytes()), "proxmox_lxc.wéb");
        let wide: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(told(&wide), "proxmox_lxc.wéb");
    }
}
