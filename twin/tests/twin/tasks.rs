//! Writes over HTTP and the tasks that they start, as tests of several rooms send them.

use serde_json::Value;

use crate::support::{Client, TOKEN};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// Sends a form; the data of the answer, and what it says where it refuses: the message, or what is wrong with which
/// parameter.
pub(crate) fn send(client: &mut Client, method: &str, path: &str, form: &str) -> (Value, Value) {
    let body = client.send(method, &format!("/api2/json/{path}"), &[TOKEN, FORM], form).answer().body;
    let told = body.get("errors").or_else(|| body.get("message")).cloned();
    (body["data"].clone(), told.unwrap_or_default())
}

/// The task that a write starts.
fn task(client: &mut Client, method: &str, path: &str, form: &str) -> String {
    let (upid, told) = send(client, method, path, form);
    let upid = upid.as_str().unwrap_or_else(|| panic!("{method} {path} {form}: {told}")).to_owned();
    let escaped = upid.replace('>', "%3E");
    format!("nodes/{}/tasks/{escaped}", upid.split(':').nth(1).unwrap())
}

/// How the task of a write ended.
pub(crate) fn end(client: &mut Client, method: &str, path: &str, form: &str) -> Value {
    let task = task(client, method, path, form);
    read(client, &format!("{task}/status"))["exitstatus"].take()
}

/// What the task of a write says.
pub(crate) fn log(client: &mut Client, method: &str, path: &str, form: &str) -> Vec<String> {
    let task = task(client, method, path, form);
    let lines = read(client, &format!("{task}/log"));
    lines.as_array().unwrap().iter().map(|line| line["t"].as_str().unwrap().to_owned()).collect()
}

/// The data of a GET.
pub(crate) fn read(client: &mut Client, path: &str) -> Value {
    client.get(&format!("/api2/json/{path}")).answer().body["data"].take()
}
