//! History for people: a line for each sync, or the changes of one object under the time of each.

use proxmox_mpc_engine::timeline::HistoryReport;

use super::Printed;
use super::changes::{moment, plural};
use crate::page::Page;

impl Printed for HistoryReport {
    fn page(&self, page: &mut Page) {
        for entry in &self.entries {
            let commit = entry.sync.commit.get(..10).unwrap_or(&entry.sync.commit);
            if self.object.is_none() {
                page.line(format!("{}  {commit}  {}", moment(entry.sync.time), entry.sync.subject));
                continue;
            }
            page.line(format!("{}  {commit}", moment(entry.sync.time)));
            for line in &entry.lines {
                page.line(format!("  {line}"));
            }
        }
        if self.more > 0 {
            page.line(format!("and {}", plural(self.more, "older entry", "older entries")));
        }
    }
}
