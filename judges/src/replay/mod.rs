//! `replay`: sends recorded requests to a server and compares its answers with the recorded ones.

mod carried;
mod equality;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::archive::{Exchanges, is_json};
use crate::exchange::Exchange;
use crate::network::{Network, Received};
use crate::{JudgeError, Lines, Verdict};
use carried::Carried;
pub(crate) use equality::Equality;

/// Send recorded requests to a server and compare its answers
///
/// The folder holds recorded exchanges, one JSON file each ({"request": …, "response": …}), which are sent in the order of
/// their names. Two answers are equal if status, reason phrase, JSON types and values are equal. Times, process ids and
/// measured load are ignored. Values that the server makes up (UPIDs, digests, MAC addresses, UUIDs, tickets) may differ,
/// and are carried over into later requests. fixtures/exchanges/equality.json has the rules.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// URL of the server: https://HOST:PORT
    pub endpoint: String,
    /// Folder of the exchanges
    pub folder: PathBuf,
    /// Show the first N differences
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub show: usize,
    /// Send only the exchanges whose file name contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub only: String,
    /// Number of seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    pub timeout: u64,
    /// Number of answers that must be equal
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub floor: usize,
}

/// Comparison of one answer with the recorded one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compared {
    /// File name of the exchange.
    pub(crate) exchange: String,
    /// First difference; `None` if the answers are equal.
    pub(crate) difference: Option<String>,
}

impl Arguments {
    /// Sends the requests and prints the differences.
    pub fn run(&self, lines: &mut Lines<'_>) -> Result<Verdict, JudgeError> {
        let exchanges = self.exchanges()?;
        let network = Network::new(Duration::from_secs(self.timeout))?;
        let endpoint = self.endpoint.trim_end_matches('/');
        let compared = replay(&network, endpoint, &exchanges, &Equality::read()?);
        let differing: Vec<&Compared> = compared.iter().filter(|compared| compared.difference.is_some()).collect();
        for Compared { exchange, difference } in differing.iter().take(self.show) {
            lines(&format!("differs  {exchange}: {}", difference.as_deref().unwrap_or_default()));
        }
        if differing.len() > self.show {
            lines(&format!("… and {} more", differing.len() - self.show));
        }
        let (equal, total) = (compared.len() - differing.len(), compared.len());
        lines(&format!("{equal} of {total} equal ({})", percentage(equal, total)));
        let passed = equal >= self.floor;
        let report =
            json!({ "passed": passed, "equal": equal, "total": total, "floor": self.floor, "differences": differing });
        Ok(Verdict::Judged { passed, report })
    }

    fn exchanges(&self) -> Result<Exchanges, JudgeError> {
        let mut exchanges = Exchanges::new();
        for entry in std::fs::read_dir(&self.folder).map_err(JudgeError::file(&self.folder))? {
            let path = entry.map_err(JudgeError::file(&self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if is_json(&name) && name.contains(&self.only) {
                let text = std::fs::read(&path).map_err(JudgeError::file(&path))?;
                let form = |source| JudgeError::Form { name: path.display().to_string(), source };
                exchanges.insert(name, serde_json::from_slice(&text).map_err(form)?);
            }
        }
        if exchanges.is_empty() {
            return Err(JudgeError::Usage(format!("`{}` holds no recorded exchanges", self.folder.display())));
        }
        Ok(exchanges)
    }
}

/// A share as people read it: `98.2 %`.
pub(crate) fn percentage(part: usize, whole: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "there are some thousand exchanges")]
    let share = if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 };
    format!("{share:.1} %")
}

/// Sends the exchanges in the order of their names, and compares each answer.
pub(crate) fn replay(network: &Network, endpoint: &str, exchanges: &Exchanges, equality: &Equality) -> Vec<Compared> {
    let mut carried = Carried::default();
    let mut compared = Vec::new();
    for (name, document) in exchanges {
        // Measured series are of the moment of their recording.
        let exchange = Exchange::parse(document).filter(|exchange| !exchange.request.path.contains("rrddata"));
        let Some(exchange) = exchange else { continue };
        let difference = match answer(network, endpoint, name, &exchange, &carried) {
            Err(error) => Some(format!("no answer: {error}")),
            Ok(received) => {
                let body = received.json();
                if let (Some(recorded), Some(new)) = (&exchange.body, &body) {
                    carried.learn(recorded, new, equality);
                }
                difference(name, &exchange, &received, body, equality)
            }
        };
        compared.push(Compared { exchange: name.clone(), difference });
    }
    compared
}

