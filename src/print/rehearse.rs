//! Rehearsal for people: the answer first, then its details.

use proxmox_mpc_engine::rehearse::{
    ChangeKind, GuestAction, KeyChange, Reached, RefusedCall, Rehearsal, StateUsed, Totals,
};
use proxmox_mpc_engine::toolchain::terraform::Action;

use super::Printed;
use crate::page::{Page, Table};

/// The length at which values are cut, in characters: a description may be very long.
const LONGEST: usize = 60;
/// The number of characters that are shown of the common beginning of two long values.
const COMMON: usize = 8;

impl Printed for Rehearsal {
    fn page(&self, page: &mut Page) {
        answer(self, page);
        protections(self, page);
        table(self, page);
        starts(self, page);
        timeline(self, page);
        failures(self, page);
        traps(self, page);
        second_plan(self, page);
        playbooks(self, page);
        page.blank();
        origin(self, page);
    }
}

fn answer(rehearsal: &Rehearsal, page: &mut Page) {
    let line = sentence(rehearsal);
    if rehearsal.fault_kind().is_none() && rehearsal.traps.is_empty() {
        page.good(line);
    } else {
        page.bad(line);
    }
    for error in &rehearsal.errors {
        let mut lines = error.summary.lines().chain(error.detail.lines()).filter(|line| !line.trim().is_empty());
        page.line(format!("  {}{}", at(error.address.as_deref()), lines.next().unwrap_or_default()));
        lines.for_each(|line| page.line(format!("    {}", line.trim_start())));
    }
}

/// The answer in one line.
fn sentence(rehearsal: &Rehearsal) -> String {
    let totals = words(&rehearsal.totals);
    let mut line = match rehearsal.reached {
        Reached::NoPlan => "Terraform would stop before it does anything".to_owned(),
        Reached::Nothing | Reached::Applied if totals.is_empty() => {
            format!("Nothing would happen to the cluster{}", imports(rehearsal))
        }
        Reached::Nothing | Reached::Applied => format!("What would happen: {totals}{}", imports(rehearsal)),
        Reached::Failed if totals.is_empty() => "The apply would FAIL before it changes anything".to_owned(),
        Reached::Failed => format!("The apply would FAIL on the way: {totals}"),
        Reached::Limit => {
            let totals = if totals.is_empty() { "nothing" } else { &totals };
            format!("The rehearsal stopped at a call that the twin cannot answer. Until then: {totals}")
        }
    };
    if !rehearsal.traps.is_empty() {
        line = format!("{line}; {}", counted(rehearsal.traps.len(), "trap", "traps"));
    }
    if rehearsal.protected.is_empty() {
        return line;
    }
    let count = counted(rehearsal.protected.len(), "object is", "objects are");
    format!("Terraform would REFUSE to start: {count} protected. Without the protection: {line}")
}

fn imports(rehearsal: &Rehearsal) -> String {
    match rehearsal.totals.imported {
        0 => String::new(),
        count => {
            let come = counted(count, "object comes", "objects come");
            format!(" ({come} into Terraform's state unchanged)")
        }
    }
}

fn protections(rehearsal: &Rehearsal, page: &mut Page) {
    if rehearsal.protected.is_empty() {
        return;
    }
    page.heading("Protected by prevent_destroy:");
    for protected in &rehearsal.protected {
        let action = if protected.action == Action::Replace { "replaced" } else { "destroyed" };
        page.line(format!("  {} would be {action}", protected.address));
    }
    page.line("  Terraform refuses the whole plan until the change or the protection is taken out.");
}

fn table(rehearsal: &Rehearsal, page: &mut Page) {
    if rehearsal.objects.is_empty() {
        return;
    }
    page.blank();
    let mut table = Table::new(["OBJECT", "NAME", "WOULD BE", "TERRAFORM", "KEYS"]);
    let mut objects: Vec<_> = rehearsal.objects.iter().collect();
    objects.sort_by_key(|object| (std::cmp::Reverse(object.change), &object.identity));
    for object in objects {
        let change = match object.change {
            ChangeKind::Created => "created",
            ChangeKind::Changed => "changed",
            ChangeKind::Replaced => "REPLACED",
            ChangeKind::Destroyed => "DESTROYED",
        };
        let keys: Vec<String> = object.keys.iter().map(key).collect();
        table.row([
            object.identity.to_string(),
            object.name.clone().unwrap_or_default(),
            change.to_owned(),
            object.address.clone().unwrap_or_else(|| "-".to_owned()),
            keys.join("\n"),
        ]);
    }
    page.table(&table);
}

