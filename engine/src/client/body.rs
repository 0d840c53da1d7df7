//! Body: turns the bytes of a response into an answer.

use std::collections::BTreeMap;

use proxmox_mpc_model::{AnswerText, ApiPath};
use serde::de::Error as _;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::error::ClientError;
use super::transport::Response;

/// The number of characters that are kept of a refusal in plain text.
const LONGEST_MESSAGE: usize = 1000;

/// Reads the answer in a response. Errors are responses that do not come from Proxmox. The content of `data` is not checked.
pub(super) fn answer(response: Response, path: &ApiPath) -> Result<AnswerText, ClientError> {
    let Response { status, reason, location, body } = response;
    match status {
        200..=299 => Ok(AnswerText { status, reason, body: success(body, path)? }),
        300..=399 => Err(ClientError::Redirected { path: path.clone(), status, location }),
        // These come from a proxy in front of Proxmox, and say nothing about the object.
        502..=504 => Err(ClientError::Unavailable { path: path.clone(), status, reason }),
        _ => Ok(AnswerText { status, reason, body: refusal(&body).to_string() }),
    }
}

/// Checks the body of a success, which is JSON and has `data`.
fn success(body: Vec<u8>, path: &ApiPath) -> Result<String, ClientError> {
    let not_json = |source| ClientError::NotJson { path: path.clone(), source };
    let text = String::from_utf8(body).map_err(|error| not_json(serde_json::Error::custom(error)))?;
    match serde_json::from_str::<BTreeMap<String, &RawValue>>(&text) {
        Ok(parts) if parts.contains_key("data") => Ok(text),
        Err(error) if !error.is_data() => Err(not_json(error)),
        _ => Err(ClientError::NoData { path: path.clone() }),
    }
}

/// Reads the body of a refusal: JSON as a rule, nothing for an unknown method, plain text for refusals of `pveproxy` itself.
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

    fn response(status: u16, body: &str) -> Response {
        Response { status, reason: "reason".to_owned(), location: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn refusals_are_answers() {
        let check = |status: u16, body: &str, expected: Value| {
            let answer = answer(response(status, body), &ApiPath::parse("version")).unwrap().parsed().unwrap();
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
            let error = answer(response(status, body), &ApiPath::parse("version")).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(200, "<html>", "the answer to `version` is not JSON");
        check(200, r#"{"data": {"version""#, "the answer to `version` is not JSON");
        check(200, "[]", "the answer to `version` does not come from Proxmox: it has no `data`");
        check(200, "5", "the answer to `version` does not come from Proxmox: it has no `data`");
        check(301, "", "`version` was answered with a redirect (301)");
        check(503, "", "`version` could not be answered: 503 reason");
    }
}
