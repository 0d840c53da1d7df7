//! Property strings by the keys that the schema has for them (`PVE::JSONSchema::parse_property_string`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::description::Parameter;
use crate::boolean;

/// The description of each key.
pub(super) type Keys<'s> = BTreeMap<&'s str, &'s Parameter>;

/// The values by key, aliases resolved.
pub(super) fn parse(keys: &Keys<'_>, text: &str) -> Result<Map<String, Value>, String> {
    let duplicate = |key: &str| format!("duplicate key in comma-separated list property: {key}\n");
    let mut values = Map::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        match part.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                if values.contains_key(key) {
                    return Err(duplicate(key));
                }
                let parameter = keys.get(key);
                if let Some(model) = parameter.and_then(|parameter| parameter.key_alias.as_ref()) {
                    if values.contains_key(model) {
                        return Err(format!("key alias '{model}' is already defined\n"));
                    }
                    values.insert(model.clone(), key.into());
                }
                let key = parameter.and_then(|parameter| parameter.alias.as_deref()).unwrap_or(key);
                let truth = keys.get(key).filter(|parameter| parameter.kind.as_deref() == Some("boolean"));
                let value = match truth.and_then(|_| boolean::parse(&value.to_lowercase())) {
                    Some(true) => "1",
                    Some(false) => "0",
                    None => value,
                };
                values.insert(key.to_owned(), value.into());
            }
            None => {
                let Some((key, _)) = keys.iter().find(|(_, parameter)| parameter.default_key == 1) else {
                    return Err("value without key, but schema does not define a default key\n".to_owned());
                };
                if values.contains_key(*key) {
                    return Err(duplicate(key));
                }
                values.insert((*key).to_owned(), part.into());
            }
            Some(_) => return Err("missing key in comma-separated list property\n".to_owned()),
        }
    }
    Ok(values)
}
