//! What the twin's tests share: fixtures, a running twin, and a client that sees every byte of an answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc_model::{Answer, Answers};
use proxmox_mpc_twin::server::{Options, Twin, serve};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name)
}

/// The header of a token that every twin of a fixture accepts.
pub(crate) const TOKEN: (&str, &str) =
    ("Authorization", "PVEAPIToken=root@pam!iac=11111111-2222-3333-4444-555555555555");

/// Runs a test against a twin of these answers.
pub(crate) fn with_twin(
    answers: Arc<dyn Answers + Send + Sync>,
    options: Options,
    test: impl FnOnce(&Twin, Client) + Send,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let twin = {
        let _inside = runtime.enter();
        serve(answers, options).unwrap()
    };
    test(&twin, Client::new(&twin));
    runtime.block_on(twin.stop());
}

/// One response as it came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The response as a recording keeps it.
    pub(crate) fn answer(&self) -> Answer {
        let reason = self.reason.iter().map(|byte| char::from(*byte)).collect();
        Answer { status: self.status, reason, body: serde_json::from_str(&self.body).unwrap_or(Value::Null) }
    }
}

/// A client with one connection, which it opens again where the server closes it.
pub(crate) struct Client {
    address: String,
    tls: Arc<ClientConfig>,
    connection: Option<BufReader<StreamOwned<ClientConnection, TcpStream>>>,
}

impl Client {
    pub(crate) fn new(twin: &Twin) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(twin.certificate_pem().as_bytes()).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = twin.endpoint().trim_start_matches("https://").trim_end_matches('/').to_owned();
        Self { address, tls: Arc::new(tls), connection: None }
    }

    pub(crate) fn get(&mut self, target: &str) -> Response {
        self.send("GET", target, &[TOKEN], "")
    }

    pub(crate) fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", body]);
        let mut connection = self.connection.take().unwrap_or_else(|| self.connect());
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let response = read(&mut connection);
        if response.header("Connection") != Some("close") {
            self.connection = Some(connection);
        }
        response
    }

    fn connect(&self) -> BufReader<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let client = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        BufReader::new(StreamOwned::new(client, stream))
    }
}

fn read(connection: &mut impl BufRead) -> Response {
    let mut line = || {
        let mut line = Vec::new();
        connection.read_until(b'\n', &mut line).unwrap();
        line.truncate(line.trim_ascii_end().len());
        line
    };
    let status_line = line();
    let mut parts = status_line.splitn(3, |byte| *byte == b' ').skip(1);
    let status = std::str::from_utf8(parts.next().unwrap()).unwrap().parse().unwrap();
    let reason = parts.next().unwrap_or_default().to_vec();
    let mut headers = Vec::new();
    loop {
        let header = String::from_utf8(line()).unwrap();
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut response = Response { status, reason, headers, body: String::new() };
    let length: u64 = response.header("Content-Length").unwrap().parse().unwrap();
    connection.take(length).read_to_string(&mut response.body).unwrap();
    response
}
