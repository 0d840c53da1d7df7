//! `proxmox-mpc twin serve`: starts a server that answers like the cluster of a recording, or of a copied `/etc/pve`.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use proxmox_mpc_engine::twins::ServeRequest;

/// Serve a twin: answer like the cluster of a recording, over HTTPS on this machine, until Ctrl-C
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc twin serve lab/.proxmox-mpc/recordings/latest
  proxmox-mpc twin serve --etc-pve backup/etc/pve
  proxmox-mpc twin serve lab/.proxmox-mpc/recordings/latest --empty
  curl -k -H \"Authorization: PVEAPIToken=$TOKEN\" https://127.0.0.1:8006/api2/json/version")]
pub(super) struct Arguments {
    /// The recording: a folder, or a .tar.zst archive of one
    #[arg(required_unless_present = "etc_pve", conflicts_with = "etc_pve")]
    recording: Option<PathBuf>,
    /// Answer from this copy or backup of /etc/pve instead: a folder, or a .tar.zst archive of one. Every guest is stopped,
    /// there are no measurements, and whatever is not configuration is unknown
    #[arg(long, value_name = "DIR")]
    etc_pve: Option<PathBuf>,
    /// The version of Proxmox VE that the copy comes from; none of its files says
    #[arg(long, value_name = "VERSION", default_value = "9.1.9", requires = "etc_pve")]
    pve_version: String,
    /// Leave out what code can create: guests, pools, users, jobs and all other configuration of the cluster. What stays
    /// are the nodes with their network, the storages with the images, templates and snippets on them, and what Proxmox
    /// installs
    #[arg(long)]
    empty: bool,
    /// The address to listen on, on this machine only; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8006", value_parser = listen)]
    listen: SocketAddr,
    /// Read who may log in from this JSON file: {"tokens": {"root@pam!iac": "UUID"}, "passwords": {"root@pam": "…"}};
    /// without it, a token is made up
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Delay every answer by this many milliseconds, to imitate a slow network
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    delay: u64,
    /// Keep changes by clients in this folder, and start with those that are in it
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Report each task as running for this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    task_duration: u64,
    /// Report the status of guests this many seconds late in lists of the whole cluster. Real nodes exchange it every ten
    /// seconds; the default is shorter, as a twin's tasks take no time
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

/// Parses an address and a port, or a name and a port: `localhost:8006`. All addresses of a name must be loopback.
fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let invalid = |reason: String| format!("{reason}; give an address and a port, as in `localhost:8006`");
    let mut addresses: Vec<SocketAddr> = text.to_socket_addrs().map_err(|error| invalid(error.to_string()))?.collect();
    // IPv4 first: clients differ in what they try first, and the default address is IPv4 as well.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    match addresses.iter().find(|address| !address.ip().is_loopback()) {
        Some(other) => Err(format!("a twin listens on loopback only, and {} is not a loopback address", other.ip())),
        None => addresses.first().copied().ok_or_else(|| invalid("the name has no address".to_owned())),
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
        // The server refuses this one, with an error of its own.
        check("192.0.2.1:8006", Ok("192.0.2.1:8006"));
    }
}
