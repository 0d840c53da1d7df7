//! Reader of Terraform states: addresses and ids of resources, and nothing else.
//!
//! A state holds secrets in plain text. Everything but addresses and ids is skipped while it is read, and an error names a
//! position in the file, never its content.

mod document;

use std::borrow::Cow;
use std::collections::BTreeMap;

use proxmox_mpc_code::configuration::StateInstance;
use serde::Deserialize;

use self::document::{Attributes, Document, Module, StoredResource};
use crate::hcl;

/// Error in a state.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StateError {
    /// Not JSON.
    #[error("line {line}, column {column}: this is not JSON as Terraform writes it")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// JSON, but not a state.
    #[error("it is JSON, but neither what `terraform show -json` prints nor a state file")]
    Form,
    /// Written by a newer version of Terraform.
    #[error("its format is newer than this program knows")]
    Newer,
    /// Written by Terraform 0.11 or older.
    #[error("it is a state of Terraform 0.11 or older")]
    Older,
    /// Without resources.
    #[error("there is no resource in it")]
    Empty,
    /// With resources, but none of a Proxmox provider.
    #[error("none of its {0} resources is of a Proxmox provider")]
    Foreign(usize),
    /// An address that Terraform would not write.
    #[error("resource {0} of it has an address that Terraform would not write")]
    Address(usize),
}

/// One instance of a resource of a Proxmox provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its modules, outermost first, each with its key.
    pub modules: Vec<(String, Option<Key>)>,
    /// Type: `proxmox_vm_qemu`.
    pub resource: String,
    /// Name: `web`.
    pub name: String,
    /// Its key, if the resource has `count` or `for_each`.
    pub key: Option<Key>,
    pub(super) attributes: BTreeMap<&'static str, String>,
}

/// Key of an instance or a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// Of `count`.
    Number(u64),
    /// Of `for_each`.
    Text(String),
}

impl Instance {
    /// Address, as Terraform writes it.
    pub fn address(&self) -> String {
        format!("{}{}", self.path(true), self.key.as_ref().map(Key::bracketed).unwrap_or_default())
    }

    /// The instance as the search for the code of objects takes it; `None` if the code's reader cannot read its address.
    pub fn to_locate(&self) -> Option<StateInstance> {
        let attributes = self.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Some(StateInstance { address: self.address().parse().ok()?, attributes })
    }

    /// Address of its resource without any key, as in a `removed` block.
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

/// Reads the instances of resources of Proxmox providers from the output of `terraform show -json` for a state or a plan, or from
/// a state file.
pub fn parse(bytes: &[u8]) -> Result<Vec<Instance>, StateError> {
    let text = decoded(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let document: Document = serde_json::from_str(text).map_err(|error| match error.classify() {
        // A value of a wrong type. The message of the library would quote it.
        serde_json::error::Category::Data => StateError::Form,
        _ => StateError::Json { line: error.line(), column: error.column() },
    })?;
    let mut reader = StateReader::default();
    if let Some(version) = document.version {
        match version {
            4 => reader.file(document.resources)?,
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
            reader.module(module, &[])?;
        }
    }
    match (reader.instances.is_empty(), reader.all) {
        (true, 0) => Err(StateError::Empty),
        (true, all) => Err(StateError::Foreign(all)),
        (false, _) => Ok(reader.instances),
    }
}

/// Text of a file. PowerShell's `>` writes UTF-16 with a byte order mark.
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

/// The instances that have been read so far.
#[derive(Default)]
struct StateReader {
    instances: Vec<Instance>,
    /// Number of managed resources of all providers.
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

/// True for a name that Terraform accepts; it may have letters of any language.
fn word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Parses the address of a module (`module.a["x"].module.b`) into its steps; `None` if it is not one.
fn path(address: &str) -> Option<Vec<(String, Option<Key>)>> {
    let (mut steps, mut rest) = (Vec::new(), address);
    while !rest.is_empty() {
        rest = rest.strip_prefix("module.")?;
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let mut key = None;
        if let Some(after) = rest.strip_prefix('[') {
            // A key is a number or a quoted text, as in JSON but for escaped template signs.
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
    fn an_error_does_not_quote_the_state() {
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
        let address = |bytes: &[u8]| parse(bytes).unwrap()[0].address();
        let text = resource("proxmox_lxc", "wéb");
        assert_eq!(address(text.as_bytes()), "proxmox_lxc.wéb");
        assert_eq!(address(format!("\u{feff}{text}").as_bytes()), "proxmox_lxc.wéb");
        let wide: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(address(&wide), "proxmox_lxc.wéb");
    }
}
