//! Twins for people: how to reach one, what was made up, and what they cannot do.

use proxmox_mpc_engine::twins::{LimitsReport, Serving, Synthesis};

use super::Printed;
use crate::ui::Page;

/// How many things that were left out a page names.
const NAMED: usize = 10;

impl Printed for Serving {
    fn page(&self, page: &mut Page) {
        page.line(format!("PROXMOX_VE_ENDPOINT={}", self.endpoint));
        if let Some(token) = &self.token {
            page.line(format!("PROXMOX_VE_API_TOKEN={token}"));
        }
        page.line(format!("PROXMOX_MPC_FINGERPRINT={}", self.fingerprint));
        page.line(format!("PROXMOX_VE_SSH_SOCKS5_SERVER={}", self.ssh_socks5_server));
        page.line(match &self.logins[..] {
            [] => "Nobody may log in.".to_owned(),
            logins => format!("May log in: {}.", logins.join(", ")),
        });
        page.line(
            "SSH is not the twin's: without PROXMOX_VE_SSH_SOCKS5_SERVER as above, or `socks5_server` in its `ssh` block, code \
             that works over SSH dials the real nodes.",
        );
        let count = self.left_out.len();
        if count > 0 {
            page.line(format!("Proxmox does not read all of the copy. Left out ({count}):"));
            for why in self.left_out.iter().take(NAMED) {
                page.line(format!("  {why}"));
            }
        }
        if count > NAMED {
            page.line(format!("  and {} more, which `--output json` lists", count - NAMED));
        }
        page.line("Ctrl-C stops it.");
    }
}

impl Printed for Synthesis {
    fn page(&self, page: &mut Page) {
        let Self { recording, nodes, guests, seed, answers } = self;
        let place = recording.display();
        page.line(format!("{place}: {nodes} nodes, {guests} guests, seed {seed}, {answers} answers"));
        page.line(format!("Serve it with `proxmox-mpc twin serve {place}`."));
    }
}

impl Printed for LimitsReport {
    fn page(&self, page: &mut Page) {
        for limit in &self.limits {
            page.line(limit);
        }
        page.line(format!("A twin does {} of {} writing methods.", self.done, self.done + self.limits.len()));
    }
}
