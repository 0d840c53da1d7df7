//! Whose certificate is accepted, and what is told of one that is not.

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
use super::rejected::Rejected;
use crate::settings::{Fingerprint, MinimumTls, Trust};

/// The TLS of a client that trusts thus.
pub(super) fn config(trust: &Trust, minimum: MinimumTls) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = match minimum {
        MinimumTls::V12 => &[&version::TLS12, &version::TLS13],
        MinimumTls::V13 => &[&version::TLS13],
    };
    let verifier = Verifier { rule: rule(trust, &provider)?, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|source| ClientError::Setup { source: source.into() })?
        .dangerous() // the builder's word for a verifier of one's own
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn rule(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Rule, ClientError> {
    match trust {
        Trust::Pinned(fingerprints) => Ok(Rule::Pinned(fingerprints.clone())),
        Trust::Insecure => Ok(Rule::Anything(Mutex::default())),
        Trust::System => {
            let system = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
            let system = system.map_err(|source| ClientError::NoSystemRoots { source: Box::new(source) })?;
            Ok(Rule::Chain(Arc::new(system)))
        }
        Trust::Authorities { file, pem } => {
            let unusable = |why: String| ClientError::Authorities { file: file.clone(), why };
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
            Ok(Rule::Chain(chain.map_err(|error| unusable(error.to_string()))?))
        }
    }
}

/// Whether a certificate is the right one; that its owner is on the line is checked whatever the rule.
#[derive(Debug)]
struct Verifier {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Rule {
    Chain(Arc<dyn ServerCertVerifier>),
    Pinned(Vec<Fingerprint>),
    /// The certificates that were seen so far: each is told once.
    Anything(Mutex<BTreeSet<Fingerprint>>),
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
        let rejected = match &self.rule {
            Rule::Anything(seen) => {
                if seen.lock().unwrap_or_else(PoisonError::into_inner).insert(presented) {
                    let name = server_name.to_str();
                    tracing::warn!("the certificate of {name} is taken unchecked: `--fingerprint {presented}` pins it");
                }
                return Ok(ServerCertVerified::assertion());
            }
            // Chain, name and time are ignored for this one certificate: most nodes sign their own.
            Rule::Pinned(pins) if pins.contains(&presented) => return Ok(ServerCertVerified::assertion()),
            Rule::Pinned(_) => Rejected::Unpinned { presented },
            Rule::Chain(chain) => {
                match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                    Err(source) => Rejected::Untrusted { presented, source },
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
