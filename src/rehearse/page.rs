//! A rehearsal for people: the answer first, then what it is made of.

use crate::rehearse::guests::What;
use crate::rehearse::objects::{Change, KeyChange};
use crate::rehearse::report::{Reached, Refused, Rehearsal, Totals};
use crate::rehearse::state::StateUsed;
use crate::toolchain::terraform::Action;
use crate::ui::{Page, Report, Table};

/// Longer values are cut: a description can be a book.
const LONGEST: usize = 60;
/// How much is shown of what two long values have in common.
const ALIKE: usize = 8;

impl Report for Rehearsal {
    fn human(&self, page: &mut Page) {
        self.answer(page);
        self.protections(page);
        self.table(page);
        self.starts(page);
        self.timeline(page);
        self.failures(page);
        self.trapped(page);
        self.remains(page);
        self.played(page);
        page.blank();
        self.origin(page);
    }
}

impl Rehearsal {
    fn answer(&self, page: &mut Page) {
        let line = self.sentence();
        if self.fault_kind().is_none() && self.traps.is_empty() {
            page.good(line);
        } else {
            page.bad(line);
        }
        for error in &self.errors {
            let mut lines = error.summary.lines().chain(error.detail.lines()).filter(|line| !line.trim().is_empty());
            page.line(format!("  {}{}", at(error.address.as_deref()), lines.next().unwrap_or_default()));
            lines.for_each(|line| page.line(format!("    {}", line.trim_start())));
        }
    }

    /// What would happen, in one line.
    fn sentence(&self) -> String {
        let totals = self.totals.words();
        let mut line = match self.reached {
            Reached::NoPlan => "Terraform would stop before it does anything".to_owned(),
            Reached::Nothing | Reached::Applied if totals.is_empty() => {
                format!("Nothing would happen to the cluster{}", self.imports())
            }
            Reached::Nothing | Reached::Applied => format!("What would happen: {totals}{}", self.imports()),
            Reached::Failed if totals.is_empty() => "The apply would FAIL before it changes anything".to_owned(),
            Reached::Failed => format!("The apply would FAIL on the way: {totals}"),
            Reached::Limit => {
                let totals = if totals.is_empty() { "nothing" } else { &totals };
                format!("The twin cannot do all of this, and stopped; as far as it came: {totals}")
            }
        };
        if !self.traps.is_empty() {
            line = format!("{line}; {}", counted(self.traps.len(), "trap", "traps"));
        }
        if self.protected.is_empty() {
            return line;
        }
        let count = counted(self.protected.len(), "object is", "objects are");
        format!("Terraform would REFUSE to start: {count} protected. Without the protection: {line}")
    }

    fn imports(&self) -> String {
        match self.totals.imported {
            0 => String::new(),
            count => {
                let come = counted(count, "object comes", "objects come");
                format!(" ({come} into Terraform's state as found)")
            }
        }
    }

    fn protections(&self, page: &mut Page) {
        if self.protected.is_empty() {
            return;
        }
        page.heading("Protected by prevent_destroy:");
        for protected in &self.protected {
            let action = if protected.action == Action::Replace { "replaced" } else { "destroyed" };
            page.line(format!("  {} would be {action}", protected.address));
        }
        page.line("  Terraform refuses the whole plan until the change or the protection is taken out.");
    }

