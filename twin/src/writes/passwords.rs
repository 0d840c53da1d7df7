//! Passwords that users change (`PVE::API2::AccessControl`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use super::method::Write;
use crate::call::{Call, Refusal};
use crate::credentials::PASSWORD;
use crate::state::Transaction;

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[Write { verb: Verb::Put, path: "/access/password", run: change }];

/// Types of realms whose passwords Proxmox keeps itself.
const OWN: [&str; 2] = ["pam", "pve"];

/// Sets a password. A user other than root confirms it with the current one, as far as a client has set that: a
/// password that only the file of logins has was asked for at the login.
fn change(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let user = call.required("userid")?;
    if transaction.row(&ApiPath::parse("access/users"), "userid", &user)?.is_none() {
        return Err(Refusal::failed(format!("no such user ('{user}')")));
    }
    let realm = user.rsplit('@').next().unwrap_or_default();
    if !call.login.is_root() {
        let denied = || Err(Refusal::Message { status: 403, text: "Permission check failed".to_owned() });
        if user == "root@pam" {
            return denied();
        }
        let Some(given) = call.text("confirmation-password") else {
            return Err(Refusal::parameter("confirmation-password", "password is required to modify user"));
        };
        let own = transaction.recall(&format!("{PASSWORD}{}", call.login.user));
        if own.is_some_and(|own| own != given.as_str()) {
            return Err(Refusal::failed("invalid credentials"));
        }
        if realm == "pam" && call.login.user != user {
            return denied();
        }
    }
    let kind = transaction.row(&ApiPath::parse("access/domains"), "realm", realm)?;
    let Some(kind) = kind.and_then(|row| row.get("type").and_then(text)) else {
        return Err(Refusal::failed(format!("auth domain '{realm}' does not exist")));
    };
    if !OWN.contains(&kind.as_str()) {
        return Err(Refusal::failed(format!("can't set password on auth type '{kind}'")));
    }
    transaction.remember(&format!("{PASSWORD}{user}"), call.required("password")?);
    Ok(Value::Null)
}
