//! Notifications: rules that the schema does not have (`proxmox-notify`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

const ENDPOINTS: &[&str] = &["endpoints/gotify", "endpoints/sendmail", "endpoints/smtp", "endpoints/webhook"];

/// The objects of one list of `cluster/notifications`.
fn rows(transaction: &Transaction, list: &str) -> Result<Vec<Row>, Refusal> {
    transaction.rows(&ApiPath::parse(&format!("cluster/notifications/{list}")))
}

fn is_named(row: &Row, name: &str) -> bool {
    row.get("name").is_some_and(|own| own == name)
}

fn is_endpoint(transaction: &Transaction, name: &str) -> Result<bool, Refusal> {
    for list in ENDPOINTS {
        if rows(transaction, list)?.iter().any(|row| is_named(row, name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses a name that another endpoint or matcher has, and a matcher whose targets do not exist.
pub(super) fn settle(
    transaction: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    let name = call.required("name")?;
    if let Some(secrets) = call.parameters.get("secret") {
        row.insert("secret".to_owned(), names(secrets));
    }
    for target in call.list("target") {
        if !is_endpoint(transaction, &target)? {
            return Err(Refusal::Message { status: 404, text: format!("endpoint '{target}' does not exist") });
        }
    }
    let Some(before) = before else {
        row.insert("origin".to_owned(), "user-created".into());
        let taken = is_endpoint(transaction, &name)?
            || rows(transaction, "matchers")?.iter().any(|matcher| is_named(matcher, &name));
        let text = format!("Cannot create '{name}', an entity with the same name already exists");
        return if taken { Err(Refusal::Message { status: 400, text }) } else { Ok(()) };
    };
    if before.get("origin").is_some_and(|origin| origin == "builtin") {
        row.insert("origin".to_owned(), "modified-builtin".into());
    }
    Ok(())
}

/// The names of the secrets of a webhook, which are all that Proxmox shows of them.
fn names(secrets: &Value) -> Value {
    let listed = secrets.as_array().into_iter().flatten().filter_map(text);
    let secrets = listed.chain(secrets.as_str().map(str::to_owned));
    let name = |secret: String| Properties::parse(&secret).get("name").map(|name| format!("name={name}"));
    secrets.filter_map(name).collect::<Vec<_>>().into()
}

/// Refuses to remove an endpoint that a matcher names.
pub(super) fn part(transaction: &Transaction, call: &Call, row: &Row) -> Result<(), Refusal> {
    if !call.method.path.contains("/endpoints/") {
        return Ok(());
    }
    let name = row.get("name").and_then(text).unwrap_or_default();
    let names = |matcher: &&Row| {
        let targets = matcher.get("target").and_then(Value::as_array);
        targets.is_some_and(|targets| targets.iter().any(|target| *target == name))
    };
    let matchers = rows(transaction, "matchers")?;
    let referrers: Vec<String> =
        matchers.iter().filter(names).filter_map(|matcher| matcher.get("name").and_then(text)).collect();
    if referrers.is_empty() {
        return Ok(());
    }
    let text = format!("cannot delete '{name}', referenced by: {}", referrers.join(", "));
    Err(Refusal::Message { status: 400, text })
}
