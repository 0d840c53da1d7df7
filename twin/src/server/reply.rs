//! One HTTP response in `pveproxy`'s form: its headers, its reason phrase, and when the connection ends.

use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, DATE, EXPIRES, PRAGMA, SERVER};
use axum::http::{HeaderValue, Response, StatusCode};
use hyper::ext::ReasonPhrase;
use proxmox_mpc_model::{Answer, AnswerText};
use serde_json::json;

/// Reply to one request.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    status: StatusCode,
    reason: ReasonPhrase,
    content_type: Option<&'static str>,
    body: Bytes,
}

impl Reply {
    /// An answer of the API.
    pub(super) fn new(answer: AnswerText) -> Self {
        Self {
            // Only a damaged recording has a status that HTTP does not know.
            status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            reason: reason(&answer.reason),
            content_type: Some("application/json;charset=UTF-8"),
            body: answer.body.into(),
        }
    }

    /// A refusal whose only message is the reason phrase.
    pub(super) fn empty(status: StatusCode, message: &str) -> Self {
        Self { status, reason: reason(message), content_type: None, body: Bytes::new() }
    }

    /// A refusal outside of the API, which repeats its reason as plain text with this line end.
    pub(super) fn plain(status: StatusCode, message: &str, end: &str) -> Self {
        Self { body: format!("{message}{end}").into(), ..Self::empty(status, message) }
    }

    /// `501`, whose message has no line end (docs/proxmox.md, "Transport").
    pub(super) fn not_implemented(message: &str) -> Self {
        let body = json!({ "data": null, "message": message });
        Self::new(Answer { status: 501, reason: message.to_owned(), body }.into())
    }

    /// The same in the form that the web interface asks for (`/api2/extjs/`): always 200, and the status in the body.
    pub(super) fn for_extjs(self) -> Self {
        let Ok(serde_json::Value::Object(mut body)) = serde_json::from_slice(&self.body) else { return self };
        let success = self.status.is_success();
        body.insert("success".to_owned(), u8::from(success).into());
        if !success {
            // A wrong parameter's status is text (recorded).
            let number = self.status.as_u16();
            let status = if body.contains_key("errors") { number.to_string().into() } else { number.into() };
            body.insert("status".to_owned(), status);
        }
        let body = serde_json::Value::Object(body).to_string().into();
        Self { status: StatusCode::OK, reason: reason("OK"), body, ..self }
    }

    /// Memory that it takes to keep this, in bytes.
    pub(super) fn size(&self) -> usize {
        self.body.len() + size_of::<Self>()
    }

    /// The response with `pveproxy`'s headers. Everything but a success ends the connection.
    pub(super) fn into_response(self) -> Response<Body> {
        let success = self.status == StatusCode::OK;
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=0"));
        headers.insert(CONNECTION, HeaderValue::from_static(if success { "Keep-Alive" } else { "close" }));
        if let Ok(now) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::now())) {
            headers.insert(DATE, now.clone());
            headers.insert(EXPIRES, now);
        }
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(SERVER, HeaderValue::from_static("pve-api-daemon/3.0"));
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        response.extensions_mut().insert(self.reason);
        response
    }
}

/// Encodes a reason phrase. Recordings keep it as readers of HTTP do, one character for each byte; other characters go
/// as UTF-8, and a control character becomes a blank.
fn reason(text: &str) -> ReasonPhrase {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte) if byte < b' ' && byte != b'\t' || byte == 0x7f => bytes.push(b' '),
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    ReasonPhrase::try_from(bytes).expect("control characters were replaced, and HTTP allows every other byte")
}
