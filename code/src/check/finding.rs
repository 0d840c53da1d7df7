//! Finding: what a rule found, where it is in the code, and how it gets its lines and columns.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{Rule, Severity};
use crate::configuration::{Address, FilePlace};

/// Something that a rule found in the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The code of the rule: `PVE101`.
    pub rule: String,
    /// The name of the rule: `duplicate-vmid`.
    pub name: String,
    /// The severity, after the settings.
    pub severity: Severity,
    /// The finding in one sentence.
    pub message: String,
    /// The address of the resource; `None` outside of resources.
    pub address: Option<String>,
    /// The place.
    #[serde(flatten)]
    pub place: Place,
    /// Other places that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// Ways out, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

/// Another place of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Related {
    /// The place.
    #[serde(flatten)]
    pub place: Place,
    /// A few words for it.
    pub label: String,
}

/// Place in a file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The line of the end.
    pub end_line: usize,
    /// The column behind the end.
    pub end_column: usize,
    /// The line as it is written. Secrets in it are hidden.
    pub source: String,
}

/// Place by its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) file: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Finding with places by their bytes.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) rule: &'static Rule,
    pub(super) message: String,
    pub(super) address: Option<String>,
    pub(super) spot: Spot,
    /// The most that the finding may be.
    pub(super) most: Option<Severity>,
    pub(super) related: Vec<(Spot, String)>,
    pub(super) help: Vec<String>,
}

impl Draft {
    pub(super) fn new(rule: &'static Rule, spot: impl Into<Spot>, message: String) -> Self {
        Self { rule, message, address: None, spot: spot.into(), most: None, related: Vec::new(), help: Vec::new() }
    }

    #[must_use]
    pub(super) fn at(self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self }
    }

    #[must_use]
    pub(super) fn related(mut self, spot: impl Into<Spot>, label: impl Into<String>) -> Self {
        let spot = spot.into();
        if spot != self.spot {
            self.related.push((spot, label.into()));
        }
        self
    }

    #[must_use]
    pub(super) fn help(mut self, sentence: impl Into<String>) -> Self {
        self.help.push(sentence.into());
        self
    }
}

impl Spot {
    pub(super) fn is_json(&self) -> bool {
        std::path::Path::new(&self.file).extension().is_some_and(|extension| extension == "json")
    }
}

impl Draft {
    /// Finds the name of the resource in a file in JSON syntax, of which only the whole is known.
    pub(super) fn narrow(&mut self, files: &BTreeMap<String, String>) {
        let Some(text) = files.get(&self.spot.file).filter(|text| self.spot.is_json() && self.spot.end >= text.len())
        else {
            return;
        };
        let address: Option<Address> = self.address.as_ref().and_then(|address| address.parse().ok());
        let Some(address) = address else { return };
        let find = |word: &str, from: usize| {
            let quoted = format!("\"{word}\"");
            text[from..].find(&quoted).map(|start| (from + start, from + start + quoted.len()))
        };
        let name = find(&address.resource_type, 0).and_then(|(_, end)| find(&address.name, end));
        if let Some((start, end)) = name {
            (self.spot.start, self.spot.end) = (start, end);
        }
    }
}

impl From<&FilePlace<'_>> for Spot {
    fn from(place: &FilePlace<'_>) -> Self {
        Self { file: place.file.to_owned(), start: place.start, end: place.end }
    }
}

impl From<(String, Range<usize>)> for Spot {
    fn from((file, range): (String, Range<usize>)) -> Self {
        Self { file, start: range.start, end: range.end }
    }
}

/// Turns bytes into lines and columns. Starts of lines are found once a file.
pub(super) struct Lines<'f> {
    files: &'f BTreeMap<String, String>,
    starts: BTreeMap<String, Vec<usize>>,
    /// Bytes with secrets, by file.
    hidden: BTreeMap<String, Vec<Range<usize>>>,
}

/// Stands in a printed line for a secret.
const HIDDEN: &str = "(hidden)";

impl<'f> Lines<'f> {
    pub(super) fn new(files: &'f BTreeMap<String, String>, hidden: &[Spot]) -> Self {
        let mut ranges: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
        for spot in hidden {
            ranges.entry(spot.file.clone()).or_default().push(spot.start..spot.end);
        }
        Self { files, starts: BTreeMap::new(), hidden: ranges }
    }

    /// The line of an offset, counted from 1.
    pub(super) fn line(&mut self, file: &str, offset: usize) -> usize {
        let text = self.files.get(file).map_or("", String::as_str);
        let starts = self.starts.entry(file.to_owned()).or_insert_with(|| {
            std::iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect()
        });
        starts.partition_point(|start| *start <= offset)
    }

    pub(super) fn place(&mut self, spot: &Spot) -> Place {
        let text = self.files.get(&spot.file).map_or("", String::as_str);
        let (start, end) = (spot.start.min(text.len()), spot.end.min(text.len()));
        let line = self.line(&spot.file, start);
        let end_line = self.line(&spot.file, end);
        let starts = &self.starts[&spot.file];
        let column = |line: usize, offset: usize| {
            let begin = starts.get(line - 1).copied().unwrap_or_default();
            text.get(begin..offset).map_or(1, |before| before.chars().count() + 1)
        };
        let (first, next) = (starts[line - 1], starts.get(line).copied().unwrap_or(text.len()));
        Place {
            file: spot.file.clone(),
            line,
            column: column(line, start),
            end_line,
            end_column: column(end_line, end),
            source: self.source(&spot.file, first..next),
        }
    }

    /// The text of a line without its end, secrets replaced.
    fn source(&self, file: &str, line: Range<usize>) -> String {
        let text = self.files.get(file).map_or("", String::as_str);
        let (mut source, mut position) = (String::new(), line.start);
        let mut hidden: Vec<&Range<usize>> = self
            .hidden
            .get(file)
            .into_iter()
            .flatten()
            .filter(|range| range.start < line.end && line.start < range.end)
            .collect();
        hidden.sort_by_key(|range| range.start);
        for range in hidden {
            if range.end <= position {
                continue;
            }
            source.push_str(text.get(position..range.start.max(position)).unwrap_or_default());
            source.push_str(HIDDEN);
            position = range.end.min(line.end);
        }
        source.push_str(text.get(position..line.end).unwrap_or_default());
        source.trim_end_matches(['\n', '\r']).to_owned()
    }

    pub(super) fn finding(&mut self, draft: Draft, severity: Severity) -> Finding {
        let related =
            draft.related.iter().map(|(spot, label)| Related { place: self.place(spot), label: label.clone() });
        let related = related.collect();
        Finding {
            rule: draft.rule.code.to_owned(),
            name: draft.rule.name.to_owned(),
            severity: draft.most.map_or(severity, |most| severity.max(most)),
            message: draft.message,
            address: draft.address,
            place: self.place(&draft.spot),
            related,
            help: draft.help,
        }
    }
}
