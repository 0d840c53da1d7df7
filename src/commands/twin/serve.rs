//! `proxmox-mpc twin serve`: a server that answers like the cluster of a recording, or of a copied `/etc/pve`.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use proxmox_mpc_engine::twins::ServeRequest;

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

impl From<Arguments> for ServeRequest {
    fn from(arguments: Arguments) -> Self {
        Self {
            recording: arguments.recording,
            etc_pve: arguments.etc_pve,
            pve_version: arguments.pve_version,
            empty: arguments.empty,
            listen: arguments.listen,
            credentials: arguments.credentials,
            delay: arguments.delay,
            state: arguments.state,
            task_duration: arguments.task_duration,
            broadcast_interval: arguments.broadcast_interval,
        }
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
