//! Which objects an import is about: `--only` and `--exclude`.

use proxmox_mpc_model::Entry;
use proxmox_mpc_model::kinds::Kind;

/// One condition: `kind=vm`, `id=100`, `node=pve1`, `pool=prod`, `tag=web`, `name=web-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a filter of the form kind=, id=, node=, pool=, tag= or name=")]
pub struct NoFilter(String);

impl std::str::FromStr for Filter {
    type Err = NoFilter;

    fn from_str(text: &str) -> Result<Self, NoFilter> {
        let (field, pattern) = text.split_once('=').ok_or_else(|| NoFilter(text.to_owned()))?;
        let field = match field {
            "kind" => Field::Kind,
            "id" => Field::Id,
            "node" => Field::Node,
            "pool" => Field::Pool,
            "tag" => Field::Tag,
            "name" => Field::Name,
            _ => return Err(NoFilter(text.to_owned())),
        };
        if pattern.is_empty() {
            return Err(NoFilter(text.to_owned()));
        }
        Ok(Self { field, pattern: pattern.to_owned() })
    }
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

/// What to import: everything, unless conditions say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Conditions on different things must all hold; of several on the same thing, one is enough.
    pub only: Vec<Filter>,
    /// Whatever one of these holds for is left out.
    pub exclude: Vec<Filter>,
}

impl Selection {
    /// Whether the object is to be imported.
    pub fn takes(&self, kind: &Kind, entry: &Entry) -> bool {
        let wanted = self.only.iter().all(|one| {
            self.only.iter().filter(|filter| filter.field == one.field).any(|filter| filter.matches(kind, entry))
        });
        wanted && !self.exclude.iter().any(|filter| filter.matches(kind, entry))
    }

    /// Whether any object of the kind can be taken, so that others need not be read.
    pub fn takes_kind(&self, kind: &Kind) -> bool {
        let of_kind = |filter: &&Filter| filter.field == Field::Kind;
        let mut only = self.only.iter().filter(of_kind).peekable();
        let wanted = only.peek().is_none() || only.any(|filter| glob(&filter.pattern, kind.id));
        wanted && !self.exclude.iter().filter(of_kind).any(|filter| glob(&filter.pattern, kind.id))
    }
}

/// Whether the text matches the pattern, where `*` stands for any characters and `?` for one.
fn glob(pattern: &str, text: &str) -> bool {
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
            assert_eq!(selection.takes(kind, &entry), expected, "{only:?} {exclude:?}");
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
        assert!("colour=red".parse::<Filter>().is_err());
        assert!("node=".parse::<Filter>().is_err());
    }
}
