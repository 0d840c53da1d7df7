//! Failures: unusable answers, and retries.

use std::time::Duration;

use proxmox_mpc_engine::client::Limits;

use super::{LIMITS, client_of, shown, version};
use crate::server::{Reply, Server};

const GOOD: &str = r#"{"data":{"version":"9.1.9"}}"#;

/// Serves these replies one after the other, the last one repeatedly; compares the client's result and the number of
/// its requests.
async fn check(replies: Vec<Reply>, limits: Limits, expected: &str, requests: usize) {
    let script = replies.clone();
    let server = Server::start(move |before, _| script[before.min(script.len() - 1)].clone()).await;
    let outcome = match version(&client_of(&server, limits)).await {
        Ok(answer) => format!("{} {} {}", answer.status, answer.reason, answer.body),
        Err(error) => shown(&error),
    };
    assert!(outcome.starts_with(expected), "{replies:?} became {outcome}");
    assert_eq!(server.requests().len(), requests, "{replies:?}");
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let good = format!("200 OK {GOOD}");
    let unavailable = || Reply::json("503 Service Unavailable", "");
    check(vec![unavailable(), unavailable(), Reply::ok(GOOD)], LIMITS, &good, 3).await;
    check(vec![Reply::Cut(GOOD.to_owned()), Reply::Hangup, Reply::ok(GOOD)], LIMITS, &good, 3).await;
    let late = Reply::Late(Duration::from_secs(30), Box::new(Reply::ok(GOOD)));
    let impatient = Limits { answer: Duration::from_millis(400), ..LIMITS };
    check(vec![late.clone(), Reply::ok(GOOD)], impatient, &good, 2).await;
}

#[tokio::test]
async fn what_does_not_pass_is_given_up() {
    check(vec![Reply::json("502 Bad Gateway", "")], LIMITS, "`version` could not be answered: 502 Bad Gateway", 3)
        .await;
    check(vec![Reply::Cut("{".to_owned())], LIMITS, "the answer to `version` was cut off\ncaused by: ", 3).await;
    check(vec![Reply::Hangup], LIMITS, "the answer to `version` was cut off\ncaused by: ", 3).await;
    let late = Reply::Late(Duration::from_secs(30), Box::new(Reply::ok(GOOD)));
    let impatient = Limits { answer: Duration::from_millis(100), ..LIMITS };
    check(vec![late], impatient, "`version` was not answered within 0.1 s\nhint: `--timeout SECONDS`", 3).await;
}

#[tokio::test]
async fn what_is_no_answer_is_not_asked_twice() {
    let not_json = "the answer to `version` is not JSON\ncaused by: expected value at line 1 column 1";
    check(vec![Reply::ok("<html>hello</html>")], LIMITS, not_json, 1).await;
    check(vec![Reply::ok(r#"{"data":{"version""#)], LIMITS, "the answer to `version` is not JSON", 1).await;
    check(vec![Reply::ok(r#"{"kind":"Status"}"#)], LIMITS, "the answer to `version` does not come from Proxmox", 1)
        .await;
    let redirect = Reply::Whole("301 Moved Permanently".to_owned(), vec!["Location: /".to_owned()], String::new());
    check(vec![redirect], LIMITS, "`version` was answered with a redirect (301)", 1).await;
    let large = Reply::ok(&format!(r#"{{"data":"{}"}}"#, "x".repeat(LIMITS.body)));
    check(vec![large], LIMITS, "the answer to `version` has more than 65536 bytes", 1).await;
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let refused = r#"{"data":null,"message":"Permission check failed (/, Sys.Audit)\n"}"#;
    let text = format!("403 Permission check failed (/, Sys.Audit) {refused}");
    check(vec![Reply::json("403 Permission check failed (/, Sys.Audit)", refused)], LIMITS, &text, 1).await;
    check(vec![Reply::json("595 No route to host", "")], LIMITS, r#"595 No route to host {"data":null}"#, 1).await;
    let unknown = r#"{"data":null,"message":"Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist\n"}"#;
    let status = "500 Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";
    check(vec![Reply::json(status, unknown)], LIMITS, status, 1).await;
    check(vec![Reply::json("501 Method 'GET /x' not implemented", "")], LIMITS, "501 Method 'GET /x' not", 1).await;
}
