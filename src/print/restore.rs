//! Restore for people: the patch or the files, and what an apply of the code would do.

use proxmox_mpc_engine::timeline::RestoreReport;

use super::Printed;
use super::changes::{merged, moment};
use crate::page::Page;

impl Printed for RestoreReport {
    fn page(&self, page: &mut Page) {
        merged(self.dry_run.then_some(&*self.patch), &self.conflicts, &self.notices, page);
        let consequences = self.consequences();
        if !consequences.is_empty() && !self.files.is_empty() {
            page.heading("an apply of this code would change the cluster");
            for line in consequences {
                page.line(format!("  {line}"));
            }
            page.blank();
        }
        let time = moment(self.at.time);
        page.line(match (&self.files[..], self.dry_run) {
            ([], _) => format!("The code of {} is as it was at {time}.", self.object),
            (files, true) => format!("Nothing was written; the patch changes {}.", files.join(", ")),
            (files, false) => format!("{} is as it was at {time} in {}.", self.object, files.join(", ")),
        });
        if !self.files.is_empty() && !self.dry_run {
            page.line(
                "Nothing was committed: `git diff` shows the edits, and `proxmox-mpc rehearse` what an apply would do.",
            );
        }
    }
}
