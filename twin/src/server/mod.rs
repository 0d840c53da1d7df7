//! The twin as a server: HTTPS on loopback, with Proxmox's logins, headers, status texts and answers.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use proxmox_mpc_model::Answers;
use tokio::task::JoinHandle;

use crate::Credentials;
use crate::state::{JournalError, State};

mod agent;
mod body;
mod cloud_init;
mod handler;
mod log;
mod login;
mod lookup;
mod moment;
mod reply;
mod tls;

pub use log::{LoggedTask, LoggedWrite};
pub use lookup::Counts;
pub use moment::Moment;

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
    /// Whether every call of a writing method is kept for [`Twin::writes`]. It grows for as long as the twin runs.
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

/// Why the twin cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// The address is not one of loopback: what a recording holds is nobody else's business.
    #[error("the twin listens on loopback only, and {0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address is taken, or the system refuses it.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// What was written before cannot be read, or what will be cannot be kept.
    #[error(transparent)]
    State(#[from] JournalError),
    /// No certificate could be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A running twin. It serves until [`Twin::stop`], or until it is dropped.
#[derive(Debug)]
pub struct Twin {
    address: SocketAddr,
    certificate: tls::Certificate,
    state: Arc<handler::Shared>,
    handle: Handle<SocketAddr>,
    /// `None` once it was stopped.
    server: Option<JoinHandle<io::Result<()>>>,
}

/// Starts a twin of what these answers describe.
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn serve(answers: Arc<dyn Answers + Send + Sync>, options: Options) -> Result<Twin, TwinError> {
    let asked = options.listen;
    if !asked.ip().is_loopback() {
        return Err(TwinError::NotLoopback(asked));
    }
    let refused = |source| TwinError::Listen { address: asked, source };
    let listener = TcpListener::bind(asked).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let (certificate, config) = tls::certificate()?;
    let kept = match &options.state {
        Some(folder) => State::open(answers, folder)?,
        None => State::new(answers),
    };
    let interval = i64::try_from(options.broadcast_interval.as_secs()).unwrap_or(i64::MAX);
    let kept = kept.broadcasting(interval);
    let kept = if options.enforced { kept } else { kept.open_to_all() };
    let state = Arc::new(handler::Shared::new(Arc::new(kept), options));
    let router = Router::new().fallback(handler::answer).with_state(Arc::clone(&state));
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)
        .map_err(refused)?
        .acceptor(RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new()))
        .handle(handle.clone())
        .http1_only();
    // As `pveproxy` writes them; the library's own are lower case.
    server.http_builder().http1().title_case_headers(true);
    let server = Some(tokio::spawn(server.serve(router.into_make_service())));
    Ok(Twin { address, certificate, state, handle, server })
}

impl Twin {
    /// Where clients reach it: `https://127.0.0.1:8006/`.
    pub fn endpoint(&self) -> String {
        format!("https://{}/", self.address)
    }

    /// The SHA-256 fingerprint of its certificate: `AB:CD:…`.
    pub fn fingerprint(&self) -> &str {
        &self.certificate.fingerprint
    }

    /// Its certificate, which is its own authority, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate.pem
    }

    /// How many answers it has given so far, by where they came from.
    pub fn counts(&self) -> Counts {
        self.state.counts()
    }

    /// The cluster as it is now; what is written later does not show.
    pub fn moment(&self) -> Moment {
        self.state.moment()
    }

    /// The calls of writing methods so far, in the order in which they came in; none unless [`Options::log`] says so.
    pub fn writes(&self) -> Vec<LoggedWrite> {
        self.state.writes()
    }

    /// Stops listening, closes every connection and waits until that is done.
    pub async fn stop(mut self) {
        self.handle.shutdown();
        if let Some(server) = self.server.take() {
            // How it ended does not matter any more: nobody asks it anything.
            drop(server.await);
        }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}
