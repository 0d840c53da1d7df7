//! Changes of a cluster and of code, as lines of a page.

use proxmox_mpc_code::merge::{Conflict, Notice};
use proxmox_mpc_engine::timeline::{CodeChange, CodeChanges, CodeState, Live};
use proxmox_mpc_model::Moment;
use proxmox_mpc_model::observation::{Changes, Event};

use crate::page::Page;

/// The number of lines at which lists are cut.
const SHOWN: usize = 200;

/// The length at which values of code are cut, in characters.
const LONGEST: usize = 60;

/// A time for people: `2026-11-30 10:12 UTC`.
pub(super) fn moment(seconds: i64) -> String {
    let spaced = Moment::at(u64::try_from(seconds).unwrap_or_default()).spaced();
    format!("{} UTC", spaced.get(..16).unwrap_or(&spaced))
}

/// A number with its noun.
pub(super) fn plural(number: usize, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}

/// A merge into the code: the patch, where nothing was written; conflicts, and what was not edited.
pub(super) fn merged(patch: Option<&str>, conflicts: &[Conflict], notices: &[Notice], page: &mut Page) {
    if let Some(patch) = patch {
        page.line(patch.trim_end());
        page.blank();
    }
    for conflict in conflicts {
        page.bad(format!("conflict: {}, line {}: {}", conflict.file, conflict.line, conflict.choices));
    }
    for notice in notices {
        page.line(format!("{}: {}", notice.object, notice.text));
    }
}

/// The changes of a cluster, a line each: `-` for what is gone, `+` for what is new, `~` for what changed.
pub(super) fn cluster_changes(changes: &Changes, page: &mut Page) {
    if changes.is_empty() || changes.first.is_some() {
        return page.line(format!("  {}", changes.subject()));
    }
    let mut lines = 0;
    for change in &changes.objects {
        let mark = match change.event {
            Event::Gone => '-',
            Event::New => '+',
            Event::Changed => '~',
            Event::FirstRead => '?',
        };
        for line in change.lines() {
            lines += 1;
            if lines <= SHOWN {
                page.line(format!("  {mark} {line}"));
            }
        }
    }
    if lines > SHOWN {
        page.line(format!("  and {} more lines, which `--output json` lists", lines - SHOWN));
    }
}

/// The changes of a cluster since the last sync.
pub(super) fn live_changes(live: &Live, page: &mut Page) {
    cluster_changes(&live.changes, page);
    if live.not_read > 0 {
        page.line(format!("  {} could not be read", plural(live.not_read, "object or list", "objects or lists")));
    }
}

/// The differences of code, a line for each object and each attribute.
pub(super) fn code_changes(code: &CodeChanges, page: &mut Page) {
    for change in code.objects.iter().take(SHOWN) {
        object(change, page);
    }
    if code.objects.len() > SHOWN {
        page.line(format!("  and {} more objects, which `--output json` lists", code.objects.len() - SHOWN));
    }
    for file in &code.files {
        page.line(format!("  {file}: edited or removed"));
    }
    for file in &code.unreadable {
        page.bad(format!("  {file}: cannot be read as Terraform code"));
    }
    if code.is_empty() {
        page.line("  all code is as it was generated");
    }
}

fn object(change: &CodeChange, page: &mut Page) {
    let name = change.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let what = match (change.state, &change.place) {
        (CodeState::Moved, Some(place)) => format!("now in {place}"),
        (CodeState::Removed, _) => "no code any more".to_owned(),
        _ => "changed".to_owned(),
    };
    page.line(format!("  {}{name} ({}): {what}", change.identity, change.address));
    for attribute in &change.attributes {
        let value = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), shortened);
        let (generated, own) = (value(&attribute.generated), value(&attribute.workspace));
        page.line(format!("    {}: {generated} → {own}", attribute.path));
    }
}

/// The first line of a value, cut.
pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
