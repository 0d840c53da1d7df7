//! Demonstration for people: the import, the proof, and the next steps.

use proxmox_mpc_engine::demo::Demonstration;

use super::{Printed, import};
use crate::page::Page;

impl Printed for Demonstration {
    fn page(&self, page: &mut Page) {
        import::findings(&self.import, page);
        page.blank();
        if let Some(proof) = &self.proof {
            proof.page(page);
        }
        if let Some(reason) = &self.no_proof {
            page.line(format!("no proof was made: {reason}"));
        }
        let out = self.out.display();
        page.blank();
        page.heading("look at it");
        page.line(format!("  {out}/terraform/     the code, one file for each kind"));
        page.line(format!("  {out}/COVERAGE.md    where every setting is kept, and why"));
        page.heading("then import your own cluster");
        page.line("  export PROXMOX_VE_ENDPOINT=https://pve.example:8006 PROXMOX_VE_API_TOKEN='user@realm!name=uuid'");
        page.line("  proxmox-mpc import --out lab");
        page.line("  proxmox-mpc verify lab");
    }
}
