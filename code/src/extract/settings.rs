//! Settings of a resource block: all its attributes, those in nested blocks as well, by path.

use std::collections::BTreeMap;
use std::ops::Range;

use super::sources::Resource;
use crate::configuration::{Path, Step};
use crate::document::{Block, Document};
use crate::merge::meaning::{self, Meaning};

/// An attribute of a resource block or of a nested block.
pub(super) struct Setting {
    /// The path, with the position of each nested block: `disk[0].size`.
    pub(super) path: Path,
    /// The bytes of the value.
    pub(super) range: Range<usize>,
    pub(super) meaning: Meaning,
    /// The attributes of the nested blocks on the path, for steps that select a block by one of them.
    around: Vec<BTreeMap<String, Meaning>>,
}

/// Arguments of every resource, which describe no part of the object.
const META_ARGUMENTS: &[&str] =
    &["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

impl Setting {
    /// Reports whether it says how Terraform handles the resource, and nothing of the object.
    pub(super) fn is_meta(&self) -> bool {
        matches!(self.path.0.first(), Some(Step::Name(name)) if META_ARGUMENTS.contains(&name.as_str()))
    }

    /// Reports whether a path that a person wrote leads here.
    pub(super) fn is_at(&self, wanted: &Path) -> bool {
        let mut own = self.path.0.iter().peekable();
        let mut wanted = wanted.0.iter().peekable();
        let mut depth = 0;
        while let Some(step) = own.next() {
            if wanted.next() != Some(step) {
                return false;
            }
            // A position of ours stands behind each nested block; people may write it, choose by an attribute, or mean all.
            let Some(position) = own.next_if(|step| matches!(step, Step::Index(_))) else { continue };
            let around = &self.around[depth];
            depth += 1;
            match wanted.peek().copied() {
                Some(Step::Index(_)) if wanted.next() != Some(position) => return false,
                Some(Step::Where(name, value)) => {
                    let wanted_value = Meaning::Text(value.clone());
                    if !around.get(name).is_some_and(|own| own.same(&wanted_value)) {
                        return false;
                    }
                    wanted.next();
                }
                _ => {}
            }
        }
        wanted.next().is_none()
    }

    /// The path as people write it: without the position of a nested block that is the only one of its name.
    pub(super) fn shown(&self, all: &[Self]) -> String {
        let repeats = |prefix: &[Step]| {
            let mut second = prefix.to_vec();
            if let Some(last) = second.last_mut() {
                *last = Step::Index(1);
            }
            all.iter().any(|other| other.path.0.starts_with(&second))
        };
        let mut steps = Vec::new();
        for (index, step) in self.path.0.iter().enumerate() {
            if !matches!(step, Step::Index(_)) || repeats(&self.path.0[..=index]) {
                steps.push(step.clone());
            }
        }
        Path(steps).to_string()
    }
}

/// All attributes of a resource block.
pub(super) fn settings(resource: &Resource<'_, '_>) -> Vec<Setting> {
    let mut settings = Vec::new();
    collect(&resource.file.document, resource.block, &Path::default(), &[], &mut settings);
    settings
}

fn collect(
    document: &Document<'_>,
    block: Block<'_>,
    prefix: &Path,
    around: &[BTreeMap<String, Meaning>],
    settings: &mut Vec<Setting>,
) {
    for attribute in block.attributes() {
        let source = |span| document.slice(document.range(span));
        let mut range = attribute.value_range();
        range.end = range.start + document.slice(range.clone()).trim_end().len();
        let meaning = meaning::of(&attribute.syntax().value, &source);
        settings.push(Setting { path: prefix.join(attribute.name()), range, meaning, around: around.to_vec() });
    }
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    for nested in block.nested() {
        let position = positions.entry(nested.keyword()).or_default();
        let path = prefix.join(nested.keyword()).with(Step::Index(*position));
        *position += 1;
        let source = |span| document.slice(document.range(span));
        let own = nested.attributes().map(|own| (own.name().to_owned(), meaning::of(&own.syntax().value, &source)));
        let around: Vec<_> = around.iter().cloned().chain([own.collect()]).collect();
        collect(document, nested, &path, &around, settings);
    }
}

/// The nested blocks of a block as paths, sorted: `disk[0]`, `initialization[0].dns[0]`.
pub(super) fn nested_blocks(block: Block<'_>) -> Vec<String> {
    fn collect(block: Block<'_>, prefix: &Path, paths: &mut Vec<String>) {
        let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
        for nested in block.nested() {
            let position = positions.entry(nested.keyword()).or_default();
            let path = prefix.join(nested.keyword()).with(Step::Index(*position));
            *position += 1;
            let labels: Vec<&str> = nested.labels();
            paths.push(format!("{path} {}", labels.join(" ")).trim_end().to_owned());
            collect(nested, &path, paths);
        }
    }
    let mut paths = Vec::new();
    collect(block, &Path::default(), &mut paths);
    paths.sort();
    paths
}
