//! Reasons why an object or a part of a list was not read, and the one place where their sentences are made.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::ApiPath;

/// Number of reasons of one list that are kept in full; the rest is counted.
const KEPT: usize = 3;

/// Reason why an object was not read, or why a list may lack objects.
///
/// Its `Display` is the sentence of reports and of `COVERAGE.md`, a fragment without an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum NotRead {
    /// No answer to the request is on record: the import did not send it, or got no answer.
    NotOnRecord {
        /// The request.
        request: ApiPath,
    },
    /// Proxmox refused the request.
    Refused {
        /// The request.
        request: ApiPath,
        /// The HTTP status; 595 where the node that was asked could not reach another one.
        status: u16,
        /// Proxmox's reason phrase.
        reason: String,
        /// The privilege that the login lacks, where the reason names it.
        missing: Option<MissingPrivilege>,
    },
    /// No answer came, or one that is not what Proxmox gives.
    Unusable {
        /// The request.
        request: ApiPath,
        /// The complaint about the answer, a sentence without its end.
        complaint: String,
    },
    /// The node is offline and was not asked.
    Offline {
        /// The name of the node.
        node: String,
    },
    /// Every node is offline, so that none could be asked.
    NoNodeOnline,
    /// Proxmox leaves objects out of a list without a word where the login lacks a privilege.
    Hidden {
        /// The objects, in the plural: `guests`.
        objects: Cow<'static, str>,
        /// The privileges that the login lacks, at least one.
        missing: Vec<MissingPrivilege>,
    },
    /// A list lacks objects that another answer names: one of the two was cut off, or is late.
    Disagreement {
        /// The list.
        list: ApiPath,
        /// The first names that it lacks, at least one.
        lacking: Vec<String>,
        /// The number of further names.
        more: usize,
        /// The answer that has them.
        named_by: ApiPath,
    },
    /// The answer to the request does not have the object.
    NotListed {
        /// The request.
        request: ApiPath,
    },
    /// The cluster has no node, guest or network that the identity of the object names.
    NoSuchPlace,
}

/// A privilege that a login lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingPrivilege {
    /// The privilege, several with `|` where one of them is enough: `VM.Audit`, `Sys.Audit|Sys.Modify`.
    pub privilege: String,
    /// The ACL path: `/vms/100`.
    pub path: String,
}

impl MissingPrivilege {
    /// The privilege at an ACL path.
    pub fn new(privilege: &str, path: &str) -> Self {
        Self { privilege: privilege.to_owned(), path: path.to_owned() }
    }

    /// The privilege that Proxmox names in a refusal: `Permission check failed (/vms/100, VM.Audit)`. `None` where the
    /// reason names none.
    fn in_refusal(reason: &str) -> Option<Self> {
        let (path, privilege) = reason.match_indices("(/").find_map(|(start, _)| {
            let inside = &reason[start + 1..start + reason[start..].find(')')?];
            inside.rsplit_once(", ")
        })?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '|';
        let is_privilege = privilege.contains('.')
            && privilege.starts_with(|c: char| c.is_ascii_uppercase())
            && privilege.chars().all(plain);
        is_privilege.then(|| Self::new(privilege, path))
    }
}

impl fmt::Display for MissingPrivilege {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} on {}", self.privilege, self.path)
    }
}

impl NotRead {
    /// A refusal of Proxmox, by the status and the reason phrase of the answer.
    pub(crate) fn refused(request: ApiPath, status: u16, reason: String) -> Self {
        let missing = MissingPrivilege::in_refusal(&reason);
        Self::Refused { request, status, reason, missing }
    }

    /// Objects of a list that are hidden from a login without one privilege.
    pub(crate) fn hidden(objects: &'static str, path: &str, privilege: &str) -> Self {
        Self::Hidden { objects: objects.into(), missing: vec![MissingPrivilege::new(privilege, path)] }
    }

    /// The request that was not answered, or whose answer is no use.
    pub fn request(&self) -> Option<&ApiPath> {
        match self {
            Self::NotOnRecord { request }
            | Self::Refused { request, .. }
            | Self::Unusable { request, .. }
            | Self::NotListed { request } => Some(request),
            Self::Offline { .. }
            | Self::NoNodeOnline
            | Self::Hidden { .. }
            | Self::Disagreement { .. }
            | Self::NoSuchPlace => None,
        }
    }

    /// The privileges with which the login could read it; empty where no privilege is known to help.
    pub fn missing(&self) -> &[MissingPrivilege] {
        match self {
            Self::Refused { missing, .. } => missing.as_slice(),
            Self::Hidden { missing, .. } => missing,
            _ => &[],
        }
    }

    /// Reports whether this is [`NotRead::NotOnRecord`].
    pub fn is_not_on_record(&self) -> bool {
        matches!(self, Self::NotOnRecord { .. })
    }

    /// The sentence for an object, whose identity says already what was asked for: `403 Permission check failed`.
    pub fn of_object(&self) -> String {
        match self {
            Self::Refused { status, reason, .. } => format!("{status} {reason}"),
            Self::Unusable { complaint, .. } => complaint.clone(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for NotRead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOnRecord { request } => write!(formatter, "`{request}` is not on record"),
            Self::Refused { request, .. } | Self::Unusable { request, .. } => {
                write!(formatter, "`{request}`: {}", self.of_object())
            }
            Self::Offline { node } => write!(formatter, "node {node} is offline"),
            Self::NoNodeOnline => formatter.write_str("no node is online"),
            Self::Hidden { objects, missing } => {
                write!(formatter, "{objects} are hidden from a login without {}", in_words(missing))
            }
            Self::Disagreement { list, lacking, more, named_by } => {
                let more = if *more == 0 { String::new() } else { format!(", and {more} more") };
                write!(formatter, "`{list}` lacks {}{more}, which `{named_by}` names", lacking.join(", "))
            }
            Self::NotListed { request } => write!(formatter, "`{request}` does not show it"),
            Self::NoSuchPlace => formatter.write_str("the cluster has no such place"),
        }
    }
}

/// Privileges in a sentence: `A on /a`, `A on /a and B on /b`, `A on /a, B on /b and C on /c`.
pub fn in_words(missing: &[MissingPrivilege]) -> String {
    let words: Vec<String> = missing.iter().map(ToString::to_string).collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => words.concat(),
    }
}

