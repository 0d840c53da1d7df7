//! How an object is written through the API, for what Terraform's provider cannot say.

use serde_json::{Map, Value};

use super::key::{Class, Key};
use super::source::{Listed, Shape};
use crate::object::text;
use crate::schema::{self, NOT_DEFINED, Release, Verb};
use crate::{ApiPath, Cluster, Object};

/// How the objects of a kind are written.
pub enum Writing {
    /// They are not: what they say is a fact, or is written with something else.
    No,
    /// Where they are read: a `PUT` there changes one, and a `POST` to the list makes one.
    WhereRead {
        /// Keys that go along with every change, since Proxmox wants them: `type`.
        always: &'static [&'static str],
    },
    /// As the function says.
    Own(fn(&Cluster<'_>, &Object) -> Option<Write>),
}

/// How one object is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// A `GET` reads it, a `PUT` changes it.
    pub path: ApiPath,
    /// Where it is read, where that is another path.
    pub read: Option<ApiPath>,
    /// What a list of the object must hold, where a change is no more than putting that into it.
    pub member: Option<Member>,
    /// How it is made; `None` for what is always there, or is made in another way.
    pub create: Option<Create>,
    /// What a creation takes in the place of the value of a key: a new disk by its size. An empty text stands for nothing.
    pub instead: Vec<(String, String)>,
    /// What goes along with every change.
    pub always: Vec<(String, String)>,
    /// Keys that go along as they are at that time, since a change without them would take them away.
    pub along: &'static [&'static str],
    /// The parts that it is made of, where these are written one by one.
    pub parts: Option<PartsWrite>,
}

/// How an object is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Where a `POST` makes it.
    pub path: ApiPath,
    /// The keys that only a creation takes.
    pub values: Vec<(String, String)>,
}

/// A row that a list of the object must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key whose value is the list: `members`.
    pub list: &'static str,
    /// The key of a row that tells it from others: `vmid`.
    pub key: &'static str,
    /// Its value: `100`.
    pub value: String,
}

/// How the parts of an object are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartsWrite {
    /// The stem of their keys: `rule`.
    pub stem: &'static str,
    /// The key that tells one from another: `pos`, which is the number in the key's name, or `cidr`.
    pub key: &'static str,
}

impl Write {
    /// Why Proxmox would refuse the name that the object is to be made with, where its own formats say so: files that were
    /// written by hand hold names that its API takes from nobody.
    pub fn refused(&self) -> Option<String> {
        let create = self.create.as_ref()?;
        let segments = create.path.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let found = Release::NEWEST.schema().find(Verb::Post, &segments)?;
        let pair = |(key, value): &(String, String)| (key.clone(), Value::from(value.as_str()));
        let mut names: Map<String, Value> = create.values.iter().map(pair).collect();
        let errors = schema::check(&found, &mut names).err()?;
        let complaint = |(key, _): &(String, String)| {
            // A word that a later release knows is no name.
            let is_name = |why: &&String| *why != NOT_DEFINED && !why.contains("in the enumeration");
            let why = errors.get(key).filter(is_name)?;
            Some(format!("`{key}`: {}", why.trim()))
        };
        create.values.iter().find_map(complaint)
    }

    /// What is read and changed at this path, and is always there.
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

/// How an object with these keys is written where it is read.
pub(super) fn where_read(
    cluster: &Cluster<'_>,
    listed: &Listed,
    keys: &[Key],
    always: &[&str],
    object: &Object,
) -> Option<Write> {
    let at = listed.locate(object.entry.identity.id())?;
    let list = listed.path(&listed.prefix(cluster, &at.place)?);
    let said = |key: &str| object.keys.get(key).and_then(text).map(|value| (key.to_owned(), value));
    let fixed = || keys.iter().filter(|key| key.class == Class::Fixed).filter_map(|key| said(key.name)).collect();
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
    let always = always.iter().filter_map(|key| said(key)).collect();
    Some(Write { create, always, parts, ..Write::at(path) })
}
