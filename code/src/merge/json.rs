//! Merge of the manifest by key: it is generated, a person's own entries stay, and each object says where its code is.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::{ObjectPlace, Owner};

/// A JSON value whose keys stay in order.
#[derive(Clone, Debug, PartialEq)]
enum Json {
    Object(Vec<(String, Self)>),
    Array(Vec<Self>),
    Scalar(serde_json::Value),
}

/// Merges the manifest. A text that is no JSON is replaced.
pub(crate) fn merge_manifest(
    base: Option<&str>,
    theirs: &str,
    ours: Option<&str>,
    places: &BTreeMap<String, ObjectPlace>,
) -> String {
    let parse = |text: &str| serde_json::from_str::<Json>(text).ok();
    let Some(after) = parse(theirs) else { return theirs.to_owned() };
    let before = base.and_then(parse);
    let mut merged = match ours.and_then(parse) {
        Some(own) => merge(before.as_ref(), after, &own),
        None => after,
    };
    if let Json::Object(entries) = &mut merged
        && let Some((_, Json::Object(objects))) = entries.iter_mut().find(|(key, _)| key == "objects")
    {
        for (identity, entry) in objects {
            let Json::Object(entry) = entry else { continue };
            entry.retain(|(key, _)| key != "code");
            let place = places.get(identity).filter(|place| place.owner != Owner::Generated);
            let place = place.and_then(|place| serde_json::to_string(place).ok()).and_then(|text| parse(&text));
            entry.extend(place.map(|place| ("code".to_owned(), place)));
        }
    }
    match serde_json::to_string_pretty(&merged) {
        Ok(text) => text + "\n",
        Err(_) => theirs.to_owned(),
    }
}

/// Theirs, with what a person changed and the cluster did not.
fn merge(base: Option<&Json>, theirs: Json, ours: &Json) -> Json {
    let (Json::Object(after), Json::Object(own)) = (&theirs, ours) else {
        return if base == Some(&theirs) { ours.clone() } else { theirs };
    };
    let find = |entries: &[(String, Json)], key: &str| {
        entries.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone())
    };
    let before = match base {
        Some(Json::Object(entries)) => entries.as_slice(),
        _ => &[],
    };
    let mut merged: Vec<(String, Json)> = Vec::new();
    for (key, value) in after {
        let value = match find(own, key) {
            Some(own) => merge(find(before, key).as_ref(), value.clone(), &own),
            None => value.clone(),
        };
        merged.push((key.clone(), value));
    }
    for (key, value) in own {
        if find(after, key).is_none() && find(before, key).is_none() {
            merged.push((key.clone(), value.clone()));
        }
    }
    Json::Object(merged)
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Scalar(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;

        impl<'de> Visitor<'de> for Values {
            type Value = Json;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Json::Object(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Json::Array(items))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Scalar(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Scalar(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Scalar(serde_json::Value::Null))
            }
        }

        deserializer.deserialize_any(Values)
    }
}
