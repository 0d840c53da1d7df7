//! Errors of the client, in the user's terms, with what to do about them.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use proxmox_mpc_model::ApiPath;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::Limits;
use super::rejected::RejectedCertificate;
use crate::operation::fault::Fault;
use crate::settings::{Endpoint, Fingerprint};

/// A request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The name of the node is unknown.
    #[error("the host `{host}` cannot be resolved")]
    Unresolvable {
        /// The name.
        host: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// No connection could be made: it was refused, there is no route, or it took too long.
    #[error("{endpoint} cannot be reached")]
    Unreachable {
        /// The node.
        endpoint: String,
        /// The cause.
        source: InnermostError,
    },
    /// The server does not speak TLS.
    #[error("{endpoint} does not speak HTTPS")]
    NotTls {
        /// The node.
        endpoint: String,
    },
    /// The server speaks only older versions of TLS than the configured minimum.
    #[error("{endpoint} does not speak a version of TLS that is recent enough")]
    OldTls {
        /// The node.
        endpoint: String,
        /// The error of the TLS library.
        source: Box<rustls::Error>,
    },
    /// The TLS handshake failed for another reason.
    #[error("the TLS handshake with {endpoint} failed")]
    Handshake {
        /// The node.
        endpoint: String,
        /// The error of the TLS library.
        source: Box<rustls::Error>,
    },
    /// No trusted authority signed the certificate.
    #[error("the certificate of {endpoint} is not trusted; its SHA-256 fingerprint is {presented}")]
    UntrustedCertificate {
        /// The node.
        endpoint: String,
        /// The fingerprint of the node's certificate.
        presented: Fingerprint,
        /// The error of the TLS library.
        source: Box<rustls::Error>,
    },
    /// The certificate is not one of those that were pinned.
    #[error("{endpoint} has another certificate than the pinned one: its SHA-256 fingerprint is {presented}")]
    UnpinnedCertificate {
        /// The node.
        endpoint: String,
        /// The fingerprint of the node's certificate.
        presented: Fingerprint,
    },
    /// The certificate authorities of the system could not be loaded.
    #[error("the certificate authorities of this system cannot be used")]
    NoSystemRoots {
        /// The error of the TLS library.
        source: Box<rustls::Error>,
    },
    /// The file of certificate authorities has no usable certificate.
    #[error("no certificate authority can be read from {}: {why}", file.display())]
    Authorities {
        /// The file.
        file: PathBuf,
        /// The problem.
        why: String,
    },
    /// The login is not valid.
    #[error("Proxmox refused the login `{login}`: {reason}")]
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
    /// The ticket expired, and the one-time code that it was obtained with cannot be used again.
    #[error("the login `{login}` expired, and its one-time code cannot be used again")]
    CodeSpent {
        /// The user.
        login: String,
    },
    /// The login was accepted, but no ticket was issued.
    #[error("Proxmox gave no ticket to `{login}`")]
    NoTicket {
        /// The user.
        login: String,
    },
    /// The server redirects to another address.
    #[error("`{path}` was answered with a redirect ({status})")]
    Redirected {
        /// The request.
        path: ApiPath,
        /// 301, 302, …
        status: u16,
        /// The other address.
        location: Option<String>,
    },
    /// The answer did not come in time.
    #[error("`{path}` was not answered within {} s", limit.as_secs_f32())]
    Timeout {
        /// The request.
        path: ApiPath,
        /// The time that was waited.
        limit: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the answer to `{path}` was cut off")]
    CutOff {
        /// The request.
        path: ApiPath,
        /// The cause.
        source: InnermostError,
    },
    /// The answer is larger than any that Proxmox gives.
    #[error("the answer to `{path}` has more than {limit} bytes")]
    TooLarge {
        /// The request.
        path: ApiPath,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The answer is not JSON.
    #[error("the answer to `{path}` is not JSON")]
    NotJson {
        /// The request.
        path: ApiPath,
        /// The error of the parser.
        source: serde_json::Error,
    },
    /// The answer is JSON, but does not have the form of Proxmox's answers.
    #[error("the answer to `{path}` does not come from Proxmox: it has no `data`")]
    NoData {
        /// The request.
        path: ApiPath,
    },
    /// A proxy could not reach the API.
    #[error("`{path}` could not be answered: {status} {reason}")]
    Unavailable {
        /// The request.
        path: ApiPath,
        /// 502, 503 or 504.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// No client can be created from these settings.
    #[error("the connection cannot be set up")]
    Setup {
        /// The error of the HTTP or TLS library.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Innermost error of a failed exchange. The errors that the HTTP library wraps around it add nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InnermostError(String);

/// A host name without an address.
#[derive(Debug, thiserror::Error)]
#[error("no address was found")]
pub(super) struct UnresolvedHost {
    pub(super) source: io::Error,
}

impl ClientError {
    /// Reports whether no connection could be made, so that another node of the cluster may answer instead.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unresolvable { .. } | Self::Unreachable { .. })
    }

    /// Reports whether the same request may be answered later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::CutOff { .. } | Self::Unavailable { .. }) || self.is_unreachable()
    }

    /// Reports whether other requests may still be answered. A bad login or certificate affects all of them.
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

/// Turns an error of the HTTP library into one of the client.
pub(super) fn classify(error: &reqwest::Error, endpoint: &Endpoint, path: &ApiPath, limits: &Limits) -> ClientError {
    let (host, endpoint) = (endpoint.host(), endpoint.to_string());
    if let Some(unresolved) = find::<UnresolvedHost>(error) {
        let source = io::Error::new(unresolved.source.kind(), unresolved.source.to_string());
        return ClientError::Unresolvable { host: host.to_owned(), source };
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return handshake(error, endpoint);
    }
    let source = InnermostError(innermost(error).to_string());
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
        Tls::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<RejectedCertificate>() {
                Some(RejectedCertificate::Untrusted { presented, source }) => ClientError::UntrustedCertificate {
                    endpoint,
                    presented: *presented,
                    source: Box::new(source.clone()),
                },
                Some(RejectedCertificate::Unpinned { presented }) => {
                    ClientError::UnpinnedCertificate { endpoint, presented: *presented }
                }
                None => ClientError::Handshake { endpoint, source: Box::new(error.clone()) },
            }
        }
        _ => ClientError::Handshake { endpoint, source: Box::new(error.clone()) },
    }
}

/// Finds the first error of this type among the causes. It also looks into each [`io::Error`], whose `source` skips the
/// error in it.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<E>() {
            return Some(error);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
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
            Self::Unresolvable { .. } => &["Check the spelling, or give the node's address instead of its name."],
            Self::Unreachable { .. } => &[
                "Check the address and the port (Proxmox listens on 8006), and that no firewall is in between.",
                "Name further nodes of the cluster, separated by commas: they are used while one is down.",
            ],
            Self::NotTls { .. } => &["Check the port: Proxmox listens on 8006, and with HTTPS only."],
            Self::OldTls { .. } => {
                &["`--min-tls 1.2` (PROXMOX_VE_MIN_TLS) accepts TLS 1.2; older versions are not supported."]
            }
            Self::UntrustedCertificate { presented, .. } => return trust(presented),
            Self::UnpinnedCertificate { presented, .. } => return trust_again(presented),
            Self::NoSystemRoots { .. } => &[
                "Name the cluster's authority with `--ca-file` (/etc/pve/pve-root-ca.pem on a node), or pin the certificate with \
                 `--fingerprint`.",
            ],
            Self::Authorities { .. } => &["The cluster's own authority is /etc/pve/pve-root-ca.pem on each node."],
            Self::Unauthorized { login, .. } if login.contains('!') => &[
                "Check the token's secret. `pveum user token list USER@REALM` shows whether the token exists and has expired.",
            ],
            Self::Unauthorized { .. } => {
                &["Check the password and the realm: `root@pam` and `root@pve` are different users."]
            }
            Self::SecondFactor { .. } => &[
                "Set PROXMOX_VE_OTP to the current code of the authenticator.",
                "Or use an API token, which needs no second factor.",
            ],
            Self::CodeSpent { .. } | Self::NoTicket { .. } => &["Use an API token, which needs no ticket."],
            Self::Redirected { location: Some(location), .. } => {
                return vec![format!("The redirect leads to {location}: name the node itself, and its port 8006.")];
            }
            Self::Timeout { .. } => &["`--timeout SECONDS` waits longer."],
            Self::NotJson { .. } | Self::NoData { .. } => &["Check that the endpoint is a Proxmox VE node."],
            _ => &[],
        };
        hints.iter().map(ToString::to_string).collect()
    }
}

fn trust(presented: &Fingerprint) -> Vec<String> {
    vec![
        "Compare the fingerprint on the node: `pvenode cert info`, or `openssl x509 -noout -fingerprint -sha256 -in \
         /etc/pve/local/pve-ssl.pem` (pveproxy-ssl.pem if the node has a custom certificate)."
            .to_owned(),
        format!("If it is the same, trust this certificate with `--fingerprint {presented}`."),
        "Or trust the whole cluster with `--ca-file`: its authority is /etc/pve/pve-root-ca.pem on every node."
            .to_owned(),
    ]
}

fn trust_again(presented: &Fingerprint) -> Vec<String> {
    vec![
        "If the node got a new certificate, compare the fingerprint on the node: `pvenode cert info`.".to_owned(),
        format!("If it is the same, pin `--fingerprint {presented}` instead; each node of a cluster has its own."),
        "If it is different, another machine answers for the node: do not log in.".to_owned(),
    ]
}
