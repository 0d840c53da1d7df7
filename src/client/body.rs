//! From the bytes of a response to an answer.

use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Value, json};

use super::error::ClientError;
use super::transport::Received;

/// The most characters of a refusal in plain text that are kept.
const LONGEST_MESSAGE: usize = 1000;

/// What Proxmox answered, or why this is not an answer of Proxmox.
pub(super) fn answer(received: Received, path: &ApiPath) -> Result<Answer, ClientError> {
    let Received { status, reason, location, body } = received;
    match status {
        200..=299 => {
            let body: Value =
                serde_json::from_slice(&body).map_err(|source| ClientError::NotJson { path: path.clone(), source })?;
            if body.get("data").is_none() {
                return Err(ClientError::NoData { path: path.clone() });
            }
            Ok(Answer { status, reason, body })
        }
        300..=399 => Err(ClientError::Redirected { path: path.clone(), status, location }),
        // These come from something before Proxmox, and say nothing about the object.
        502..=504 => Err(ClientError::Unavailable { path: path.clone(), status, reason }),
        _ => Ok(Answer { status, reason, body: refusal(&body) }),
    }
}

/// The body of a refusal: JSON as a rule, nothing for an unknown method, plain text for what `pveproxy` itself says.
fn refusal(body: &[u8]) -> Value {
    if let Ok(body @ Value::Object(_)) = serde_json::from_slice(body) {
        return body;
    }
    match String::from_utf8_lossy(body).trim() {
        "" => json!({ "data": null }),
        text => json!({ "data": null, "message": text.chars().take(LONGEST_MESSAGE).collect::<String>() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(status: u16, body: &str) -> Received {
        Received { status, reason: "reason".to_owned(), location: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn refusals_are_answers() {
        let check = |status: u16, body: &str, expected: Value| {
            let answer = answer(received(status, body), &ApiPath::parse("version")).unwrap();
            assert_eq!((answer.status, answer.body), (status, expected));
        };
        check(
            403,
            r#"{"data":null,"message":"Permission check failed\n"}"#,
            json!({"data": null, "message": "Permission check failed\n"}),
        );
        check(501, "", json!({"data": null}));
        check(500, "malformed JSON string\n", json!({"data": null, "message": "malformed JSON string"}));
        check(595, "[1]", json!({"data": null, "message": "[1]"}));
    }

    #[test]
    fn a_success_has_data() {
        let check = |status: u16, body: &str, expected: &str| {
            let error = answer(received(status, body), &ApiPath::parse("version")).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(200, "<html>", "the answer to `version` is not JSON");
        check(200, r#"{"data": {"version""#, "the answer to `version` is not JSON");
        check(200, "[]", "the answer to `version` is not one of Proxmox: it has no `data`");
        check(301, "", "`version` was answered with a redirect (301)");
        check(503, "", "`version` could not be answered: 503 reason");
    }
}
