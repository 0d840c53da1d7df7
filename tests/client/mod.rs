//! The client against nodes that misbehave.

use std::time::Duration;

use proxmox_mpc_engine::client::{Client, ClientError, Limits};
use proxmox_mpc_engine::operation::fault::Fault;
use proxmox_mpc_engine::settings::{Credentials, Endpoint, MinimumTls, Settings, Trust};
use proxmox_mpc_model::{Answer, ApiPath};

use crate::server::Server;

mod failures;
mod login;
mod nodes;
mod trust;

/// Limits that suit a test: long enough for a busy machine, short enough to wait for.
pub(crate) const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    answer: Duration::from_secs(5),
    tries: 3,
    backoff: Duration::from_millis(1),
    body: 64 * 1024,
    ticket: Duration::from_mins(90),
};

pub(crate) fn token() -> Credentials {
    Credentials::token(&"root@pam!iac=11111111-2222-3333-4444-555555555555".into()).unwrap()
}

pub(crate) fn client(endpoints: &[Endpoint], trust: Trust, credentials: Credentials, limits: Limits) -> Client {
    let (endpoints, min_tls) = (endpoints.to_vec(), MinimumTls::V13);
    Client::with_limits(Settings { endpoints, credentials, trust, min_tls, timeout: None }, limits).unwrap()
}

/// A client with a token that trusts this server.
pub(crate) fn client_of(server: &Server, limits: Limits) -> Client {
    client(&[server.endpoint()], Trust::Pinned(vec![server.fingerprint]), token(), limits)
}

async fn version(client: &Client) -> Result<Answer, ClientError> {
    Ok(client.get(&ApiPath::parse("version")).await?.parsed().unwrap())
}

/// The message, its causes and its hints, as `ui` shows them.
fn shown(error: &ClientError) -> String {
    let mut lines = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        lines.push(format!("caused by: {error}"));
        cause = error.source();
    }
    lines.extend(error.hints().iter().map(|hint| format!("hint: {hint}")));
    lines.join("\n")
}