/// The answer to a request. The end of a task is waited for where the recording has waited for it.
fn answer(
    network: &Network,
    endpoint: &str,
    name: &str,
    exchange: &Exchange,
    carried: &Carried,
) -> Result<Received, String> {
    let request = carried.applied(&exchange.request);
    let is_final = name.contains("final") || polled(exchange) == Some("stopped");
    let mut attempts = 60;
    loop {
        attempts -= 1;
        let received = network.send(endpoint, &request)?;
        let is_running = received.json().is_some_and(|body| body["data"]["status"] == "running");
        if !(is_final && is_running) || attempts == 0 {
            return Ok(received);
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Recorded status of a task, if the request asks for one.
fn polled(exchange: &Exchange) -> Option<&str> {
    let path = &exchange.request.path;
    let is_task = path.contains("/tasks/") && path.ends_with("/status");
    exchange.body.as_ref().filter(|_| is_task)?.get("data")?.get("status")?.as_str()
}

/// The first difference between an answer and the recorded one.
fn difference(
    name: &str,
    exchange: &Exchange,
    received: &Received,
    body: Option<Value>,
    equality: &Equality,
) -> Option<String> {
    if received.status != exchange.status {
        let message = body.as_ref().and_then(|body| body["message"].as_str()).unwrap_or(&received.text);
        let message = shortened(equality.plain(message).trim(), 120);
        return Some(format!("status {}, recorded {} ({message})", received.status, exchange.status));
    }
    // The HTTP library reads a phrase with other bytes than ASCII as an empty one.
    let is_lost = received.reason.is_empty() && !exchange.reason.is_ascii();
    if !is_lost && equality.plain(&received.reason) != equality.plain(&exchange.reason) {
        return Some(format!("reason `{}`, recorded `{}`", received.reason, exchange.reason));
    }
    let Some(recorded) = &exchange.body else {
        let same = received.text == exchange.text;
        let texts = (shortened(&received.text, 120), shortened(&exchange.text, 120));
        return (!same).then(|| format!("body `{}`, recorded `{}`", texts.0, texts.1));
    };
    let is_log = name.contains("_log");
    let mut sides = [recorded.clone(), body.unwrap_or_default()].map(|side| equality.normal(side, is_log));
    // Whether a task runs still at the first look is a matter of luck.
    let is_early = name.contains("first_poll") || polled(exchange) == Some("running");
    if is_early && sides.iter().all(Value::is_object) {
        for data in sides.iter_mut().filter_map(|side| side.get_mut("data")?.as_object_mut()) {
            data.remove("status");
            data.remove("exitstatus");
        }
    }
    equality::first_difference(&sides[0], &sides[1], "body")
}

/// The first characters of a text.
fn shortened(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_compared_with_the_recorded_one() {
        let equality = Equality::read().unwrap();
        let check = |name: &str, recorded: Value, answer: (u16, &str, &str), expected: Option<&str>| {
            let request = json!({ "method": "GET", "path": "/api2/json/nodes/pve/tasks/UPID/status" });
            let exchange = Exchange::parse(&json!({ "request": request, "response": recorded })).unwrap();
            let (status, reason, text) = answer;
            let received = Received { status, reason: reason.to_owned(), text: text.to_owned() };
            let found = difference(name, &exchange, &received, received.json(), &equality);
            assert_eq!(found.as_deref(), expected, "{name} {recorded}");
        };
        let ok = |body: Value| json!({ "status": 200, "reason": "OK", "body": body });
        check("1.json", ok(json!({ "data": 1 })), (200, "OK", "{\"data\": 1}"), None);
        check("1.json", ok(json!({ "data": 1 })), (200, "OK", "{\"data\": 2}"), Some("body.data: 2, recorded 1"));
        check("1.json", ok(json!({ "data": 1 })), (200, "Fine", "{\"data\": 1}"), Some("reason `Fine`, recorded `OK`"));
        let other_bytes = json!({ "status": 501, "reason": "Gr\u{c3}\u{b6}\u{c3}\u{9f}e", "body": { "data": null } });
        check("1.json", other_bytes, (501, "", "{\"data\": null}"), None);
        let refused = "{\"data\": null, \"message\": \"no such node\"}";
        check(
            "1.json",
            ok(json!({ "data": 1 })),
            (500, "Error", refused),
            Some("status 500, recorded 200 (no such node)"),
        );
        let text = json!({ "status": 401, "reason": "No", "body_raw": "one" });
        check("1.json", text.clone(), (401, "No", "one"), None);
        check("1.json", text, (401, "No", "two"), Some("body `two`, recorded `one`"));
        let running = ok(json!({ "data": { "status": "running" } }));
        check("1.json", running, (200, "OK", "{\"data\": {\"status\": \"stopped\", \"exitstatus\": \"OK\"}}"), None);
        let stopped = ok(json!({ "data": { "status": "stopped" } }));
        let differs = Some("body.data.status: \"running\", recorded \"stopped\"");
        check("1_final.json", stopped, (200, "OK", "{\"data\": {\"status\": \"running\"}}"), differs);
    }

    #[test]
    fn shares_are_percentages() {
        let check = |part, whole, expected: &str| assert_eq!(percentage(part, whole), expected);
        check(384, 423, "90.8 %");
        check(1756, 1760, "99.8 %");
        check(0, 0, "100.0 %");
    }
}
