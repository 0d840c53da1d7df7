//! Exchanges: a request to a cluster, and its answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// A request as it was sent.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// `/api2/json/pools?poolid=prod`
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) body: Option<String>,
}

/// A request with its recorded answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) status: u16,
    /// Reason phrase of the status line.
    pub(crate) reason: String,
    /// Body, if it is JSON.
    pub(crate) body: Option<Value>,
    /// Body, if it is not JSON.
    pub(crate) text: String,
}

impl Exchange {
    /// Reads `{"request": …, "response": …}`; `None` for other documents, as an index or a summary beside the exchanges.
    pub(crate) fn parse(document: &Value) -> Option<Self> {
        let response = document.get("response")?;
        let text = |key: &str| response.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            request: Request::deserialize(document.get("request")?).ok()?,
            status: response.get("status")?.as_u64()?.try_into().ok()?,
            reason: text("reason"),
            body: response.get("body").filter(|body| !body.is_null()).cloned(),
            text: text("body_raw"),
        })
    }

    /// The answer as a recording holds it.
    pub(crate) fn response(&self) -> Value {
        json!({ "status": self.status, "reason": self.reason, "body": self.body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_documents_are_no_exchanges() {
        let check = |document: Value, expected: Option<u16>| {
            let status = Exchange::parse(&document).map(|exchange| exchange.status);
            assert_eq!(status, expected, "{document}");
        };
        let request = json!({ "method": "GET", "path": "/api2/json/version" });
        check(json!({ "request": request, "response": { "status": 200, "reason": "OK" } }), Some(200));
        check(json!({ "request": request, "response": { "reason": "OK" } }), None);
        check(json!({ "request": { "path": "/" }, "response": { "status": 200 } }), None);
        check(json!(["an index"]), None);
    }
}
