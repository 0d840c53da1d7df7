//! The hook of git for people: whether it is there now.

use proxmox_mpc_engine::hooks::HooksReport;

use super::Printed;
use crate::page::Page;

impl Printed for HooksReport {
    fn page(&self, page: &mut Page) {
        let path = self.path.display();
        page.line(match (self.installed, self.changed) {
            (true, true) => format!("{path}: every commit is checked from now on"),
            (true, false) => format!("{path}: the hook is there already"),
            (false, true) => format!("{path}: the hook is removed"),
            (false, false) => format!("{path}: there is no hook"),
        });
    }
}
