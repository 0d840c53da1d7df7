//! The twin as a server: HTTPS on loopback, with Proxmox's logins, headers, status texts and answers.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use proxmox_mpc_model::Answers;
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

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

/// A running twin. It serves until [`Twin::stop`] or [`Stopper::stop`], or until it is dropped.
#[derive(Debug)]
pub struct Twin {
    address: SocketAddr,
    certificate: tls::Certificate,
    state: Arc<handler::Shared>,
    stopper: Stopper,
    /// Closed once the server has ended.
    ended: oneshot::Receiver<()>,
}

/// Handle that stops a twin from elsewhere: another thread, another task, a listener for signals.
#[derive(Clone, Debug)]
pub struct Stopper(Handle<SocketAddr>);

impl Stopper {
    /// Stops listening and closes every connection. Returns at once; [`Twin::stopped`] waits until it is done.
    pub fn stop(&self) {
        self.0.shutdown();
    }
}

/// Starts a twin of what these answers describe.
///
/// Inside of a Tokio runtime it runs there. Elsewhere it gets a thread with a runtime of its own, which ends with it.
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
    let place = TwinRuntime::here().map_err(TwinError::Runtime)?;
    let mut server = {
        // A listener belongs to the runtime that it is made in.
        let _inside = place.enter();
        axum_server::from_tcp(listener)
            .map_err(refused)?
            .acceptor(RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new()))
            .handle(handle.clone())
            .http1_only()
    };
    // As `pveproxy` writes them; the library's own are lower case.
    server.http_builder().http1().title_case_headers(true);
    let (ends, ended) = oneshot::channel::<()>();
    let serving = async move {
        // How it ended does not matter any more: nobody asks it anything.
        server.serve(router.into_make_service()).await.ok();
        drop(ends);
    };
    place.run(serving).map_err(TwinError::Runtime)?;
    Ok(Twin { address, certificate, state, stopper: Stopper(handle), ended })
}

/// The runtime that a twin runs in.
enum TwinRuntime {
    /// The caller's runtime.
    Given(runtime::Handle),
    /// A runtime of its own.
    Own(Runtime),
}

impl TwinRuntime {
    /// The runtime of the caller, or else a new one.
    fn here() -> io::Result<Self> {
        match runtime::Handle::try_current() {
            Ok(given) => Ok(Self::Given(given)),
            Err(_) => runtime::Builder::new_multi_thread().enable_all().build().map(Self::Own),
        }
    }

    fn enter(&self) -> runtime::EnterGuard<'_> {
        match self {
            Self::Given(given) => given.enter(),
            Self::Own(own) => own.enter(),
        }
    }

    /// Runs a server in the background.
    fn run(self, serving: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        match self {
            Self::Given(given) => drop(given.spawn(serving)),
            Self::Own(own) => {
                // The runtime ends on a thread of its own: a runtime that is dropped inside of an asynchronous task
                // panics, and the twin may be.
                let thread = thread::Builder::new().name("twin".to_owned());
                drop(thread.spawn(move || own.block_on(serving))?);
            }
        }
        Ok(())
    }
}

impl Twin {
    /// Endpoint for clients: `https://127.0.0.1:8006/`.
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

    /// Number of answers so far, by their origin.
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

    /// The handle that stops this twin from elsewhere.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Waits until the twin has stopped, whoever stopped it.
    pub async fn stopped(&mut self) {
        // Nothing is ever sent: the channel closes with the server.
        (&mut self.ended).await.ok();
    }

    /// Stops listening, closes every connection and waits until that is done.
    pub async fn stop(mut self) {
        self.stopper.stop();
        self.stopped().await;
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}
