//! Rejected certificates, on their way through rustls.

use crate::settings::Fingerprint;

/// A certificate that was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum RejectedCertificate {
    /// Its chain, its name or its period of validity is wrong.
    #[error("the certificate {presented} is not trusted")]
    Untrusted {
        /// The fingerprint of the node's certificate.
        presented: Fingerprint,
        /// The error of the TLS library.
        source: rustls::Error,
    },
    /// It is not one of those that were pinned.
    #[error("the certificate {presented} is not the pinned one")]
    Unpinned {
        /// The fingerprint of the node's certificate.
        presented: Fingerprint,
    },
}
