//! Choice of the node, and number of connections.

use std::time::Duration;

use futures_util::future::join_all;
use proxmox_mpc_engine::client::ClientError;
use proxmox_mpc_engine::settings::{Endpoint, Trust};

use super::{LIMITS, client, client_of, shown, token, version};
use crate::server::{Reply, Server, nobody};

const GOOD: &str = r#"{"data":1}"#;

#[tokio::test]
async fn another_node_stands_in_and_is_stuck_to() {
    let server = Server::start(|_, _| Reply::ok(GOOD)).await;
    let dead: Endpoint = nobody().await.to_string().parse().unwrap();
    let client = client(&[dead.clone(), server.endpoint()], Trust::Insecure, token(), LIMITS);
    assert_eq!(client.endpoint(), &dead);
    for _ in 0..3 {
        version(&client).await.unwrap();
    }
    assert_eq!(client.endpoint(), &server.endpoint());
    assert_eq!((client.sent(), server.requests().len()), (4, 3), "the dead node is asked once");
}

#[tokio::test]
async fn the_first_node_is_blamed_when_none_answers() {
    let (first, second) = (nobody().await, nobody().await);
    let endpoints = [first, second].map(|address| address.to_string().parse().unwrap());
    let client = client(&endpoints, Trust::Insecure, token(), LIMITS);
    let error = version(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{}", shown(&error));
    assert!(shown(&error).starts_with(&format!("https://{first}/ cannot be reached\ncaused by: Connection refused")));
    assert_eq!(client.sent(), 2, "a cluster that never answered is not asked again");
}

#[tokio::test]
async fn a_lost_cluster_is_asked_again() {
    let server = Server::start(|_, _| Reply::ok(GOOD)).await;
    let client = client_of(&server, LIMITS);
    version(&client).await.unwrap();
    drop(server);
    // The task is aborted, not yet gone.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = version(&client).await.unwrap_err();
    assert!(error.is_unreachable(), "{}", shown(&error));
    assert_eq!(client.sent(), 1 + u64::from(LIMITS.tries));
}

#[tokio::test]
async fn connections_are_reused() {
    let server = Server::start(|_, _| Reply::Late(Duration::from_millis(5), Box::new(Reply::ok(GOOD)))).await;
    let client = client_of(&server, LIMITS);
    for _ in 0..4 {
        for outcome in join_all((0..8).map(|_| version(&client))).await {
            outcome.unwrap();
        }
    }
    assert_eq!(server.requests().len(), 32);
    // A connection that is opened while another one becomes free is kept for later.
    assert!(server.connections() <= 16, "{} connections for 8 requests at once", server.connections());
}
