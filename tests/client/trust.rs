//! Certificates that the client trusts.

use proxmox_mpc_engine::client::ClientError;
use proxmox_mpc_engine::settings::{Fingerprint, Trust};

use super::{LIMITS, client, shown, token, version};
use crate::server::{Reply, Server, plain_http};

async fn healthy() -> Server {
    Server::start(|_, _| Reply::ok(r#"{"data":{"version":"9.1.9"}}"#)).await
}

#[tokio::test]
async fn the_right_certificate_is_believed() {
    let server = healthy().await;
    let other = Fingerprint::of(b"another node");
    let authorities = Trust::Authorities { file: "ca.pem".into(), pem: server.pem.clone() };
    for trust in [
        Trust::Pinned(vec![server.fingerprint]),
        Trust::Pinned(vec![other, server.fingerprint]),
        authorities,
        Trust::Insecure,
    ] {
        let answer = version(&client(&[server.endpoint()], trust, token(), LIMITS)).await.unwrap();
        assert_eq!(answer.data().unwrap()["version"], "9.1.9");
    }
}

#[tokio::test]
async fn an_unknown_certificate_is_shown_and_how_to_trust_it() {
    let (server, other) = (healthy().await, healthy().await);
    let authorities = Trust::Authorities { file: "ca.pem".into(), pem: other.pem.clone() };
    let error = version(&client(&[server.endpoint()], authorities, token(), LIMITS)).await.unwrap_err();
    let text = shown(&error);
    assert!(matches!(error, ClientError::UntrustedCertificate { .. }), "{text}");
    let fingerprint = server.fingerprint;
    assert!(text.contains(&format!("its SHA-256 fingerprint is {fingerprint}\ncaused by: ")), "{text}");
    assert!(text.contains(&format!("`--fingerprint {fingerprint}`")) && text.contains("--ca-file"), "{text}");
    assert!(text.contains("openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem"), "{text}");
    assert_eq!(server.requests().len(), 0, "no credentials are sent to a stranger");
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused() {
    let server = healthy().await;
    let trust = Trust::Pinned(vec![Fingerprint::of(b"another node")]);
    let error = version(&client(&[server.endpoint()], trust, token(), LIMITS)).await.unwrap_err();
    assert!(matches!(error, ClientError::UnpinnedCertificate { .. }), "{}", shown(&error));
    assert!(shown(&error).contains(&server.fingerprint.to_string()), "{}", shown(&error));
    assert_eq!((server.requests().len(), server.connections()), (0, 1), "it is not tried again");
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let server = Server::impostor().await;
    for trust in [Trust::Pinned(vec![server.fingerprint]), Trust::Insecure] {
        let error = version(&client(&[server.endpoint()], trust, token(), LIMITS)).await.unwrap_err();
        assert!(matches!(error, ClientError::Handshake { .. }), "{}", shown(&error));
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn plain_http_is_called_by_its_name() {
    let (address, task) = plain_http().await;
    let endpoint = address.to_string().parse().unwrap();
    let error = version(&client(&[endpoint], Trust::Insecure, token(), LIMITS)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("https://{address}/ does not speak HTTPS"));
    task.abort();
}
