//! Sorted map that is cheap to copy: a small layer of late entries over a shared layer.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Largest number of entries that a copy copies; more become part of the shared layer.
const RECENT: usize = 256;

/// Map from text. Entries are never taken out: a caller that needs that stores an `Option`.
#[derive(Clone, Debug)]
pub(super) struct Layered<V> {
    old: Arc<BTreeMap<String, V>>,
    recent: BTreeMap<String, V>,
}

impl<V> Default for Layered<V> {
    fn default() -> Self {
        Self { old: Arc::default(), recent: BTreeMap::new() }
    }
}

impl<V: Clone> Layered<V> {
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.recent.get(key).or_else(|| self.old.get(key))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.old.is_empty()
    }

    pub(super) fn insert(&mut self, key: String, value: V) {
        self.recent.insert(key, value);
        if self.recent.len() > RECENT {
            Arc::make_mut(&mut self.old).append(&mut self.recent);
        }
    }

    /// The entries whose keys begin with this text, sorted.
    pub(super) fn starting<'s>(&'s self, prefix: &'s str) -> BTreeMap<&'s str, &'s V> {
        let from = |map: &'s BTreeMap<String, V>| {
            let range = map.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
            range.take_while(move |(key, _)| key.starts_with(prefix)).map(|(key, value)| (key.as_str(), value))
        };
        from(&self.old).chain(from(&self.recent)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recent_goes_before_what_is_old() {
        let mut map = Layered::default();
        for number in 0..1000 {
            map.insert(format!("{number:04}"), number);
        }
        let copy = map.clone();
        map.insert("0007".to_owned(), -7);
        assert_eq!((map.get("0007"), map.get("0999"), map.get("1000")), (Some(&-7), Some(&999), None));
        assert_eq!(copy.get("0007"), Some(&7));
        assert_eq!(map.starting("000").into_values().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, -7, 8, 9]);
    }
}