fn starts(rehearsal: &Rehearsal, page: &mut Page) {
    if rehearsal.in_force.is_empty() {
        return;
    }
    page.heading("Pending since before, and applied by a start on the way:");
    for guest in &rehearsal.in_force {
        let name = guest.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        for change in &guest.keys {
            page.line(format!("  {}{name}: {}", guest.identity, key(change)));
        }
    }
}

fn timeline(rehearsal: &Rehearsal, page: &mut Page) {
    if rehearsal.guests.is_empty() {
        return;
    }
    page.heading("Guests, in the order of the calls:");
    let mut table = Table::new(["", "GUEST", "NAME", "WOULD BE", "DOWN"]);
    for (index, event) in rehearsal.guests.iter().enumerate() {
        let mut what = event.what.words().to_owned();
        match (&event.other, event.what) {
            (Some(other), GuestAction::Clone) => what = format!("cloned from {other}"),
            (Some(other), _) => what = format!("{what} to {other}"),
            (None, _) => {}
        }
        if event.failure.is_some() {
            what.push_str(" - FAILS");
        }
        let down = match event.down {
            Some(seconds) => format!("{seconds} s"),
            None if stays_down(rehearsal, index) => "stays down".to_owned(),
            None => String::new(),
        };
        let name = event.name.clone().unwrap_or_default();
        table.row([(index + 1).to_string(), event.identity.to_string(), name, what, down]);
    }
    page.table(&table);
    page.line(
        "Seconds are measured on the twin, whose tasks take no time: real guests also need time to shut down and boot.",
    );
    page.line("Terraform works on several objects at once, so that the order may differ in another run.");
}

/// Reports whether the guest goes down with this event and does not come back.
fn stays_down(rehearsal: &Rehearsal, index: usize) -> bool {
    let event = &rehearsal.guests[index];
    let mut later = rehearsal.guests[index + 1..].iter().filter(|later| later.failure.is_none());
    let ends = matches!(event.what, GuestAction::Stop | GuestAction::Shutdown | GuestAction::Suspend)
        && event.failure.is_none();
    ends && !later.any(|later| later.identity == event.identity)
}

fn failures(rehearsal: &Rehearsal, page: &mut Page) {
    if !rehearsal.refused.is_empty() {
        page.heading("Proxmox would refuse:");
        rehearsal.refused.iter().for_each(|refused| refusal(refused, page));
    }
    if !rehearsal.beyond.is_empty() {
        page.heading("The twin cannot answer these calls, so that it is unknown what would happen:");
        rehearsal.beyond.iter().for_each(|refused| refusal(refused, page));
    }
}

fn traps(rehearsal: &Rehearsal, page: &mut Page) {
    for trap in &rehearsal.traps {
        page.heading(format!("Trap: {}", trap.id));
        for at in &trap.at {
            page.line(format!("  {at}"));
        }
        page.line(format!("  what happens: {}", trap.what));
        page.line(format!("  what to do: {}", trap.instead));
    }
}

fn second_plan(rehearsal: &Rehearsal, page: &mut Page) {
    if rehearsal.again.is_empty() {
        return;
    }
    page.heading("A second plan, right after the apply, would still change:");
    for difference in &rehearsal.again {
        let paths: Vec<&str> = difference.attributes.iter().map(|attribute| attribute.path.as_str()).collect();
        page.line(format!("  {}: {}", difference.address, paths.join(", ")));
    }
}

fn playbooks(rehearsal: &Rehearsal, page: &mut Page) {
    let Some(playbooks) = &rehearsal.playbooks else { return };
    page.heading("Playbooks:");
    page.line(format!(
        "  {}, {} would change something, {} would fail",
        counted(playbooks.tasks, "task", "tasks"),
        playbooks.changed,
        playbooks.failed.len()
    ));
    for failed in &playbooks.failed {
        page.line(format!("  {}: {}", failed.task, failed.why));
    }
    if !playbooks.succeeded() && playbooks.failed.is_empty() {
        page.line(format!("  Ansible stopped: {}", playbooks.complaint));
    }
}

