//! A server on loopback that speaks TLS like a Proxmox node and misbehaves as a test tells it to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proxmox_mpc_engine::settings::{Endpoint, Fingerprint};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A request as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// `/api2/json/pools?poolid=prod`
    pub(crate) target: String,
    /// `name: value`, names in lower case.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Request {
    /// The value of a header; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = |line: &'_ String| line.strip_prefix(name)?.strip_prefix(": ").map(str::len);
        let line = self.headers.iter().find(|line| value(line).is_some());
        line.map_or("", |line| &line[name.len() + 2..])
    }
}

/// Reaction of the server to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole response: status line without the version, further headers, body.
    Whole(String, Vec<String>, String),
    /// Another reply after a pause.
    Late(Duration, Box<Self>),
    /// A response that announces more than it sends before the connection ends.
    Cut(String),
    /// The end of the connection.
    Hangup,
}

impl Reply {
    pub(crate) fn json(status: &str, body: &str) -> Self {
        Self::Whole(status.to_owned(), vec!["Content-Type: application/json;charset=UTF-8".to_owned()], body.to_owned())
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::json("200 OK", body)
    }

    /// `pveproxy`'s 401: no body, after a delay (3 s there), and the end of the connection.
    pub(crate) fn unauthorized() -> Self {
        let whole =
            Self::Whole("401 Authentication failed!".to_owned(), vec!["Connection: close".to_owned()], String::new());
        Self::Late(Duration::from_millis(20), Box::new(whole))
    }
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) pem: String,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers a request, given how many came before it.
type Handler = dyn Fn(usize, &Request) -> Reply + Send + Sync;

impl Server {
    /// A server with a certificate that it signed itself.
    pub(crate) async fn start(handler: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = certificate.signing_key.serialize_der();
        Self::with_key(certificate.cert, key, handler).await
    }

    /// A server that shows another server's certificate, without having its key.
    pub(crate) async fn impostor() -> Self {
        let stolen = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let own = rcgen::KeyPair::generate().unwrap();
        Self::with_key(stolen.cert, own.serialize_der(), |_, _| Reply::ok(r#"{"data":1}"#)).await
    }

    async fn with_key(
        certificate: rcgen::Certificate,
        key: Vec<u8>,
        handler: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let provider = ring::default_provider();
        let key = provider.key_provider.load_private_key(PrivateKeyDer::try_from(key).unwrap()).unwrap();
        let identity = Identity(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)));
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(identity));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let state = State { handler: Arc::new(handler), requests: Arc::clone(&requests) };
        let task = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), state, Arc::clone(&connections)));
        let (fingerprint, pem) = (Fingerprint::of(certificate.der()), certificate.pem());
        Self { address, fingerprint, pem, requests, connections, task }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.address.to_string().parse().unwrap()
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Number of connections that were opened.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A server of plain HTTP that answers everything with `pveproxy`'s redirect.
pub(crate) async fn plain_http() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // The client's first TLS record, to its end: what is left unread would reset the connection.
            let mut head = [0; 5];
            stream.read_exact(&mut head).await.unwrap();
            let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            stream.read_exact(&mut record).await.unwrap();
            let redirect = format!("HTTP/1.0 301 Moved Permanently\r\nLocation: https://{address}/\r\n\r\n");
            stream.write_all(redirect.as_bytes()).await.unwrap();
        }
    });
    (address, task)
}

/// An address without a listener.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[derive(Debug)]
struct Identity(Arc<CertifiedKey>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[derive(Clone)]
struct State {
    handler: Arc<Handler>,
    requests: Arc<Mutex<Vec<Request>>>,
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: State, connections: Arc<AtomicUsize>) {
    // Dropped with this task, and each connection with it.
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        stream.set_nodelay(true).unwrap();
        let (acceptor, state) = (acceptor.clone(), state.clone());
        open.spawn(async move {
            // A client that does not trust the certificate ends the handshake.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(BufReader::new(stream), state).await;
            }
        });
    }
}

async fn serve(mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>, state: State) {
    while let Some(request) = read(&mut stream).await {
        let before = {
            let mut requests = state.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let mut reply = (state.handler)(before, &request);
        while let Reply::Late(pause, later) = reply {
            tokio::time::sleep(pause).await;
            reply = *later;
        }
        let (text, goes_on) = match reply {
            Reply::Whole(status, headers, body) => {
                let goes_on = !headers.iter().any(|header| header == "Connection: close");
                let length = format!("Content-Length: {}", body.len());
                let lines = [&[format!("HTTP/1.1 {status}"), length], headers.as_slice()].concat().join("\r\n");
                (format!("{lines}\r\n\r\n{body}"), goes_on)
            }
            Reply::Cut(body) => {
                (format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 100), false)
            }
            Reply::Late(..) | Reply::Hangup => (String::new(), false),
        };
        // The client may have lost its patience.
        let written = stream.write_all(text.as_bytes()).await.and(stream.flush().await);
        if written.is_err() || !goes_on {
            drop(stream.shutdown().await);
            return;
        }
    }
}

async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ').map(str::to_owned);
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| format!("{}: {value}", name.to_lowercase())).collect();
    let mut request = Request { method: first.next()?, target: first.next()?, headers, body: String::new() };
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}
