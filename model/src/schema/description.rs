//! Releases of Proxmox VE, the methods of their APIs, and the parameters of the methods.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::families;
use crate::{Answers, ApiPath, Unreadable};

pub(super) static TEXT: &str = include_str!("pve-9.1.json");
/// Differences of 9.2: methods that are new or changed; null for those that were removed.
static NEWER: &str = include_str!("pve-9.2.json");
/// Formats that the description names but does not contain.
pub(super) static NAMED: &str = include_str!("named-formats.json");

static NINE_ONE: LazyLock<Schema> = LazyLock::new(|| Schema::read(&[TEXT], NAMED, Release::NineOne));
static NINE_TWO: LazyLock<Schema> = LazyLock::new(|| Schema::read(&[TEXT, NEWER], NAMED, Release::NineTwo));

/// Release of Proxmox VE whose API is described here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 9.1, which also stands for all earlier releases.
    #[default]
    NineOne,
    /// 9.2, which also stands for all later releases.
    NineTwo,
}

impl Release {
    /// The newest release.
    pub const NEWEST: Self = Self::NineTwo;

    /// The release of a version such as `9.2.11`; 9.1 of any other text.
    pub fn of(version: &str) -> Self {
        let mut numbers = version.split(['.', '-', '~']).map_while(|number| number.parse::<u32>().ok());
        let known = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        if known >= (9, 2) { Self::NineTwo } else { Self::NineOne }
    }

    /// The release of the cluster that gave these answers, as its `version` says.
    pub fn of_answers<A: Answers + ?Sized>(answers: &A) -> Result<Self, Unreadable> {
        let version = answers.get(&ApiPath::parse("version"))?;
        let version = version.as_ref().and_then(|answer| answer.data()?.get("version")?.as_str());
        Ok(version.map(Self::of).unwrap_or_default())
    }

    /// The description of the API in this release.
    pub fn schema(self) -> &'static Schema {
        match self {
            Self::NineOne => &NINE_ONE,
            Self::NineTwo => &NINE_TWO,
        }
    }
}

/// The description of the API of Proxmox VE 9.1.
pub fn schema() -> &'static Schema {
    Release::NineOne.schema()
}

/// Description of an API: its methods and their parameters.
#[derive(Debug)]
pub struct Schema {
    pub(super) parameters: Vec<Parameter>,
    pub(super) formats: Vec<BTreeMap<String, usize>>,
    pub(super) named: BTreeMap<String, BTreeMap<String, Parameter>>,
    /// The methods by verb and number of segments.
    methods: BTreeMap<(Verb, usize), Vec<Method>>,
}

/// Verb of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates, or acts.
    Post,
    /// Changes.
    Put,
    /// Removes.
    Delete,
}

/// Method of the API.
#[derive(Debug)]
pub struct Method {
    /// The release that the method is of.
    release: Release,
    /// The verb.
    pub verb: Verb,
    /// The path: `/nodes/{node}/qemu/{vmid}/config`.
    pub path: String,
    pub(super) segments: Vec<String>,
    pub(super) parameters: BTreeMap<String, usize>,
    /// The permissions that a call needs, as Proxmox writes them: `{"check": ["perm", "/vms/{vmid}", ["VM.Audit"]]}`,
    /// `{"user": "all"}`; null where only `root@pam` may call it.
    pub permissions: Value,
    /// The parameter that names the node that answers.
    pub proxyto: Option<String>,
    /// True if an API token may call it.
    pub allows_tokens: bool,
    /// True if it takes parameters that it does not name.
    pub open: bool,
}

/// Parameter of a method, or key of a property string, as Proxmox describes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Parameter {
    /// `string`, `integer`, `number`, `boolean`, `array`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub(super) optional: u8,
    pub(super) format: Option<Format>,
    #[serde(rename = "enum")]
    pub(super) words: Vec<String>,
    pub(super) pattern: Option<String>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) requires: Option<String>,
    /// The default, as Proxmox documents it.
    pub default: Option<Value>,
    /// 1 for a key of a property string whose value may stand without the key.
    #[serde(rename = "default_key")]
    pub(super) default_key: u8,
    /// The key of which this key is another name.
    pub(super) alias: Option<String>,
    /// The key whose value this key is (`virtio=MAC` is `model=virtio,macaddr=MAC`).
    pub(super) key_alias: Option<String>,
    pub(super) items: Option<usize>,
    pub(super) one_of: Vec<usize>,
    #[serde(rename = "type-property")]
    pub(super) type_property: Option<String>,
    #[serde(rename = "instance-types")]
    pub(super) instance_types: Vec<String>,
}

