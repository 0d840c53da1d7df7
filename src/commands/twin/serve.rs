//! `twin serve`: a server that answers like the cluster of a recording, or of a copied `/etc/pve`.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use proxmox_mpc_model::{Answers, Unreadable};
use proxmox_mpc_twin::credentials::CredentialsError;
use proxmox_mpc_twin::etc_pve::{self, EtcPveError};
use proxmox_mpc_twin::recording::RecordingError;
use proxmox_mpc_twin::server::{self, AgentPolicy, Options, Twin, TwinError};
use proxmox_mpc_twin::{Credentials, Empty, Recording};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::commands::{Failure, Outcome, Unwritten};
use crate::event::{Event, Sink as _};
use crate::fault::{Fault, FaultKind};
use crate::interrupt;
use crate::ui::{Page, Report, Ui};
use crate::workbench::NO_SSH;

/// Answer like the cluster of a recording, over HTTPS on this machine, until Ctrl-C
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc twin serve lab/.proxmox-mpc/recordings/latest
  proxmox-mpc twin serve --etc-pve backup/etc/pve
  proxmox-mpc twin serve lab/.proxmox-mpc/recordings/latest --empty
  curl -k -H \"Authorization: PVEAPIToken=$TOKEN\" https://127.0.0.1:8006/api2/json/version")]
pub(super) struct Arguments {
    /// The recording: a folder, or one packed as .tar.zst
    #[arg(required_unless_present = "etc_pve", conflicts_with = "etc_pve")]
    recording: Option<PathBuf>,
    /// A copied or backed-up /etc/pve to answer from instead, a folder or one packed as .tar.zst: every guest is
    /// stopped, nothing is measured, and what configuration does not tell is not known
    #[arg(long, value_name = "DIR")]
    etc_pve: Option<PathBuf>,
    /// The version of Proxmox VE that the copy is of: none of its files tells
    #[arg(long, value_name = "VERSION", default_value = "9.1.9", requires = "etc_pve")]
    pve_version: String,
    /// Take out what code can make: guests, pools, users, jobs and all other configuration of the cluster. What stays are
    /// the nodes with their network, the storages with the images, templates and snippets on them, and what Proxmox brings
    /// along
    #[arg(long)]
    empty: bool,
    /// Where to listen, on this machine only; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8006", value_parser = listen)]
    listen: SocketAddr,
    /// Who may log in, as JSON: {"tokens": {"root@pam!iac": "UUID"}, "passwords": {"root@pam": "…"}}; without it, a
    /// token is made up
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Make every answer take this many milliseconds, to stand for a slow network
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    delay: u64,
    /// Keep what clients write in this folder, and begin with what was written before
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Show each task as running for this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    task_duration: u64,
    /// Show what guests are doing this many seconds late in lists of the whole cluster. Nodes tell each other every ten;
    /// the twin's default is shorter, as its tasks take no time
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    broadcast_interval: u64,
}

