//! Tables of `COVERAGE.md`: where each object is, and the fates of the keys of each kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::kinds::KINDS;

use super::{cell, line, names, position, spans, title};
use crate::coverage::{Counts, Coverage, Fate, ObjectCoverage, Outcome};
use crate::reasons::{family, why};

/// Writes the tables. `objects` are in the order of their kinds.
pub(super) fn write(text: &mut String, coverage: &Coverage, objects: &[(&Identity, &ObjectCoverage)]) {
    text.push_str("\n## Where each object is\n\n| object | where |\n|---|---|\n");
    for (identity, object) in objects {
        let (at, helps) = match &object.outcome {
            Outcome::Terraform { address } => (format!("`{address}`"), None),
            Outcome::Ansible { file, remedy, .. } => (format!("`{file}`"), remedy.as_ref()),
            Outcome::NotImportable { remedy, .. } => ("in no code".to_owned(), remedy.as_ref()),
            Outcome::Excluded => ("excluded".to_owned(), None),
            Outcome::BuiltIn | Outcome::Fact => continue,
        };
        let helps = helps.map(|helps| format!("; what helps: {}", cell(&line(helps)))).unwrap_or_default();
        _ = writeln!(text, "| {} | {at}{helps} |", cell(&title(identity, object)));
    }
    without_code(text, objects);
    text.push_str(
        "\n## The settings of each kind\n\nA setting is in two lines of its kind if it has different fates in different objects.\n\n| kind | settings | which | why |\n|---|---|---|---|\n",
    );
    let counts = coverage.counts();
    let mut kinds: BTreeMap<usize, KindFates<'_>> = BTreeMap::new();
    for (identity, object) in objects {
        let fates = kinds.entry(position(&object.kind)).or_default();
        for (key, fate) in &object.keys {
            let why = why(object, fate).unwrap_or_default();
            let group = fates.entry((order(fate), fate.word(), why)).or_default();
            let family = family(&object.kind, key);
            if !group.keys.contains(&family) {
                group.keys.insert(family);
            }
            if group.objects.last() != Some(identity) {
                group.objects.push(identity);
            }
        }
    }
    for (kind, fates) in kinds {
        let kind = KINDS[kind];
        let all = counts.get(kind.id).map_or(0, |counts| counts.objects);
        let covered = counts.get(kind.id).map(Counts::percentage).unwrap_or_default();
        let mut head = format!("{} ({all}), {covered}", kind.title);
        for ((_, word, why), group) in fates {
            let of = match group.objects.len() {
                some if some == all || why.is_empty() => String::new(),
                some => format!(" of {}", names(group.objects.iter().copied(), some)),
            };
            let keys = spans(group.keys.iter().map(String::as_str));
            _ = writeln!(text, "| {head} | {word} | {}{} | {} |", cell(&keys), cell(&of), cell(&line(why)));
            head.clear();
        }
    }
}

/// Writes the table of objects that need no code, a line for each kind.
fn without_code(text: &mut String, objects: &[(&Identity, &ObjectCoverage)]) {
    let mut kinds: BTreeMap<(usize, &str), Vec<String>> = BTreeMap::new();
    for (identity, object) in objects {
        let word = match object.outcome {
            Outcome::BuiltIn => "comes with Proxmox, unchanged",
            Outcome::Fact => "no configuration",
            _ => continue,
        };
        kinds.entry((position(&object.kind), word)).or_default().push(title(identity, object));
    }
    if !kinds.is_empty() {
        text.push_str("\n| needs no code | why | objects |\n|---|---|---|\n");
    }
    for ((kind, word), names) in kinds {
        let title = KINDS[kind].title;
        _ = writeln!(text, "| {title} ({}) | {word} | {} |", names.len(), cell(&names.join(", ")));
    }
}

/// Keys with one fate for one reason, and their objects.
#[derive(Default)]
struct FateGroup<'c> {
    keys: BTreeSet<String>,
    objects: Vec<&'c Identity>,
}

/// Keys of a kind by position in the table, word of the fate, and reason.
type KindFates<'c> = BTreeMap<(u8, &'static str, &'c str), FateGroup<'c>>;

/// Position of a fate in the table: defects first, then code, then the rest.
fn order(fate: &Fate) -> u8 {
    match fate {
        Fate::NotCovered => 0,
        Fate::Terraform => 1,
        Fate::Ansible(_) => 2,
        Fate::NotExpressible(_) => 3,
        Fate::Default => 4,
        Fate::Volatile => 5,
        Fate::Excluded => 6,
    }
}