/// The form of a string.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Format {
    Named(String),
    Properties(usize),
}

/// Method that a request calls, and the values of the placeholders in its path.
#[derive(Clone, Debug)]
pub struct MatchedMethod {
    /// The method.
    pub method: &'static Method,
    /// The parameters that the path gives: `("node", "pve1")`.
    pub captured: Vec<(&'static str, String)>,
}

impl Schema {
    /// Reads a description.
    ///
    /// # Panics
    ///
    /// If a file in this folder is damaged, which a test would find.
    fn read(texts: &[&str], named: &str, release: Release) -> Self {
        #[derive(Default, Deserialize)]
        struct Stored {
            parameters: Vec<Parameter>,
            formats: Vec<BTreeMap<String, usize>>,
            methods: BTreeMap<String, Option<StoredMethod>>,
        }
        #[derive(Deserialize)]
        struct StoredMethod {
            parameters: BTreeMap<String, usize>,
            #[serde(default)]
            permissions: Value,
            proxyto: Option<String>,
            allowtoken: Option<u8>,
            #[serde(default)]
            open: u8,
        }
        let mut stored = Stored::default();
        for text in texts {
            let more: Stored = serde_json::from_str(text).expect("the schema is whole");
            stored.parameters.extend(more.parameters);
            stored.formats.extend(more.formats);
            stored.methods.extend(more.methods);
        }
        let named = serde_json::from_str(named).expect("the named formats are whole");
        let mut methods: BTreeMap<(Verb, usize), Vec<Method>> = BTreeMap::new();
        for (name, method) in stored.methods {
            let Some(method) = method else { continue };
            let (verb, path) = name.split_once(' ').expect("a method has a verb and a path");
            let verb = Verb::parse(verb).expect("the schema has four verbs");
            let segments: Vec<String> = segments(path).map(str::to_owned).collect();
            methods.entry((verb, segments.len())).or_default().push(Method {
                release,
                verb,
                path: path.to_owned(),
                segments,
                parameters: method.parameters,
                permissions: method.permissions,
                proxyto: method.proxyto,
                allows_tokens: method.allowtoken != Some(0),
                open: method.open == 1,
            });
        }
        Self { parameters: stored.parameters, formats: stored.formats, named, methods }
    }

    /// The method that a request calls. A word of the path takes precedence over a placeholder.
    pub fn find(&'static self, verb: Verb, path: &[&str]) -> Option<MatchedMethod> {
        let candidates = self.methods.get(&(verb, path.len()))?.iter().filter(|method| method.fits(path));
        let method = candidates.max_by_key(|method| {
            method.segments.iter().map(|segment| !is_placeholder(segment)).collect::<Vec<bool>>()
        })?;
        let captured = method.segments.iter().zip(path).filter_map(|(segment, given)| {
            let name = segment.strip_prefix('{')?.strip_suffix('}')?;
            Some((name, (*given).to_owned()))
        });
        Some(MatchedMethod { method, captured: captured.collect() })
    }

    /// Every method, by verb and length of the path.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.values().flatten()
    }

    /// A parameter of one of its methods; `net3` is found as `net[n]`.
    pub fn parameter(&self, method: &Method, name: &str) -> Option<&Parameter> {
        let number = method.parameters.get(name).or_else(|| {
            let family = families::of(name)?;
            method.parameters.get(&family)
        })?;
        self.parameters.get(*number)
    }
}

impl Method {
    fn fits(&self, path: &[&str]) -> bool {
        self.segments.iter().zip(path).all(|(segment, given)| is_placeholder(segment) || segment == given)
    }

    /// The description that it is part of.
    pub fn schema(&self) -> &'static Schema {
        self.release.schema()
    }

    /// A parameter; `net3` is found as `net[n]`.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.schema().parameter(self, name)
    }

    /// The names of its parameters, families as `net[n]`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parameters.keys().map(String::as_str)
    }
}

impl Verb {
    /// Reads `GET`, `POST`, `PUT` or `DELETE`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        })
    }
}

pub(super) fn is_placeholder(segment: &str) -> bool {
    segment.starts_with('{')
}

pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}
