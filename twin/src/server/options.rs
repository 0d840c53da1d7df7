//! Options of a twin: where it listens, who may log in, and how it behaves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::Credentials;

/// Options of a twin.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address to listen on, one of this computer's loopback; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Logins that are accepted.
    pub credentials: Credentials,
    /// Delay of every answer, to stand for a slow network.
    pub delay: Duration,
    /// Delay of the answer to a refused login.
    pub refusal_delay: Duration,
    /// Lifetime of a ticket.
    pub ticket_lifetime: Duration,
    /// Answers to questions for a guest's agent.
    pub agent: AgentPolicy,
    /// True if logins may do only what the cluster's permissions allow. A proof of code against its own twin sees
    /// everything.
    pub enforced: bool,
    /// The folder that keeps the writes of clients; without one they are forgotten with the twin.
    pub state: Option<PathBuf>,
    /// Time for which a task is shown as running. Its work is done at once all the same.
    pub task_duration: Duration,
    /// Time after which lists of the whole cluster show what guests are doing.
    pub broadcast_interval: Duration,
    /// True if every call of a writing method is kept for [`super::Twin::writes`]. The log grows for as long as the
    /// twin runs.
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
            ticket_lifetime: Duration::from_hours(2),
            agent: AgentPolicy::AsRecorded,
            enforced: true,
            state: None,
            task_duration: Duration::ZERO,
            broadcast_interval: Duration::ZERO,
            log: false,
        }
    }
}

/// Answers of the twin to questions for the agent inside a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentPolicy {
    /// The recorded answer.
    AsRecorded,
    /// The recorded answer where it has a usable address, else 403. Terraform's provider asks a silent agent again for
    /// 15 minutes and a silent container for 10 seconds, and gives up at once on a 403 (docs/provider.md, A1, C19).
    RefuseUnlessUsable,
}
