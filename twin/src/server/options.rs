//! Options of a twin: where it listens, who may log in, and how it behaves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::Credentials;

/// How the twin serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen, an address of this machine's loopback; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Who may log in.
    pub credentials: Credentials,
    /// How long every answer takes, to stand for a slow network.
    pub delay: Duration,
    /// How long a refused login takes.
    pub refusal_delay: Duration,
    /// How long a ticket is good for.
    pub ticket_lifetime: Duration,
    /// What questions to a guest's agent are answered with.
    pub agent: AgentPolicy,
    /// Whether logins may do what the cluster's permissions say. Who proves code against a twin of their own sees all of it.
    pub enforced: bool,
    /// The folder that keeps what clients write; it is forgotten with the twin where there is none.
    pub state: Option<PathBuf>,
    /// How long a task is seen running. Its work is done at once all the same.
    pub task_duration: Duration,
    /// How late lists of the whole cluster show what guests are doing.
    pub broadcast_interval: Duration,
    /// Whether every call of a writing method is kept for [`super::Twin::writes`]. It grows for as long as the twin runs.
    pub log: bool,
}

impl Options {
    /// Proxmox's manners on any free port: no delay but the 3 seconds of a refused login, tickets for two hours.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            credentials,
            delay: Duration::ZERO,
            refusal_delay: Duration::from_secs(3),
            ticket_lifetime: Duration::from_secs(2 * 60 * 60),
            agent: AgentPolicy::AsRecorded,
            enforced: true,
            state: None,
            task_duration: Duration::ZERO,
            broadcast_interval: Duration::ZERO,
            log: false,
        }
    }
}

/// What the twin answers where a client asks the agent inside a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentPolicy {
    /// What is on record.
    AsRecorded,
    /// What is on record where it has a usable address, else 403. Terraform's provider asks a silent agent again for
    /// 15 minutes and a silent container for 10 seconds, and gives up at once on a 403 (docs/provider.md, A1,
    /// C19).
    RefuseUnlessUsable,
}
