//! Twins for people: how to reach one, the recording that was made up, and the calls that no twin can answer.

use proxmox_mpc_engine::twins::{LimitsReport, ServeReport, Synthesis};

use super::Printed;
use crate::page::Page;

/// The number of omissions that a page lists before it only counts them.
const NAMED: usize = 10;

impl Printed for ServeReport {
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
            "A twin does not serve SSH. Set PROXMOX_VE_SSH_SOCKS5_SERVER as above, or `socks5_server` in the provider's `ssh` \
             block; otherwise code that uses SSH connects to the real nodes.",
        );
        let count = self.left_out.len();
        if count > 0 {
            page.line(format!("Proxmox would not read everything in the copy. Left out ({count}):"));
            for reason in self.left_out.iter().take(NAMED) {
                page.line(format!("  {reason}"));
            }
        }
        if count > NAMED {
            page.line(format!("  and {} more, which `--output json` lists", count - NAMED));
        }
        page.line("Press Ctrl-C to stop.");
    }
}

impl Printed for Synthesis {
    fn page(&self, page: &mut Page) {
        let Self { recording, nodes, guests, seed, answers } = self;
        let recording = recording.display();
        page.line(format!("{recording}: {nodes} nodes, {guests} guests, seed {seed}, {answers} answers"));
        page.line(format!("Serve it with `proxmox-mpc twin serve {recording}`."));
    }
}

impl Printed for LimitsReport {
    fn page(&self, page: &mut Page) {
        for limit in &self.limits {
            page.line(limit);
        }
        page.line(format!("A twin answers {} of {} writing methods.", self.done, self.done + self.limits.len()));
    }
}