fn origin(rehearsal: &Rehearsal, page: &mut Page) {
    let provider = rehearsal.provider.as_deref().map(|version| format!(", provider {version}")).unwrap_or_default();
    let age = rehearsal.recording.age.as_deref().map(|age| format!(", {age} ago")).unwrap_or_default();
    let live = if rehearsal.recording.live { "a recording made for this rehearsal" } else { "the last recording" };
    let recorded_at = &rehearsal.recording.recorded_at;
    page.line(format!("{}{provider}, on a twin of {live} ({recorded_at}{age})", rehearsal.tool));
    page.line(match &rehearsal.state {
        StateUsed::None => "The workspace has no state: its import blocks were rehearsed with the rest.".to_owned(),
        StateUsed::Copy { objects, workspace, .. } => {
            let objects = counted(*objects, "object", "objects");
            format!("On a copy of the workspace's state: {objects}, workspace `{workspace}`.")
        }
        StateUsed::Unreachable { why } => format!(
            "The state could not be read ({why}), so that every object of the workspace was rehearsed as an import. \
             `terraform init` in that folder lets the next rehearsal use the state."
        ),
    });
    if rehearsal.recording.unknown > 0 {
        let unknown = usize::try_from(rehearsal.recording.unknown).unwrap_or(usize::MAX);
        page.line(format!(
            "{} not in the recording.",
            counted(unknown, "requested answer is", "requested answers are")
        ));
    }
    page.line("The cluster and the workspace are unchanged: only the twin and a temporary copy were written to.");
}

/// The totals in words: `1 object DESTROYED, 2 changed; 1 guest restarted`; empty if nothing happens.
fn words(totals: &Totals) -> String {
    let objects = [
        (totals.destroyed, "DESTROYED"),
        (totals.replaced, "REPLACED"),
        (totals.created, "created"),
        (totals.changed, "changed"),
    ];
    let mut changes = Vec::new();
    for (count, word) in objects.into_iter().filter(|(count, _)| *count > 0) {
        let count = if changes.is_empty() { counted(count, "object", "objects") } else { count.to_string() };
        changes.push(format!("{count} {word}"));
    }
    let guests = [(totals.restarted, "restarted"), (totals.stopped, "stopped"), (totals.migrated, "migrated")];
    let guests = guests.iter().filter(|(count, _)| *count > 0);
    let guests: Vec<String> =
        guests.map(|(count, word)| format!("{} {word}", counted(*count, "guest", "guests"))).collect();
    let mut parts = Vec::new();
    if !changes.is_empty() {
        parts.push(changes.join(", "));
    }
    if !guests.is_empty() {
        parts.push(guests.join(", "));
    }
    if totals.refused > 0 {
        parts.push(counted(totals.refused, "call refused", "calls refused"));
    }
    parts.join("; ")
}

fn refusal(refused: &RefusedCall, page: &mut Page) {
    let times = if refused.times > 1 { format!(" ({} times)", refused.times) } else { String::new() };
    let task = refused.task.as_deref().map(|task| format!(", task {task}")).unwrap_or_default();
    page.line(format!("  {}{}{task}{times}", at(refused.address.as_deref()), refused.call));
    for line in refused.why.lines() {
        page.line(format!("    {line}"));
    }
}

fn at(address: Option<&str>) -> String {
    address.map(|address| format!("{address}: ")).unwrap_or_default()
}

fn key(change: &KeyChange) -> String {
    // Most of the common beginning of two long values is left out.
    let omitted = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.chars().count().max(after.chars().count()) > LONGEST => {
            let common = before.chars().zip(after.chars()).take_while(|(left, right)| left == right).count();
            common.saturating_sub(COMMON)
        }
        _ => 0,
    };
    let side = |value: &Option<String>| {
        let Some(value) = value else { return "-".to_owned() };
        let rest: String = value.chars().skip(omitted).collect();
        if omitted == 0 { short(&rest) } else { format!("…{}", short(&rest)) }
    };
    format!("{}: {} -> {}", change.key, side(&change.before), side(&change.after))
}

/// Shortens a value to one line of at most [`LONGEST`] characters.
fn short(value: &str) -> String {
    let line = value.replace('\n', "\\n");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn counted(count: usize, singular: &str, plural: &str) -> String {
    format!("{count} {}", if count == 1 { singular } else { plural })
}
