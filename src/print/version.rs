//! Versions for people.

use proxmox_mpc_engine::version::Versions;

use super::Printed;
use crate::page::Page;

impl Printed for Versions {
    fn page(&self, page: &mut Page) {
        page.line(format!("proxmox-mpc {}", self.version));
        page.line(format!("provider    {}", self.provider));
        page.line(format!("terraform   {} (or OpenTofu)", self.terraform));
        page.line(format!("recordings  format {}", self.recording));
    }
}
