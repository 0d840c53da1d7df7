//! Client of the Proxmox API: sends GET requests, with repetitions where the network fails.

use std::time::{Duration, Instant};

use proxmox_mpc_model::{AnswerText, ApiPath};
use reqwest::header::HeaderMap;
use tracing::debug;

use crate::settings::{Endpoint, Settings};

mod body;
mod error;
mod probe;
mod rejected;
mod session;
mod tls;
mod transport;

pub use error::ClientError;
pub use probe::probe;

use session::LoginSession;
use transport::{OutgoingRequest, Transport};

/// Limits of the client. The defaults suit a cluster behind a slow connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time for a connection to one node, the TLS handshake included.
    pub connect: Duration,
    /// The time for one answer, from the request to the last byte.
    pub answer: Duration,
    /// The number of times that one request is sent at most; 1 never repeats it.
    pub tries: u32,
    /// The pause before the first repetition; it doubles with each further one.
    pub backoff: Duration,
    /// The size of one answer, in bytes. The longest list of 10,000 guests has about 8 MB.
    pub body: usize,
    /// The age at which a ticket is renewed. Proxmox lets it expire after two hours.
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

/// Client of one cluster, through whichever of its nodes answers. It sends only GET requests and logins.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    session: LoginSession,
    limits: Limits,
}

impl Client {
    /// Creates a client with default limits. Nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        Self::with_limits(settings, Limits::default())
    }

    /// Creates a client with these limits. A timeout in the settings takes precedence over [`Limits::answer`].
    pub fn with_limits(settings: Settings, mut limits: Limits) -> Result<Self, ClientError> {
        limits.answer = settings.timeout.unwrap_or(limits.answer);
        // Half the time, so that a node without a connection is reported as out of reach, not as a slow answer.
        limits.connect = limits.connect.min(limits.answer / 2);
        Ok(Self {
            transport: Transport::new(settings.endpoints, &settings.trust, settings.min_tls, limits)?,
            session: LoginSession::new(settings.credentials, limits.ticket),
            limits,
        })
    }

    /// Sends a GET request, and returns the answer. A refusal of Proxmox (403, 500, 501, 595, …) is an answer as well; an
    /// error says nothing about the object: no connection, no valid login, or no valid body.
    ///
    /// The request is sent up to [`Limits::tries`] times if that can help: after a lost connection, a timeout, 502, 503 or
    /// 504.
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

    /// Reports whether a repetition may succeed. It is not worth it for a cluster that never answered: its name is more
    /// likely wrong than its nodes are down.
    fn may_help(&self, error: &ClientError) -> bool {
        error.is_transient() && (self.transport.has_answered() || !error.is_unreachable())
    }

    /// Sends the request once. A login that expired is renewed once.
    async fn try_get(&self, path: &ApiPath) -> Result<AnswerText, ClientError> {
        let authorization = self.session.authorization(&self.transport).await?;
        let response = self.transport.exchange(&OutgoingRequest::get(path, authorization.headers.clone())).await?;
        if !response.refuses_login(self.session.login()) {
            return body::answer(response, path);
        }
        let Some(authorization) = self.session.renewed(&self.transport, &authorization).await? else {
            return Err(self.unauthorized(&response.reason));
        };
        let response = self.transport.exchange(&OutgoingRequest::get(path, authorization.headers)).await?;
        if response.refuses_login(self.session.login()) {
            return Err(self.unauthorized(&response.reason));
        }
        body::answer(response, path)
    }

    fn unauthorized(&self, reason: &str) -> ClientError {
        ClientError::Unauthorized { login: self.session.login().to_owned(), reason: reason.to_owned() }
    }

    /// The login: `root@pam`, `terraform@pve!ro`.
    pub fn login(&self) -> &str {
        self.session.login()
    }

    /// The node that requests go to now.
    pub fn endpoint(&self) -> &Endpoint {
        self.transport.endpoint()
    }

    /// The number of requests that were sent so far, repetitions and logins included.
    pub fn sent(&self) -> u64 {
        self.transport.sent()
    }
}

/// Headers that authorize a request.
#[derive(Clone, Debug)]
struct Authorization {
    /// The headers, marked as sensitive, so that they are masked when printed.
    headers: HeaderMap,
    /// The number of the login that they come from; 0 for a token or a given ticket, which never change.
    generation: u64,
}
