//! A fast client, and a server that does nothing: measures for a twin.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rcgen::CertifiedKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Outcome;
use crate::twin::{LOGIN, SECRET};

/// A kept connection to a server.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    address: String,
    received: Vec<u8>,
}

impl Connection {
    /// Connects to `https://127.0.0.1:PORT/`.
    pub(crate) async fn open(endpoint: &str) -> io::Result<Self> {
        let address = endpoint.trim_start_matches("https://").trim_end_matches('/').to_owned();
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
            .with_no_client_auth();
        let stream = TcpStream::connect(&address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        Ok(Self { stream, address, received: Vec::new() })
    }

    pub(crate) async fn get(&mut self, target: &str) -> io::Result<Vec<u8>> {
        self.send("GET", target, "").await
    }

    /// Sends a request and returns the body of its answer; a status other than 200 is an error.
    pub(crate) async fn send(&mut self, method: &str, target: &str, form: &str) -> io::Result<Vec<u8>> {
        let (address, length) = (&self.address, form.len());
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: PVEAPIToken={LOGIN}={SECRET}\r\n\
             Content-Length: {length}\r\n\r\n{form}"
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.flush().await?;
        let end = loop {
            if let Some(at) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.receive().await?;
        };
        let head = String::from_utf8_lossy(&self.received[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let length = length.ok_or_else(|| io::Error::other("an answer without a length"))?;
        while self.received.len() < end + length {
            self.receive().await?;
        }
        let body = self.received[end..end + length].to_vec();
        self.received.drain(..end + length);
        if head.starts_with("http/1.1 200") { Ok(body) } else { Err(io::Error::other(head)) }
    }

    async fn receive(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// Serves these bytes for every request, as long as the runtime lives; returns the endpoint.
pub(crate) fn bare(runtime: &Runtime, body: Vec<u8>) -> Outcome<String> {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let endpoint = format!("https://{}/", listener.local_addr()?);
    let body = Bytes::from(body);
    let router = Router::new().fallback(move || std::future::ready(body.clone()));
    let _inside = runtime.enter();
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(config))).acceptor(NoDelayAcceptor::new());
    let server = axum_server::from_tcp(listener)?.acceptor(acceptor).http1_only();
    runtime.spawn(server.serve(router.into_make_service()));
    Ok(endpoint)
}

/// Verifier that accepts any certificate: both ends are the bench's own.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
