//! Generated code: blocks that stand byte for byte as they were generated say what the cluster has, and nobody wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::finding::{Draft, Spot};
use crate::scan;

/// Blocks of files, and those among them that were generated.
pub(super) struct GeneratedBlocks<'f> {
    files: &'f BTreeMap<String, String>,
    generated: &'f [BTreeMap<String, String>],
    /// Generated blocks by file.
    known: BTreeMap<String, Vec<Range<usize>>>,
}

impl<'f> GeneratedBlocks<'f> {
    pub(super) fn new(files: &'f BTreeMap<String, String>, generated: &'f [BTreeMap<String, String>]) -> Self {
        Self { files, generated, known: BTreeMap::new() }
    }

    /// Reports whether every place of a finding is in a generated block.
    pub(super) fn have(&mut self, draft: &Draft) -> bool {
        let places = draft.related.iter().map(|(spot, _)| spot).chain([&draft.spot]);
        !self.generated.is_empty() && places.into_iter().all(|spot| self.holds(spot))
    }

    fn holds(&mut self, spot: &Spot) -> bool {
        let (files, generated) = (self.files, self.generated);
        let known = self.known.entry(spot.file.clone()).or_insert_with(|| {
            let text = files.get(&spot.file).map_or("", String::as_str);
            let mut theirs: BTreeSet<&str> = BTreeSet::new();
            for other in generated.iter().filter_map(|files| files.get(&spot.file)) {
                theirs.extend(scan::items(other).unwrap_or_default().into_iter().map(|item| &other[item.range]));
            }
            let own = scan::items(text).unwrap_or_default().into_iter().map(|item| item.range);
            own.filter(|range| theirs.contains(&text[range.clone()])).collect()
        });
        known.iter().any(|range| range.start <= spot.start && spot.end <= range.end)
    }
}
