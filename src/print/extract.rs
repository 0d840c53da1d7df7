//! Extraction for people: the patch or the edits, and the proof.

use proxmox_mpc_engine::extract::ExtractReport;

use super::Printed;
use crate::page::Page;

impl Printed for ExtractReport {
    fn page(&self, page: &mut Page) {
        if self.dry_run {
            page.line(self.patch.trim_end());
            page.blank();
            page.line(format!("Nothing was written or proved; the patch changes {}.", self.files.join(", ")));
            return;
        }
        for edit in &self.edits {
            let attribute = if edit.attribute.is_empty() { String::new() } else { format!(", {}", edit.attribute) };
            page.line(format!("{}, line {}: {}{attribute} is {}", edit.file, edit.line, edit.block, edit.after));
        }
        page.blank();
        self.brief(page);
    }

    fn brief(&self, page: &mut Page) {
        page.line(format!("Written: {}.", self.files.join(", ")));
        match self.proof.as_ref().and_then(|proof| Some((proof, proof.counts?))) {
            Some((proof, counts)) => page.line(format!(
                "Proved with {}: {} to import, {} to add, {} to change, {} to destroy, as before.",
                proof.tool, counts.import, counts.add, counts.change, counts.destroy
            )),
            None => page.bad("not proved: `proxmox-mpc verify` plans the code"),
        }
    }
}
