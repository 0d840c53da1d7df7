//! Drift for people: each object with what changed in the cluster, and where the code says something else.

use proxmox_mpc_engine::drift::{AcceptReport, AdoptReport, CodeDifference, Drift, DriftKind, DriftReport, Severity};
use proxmox_mpc_model::Identity;
use proxmox_mpc_model::observation::Origin;

use super::Printed;
use super::changes::{merged, moment, plural, shortened};
use crate::page::Page;

/// The number of objects at which the list is cut.
const SHOWN: usize = 100;

impl Printed for DriftReport {
    fn page(&self, page: &mut Page) {
        for drift in self.drift.iter().take(SHOWN) {
            object(drift, page);
        }
        if self.drift.len() > SHOWN {
            page.line(format!("and {} more objects, which `--output json` lists", self.drift.len() - SHOWN));
        }
        if !self.drift.is_empty() {
            page.blank();
        }
        if !self.ahead.is_empty() {
            let names: Vec<&str> = self.ahead.iter().take(10).map(Identity::as_str).collect();
            let more = if self.ahead.len() > names.len() { ", …" } else { "" };
            page.line(format!("ahead, edited in the code and not applied: {}{more}", names.join(", ")));
        }
        if !self.silenced.is_empty() {
            let accepted = self.silenced.iter().filter(|silenced| silenced.reason.is_none()).count();
            page.line(format!("silenced: {accepted} accepted, {} by rules", self.silenced.len() - accepted));
        }
        for rule in &self.expired {
            let until = rule.until.as_deref().unwrap_or_default();
            page.bad(format!("a rule has expired on {until}: {} ({}, {})", rule.object, rule.reason, rule.owner));
        }
        if !self.without_code.is_empty() {
            page.line(format!(
                "no code: {}, {:.1} % of the settings are code",
                plural(self.without_code.len(), "object", "objects"),
                self.coverage
            ));
        }
        self.brief(page);
    }

    fn brief(&self, page: &mut Page) {
        if self.not_read > 0 {
            let number = plural(self.not_read, "object or list", "objects or lists");
            page.bad(format!("{number} could not be read: nothing is known of drift there"));
        }
        let since = moment(self.since);
        if self.drift.is_empty() {
            return page.line(format!("No drift since {since}."));
        }
        let objects = plural(self.drift.len(), "object has", "objects have");
        page.line(format!("{objects} drifted since {since}."));
        page.line("`proxmox-mpc drift adopt OBJECT` takes the cluster's values into the code, `drift revert` shows the way back.");
    }
}

fn object(drift: &Drift, page: &mut Page) {
    let name = drift.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let address = drift.address.as_ref().map(|address| format!(" ({address})")).unwrap_or_default();
    let (mark, what) = match drift.kind {
        DriftKind::Gone => ('-', ": gone from the cluster"),
        DriftKind::Changed => ('~', ""),
        DriftKind::New => ('+', ": new in the cluster, no code has it"),
        DriftKind::Moved => ('>', ""),
    };
    page.line(format!("{mark} {}{name}{address}{what}{}", drift.identity, severity(drift.severity)));
    if matches!(drift.kind, DriftKind::Changed | DriftKind::Moved) {
        let title = format!("{}{name}: ", drift.identity);
        for line in drift.lines() {
            page.line(format!("    {}", line.strip_prefix(&title).unwrap_or(&line)));
        }
    }
    for difference in &drift.code {
        page.line(format!("    {}", code(difference)));
    }
    if let Some(reason) = unknown(drift.origin.as_ref()) {
        page.line(format!("    by: unknown, {reason}"));
    }
    if let Some(impact) = &drift.revert {
        page.line(format!("    putting it back: {impact}"));
    }
}

/// The reason why nobody is known to have changed an object.
fn unknown(origin: Option<&Origin>) -> Option<&'static str> {
    match origin? {
        Origin::Task { .. } | Origin::ProbableTasks { .. } => None,
        Origin::NotInLog => Some("no task did it: most settings, and edits of files, leave none"),
        Origin::LogIncomplete => Some("the task log does not reach back to the last sync"),
    }
}

/// A severity that is worth a word.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low | Severity::Medium => "",
        Severity::High => "  [high]",
        Severity::Critical => "  [critical]",
    }
}

/// A place in the code: `terraform/web.tf:12: memory.dedicated = 4096, the cluster has 8192`.
fn code(difference: &CodeDifference) -> String {
    let CodeDifference { attribute, file, line, code, cluster, is_conflict, only_told } = difference;
    let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
    if let Some(reason) = only_told {
        return format!("{place}: {attribute}: {reason}");
    }
    let value = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), shortened);
    let both = if *is_conflict { ", and both have changed" } else { "" };
    if attribute.is_empty() {
        return format!("{place}: the block differs{both}");
    }
    format!("{place}: {attribute} is {} in the code, {} in the cluster{both}", value(code), value(cluster))
}

impl Printed for AdoptReport {
    fn page(&self, page: &mut Page) {
        merged(self.dry_run.then_some(&*self.patch), &self.conflicts, &self.notices, page);
        page.line(match (&self.files[..], self.dry_run) {
            ([], _) => "The code says already what the cluster has.".to_owned(),
            (files, true) => format!("Nothing was written; the patch changes {}.", files.join(", ")),
            (files, false) => {
                format!("{} written: {}.", plural(self.objects.len(), "object", "objects"), files.join(", "))
            }
        });
        if !self.files.is_empty() && !self.dry_run {
            page.line("Nothing was committed: `git diff` shows the edits.");
        }
    }
}

impl Printed for AcceptReport {
    fn page(&self, page: &mut Page) {
        let objects = plural(self.accepted.len(), "object is", "objects are");
        page.line(format!("The drift of {objects} accepted in {}.", self.file.display()));
        page.line("Commit the file. An object that changes again is told again.");
    }
}
