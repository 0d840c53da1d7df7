//! The reason why a certificate is not accepted, on its way through rustls.

use crate::settings::Fingerprint;

/// A certificate that was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    /// Its chain, its name or its time is not good.
    #[error("the certificate {presented} is not trusted")]
    Untrusted {
        /// The node's own certificate.
        presented: Fingerprint,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// It is not one of those that were pinned.
    #[error("the certificate {presented} is not the pinned one")]
    Unpinned {
        /// The node's own certificate.
        presented: Fingerprint,
    },
}
