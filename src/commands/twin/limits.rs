//! `twin --limits`: the writing methods of Proxmox's that a twin answers with 501.

use proxmox_mpc_twin::writes;
use serde::Serialize;

use crate::commands::{Failure, Outcome, Unwritten};
use crate::ui::{Page, Report, Ui};

#[derive(Serialize)]
struct Limits {
    /// How many writing methods a twin does.
    done: usize,
    /// Those that it does not: `POST /nodes/{node}/ceph/init`.
    limits: Vec<String>,
}

impl Report for Limits {
    fn human(&self, page: &mut Page) {
        for limit in &self.limits {
            page.line(limit);
        }
        page.line(format!("A twin does {} of {} writing methods.", self.done, self.done + self.limits.len()));
    }
}

pub(super) fn run(ui: &Ui) -> Result<Outcome, Failure> {
    let limits = writes::limits();
    ui.report(&Limits { done: writes::done(), limits }).map_err(Unwritten)?;
    Ok(Outcome::Done)
}
