//! The twin's certificate, made anew each time, and TLS 1.3 as `pveproxy` speaks it.

use std::fmt::Write;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rcgen::CertifiedKey;
use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::TLS13;

use super::error::TwinError;

/// Certificate that clients need to trust the twin.
#[derive(Debug)]
pub(super) struct Certificate {
    /// SHA-256 of the certificate, `AB:CD:…`.
    pub(super) fingerprint: String,
    /// The certificate itself.
    pub(super) pem: String,
}

/// A new certificate for this machine's loopback, and the TLS configuration that uses it.
pub(super) fn certificate() -> Result<(Certificate, RustlsConfig), TwinError> {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()])
            .map_err(|error| TwinError::Certificate(error.into()))?;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key))
        .map_err(|error| TwinError::Certificate(error.into()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let certificate = Certificate { fingerprint: fingerprint(cert.der()), pem: cert.pem() };
    Ok((certificate, RustlsConfig::from_config(Arc::new(config))))
}

fn fingerprint(certificate: &[u8]) -> String {
    let mut text = String::with_capacity(95);
    for (index, byte) in digest(&SHA256, certificate).as_ref().iter().enumerate() {
        let separator = if index == 0 { "" } else { ":" };
        write!(text, "{separator}{byte:02X}").expect("a string takes all text");
    }
    text
}
