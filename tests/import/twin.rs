//! Imports of the twin, which speaks TLS and logs in as Proxmox does.

use std::path::Path;
use std::time::Duration;

use proxmox_mpc_engine::settings::{Credentials, Trust};
use proxmox_mpc_twin::server::{Options, Twin, serve};

use super::{files, fixture, import};
use crate::client::{LIMITS, client};
use crate::support;

/// The twin of a recorded cluster, with the logins that it had.
fn twin() -> Twin {
    let logins = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/homelab.credentials.json");
    let credentials = proxmox_mpc_twin::credentials::Credentials::read(&logins).unwrap();
    let refusal_delay = Duration::from_millis(20);
    let options = Options { refusal_delay, ..Options::new(credentials) };
    serve(fixture("homelab.tar.zst"), options).unwrap()
}

#[tokio::test]
async fn a_token_and_a_password_read_the_same_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let token = Credentials::token(&"root@pam!iac=11111111-2222-3333-4444-555555555555".into()).unwrap();
    let (username, password) = ("admin@pve".to_owned(), "adminpass".into());
    let password = Credentials::Password { username, password, otp: None };
    let mut read = Vec::new();
    for (name, credentials, logins) in [("token", token, 0), ("password", password, 1)] {
        let twin = twin();
        let trust = Trust::Pinned(vec![twin.fingerprint().parse().unwrap()]);
        let client = client(&[twin.endpoint().parse().unwrap()], trust, credentials, LIMITS);
        let fetched = import(&client, &folder.path().join(name), 4, &support::context()).await.unwrap();
        assert!(fetched.failures.is_empty());
        assert_eq!(fetched.sent, fetched.asked + logins, "{name}");
        let mut files = files(&folder.path().join(name));
        assert!(files.remove("recording.json").unwrap().contains(client.login()));
        read.push(files);
        twin.stop().await;
    }
    assert!(read[0].len() > 30);
    assert_eq!(read[0], read[1]);
}

#[tokio::test]
async fn the_certificate_of_the_twin_is_its_own_authority() {
    let twin = twin();
    let trust = Trust::Authorities { file: "twin.pem".into(), pem: twin.certificate_pem().to_owned() };
    let wrong = Credentials::token(&"root@pam!iac=00000000-0000-0000-0000-000000000000".into()).unwrap();
    let client = client(&[twin.endpoint().parse().unwrap()], trust, wrong, LIMITS);
    let folder = tempfile::tempdir().unwrap();
    let error = import(&client, &folder.path().join("recording"), 4, &support::context()).await.unwrap_err();
    assert_eq!(error.to_string(), "Proxmox refused the login `root@pam!iac`: Authentication failed!");
    assert_eq!(client.sent(), 1);
}
