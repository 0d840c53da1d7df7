//! The client of a Proxmox API: one GET becomes one answer, whatever the network does meanwhile.

use std::time::{Duration, Instant};

use proxmox_mpc_model::{AnswerText, ApiPath};
use reqwest::header::HeaderMap;
use tracing::debug;

use crate::settings::{Endpoint, Settings};

mod body;
mod error;
mod rejected;
mod session;
mod tls;
mod transport;

pub use error::ClientError;

use session::Session;
use transport::{Outgoing, Transport};

/// How patient the client is. The defaults suit a cluster on the other side of a slow line.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection to one node, the TLS handshake included.
    pub connect: Duration,
    /// For one answer, from the request to the last byte.
    pub answer: Duration,
    /// How often one request is sent at most; 1 never repeats it.
    pub tries: u32,
    /// The pause before the first repetition; it doubles with each further one.
    pub backoff: Duration,
    /// The most bytes that one answer may have. The longest list of 10,000 guests has about 8 MB.
    pub body: usize,
    /// The age from which on a ticket is renewed. Proxmox gives it two hours.
    pub ticket: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_mins(1),
            tries: 3,
            backoff: Duration::from_millis(250),
            body: 128 * 1024 * 1024,
            ticket: Duration::from_mins(90),
        }
    }
}

/// A cluster that is spoken to through whichever of its nodes answers. It sends nothing but GETs, and logins.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    session: Session,
    limits: Limits,
}

impl Client {
    /// A client with the usual patience. Nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        Self::with_limits(settings, Limits::default())
    }

    /// A client with a patience of its own; the settings' timeout still wins over the limit of an answer.
    pub fn with_limits(settings: Settings, mut limits: Limits) -> Result<Self, ClientError> {
        limits.answer = settings.timeout.unwrap_or(limits.answer);
        // A connection that takes as long as an answer may is a node out of reach, not a slow answer.
        limits.connect = limits.connect.min(limits.answer / 2);
        Ok(Self {
            transport: Transport::new(settings.endpoints, &settings.trust, settings.min_tls, limits)?,
            session: Session::new(settings.credentials, limits.ticket),
            limits,
        })
    }

    /// The answer to one GET. What Proxmox refuses (403, 500, 501, 595, …) is an answer; an error is what says
    /// nothing about the object: no connection, no valid login, or a body that is none.
    ///
    /// Repeated up to [`Limits::tries`] times where that can help: after a lost connection, a timeout, 502, 503, 504.
    pub async fn get(&self, path: &ApiPath) -> Result<AnswerText, ClientError> {
        let mut pause = self.limits.backoff;
        let mut tries = 1;
        loop {
            let started = Instant::now();
            let outcome = self.try_get(path).await;
            let elapsed = started.elapsed().as_millis();
            match &outcome {
                Ok(answer) => debug!(%path, status = answer.status, elapsed, "answered"),
                Err(error) => debug!(%path, %error, elapsed, tries, "failed"),
            }
            match outcome {
                Err(error) if tries < self.limits.tries && self.may_help(&error) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Whether the same request may go better. A cluster that never answered is more likely misspelt than ill.
    fn may_help(&self, error: &ClientError) -> bool {
        error.is_transient() && (self.transport.has_answered() || !error.is_unreachable())
    }

    /// One try; a login that expired is renewed once.
    async fn try_get(&self, path: &ApiPath) -> Result<AnswerText, ClientError> {
        let pass = self.session.pass(&self.transport).await?;
        let received = self.transport.exchange(&Outgoing::get(path, pass.headers.clone())).await?;
        if !received.refuses_login(self.session.login()) {
            return body::answer(received, path);
        }
        let Some(pass) = self.session.renewed(&self.transport, &pass).await? else {
            return Err(self.unauthorized(&received.reason));
        };
        let received = self.transport.exchange(&Outgoing::get(path, pass.headers)).await?;
        if received.refuses_login(self.session.login()) {
            return Err(self.unauthorized(&received.reason));
        }
        body::answer(received, path)
    }

    fn unauthorized(&self, reason: &str) -> ClientError {
        ClientError::Unauthorized { login: self.session.login().to_owned(), reason: reason.to_owned() }
    }

    /// As whom the cluster is spoken to: `root@pam`, `terraform@pve!ro`.
    pub fn login(&self) -> &str {
        self.session.login()
    }

    /// The node that requests go to now.
    pub fn endpoint(&self) -> &Endpoint {
        self.transport.endpoint()
    }

    /// How many requests were sent so far, repetitions and logins included.
    pub fn sent(&self) -> u64 {
        self.transport.sent()
    }
}

/// What a request carries to be let in.
#[derive(Clone, Debug)]
struct Pass {
    /// Marked as sensitive, so that they are masked when printed.
    headers: HeaderMap,
    /// Counts the logins; 0 for what never changes.
    generation: u64,
}
