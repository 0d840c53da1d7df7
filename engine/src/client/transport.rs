//! Transport: connections to the nodes of a cluster, the choice of a node, timeouts and limits of size.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use hyper::ext::ReasonPhrase;
use proxmox_mpc_model::ApiPath;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use tracing::warn;

use super::error::{self, ClientError, UnresolvedHost};
use super::{Limits, tls};
use crate::settings::{Endpoint, MinimumTls, Trust};

/// A request, to whichever node answers.
pub(super) struct OutgoingRequest<'r> {
    path: &'r ApiPath,
    headers: HeaderMap,
    /// The form of a POST; a GET has none.
    form: Option<String>,
}

impl<'r> OutgoingRequest<'r> {
    pub(super) fn get(path: &'r ApiPath, headers: HeaderMap) -> Self {
        Self { path, headers, form: None }
    }

    /// A POST request with a form whose keys and values are encoded already.
    pub(super) fn post(path: &'r ApiPath, form: String) -> Self {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))];
        Self { path, headers: headers.into_iter().collect(), form: Some(form) }
    }
}

/// A response, read to its end.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// Reports whether Proxmox refuses the login: with 401, and with 500 for a token that does not exist (`pveproxy`
    /// answers every request so; recorded as `errors/unknown_token`).
    pub(super) fn refuses_login(&self, login: &str) -> bool {
        let missing = login.split_once('!').map(|(user, name)| format!("no such token '{name}' for user '{user}'"));
        self.status == 401 || (self.status == 500 && missing.as_deref() == Some(self.reason.as_str()))
    }
}

/// Connections to one cluster.
#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    endpoints: Vec<Endpoint>,
    /// The node that answered last.
    current: AtomicUsize,
    /// True once a node has answered.
    answered: AtomicBool,
    sent: AtomicU64,
    limits: Limits,
}

impl Transport {
    pub(super) fn new(
        endpoints: Vec<Endpoint>,
        trust: &Trust,
        minimum: MinimumTls,
        limits: Limits,
    ) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(trust, minimum)?)
            .dns_resolver(Arc::new(Resolver))
            .user_agent(concat!("proxmox-mpc/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .timeout(limits.answer)
            .pool_max_idle_per_host(usize::MAX) // the caller limits the number of connections, and all are reused
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none()) // a redirect would send the credentials to another server
            .retry(reqwest::retry::never()) // `Client::get` repeats requests
            .no_proxy() // only `settings` reads the environment
            .build()
            .map_err(|source| ClientError::Setup { source: source.into() })?;
        Ok(Self {
            http,
            endpoints,
            current: AtomicUsize::new(0),
            answered: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            limits,
        })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoints[self.current.load(Ordering::Relaxed)]
    }

    pub(super) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends the request to the node that answered last, and to the others in turn if no connection can be made. The node
    /// that answers gets the next requests.
    pub(super) async fn exchange(&self, outgoing: &OutgoingRequest<'_>) -> Result<Response, ClientError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut failure = None;
        for step in 0..self.endpoints.len() {
            let index = (first + step) % self.endpoints.len();
            match self.send(&self.endpoints[index], outgoing).await {
                Err(error) if error.is_unreachable() => {
                    if self.endpoints.len() > 1 {
                        warn!(endpoint = %self.endpoints[index], %error, "this node does not answer");
                    }
                    // The first error is returned: it is about the node that the user expects to answer.
                    failure.get_or_insert(error);
                }
                outcome => {
                    if outcome.is_ok() {
                        self.current.store(index, Ordering::Relaxed);
                        self.answered.store(true, Ordering::Relaxed);
                    }
                    return outcome;
                }
            }
        }
        Err(failure.expect("settings hold at least one endpoint, and each failed"))
    }

    async fn send(&self, endpoint: &Endpoint, outgoing: &OutgoingRequest<'_>) -> Result<Response, ClientError> {
        let failed = |source: reqwest::Error| error::classify(&source, endpoint, outgoing.path, &self.limits);
        let url = endpoint.url(outgoing.path);
        let request = match &outgoing.form {
            None => self.http.get(url),
            Some(form) => self.http.post(url).body(form.clone()),
        };
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut response = request.headers(outgoing.headers.clone()).send().await.map_err(failed)?;
        let status = response.status();
        let phrase = response.extensions().get::<ReasonPhrase>();
        let reason = phrase.map_or_else(
            || status.canonical_reason().unwrap_or_default().to_owned(),
            |phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        );
        let location = response.headers().get(LOCATION);
        let location = location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.limits.body {
                return Err(ClientError::TooLarge { path: outgoing.path.clone(), limit: self.limits.body });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status: status.as_u16(), reason, location, body })
    }
}

/// Resolver of host names, as the system resolves them. Its errors can be distinguished from those of a connection.
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str();
            let result: io::Result<Vec<SocketAddr>> = tokio::net::lookup_host((host, 0)).await.map(Iterator::collect);
            let addresses = result.map_err(|source| UnresolvedHost { source })?;
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over plain HTTP, since TLS would refuse the name first. A label of more than 63 characters is never sent to a DNS
    /// server.
    #[tokio::test]
    async fn an_unknown_name_differs_from_a_closed_port() {
        let host = format!("{}.example", "x".repeat(64));
        let config = tls::config(&Trust::Insecure, MinimumTls::V13).unwrap();
        let http = reqwest::Client::builder().tls_backend_preconfigured(config).dns_resolver(Arc::new(Resolver));
        let error = http.build().unwrap().get(format!("http://{host}:8006/")).send().await.unwrap_err();
        let (endpoint, path) = (host.parse().unwrap(), ApiPath::parse("version"));
        let error = error::classify(&error, &endpoint, &path, &Limits::default());
        assert_eq!(error.to_string(), format!("the host `{host}` cannot be resolved"));
        assert!(error.is_unreachable());
    }
}