/// Reasons why a list may lack objects, at least one: the first few, and the number of the rest. A list of ten thousand
/// guests can have as many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reasons {
    /// The first reasons, those of [`NotRead::NotOnRecord`] last.
    pub causes: Vec<NotRead>,
    /// The number of further reasons.
    pub more: usize,
}

impl Reasons {
    /// These reasons, each once and sorted by their sentences; `None` where there is none, so that the list is complete.
    pub fn of(causes: impl IntoIterator<Item = NotRead>) -> Option<Self> {
        let mut causes: Vec<NotRead> = causes.into_iter().collect();
        // What was not even asked for says least.
        causes.sort_by_cached_key(|cause| (cause.is_not_on_record(), cause.to_string()));
        causes.dedup();
        let more = causes.len().saturating_sub(KEPT);
        causes.truncate(KEPT);
        (!causes.is_empty()).then_some(Self { causes, more })
    }
}

impl From<NotRead> for Reasons {
    fn from(cause: NotRead) -> Self {
        Self { causes: vec![cause], more: 0 }
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, cause) in self.causes.iter().enumerate() {
            write!(formatter, "{}{cause}", if index == 0 { "" } else { "; " })?;
        }
        if self.more > 0 { write!(formatter, "; and {} more", self.more) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str) -> ApiPath {
        ApiPath::parse(path)
    }

    #[test]
    fn a_refusal_names_the_missing_privilege() {
        let check = |reason: &str, expected: Option<(&str, &str)>| {
            let refused = NotRead::refused(request("x"), 403, reason.to_owned());
            let missing: Vec<_> = refused.missing().iter().map(|one| (&*one.privilege, &*one.path)).collect();
            assert_eq!(missing, expected.into_iter().collect::<Vec<_>>(), "{reason}");
        };
        check("Permission check failed (/vms/100, VM.Audit)", Some(("VM.Audit", "/vms/100")));
        check("Permission check failed (/, Sys.Audit|Sys.Modify)", Some(("Sys.Audit|Sys.Modify", "/")));
        check("Permission check failed", None);
        check("(/no end", None);
        check("(/path, no privilege)", None);
    }

    #[test]
    fn each_reason_has_a_sentence_and_comes_back_from_json() {
        let check = |cause: NotRead, list: &str, object: &str| {
            assert_eq!((&*cause.to_string(), &*cause.of_object()), (list, object));
            let form = serde_json::to_value(&cause).unwrap();
            assert_eq!(serde_json::from_value::<NotRead>(form).unwrap(), cause);
        };
        let same = |cause: NotRead, sentence: &str| check(cause, sentence, sentence);
        same(NotRead::NotOnRecord { request: request("pools") }, "`pools` is not on record");
        check(NotRead::refused(request("pools"), 595, "No route".to_owned()), "`pools`: 595 No route", "595 No route");
        let complaint = "the answer has no `data`".to_owned();
        let unusable = NotRead::Unusable { request: request("pools"), complaint };
        check(unusable, "`pools`: the answer has no `data`", "the answer has no `data`");
        same(NotRead::Offline { node: "pve1".to_owned() }, "node pve1 is offline");
        same(NotRead::NoNodeOnline, "no node is online");
        let hidden = NotRead::hidden("guests", "/vms", "VM.Audit");
        same(hidden, "guests are hidden from a login without VM.Audit on /vms");
        let missing = [("A.B", "/a"), ("C.D", "/c"), ("E.F", "/e")].map(|(one, path)| MissingPrivilege::new(one, path));
        let hidden = NotRead::Hidden { objects: "members".into(), missing: missing.to_vec() };
        same(hidden, "members are hidden from a login without A.B on /a, C.D on /c and E.F on /e");
        let lacks = |more| NotRead::Disagreement {
            list: request("nodes"),
            lacking: vec!["pve1".to_owned(), "pve2".to_owned()],
            more,
            named_by: request("cluster/resources"),
        };
        same(lacks(0), "`nodes` lacks pve1, pve2, which `cluster/resources` names");
        same(lacks(4), "`nodes` lacks pve1, pve2, and 4 more, which `cluster/resources` names");
        same(NotRead::NotListed { request: request("pools") }, "`pools` does not show it");
        same(NotRead::NoSuchPlace, "the cluster has no such place");
    }

    #[test]
    fn a_list_has_its_first_reasons_and_a_count() {
        let offline = |node: &str| NotRead::Offline { node: node.to_owned() };
        let unknown = |path: &str| NotRead::NotOnRecord { request: request(path) };
        assert_eq!(Reasons::of([]), None);
        let few = Reasons::of([unknown("a"), offline("b"), offline("b")]).unwrap();
        assert_eq!(few.to_string(), "node b is offline; `a` is not on record");
        let many = Reasons::of([unknown("b"), unknown("a"), offline("d"), offline("c"), offline("e")]).unwrap();
        assert_eq!(many.to_string(), "node c is offline; node d is offline; node e is offline; and 2 more");
    }
}
