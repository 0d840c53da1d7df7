//! The twin as a server: HTTPS on loopback, with Proxmox's logins, headers, status texts and answers.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use proxmox_mpc_model::Answers;
use tokio::task::JoinHandle;

use crate::state::State;

mod agent;
mod body;
mod cloud_init;
mod error;
mod handler;
mod log;
mod login;
mod lookup;
mod moment;
mod options;
mod reply;
mod tls;

pub use error::TwinError;
pub use log::{LoggedTask, LoggedWrite};
pub use lookup::Counts;
pub use moment::Moment;
pub use options::{AgentPolicy, Options};

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
