//! Network on loopback: a twin for as long as it is needed, and a client that sends recorded requests as they are.

use std::sync::Arc;
use std::time::Duration;

use hyper::ext::ReasonPhrase;
use proxmox_mpc_model::Answers;
use proxmox_mpc_twin::Credentials;
use proxmox_mpc_twin::server::{Options, Twin, serve};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Client, Method, redirect};
use rustls::crypto::ring;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::JudgeError;
use crate::exchange::Request;

/// Runtime and client of a judge.
pub(crate) struct Network {
    runtime: Runtime,
    client: Client,
}

/// An answer that a server gave.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) status: u16,
    /// Reason phrase of the status line.
    pub(crate) reason: String,
    /// Body as text; other bytes than UTF-8 are replaced.
    pub(crate) text: String,
}

impl Received {
    /// Body as JSON, if it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }
}

/// A twin that serves until it is stopped.
pub(crate) struct Served<'n> {
    network: &'n Network,
    twin: Option<Twin>,
    /// URL without the last slash.
    pub(crate) endpoint: String,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        if let Some(twin) = self.twin.take() {
            self.network.runtime.block_on(twin.stop());
        }
    }
}

impl Network {
    /// A client that waits this long for an answer. It checks no certificate: twins sign their own.
    pub(crate) fn new(patience: Duration) -> Result<Self, JudgeError> {
        // Another room of the same process may have chosen it already.
        ring::default_provider().install_default().ok();
        let client = Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0) // as recorded: a connection for each request
            .no_proxy()
            .timeout(patience)
            .build()
            .map_err(|error| JudgeError::Network(error.into()))?;
        Ok(Self { runtime: Runtime::new().map_err(|error| JudgeError::Network(error.into()))?, client })
    }

    /// Starts a twin of these answers on a free port.
    pub(crate) fn serve(
        &self,
        answers: Arc<dyn Answers + Send + Sync>,
        options: Options,
    ) -> Result<Served<'_>, JudgeError> {
        let _inside = self.runtime.enter();
        let twin = serve(answers, options)?;
        let endpoint = twin.endpoint().trim_end_matches('/').to_owned();
        Ok(Served { network: self, twin: Some(twin), endpoint })
    }

    /// Sends a request to the server at this URL, which has no last slash.
    pub(crate) fn send(&self, endpoint: &str, request: &Request) -> Result<Received, String> {
        self.runtime.block_on(self.exchange(endpoint, request)).map_err(|error| in_full(&error))
    }

    async fn exchange(&self, endpoint: &str, request: &Request) -> Result<Received, reqwest::Error> {
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
        let has_body = matches!(request.method.as_str(), "POST" | "PUT");
        let mut outgoing = self.client.request(method, format!("{endpoint}{}", request.path));
        for (name, value) in request.headers.iter().flatten() {
            outgoing = outgoing.header(name, value);
        }
        outgoing = match &request.body {
            Some(body) => outgoing.body(body.clone()),
            None if has_body => outgoing.header(CONTENT_LENGTH, "0"),
            None => outgoing,
        };
        let response = outgoing.send().await?;
        let status = response.status();
        let phrase = response.extensions().get::<ReasonPhrase>().map(|phrase| phrase.as_bytes().to_vec());
        let reason = phrase.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().into());
        let body = response.bytes().await?;
        Ok(Received {
            status: status.as_u16(),
            reason: String::from_utf8_lossy(&reason).into_owned(),
            text: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// Options of a twin with the manners of a recorded cluster.
pub(crate) fn options(credentials: Credentials) -> Options {
    // How late lists of the whole cluster are depends on the clock, and the figures must not.
    Options { broadcast_interval: Duration::ZERO, ..Options::new(credentials) }
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.join(": ")
}
