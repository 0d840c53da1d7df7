//! Tokens, tickets and one-time codes.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use proxmox_mpc_engine::client::{Client, ClientError, Limits};
use proxmox_mpc_engine::settings::{Credentials, Trust};
use secrecy::SecretString;

use super::{LIMITS, client, client_of, shown, version};
use crate::server::{Reply, Request, Server};

const GOOD: &str = r#"{"data":{"version":"9.1.9"}}"#;

fn password(otp: Option<&str>) -> Credentials {
    let username = "alice@pve".to_owned();
    Credentials::Password { username, password: "secret&CANARY".into(), otp: otp.map(SecretString::from) }
}

fn client_as(server: &Server, credentials: Credentials, limits: Limits) -> Client {
    client(&[server.endpoint()], Trust::Insecure, credentials, limits)
}

fn ticket(number: usize) -> Reply {
    Reply::ok(&format!(
        r#"{{"data":{{"username":"alice@pve","ticket":"PVE:alice@pve:{number}::CANARY+/==","CSRFPreventionToken":"{number}:csrf"}}}}"#
    ))
}

fn logins(server: &Server) -> Vec<String> {
    server.requests().into_iter().filter(|request| request.method == "POST").map(|request| request.body).collect()
}

#[tokio::test]
async fn a_token_is_sent_as_proxmox_wants_it() {
    let server = Server::start(|_, _| Reply::ok(GOOD)).await;
    version(&client_of(&server, LIMITS)).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/api2/json/version"));
    let header = "PVEAPIToken=root@pam!iac=11111111-2222-3333-4444-555555555555";
    assert_eq!(request.header("authorization"), header);
    assert!(request.header("user-agent").starts_with("proxmox-mpc/"), "{request:?}");
}

#[tokio::test]
async fn a_wrong_token_is_refused_once() {
    let unknown = "500 no such token 'iac' for user 'root@pam'";
    for (reply, reason) in [
        (Reply::unauthorized(), "Authentication failed!"),
        (Reply::json(unknown, r#"{"data":null}"#), "no such token 'iac' for user 'root@pam'"),
    ] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let error = version(&client_of(&server, LIMITS)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("Proxmox refused the login `root@pam!iac`: {reason}"));
        assert!(shown(&error).contains("hint: Check the token's secret"), "{}", shown(&error));
        assert_eq!(server.requests().len(), 1);
    }
}

/// A server that accepts every login, and each ticket for this number of requests.
async fn expiring(uses: usize) -> Server {
    let state = Mutex::new((0, 0));
    Server::start(move |_, request| {
        let mut state = state.lock().unwrap();
        let (issued, uses_so_far) = &mut *state;
        if request.target == "/api2/json/access/ticket" {
            (*issued, *uses_so_far) = (*issued + 1, 0);
            return ticket(*issued);
        }
        let current = request.header("cookie") == format!("PVEAuthCookie=PVE:alice@pve:{issued}::CANARY+/==");
        *uses_so_far += usize::from(current);
        if current && *uses_so_far <= uses { Reply::ok(GOOD) } else { Reply::unauthorized() }
    })
    .await
}

#[tokio::test]
async fn an_expired_ticket_is_renewed() {
    let server = expiring(2).await;
    let client = client_as(&server, password(None), LIMITS);
    for _ in 0..5 {
        version(&client).await.unwrap();
    }
    let body = "username=alice%40pve&password=secret%26CANARY";
    assert_eq!(logins(&server), [body, body, body]);
    let csrf: Vec<String> =
        server.requests().iter().map(|request| request.header("csrfpreventiontoken").to_owned()).collect();
    assert_eq!(csrf, ["", "1:csrf", "1:csrf", "1:csrf", "", "2:csrf", "2:csrf", "2:csrf", "", "3:csrf"]);
}

#[tokio::test]
async fn requests_in_parallel_cause_one_login() {
    let server = expiring(8).await;
    let client = client_as(&server, password(None), LIMITS);
    for round in 1..=2 {
        for outcome in join_all((0..8).map(|_| version(&client))).await {
            outcome.unwrap();
        }
        assert_eq!(logins(&server).len(), round);
    }
}

#[tokio::test]
async fn an_old_ticket_buys_a_new_one() {
    let server = expiring(9).await;
    let client = client_as(&server, password(None), Limits { ticket: Duration::ZERO, ..LIMITS });
    version(&client).await.unwrap();
    version(&client).await.unwrap();
    let renewal = "username=alice%40pve&password=PVE%3Aalice%40pve%3A1%3A%3ACANARY%2B%2F%3D%3D";
    assert_eq!(logins(&server), ["username=alice%40pve&password=secret%26CANARY", renewal]);
}

#[tokio::test]
async fn a_wrong_password_says_so() {
    let refused = r#"{"data":null,"message":"authentication failure\n"}"#;
    let server = Server::start(move |_, _| Reply::json("401 authentication failure", refused)).await;
    let error = version(&client_as(&server, password(None), LIMITS)).await.unwrap_err();
    assert_eq!(error.to_string(), "Proxmox refused the login `alice@pve`: authentication failure");
    assert_eq!(server.requests().len(), 1);
}

/// Answer that asks for a second factor: `access/ticket` of Proxmox VE 7 and later.
fn second_factor(_before: usize, request: &Request) -> Reply {
    match request.body.as_str() {
        "" => Reply::ok(GOOD),
        body if body.contains("password=totp%3A123456") && body.contains("tfa-challenge=PVE%3A%21tfa%21x") => ticket(1),
        _ => Reply::ok(r#"{"data":{"username":"alice@pve","NeedTFA":1,"ticket":"PVE:!tfa!x"}}"#),
    }
}

#[tokio::test]
async fn a_second_factor_is_answered() {
    let server = Server::start(second_factor).await;
    version(&client_as(&server, password(Some("123456")), LIMITS)).await.unwrap();
    assert_eq!(logins(&server).len(), 2);
    let error = version(&client_as(&server, password(None), LIMITS)).await.unwrap_err();
    assert_eq!(error.to_string(), "the login `alice@pve` needs a second factor");
    assert!(shown(&error).contains("PROXMOX_VE_OTP"), "{}", shown(&error));
}

#[tokio::test]
async fn a_code_is_good_for_one_login() {
    let server = expiring(1).await;
    let client = client_as(&server, password(Some("123456")), LIMITS);
    version(&client).await.unwrap();
    let error = version(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::CodeSpent { .. }), "{}", shown(&error));
    assert_eq!(logins(&server), ["username=alice%40pve&password=secret%26CANARY&otp=123456"]);
}

/// Memory of the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_or_printed() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole program: what other tests say in the meantime may hold no secret either.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = expiring(1).await;
    let token = Credentials::token(&"root@pam!iac=CANARY".into()).unwrap();
    let given = Credentials::ticket("PVE:alice@pve:1::CANARY+/==".into(), Some("CANARY".into())).unwrap();
    let mut printed = Vec::new();
    for credentials in [password(None), token, given] {
        let client = client_as(&server, credentials, LIMITS);
        for _ in 0..3 {
            printed.push(format!("{:?}", version(&client).await));
        }
        printed.push(format!("{client:?}"));
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("answered path=version") && log.contains("logged in"), "{log}");
    assert!(!log.contains("CANARY") && !printed.concat().contains("CANARY"), "{log}\n{printed:?}");
}
