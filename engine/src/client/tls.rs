//! TLS: checks certificates as the settings say, and reports why one was rejected.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme, version,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::error::ClientError;
use super::rejected::RejectedCertificate;
use crate::settings::{Fingerprint, MinimumTls, Trust};

/// The TLS configuration for this trust and this minimum version.
pub(super) fn config(trust: &Trust, minimum: MinimumTls) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = match minimum {
        MinimumTls::V12 => &[&version::TLS12, &version::TLS13],
        MinimumTls::V13 => &[&version::TLS13],
    };
    let verifier = Verifier { acceptance: acceptance(trust, &provider)?, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|source| ClientError::Setup { source: source.into() })?
        .dangerous() // what rustls calls a custom verifier
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn acceptance(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Acceptance, ClientError> {
    match trust {
        Trust::Pinned(fingerprints) => Ok(Acceptance::Pinned(fingerprints.clone())),
        Trust::Insecure => Ok(Acceptance::Any(Mutex::default())),
        Trust::System => {
            let system = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
            let system = system.map_err(|source| ClientError::NoSystemRoots { source: Box::new(source) })?;
            Ok(Acceptance::Chain(Arc::new(system)))
        }
        Trust::Authorities { file, pem } => {
            let unusable = |why: String| ClientError::Authorities { file: file.clone(), why };
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
            Ok(Acceptance::Chain(chain.map_err(|error| unusable(error.to_string()))?))
        }
    }
}

/// Verifier of certificates. It always checks that the server owns the private key of its certificate.
#[derive(Debug)]
struct Verifier {
    acceptance: Acceptance,
    provider: Arc<CryptoProvider>,
}

/// The certificates that are accepted.
#[derive(Debug)]
enum Acceptance {
    /// Those with a valid chain, name and period of validity.
    Chain(Arc<dyn ServerCertVerifier>),
    /// Those with one of these fingerprints.
    Pinned(Vec<Fingerprint>),
    /// Any. The set has the certificates seen so far, since each leads to one warning.
    Any(Mutex<BTreeSet<Fingerprint>>),
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = Fingerprint::of(end_entity);
        let rejected = match &self.acceptance {
            Acceptance::Any(seen) => {
                if seen.lock().unwrap_or_else(PoisonError::into_inner).insert(presented) {
                    let name = server_name.to_str();
                    tracing::warn!("the certificate of {name} is not checked: `--fingerprint {presented}` pins it");
                }
                return Ok(ServerCertVerified::assertion());
            }
            // Chain, name and validity are not checked for a pinned certificate: most nodes sign their own.
            Acceptance::Pinned(pins) if pins.contains(&presented) => return Ok(ServerCertVerified::assertion()),
            Acceptance::Pinned(_) => RejectedCertificate::Unpinned { presented },
            Acceptance::Chain(chain) => {
                match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                    Err(source) => RejectedCertificate::Untrusted { presented, source },
                    verified => return verified,
                }
            }
        };
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(rejected)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
