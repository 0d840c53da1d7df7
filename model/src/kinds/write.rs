//! Writing of objects through the API, for what Terraform's provider has no attributes for.

use serde_json::{Map, Value};

use super::key::{Class, Key};
use super::source::{Listed, Shape};
use crate::object::text;
use crate::schema::{self, NOT_DEFINED, Release, Verb};
use crate::{ApiPath, Cluster, Object};

/// Way in which the objects of a kind are written.
pub enum Writing {
    /// They are not written: they are facts, or are written with another object.
    No,
    /// A `PUT` where an object is read changes it, and a `POST` to the list creates one.
    WhereRead {
        /// Keys that are sent with every change, since Proxmox requires them: `type`.
        always: &'static [&'static str],
    },
    /// The function decides.
    Own(fn(&Cluster<'_>, &Object) -> Option<Write>),
}

/// Way in which one object is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The path at which a `GET` reads it and a `PUT` changes it.
    pub path: ApiPath,
    /// The path at which it is read, where that is another one.
    pub read: Option<ApiPath>,
    /// The row that a list of the object must have, where a change does no more than adding it.
    pub member: Option<Member>,
    /// The way in which it is created; `None` where it always exists, or is created in another way.
    pub create: Option<Create>,
    /// Values that a creation takes instead of the value of a key: a new disk by its size. An empty text leaves the key
    /// out.
    pub instead: Vec<(String, String)>,
    /// Parameters that are sent with every change.
    pub always: Vec<(String, String)>,
    /// Keys that are sent with their present values, since a change without them would remove them.
    pub along: &'static [&'static str],
    /// The parts of the object, where they are written one by one.
    pub parts: Option<PartsWrite>,
}

/// Way in which an object is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The path of the `POST`.
    pub path: ApiPath,
    /// The keys that only a creation takes.
    pub values: Vec<(String, String)>,
}

/// Row that a list of the object must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key whose value is the list: `members`.
    pub list: &'static str,
    /// The key of a row that tells it from others: `vmid`.
    pub key: &'static str,
    /// Its value: `100`.
    pub value: String,
}

/// Way in which the parts of an object are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartsWrite {
    /// The stem of their keys: `rule`.
    pub stem: &'static str,
    /// The key that tells one from another: `pos`, which is the number in the key's name, or `cidr`.
    pub key: &'static str,
}

impl Write {
    /// The complaint with which Proxmox would refuse the name of the new object, by its own formats: files that were
    /// written by hand can have names that the API refuses.
    pub fn refused(&self) -> Option<String> {
        let create = self.create.as_ref()?;
        let segments = create.path.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = Release::NEWEST.schema().find(Verb::Post, &segments)?;
        let pair = |(key, value): &(String, String)| (key.clone(), Value::from(value.as_str()));
        let mut names: Map<String, Value> = create.values.iter().map(pair).collect();
        let errors = schema::check(&method, &mut names).err()?;
        let complaint = |(key, _): &(String, String)| {
            // A word that only a later release has is not a name.
            let is_name = |why: &&String| *why != NOT_DEFINED && !why.contains("in the enumeration");
            let why = errors.get(key).filter(is_name)?;
            Some(format!("`{key}`: {}", why.trim()))
        };
        create.values.iter().find_map(complaint)
    }

    /// An object that is read and changed at this path, and always exists.
    pub fn at(path: ApiPath) -> Self {
        Self {
            path,
            read: None,
            member: None,
            create: None,
            instead: Vec::new(),
            always: Vec::new(),
            along: &[],
            parts: None,
        }
    }
}

/// The way in which an object is written at the path where it is read.
pub(super) fn where_read(
    cluster: &Cluster<'_>,
    listed: &Listed,
    keys: &[Key],
    always: &[&str],
    object: &Object,
) -> Option<Write> {
    let at = listed.locate(object.entry.identity.id())?;
    let list = listed.path(&listed.prefix(cluster, &at.location)?);
    let pair = |key: &str| object.keys.get(key).and_then(text).map(|value| (key.to_owned(), value));
    let fixed = || keys.iter().filter(|key| key.class == Class::Fixed).filter_map(|key| pair(key.name)).collect();
    let (path, create) = match listed.shape {
        Shape::One | Shape::Beside(_) | Shape::Parts(_) => (list, None),
        Shape::Rows(_) | Shape::Each(_) | Shape::EachParts(..) => {
            (ApiPath::new(list.segments().into_iter().chain([at.id])), Some(Create { path: list, values: fixed() }))
        }
    };
    let parts = match listed.shape {
        Shape::Parts(parts) | Shape::EachParts(_, parts) => Some(PartsWrite { stem: parts.stem, key: parts.order }),
        _ => None,
    };
    let always = always.iter().filter_map(|key| pair(key)).collect();
    Some(Write { create, always, parts, ..Write::at(path) })
}
