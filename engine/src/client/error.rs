//! Why there is no answer, in the user's terms, and what to do about it.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use proxmox_mpc_model::ApiPath;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::Limits;
use super::rejected::Rejected;
use crate::operation::fault::Fault;
use crate::settings::{Endpoint, Fingerprint};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The name of the node is unknown.
    #[error("the host `{host}` cannot be resolved")]
    Unresolvable {
        /// The name.
        host: String,
        /// What the system says.
        source: io::Error,
    },
    /// No connection came about: refused, no route, nothing in time.
    #[error("{endpoint} cannot be reached")]
    Unreachable {
        /// The node.
        endpoint: String,
        /// What the system says.
        source: Cause,
    },
    /// There is a server, but it speaks no TLS.
    #[error("{endpoint} does not speak HTTPS")]
    NotTls {
        /// The node.
        endpoint: String,
    },
    /// The server speaks TLS 1.2 at best.
    #[error("{endpoint} does not speak a version of TLS that is recent enough")]
    OldTls {
        /// The node.
        endpoint: String,
        /// What the TLS library says.
        source: Box<rustls::Error>,
    },
    /// The TLS handshake failed otherwise.
    #[error("the TLS handshake with {endpoint} failed")]
    Handshake {
        /// The node.
        endpoint: String,
        /// What the TLS library says.
        source: Box<rustls::Error>,
    },
    /// Nobody that is trusted vouches for the certificate.
    #[error("the certificate of {endpoint} is not trusted; its SHA-256 fingerprint is {presented}")]
    UntrustedCertificate {
        /// The node.
        endpoint: String,
        /// The certificate that it showed.
        presented: Fingerprint,
        /// What is wrong with it.
        source: Box<rustls::Error>,
    },
    /// The certificate is another one than was pinned.
    #[error("{endpoint} shows another certificate than the pinned one: its SHA-256 fingerprint is {presented}")]
    UnpinnedCertificate {
        /// The node.
        endpoint: String,
        /// The certificate that it showed.
        presented: Fingerprint,
    },
    /// The system trusts nobody, or does not tell.
    #[error("the certificate authorities of this system cannot be used")]
    NoSystemRoots {
        /// What the TLS library says.
        source: Box<rustls::Error>,
    },
    /// The file of certificate authorities is of no use.
    #[error("no certificate authority can be read from {}: {why}", file.display())]
    Authorities {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The login is not valid.
    #[error("Proxmox refuses the login `{login}`: {reason}")]
    Unauthorized {
        /// `user@realm`, or `user@realm!name` of a token.
        login: String,
        /// Proxmox's own words.
        reason: String,
    },
    /// The user has a second factor, and no code was given.
    #[error("the login `{login}` needs a second factor")]
    SecondFactor {
        /// The user.
        login: String,
    },
    /// The ticket ran out, and the code that it was obtained with is used up.
    #[error("the login `{login}` expired, and its one-time code is used up")]
    CodeSpent {
        /// The user.
        login: String,
    },
    /// The login was accepted without a ticket.
    #[error("Proxmox gave no ticket to `{login}`")]
    NoTicket {
        /// The user.
        login: String,
    },
    /// Another address was answered than the API.
    #[error("`{path}` was answered with a redirect ({status})")]
    Redirected {
        /// The request.
        path: ApiPath,
        /// 301, 302, …
        status: u16,
        /// Where to.
        location: Option<String>,
    },
    /// The answer did not come in time.
    #[error("`{path}` was not answered within {} s", limit.as_secs_f32())]
    Timeout {
        /// The request.
        path: ApiPath,
        /// How long was waited.
        limit: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the answer to `{path}` was cut off")]
    CutOff {
        /// The request.
        path: ApiPath,
        /// What the connection says.
        source: Cause,
    },
    /// The answer is larger than anything that Proxmox says.
    #[error("the answer to `{path}` has more than {limit} bytes")]
    TooLarge {
        /// The request.
        path: ApiPath,
        /// The bound.
        limit: usize,
    },
    /// The answer is not JSON.
    #[error("the answer to `{path}` is not JSON")]
    NotJson {
        /// The request.
        path: ApiPath,
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// The answer is JSON of something else.
    #[error("the answer to `{path}` is not one of Proxmox: it has no `data`")]
    NoData {
        /// The request.
        path: ApiPath,
    },
    /// A proxy has nobody to ask.
    #[error("`{path}` could not be answered: {status} {reason}")]
    Unavailable {
        /// The request.
        path: ApiPath,
        /// 502, 503 or 504.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// No client can be made of these settings.
    #[error("the connection cannot be set up")]
    Setup {
        /// What the HTTP or TLS library says.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The innermost reason of a failed exchange; what the HTTP library wraps around it says nothing more.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

/// A name without an address.
#[derive(Debug, thiserror::Error)]
#[error("no address was found")]
pub(super) struct Unresolved {
    pub(super) source: io::Error,
}

impl ClientError {
    /// Whether no connection came about, so that another node of the cluster may answer instead.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unresolvable { .. } | Self::Unreachable { .. })
    }

    /// Whether the same request may be answered later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::CutOff { .. } | Self::Unavailable { .. }) || self.is_unreachable()
    }

    /// Whether other requests may still be answered; a bad login or certificate spoils all of them.
    pub fn concerns_one_request(&self) -> bool {
        matches!(
            self,
            Self::Redirected { .. }
                | Self::Timeout { .. }
                | Self::CutOff { .. }
                | Self::TooLarge { .. }
                | Self::NotJson { .. }
                | Self::NoData { .. }
                | Self::Unavailable { .. }
        )
    }
}

/// What this failure of the HTTP library means.
pub(super) fn classify(error: &reqwest::Error, endpoint: &Endpoint, path: &ApiPath, limits: &Limits) -> ClientError {
    let (host, endpoint) = (endpoint.host(), endpoint.to_string());
    if let Some(unresolved) = find::<Unresolved>(error) {
        let source = io::Error::new(unresolved.source.kind(), unresolved.source.to_string());
        return ClientError::Unresolvable { host: host.to_owned(), source };
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return handshake(error, endpoint);
    }
    let source = Cause(innermost(error).to_string());
    if error.is_connect() {
        return ClientError::Unreachable { endpoint, source };
    }
    if error.is_timeout() {
        return ClientError::Timeout { path: path.clone(), limit: limits.answer };
    }
    ClientError::CutOff { path: path.clone(), source }
}

fn handshake(error: &rustls::Error, endpoint: String) -> ClientError {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => ClientError::NotTls { endpoint },
        Tls::AlertReceived(AlertDescription::ProtocolVersion) | Tls::PeerIncompatible(_) => {
            ClientError::OldTls { endpoint, source: Box::new(error.clone()) }
        }
        Tls::InvalidCertificate(CertificateError::Other(other)) => match other.0.downcast_ref::<Rejected>() {
            Some(Rejected::Untrusted { presented, source }) => {
                ClientError::UntrustedCertificate { endpoint, presented: *presented, source: Box::new(source.clone()) }
            }
            Some(Rejected::Unpinned { presented }) => {
                ClientError::UnpinnedCertificate { endpoint, presented: *presented }
            }
            None => ClientError::Handshake { endpoint, source: Box::new(error.clone()) },
        },
        _ => ClientError::Handshake { endpoint, source: Box::new(error.clone()) },
    }
}

/// The first error of this type among the causes, those that an [`io::Error`] holds included: its `source` skips them.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

impl Fault for ClientError {
    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::Unresolvable { .. } => &["check the spelling, or give the node's address instead of its name"],
            Self::Unreachable { .. } => &[
                "check the address and the port (Proxmox listens on 8006), and that no firewall is in between",
                "name further nodes of the cluster, separated by commas: they stand in for one that is down",
            ],
            Self::NotTls { .. } => &["this port belongs to something else, or to plain HTTP; Proxmox listens on 8006"],
            Self::OldTls { .. } => &["`--min-tls 1.2` (PROXMOX_VE_MIN_TLS) accepts TLS 1.2; less is not possible"],
            Self::UntrustedCertificate { presented, .. } => return trust(presented),
            Self::UnpinnedCertificate { presented, .. } => return trust_again(presented),
            Self::NoSystemRoots { .. } => &[
                "name the cluster's authority with `--ca-file` (/etc/pve/pve-root-ca.pem on a node), or pin with `--fingerprint`",
            ],
            Self::Authorities { .. } => &["/etc/pve/pve-root-ca.pem on a node is the cluster's own authority"],
            Self::Unauthorized { login, .. } if login.contains('!') => &[
                "check the token's secret, and with `pveum user token list USER@REALM` that it exists and has not expired",
            ],
            Self::Unauthorized { .. } => &["check the password and the realm: `root@pam` and `root@pve` are two users"],
            Self::SecondFactor { .. } => &[
                "set PROXMOX_VE_OTP to the current code of the authenticator",
                "or use an API token, which needs no second factor",
            ],
            Self::CodeSpent { .. } | Self::NoTicket { .. } => &["use an API token: it needs no ticket"],
            Self::Redirected { location: Some(location), .. } => {
                return vec![format!("it leads to {location}: name the node itself, and its port 8006")];
            }
            Self::Timeout { .. } => &["`--timeout SECONDS` waits longer"],
            Self::NotJson { .. } | Self::NoData { .. } => &["check that the endpoint is a Proxmox VE node"],
            _ => &[],
        };
        hints.iter().map(ToString::to_string).collect()
    }
}

fn trust(presented: &Fingerprint) -> Vec<String> {
    vec![
        "compare the fingerprint on the node: `pvenode cert info`, or `openssl x509 -noout -fingerprint -sha256 -in \
         /etc/pve/local/pve-ssl.pem` (pveproxy-ssl.pem where the node has a certificate of its own)"
            .to_owned(),
        format!("if it is the same, trust this certificate with `--fingerprint {presented}`"),
        "or trust the whole cluster with `--ca-file`: its authority is /etc/pve/pve-root-ca.pem on every node"
            .to_owned(),
    ]
}

fn trust_again(presented: &Fingerprint) -> Vec<String> {
    vec![
        "if the node got a new certificate, compare the fingerprint on its shell: `pvenode cert info`".to_owned(),
        format!("if it is the same, pin `--fingerprint {presented}` instead; each node of a cluster has its own"),
        "if it is not, somebody else answers for the node: do not log in".to_owned(),
    ]
}