    fn table(&self, page: &mut Page) {
        if self.objects.is_empty() {
            return;
        }
        page.blank();
        let mut table = Table::new(["OBJECT", "NAME", "WOULD BE", "TERRAFORM", "KEYS"]);
        let mut objects: Vec<_> = self.objects.iter().collect();
        objects.sort_by_key(|object| (std::cmp::Reverse(object.change), &object.identity));
        for object in objects {
            let change = match object.change {
                Change::Created => "created",
                Change::Changed => "changed",
                Change::Replaced => "REPLACED",
                Change::Destroyed => "DESTROYED",
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

    fn starts(&self, page: &mut Page) {
        if self.in_force.is_empty() {
            return;
        }
        page.heading("Waiting since before, and in force with a start on the way:");
        for guest in &self.in_force {
            let name = guest.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
            for change in &guest.keys {
                page.line(format!("  {}{name}: {}", guest.identity, key(change)));
            }
        }
    }

    fn timeline(&self, page: &mut Page) {
        if self.guests.is_empty() {
            return;
        }
        page.heading("Guests, in the order of the calls:");
        let mut table = Table::new(["", "GUEST", "NAME", "WOULD BE", "DOWN"]);
        for (index, event) in self.guests.iter().enumerate() {
            let mut what = event.what.words().to_owned();
            match (&event.other, event.what) {
                (Some(other), What::Clone) => what = format!("cloned from {other}"),
                (Some(other), _) => what = format!("{what} to {other}"),
                (None, _) => {}
            }
            if event.failure.is_some() {
                what.push_str(" - FAILS");
            }
            let down = match event.down {
                Some(seconds) => format!("{seconds} s"),
                None if self.stays_down(index) => "stays down".to_owned(),
                None => String::new(),
            };
            let name = event.name.clone().unwrap_or_default();
            table.row([(index + 1).to_string(), event.identity.to_string(), name, what, down]);
        }
        page.table(&table);
        page.line("Seconds are the twin's, whose tasks take no time: a guest that shuts down and boots takes its own.");
        page.line("Terraform works on several objects at once, so that another run may take another order.");
    }

    /// Whether the guest that goes down here does not come back.
    fn stays_down(&self, index: usize) -> bool {
        let event = &self.guests[index];
        let mut later = self.guests[index + 1..].iter().filter(|later| later.failure.is_none());
        let ends = matches!(event.what, What::Stop | What::Shutdown | What::Suspend) && event.failure.is_none();
        ends && !later.any(|later| later.identity == event.identity)
    }

    fn failures(&self, page: &mut Page) {
        if !self.refused.is_empty() {
            page.heading("Proxmox would refuse:");
            self.refused.iter().for_each(|refused| refusal(refused, page));
        }
        if !self.beyond.is_empty() {
            page.heading("The twin cannot do this, so that nothing is known of what would happen:");
            self.beyond.iter().for_each(|refused| refusal(refused, page));
        }
    }

    fn trapped(&self, page: &mut Page) {
        for trap in &self.traps {
            page.heading(format!("Trap: {}", trap.id));
            for at in &trap.at {
                page.line(format!("  {at}"));
            }
            page.line(format!("  what happens: {}", trap.what));
            page.line(format!("  what to do: {}", trap.instead));
        }
    }

    fn remains(&self, page: &mut Page) {
        if self.again.is_empty() {
            return;
        }
        page.heading("Asked again, Terraform would not rest; it would still change:");
        for difference in &self.again {
            let paths: Vec<&str> = difference.attributes.iter().map(|attribute| attribute.path.as_str()).collect();
            page.line(format!("  {}: {}", difference.address, paths.join(", ")));
        }
    }

    fn played(&self, page: &mut Page) {
        let Some(played) = &self.playbooks else { return };
        page.heading("Playbooks:");
        page.line(format!(
            "  {}, {} would change something, {} would fail",
            counted(played.tasks, "task", "tasks"),
            played.changed,
            played.failed.len()
        ));
        for failed in &played.failed {
            page.line(format!("  {}: {}", failed.task, failed.why));
        }
        if !played.well() && played.failed.is_empty() {
            page.line(format!("  Ansible stopped: {}", played.complaint));
        }
    }

    fn origin(&self, page: &mut Page) {
        let provider = self.provider.as_deref().map(|version| format!(", provider {version}")).unwrap_or_default();
        let age = self.recording.age.as_deref().map(|age| format!(", {age} ago")).unwrap_or_default();
        let live = if self.recording.live { "a recording made for this" } else { "the last recording" };
        let recorded_at = &self.recording.recorded_at;
        page.line(format!("{}{provider}, on a twin of {live} ({recorded_at}{age})", self.tool));
        page.line(match &self.state {
            StateUsed::None => "The workspace has no state: its import blocks were rehearsed with the rest.".to_owned(),
            StateUsed::Copy { objects, workspace, .. } => {
                let objects = counted(*objects, "object", "objects");
                format!("On a copy of the workspace's state: {objects}, workspace `{workspace}`.")
            }
            StateUsed::Unreachable { why } => format!(
                "The state could not be read ({why}): every object of the workspace was taken for imported. \
                 `terraform init` there makes the next rehearsal sharper."
            ),
        });
        if self.recording.unknown > 0 {
            let unknown = usize::try_from(self.recording.unknown).unwrap_or(usize::MAX);
            page.line(format!("{} not in the recording.", counted(unknown, "answer is", "answers are")));
        }
        page.line("Nothing was written but to the twin and a scratch copy, which are gone.");
    }
}

impl Totals {
    /// `1 object DESTROYED, 2 changed; 1 guest restarted`; empty where nothing happens.
    fn words(&self) -> String {
        let objects = [
            (self.destroyed, "DESTROYED"),
            (self.replaced, "REPLACED"),
            (self.created, "created"),
            (self.changed, "changed"),
        ];
        let mut told = Vec::new();
        for (count, word) in objects.into_iter().filter(|(count, _)| *count > 0) {
            let count = if told.is_empty() { counted(count, "object", "objects") } else { count.to_string() };
            told.push(format!("{count} {word}"));
        }
        let guests = [(self.restarted, "restarted"), (self.stopped, "stopped"), (self.migrated, "migrated")];
        let guests = guests.iter().filter(|(count, _)| *count > 0);
        let guests: Vec<String> =
            guests.map(|(count, word)| format!("{} {word}", counted(*count, "guest", "guests"))).collect();
        let mut parts = Vec::new();
        if !told.is_empty() {
            parts.push(told.join(", "));
        }
        if !guests.is_empty() {
            parts.push(guests.join(", "));
        }
        if self.refused > 0 {
            parts.push(counted(self.refused, "call refused", "calls refused"));
        }
        parts.join("; ")
    }
}

fn refusal(refused: &Refused, page: &mut Page) {
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
    // Of two long values what they begin with alike is left out.
    let alike = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.chars().count().max(after.chars().count()) > LONGEST => {
            let same = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
            same.saturating_sub(ALIKE)
        }
        _ => 0,
    };
    let side = |value: &Option<String>| {
        let Some(value) = value else { return "-".to_owned() };
        let rest: String = value.chars().skip(alike).collect();
        if alike == 0 { short(&rest) } else { format!("…{}", short(&rest)) }
    };
    format!("{}: {} -> {}", change.key, side(&change.before), side(&change.after))
}

/// A value on one line, and not too long.
fn short(value: &str) -> String {
    let line = value.replace('\n', "\\n");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