/// Why a twin does not serve.
#[derive(Debug, thiserror::Error)]
enum ServeFault {
    #[error("there is nothing to answer with")]
    Recording(#[from] RecordingError),
    #[error("there is nothing to answer with")]
    EtcPve(#[from] EtcPveError),
    #[error("there is nothing to answer with")]
    Unreadable(#[from] Unreadable),
    #[error("nobody could log in")]
    Credentials(#[from] CredentialsError),
    #[error("the twin does not serve")]
    Twin(#[from] TwinError),
    #[error("the twin does not serve")]
    System(#[from] std::io::Error),
}

impl Fault for ServeFault {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Twin(TwinError::NotLoopback(_)) => FaultKind::Usage,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Twin(TwinError::Listen { .. }) => {
                vec!["Choose another port, or any free one with `--listen 127.0.0.1:0`.".to_owned()]
            }
            Self::Recording(_) => vec!["`proxmox-mpc import … --record DIR` makes a recording.".to_owned()],
            Self::EtcPve(EtcPveError::TooLarge { .. }) => {
                vec!["Name a folder that holds nothing but the copy of /etc/pve.".to_owned()]
            }
            Self::EtcPve(_) => vec![
                "Name the folder that holds storage.cfg, user.cfg and nodes/: `scp -r root@pve:/etc/pve copy` makes one."
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

/// What a client needs to know.
#[derive(Serialize)]
struct Serving {
    endpoint: String,
    fingerprint: String,
    /// Who may log in: `root@pam!iac` with a token, `alice@pve` with a password.
    logins: Vec<String>,
    /// Only where it was made up: whoever wrote a file of logins has them.
    token: Option<String>,
    /// Where SSH is to be led so that no connection leaves this machine; nothing listens there.
    ssh_socks5_server: &'static str,
    /// What Proxmox itself does not read of the copy of its files, and why.
    left_out: Vec<String>,
}

/// How much of what was left out a page tells.
const TOLD: usize = 10;

impl Report for Serving {
    fn human(&self, page: &mut Page) {
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
            for why in self.left_out.iter().take(TOLD) {
                page.line(format!("  {why}"));
            }
        }
        if count > TOLD {
            page.line(format!("  and {} more, which `--output json` tells", count - TOLD));
        }
        page.line("Ctrl-C ends it.");
    }
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let (answers, left_out) = self.answers(ui)?;
        let answers = self.emptied(answers)?;
        let (credentials, token) = self.logins()?;
        let delay = Duration::from_millis(self.delay);
        let task_duration = Duration::from_secs(self.task_duration);
        let state = self.state.clone();
        let logins = credentials.names().map(str::to_owned).collect();
        let broadcast_interval = Duration::from_secs(self.broadcast_interval);
        // No system was installed on the disks of new guests: nobody is to wait for what runs inside.
        let agent = if self.empty { AgentPolicy::RefuseUnlessUsable } else { AgentPolicy::AsRecorded };
        let listen = self.listen;
        let options =
            Options { listen, delay, agent, state, task_duration, broadcast_interval, ..Options::new(credentials) };
        // Before anybody is told that it serves: whoever knows may end it.
        let (sender, signals) = channel();
        let _listening = interrupt::listen(move |signal| {
            // A second signal comes while the first is obeyed.
            sender.send(signal).ok();
        })
        .map_err(ServeFault::System)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeFault::System)?;
        let twin = {
            let _inside = runtime.enter();
            server::serve(answers, options).map_err(ServeFault::Twin)?
        };
        ui.report(&serving(&twin, logins, token, left_out)).map_err(Unwritten)?;
        // The sender lives as long as the listener: this waits for a signal and for nothing else.
        signals.recv().ok();
        runtime.block_on(twin.stop());
        Ok(Outcome::Done)
    }
}

impl Arguments {
    /// What the twin answers with; beside it what of a copy of `/etc/pve` is left out.
    fn answers(&self, ui: &Ui) -> Result<(Arc<dyn Answers + Send + Sync>, Vec<String>), ServeFault> {
        let Some(folder) = &self.etc_pve else {
            let recording = self.recording.as_deref().unwrap_or(Path::new("."));
            return Ok((Arc::new(Recording::open(recording)?), Vec::new()));
        };
        let loaded = etc_pve::load(folder, &self.pve_version)?;
        let (guests, nodes, version) = (loaded.guests, loaded.nodes.join(", "), &self.pve_version);
        let text = format!("{guests} guests on {nodes}, all of them stopped; taken for Proxmox VE {version}");
        ui.event(Event::Message { text });
        Ok((Arc::new(loaded.answers), loaded.warnings))
    }

    /// The same without what code can make, where that was asked for.
    fn emptied(&self, answers: Arc<dyn Answers + Send + Sync>) -> Result<Arc<dyn Answers + Send + Sync>, ServeFault> {
        Ok(if self.empty { Arc::new(Empty::of(answers)?) } else { answers })
    }

    /// Who may log in; beside it the token, where it was made up.
    fn logins(&self) -> Result<(Credentials, Option<String>), ServeFault> {
        if let Some(file) = &self.credentials {
            return Ok((Credentials::read(file)?, None));
        }
        let made_up = Credentials::fresh();
        let token = made_up.token().map(|token| token.expose_secret().to_owned());
        Ok((made_up, token))
    }
}

/// An address with its port, or the name of one: `localhost:8006`. A name must be this machine's alone.
fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let form = |why: String| format!("{why}; an address and a port are wanted, as in `localhost:8006`");
    let mut found: Vec<SocketAddr> = text.to_socket_addrs().map_err(|error| form(error.to_string()))?.collect();
    // What clients try first where a name has addresses of both sorts differs; the default is of the older one.
    found.sort_by_key(SocketAddr::is_ipv6);
    match found.iter().find(|address| !address.ip().is_loopback()) {
        Some(other) => Err(format!("the twin listens on loopback only, and {} is not a loopback address", other.ip())),
        None => found.first().copied().ok_or_else(|| form("the name has no address".to_owned())),
    }
}

fn serving(twin: &Twin, logins: Vec<String>, token: Option<String>, left_out: Vec<String>) -> Serving {
    let fingerprint = twin.fingerprint().to_owned();
    Serving { endpoint: twin.endpoint(), fingerprint, logins, token, ssh_socks5_server: NO_SSH, left_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_this_machine_is_an_address() {
        let check = |text: &str, expected: Result<&str, &str>| match (listen(text), expected) {
            (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected, "{text}"),
            (Err(why), Err(expected)) => assert!(why.contains(expected), "{text}: {why}"),
            (found, _) => panic!("{text}: {found:?}"),
        };
        check("127.0.0.1:8006", Ok("127.0.0.1:8006"));
        check("[::1]:0", Ok("[::1]:0"));
        check("localhost:8006", Ok("127.0.0.1:8006"));
        check("LOCALHOST:0", Ok("127.0.0.1:0"));
        check("localhost", Err("as in `localhost:8006`"));
        check("localhost:https", Err("as in `localhost:8006`"));
        // Left to the server, which refuses it with what the user asked for.
        check("192.0.2.1:8006", Ok("192.0.2.1:8006"));
    }
}
