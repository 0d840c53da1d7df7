//! Selection of the objects to import: `--only` and `--exclude`.

use std::collections::BTreeSet;
use std::fmt;

use proxmox_mpc_model::Entry;
use proxmox_mpc_model::kinds::{KINDS, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A condition: `kind=vm`, `id=100`, `node=pve1`, `pool=prod`, `tag=web`, `name=web-*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Filter {
    field: Field,
    pattern: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Kind,
    Id,
    Node,
    Pool,
    Tag,
    Name,
}

/// Error in a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Not of the form `field=pattern`.
    #[error("`{0}` is not a filter of the form kind=, id=, node=, pool=, tag= or name=")]
    Form(String),
    /// No kind has this id.
    #[error("there is no kind `{word}`; did you mean `{nearest}`? The kinds are {}", kinds())]
    Kind {
        /// The id or the pattern.
        word: String,
        /// The kind with the most similar id.
        nearest: &'static str,
    },
}

/// Ids of all kinds, sorted.
fn kinds() -> String {
    let mut words: Vec<&str> = KINDS.iter().map(|kind| kind.id).collect();
    words.sort_unstable();
    words.join(", ")
}

/// The kind with the most similar id. Case and wildcards are ignored.
fn nearest(word: &str) -> &'static str {
    let word = word.trim_end_matches(['*', '?']).to_lowercase();
    let likeness = |id: &str| strsim::jaro_winkler(&word, id);
    let words = KINDS.iter().map(|kind| kind.id);
    words.max_by(|one, other| likeness(one).total_cmp(&likeness(other)).then(other.cmp(one))).unwrap_or_default()
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (field, pattern) = text.split_once('=').ok_or_else(|| FilterError::Form(text.to_owned()))?;
        let field = match field {
            "kind" => Field::Kind,
            "id" => Field::Id,
            "node" => Field::Node,
            "pool" => Field::Pool,
            "tag" => Field::Tag,
            "name" => Field::Name,
            _ => return Err(FilterError::Form(text.to_owned())),
        };
        if pattern.is_empty() {
            return Err(FilterError::Form(text.to_owned()));
        }
        if field == Field::Kind && !KINDS.iter().any(|kind| glob(pattern, kind.id)) {
            return Err(FilterError::Kind { word: pattern.to_owned(), nearest: nearest(pattern) });
        }
        Ok(Self { field, pattern: pattern.to_owned() })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = match self.field {
            Field::Kind => "kind",
            Field::Id => "id",
            Field::Node => "node",
            Field::Pool => "pool",
            Field::Tag => "tag",
            Field::Name => "name",
        };
        write!(formatter, "{field}={}", self.pattern)
    }
}

impl TryFrom<String> for Filter {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        text.parse()
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.to_string()
    }
}

/// Effect of a selection on the listed objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Number of objects that it includes.
    pub included: usize,
    /// Conditions that hold for no object, as on the command line: `--only node=pve9`.
    pub unmatched: Vec<String>,
}

impl Filter {
    fn matches(&self, kind: &Kind, entry: &Entry) -> bool {
        let is = |value: &str| glob(&self.pattern, value);
        match self.field {
            Field::Kind => is(kind.id),
            Field::Id => is(entry.identity.id()) || is(entry.identity.as_str()),
            Field::Node => entry.node.as_deref().is_some_and(is),
            Field::Pool => entry.pool.as_deref().is_some_and(is),
            Field::Tag => entry.tags.iter().any(|tag| is(tag)),
            Field::Name => entry.name.as_deref().is_some_and(is),
        }
    }
}

/// Selection of objects; everything by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Conditions for inclusion. Of several on the same field one must hold; different fields must all hold.
    pub only: Vec<Filter>,
    /// Conditions for exclusion: an object is excluded if one of them holds.
    pub exclude: Vec<Filter>,
}

impl Selection {
    /// True if the object is selected.
    pub fn includes(&self, kind: &Kind, entry: &Entry) -> bool {
        let wanted = self.only.iter().all(|one| {
            self.only.iter().filter(|filter| filter.field == one.field).any(|filter| filter.matches(kind, entry))
        });
        wanted && !self.exclude.iter().any(|filter| filter.matches(kind, entry))
    }

    /// True if there is no condition.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty()
    }

    /// Counts the included objects, and finds conditions that hold for none. An excluded kind without objects is no mistake.
    pub fn survey<'e>(&self, entries: impl Iterator<Item = (&'e Kind, &'e Entry)>) -> Survey {
        let excluded = self.exclude.iter().filter(|filter| filter.field != Field::Kind);
        let filters: Vec<(&str, &Filter)> =
            self.only.iter().map(|filter| ("--only", filter)).chain(excluded.map(|one| ("--exclude", one))).collect();
        let mut matched = BTreeSet::new();
        let mut survey = Survey::default();
        for (kind, entry) in entries {
            survey.included += usize::from(self.includes(kind, entry));
            for (index, (_, filter)) in filters.iter().enumerate() {
                if !matched.contains(&index) && filter.matches(kind, entry) {
                    matched.insert(index);
                }
            }
        }
        let unmatched = filters.iter().enumerate().filter(|(index, _)| !matched.contains(index));
        survey.unmatched = unmatched.map(|(_, (option, filter))| format!("{option} {filter}")).collect();
        survey
    }

    /// True if an object of the kind may be selected. Other kinds need not be read.
    pub fn may_include_kind(&self, kind: &Kind) -> bool {
        let of_kind = |filter: &&Filter| filter.field == Field::Kind;
        let mut only = self.only.iter().filter(of_kind).peekable();
        let wanted = only.peek().is_none() || only.any(|filter| glob(&filter.pattern, kind.id));
        wanted && !self.exclude.iter().filter(of_kind).any(|filter| glob(&filter.pattern, kind.id))
    }
}

/// True if the text matches the pattern, where `*` stands for any characters and `?` for one.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                (p, t) = (star_p + 1, star_t + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::{Identity, kinds};

    use super::*;

    #[test]
    fn filters_choose() {
        let entry = Entry {
            identity: Identity::new("qemu", 100),
            name: Some("web-frontend".to_owned()),
            node: Some("pve1".to_owned()),
            pool: Some("prod".to_owned()),
            tags: vec!["web".to_owned(), "Critical".to_owned()],
        };
        let kind = kinds::of(&entry.identity).expect("a virtual machine");
        let check = |only: &[&str], exclude: &[&str], expected: bool| {
            let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a filter")).collect();
            let selection = Selection { only: parse(only), exclude: parse(exclude) };
            assert_eq!(selection.includes(kind, &entry), expected, "{only:?} {exclude:?}");
        };
        check(&[], &[], true);
        check(&["kind=vm"], &[], true);
        check(&["kind=container"], &[], false);
        check(&["kind=container", "kind=vm"], &[], true);
        check(&["kind=vm", "node=pve2"], &[], false);
        check(&["name=web-*", "tag=Crit?cal", "pool=prod", "id=100"], &[], true);
        check(&["id=qemu/100"], &[], true);
        check(&["id=10"], &[], false);
        check(&[], &["tag=web"], false);
        let survey = |only: &[&str]| {
            let only = only.iter().map(|text| text.parse().expect("a filter")).collect();
            Selection { only, exclude: Vec::new() }.survey([(kind, &entry)].into_iter())
        };
        let unmatched = vec!["--only node=pve9".to_owned()];
        assert_eq!(
            survey(&["kind=vm", "node=pve1", "node=pve9"]),
            Survey { included: 1, unmatched: unmatched.clone() }
        );
        assert_eq!(survey(&["node=pve9"]), Survey { included: 0, unmatched });
        assert!("colour=red".parse::<Filter>().is_err());
        assert!("node=".parse::<Filter>().is_err());
    }

    #[test]
    fn an_unknown_kind_gets_a_suggestion() {
        let check = |word: &str, expected: Option<&str>| match (format!("kind={word}").parse::<Filter>(), expected) {
            (Ok(_), None) => {}
            (Err(FilterError::Kind { nearest, .. }), Some(expected)) => assert_eq!(nearest, expected, "{word}"),
            (found, _) => panic!("{word}: {found:?}"),
        };
        check("vm", None);
        check("firewall*", None);
        check("v?", None);
        check("vmm", Some("vm"));
        check("containers", Some("container"));
        check("storages", Some("storage"));
        check("VM", Some("vm"));
        check("firewal_*", Some("firewall_alias"));
        let message = "kind=vmm".parse::<Filter>().unwrap_err().to_string();
        assert!(message.contains("did you mean `vm`?") && message.contains("backup_job, "), "{message}");
    }
}
