//! Accounts at a certificate authority (`PVE::API2::ACMEAccount`). The authority is not contacted: the twin believes
//! that it agrees.

use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{ApiPath, list};
use serde_json::{Value, json};

use super::method::Write;
use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/cluster/acme/account", run: register },
    Write { verb: Verb::Put, path: "/cluster/acme/account/{name}", run: update },
    Write { verb: Verb::Delete, path: "/cluster/acme/account/{name}", run: deactivate },
];

/// The authority of a call that names none.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

fn accounts() -> ApiPath {
    ApiPath::parse("cluster/acme/account")
}

fn account(name: &str) -> ApiPath {
    ApiPath::new(["cluster", "acme", "account", name])
}

fn name(call: &Call) -> String {
    call.text("name").unwrap_or_else(|| "default".to_owned())
}

fn contact(call: &Call) -> Vec<String> {
    list::items(&call.text("contact").unwrap_or_default()).map(|address| format!("mailto:{address}")).collect()
}

fn register(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let name = name(call);
    if transaction.row(&accounts(), "name", &name)?.is_some() {
        let why = format!("ACME account config file '{name}' already exists.");
        return Err(Refusal::parameter("name", why));
    }
    let directory = call.text("directory").unwrap_or_else(|| DIRECTORY.to_owned());
    let node = transaction.local_node()?;
    transaction.task(call, &node, "acmeregister", "", |transaction, log| {
        let place = directory.trim_end_matches("/directory");
        let mut made = json!({
            "account": { "contact": contact(call), "status": "valid" },
            "directory": directory,
            "location": format!("{place}/acct/{name}"),
        });
        if let Some(terms) = call.text("tos_url") {
            made["tos"] = terms.into();
        }
        transaction.set(&account(&name), made);
        transaction.put_row(&accounts(), "name", [("name".to_owned(), json!(name))].into_iter().collect())?;
        log.push("Registering new ACME account..".to_owned());
        Ok(())
    })
}

/// The account that a call names, which must be there.
fn known(transaction: &Transaction, call: &Call) -> Result<String, Refusal> {
    let name = name(call);
    if transaction.row(&accounts(), "name", &name)?.is_some() {
        return Ok(name);
    }
    Err(Refusal::parameter("name", format!("ACME account config file '{name}' does not exist.")))
}

/// Changes the addresses; without any the account is only asked for.
fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let name = known(transaction, call)?;
    let kind = if call.text("contact").is_some() { "acmeupdate" } else { "acmerefresh" };
    let node = transaction.local_node()?;
    transaction.task(call, &node, kind, "", |transaction, _| {
        let mut own = transaction.object(&account(&name))?;
        if call.text("contact").is_some() {
            let details = own.entry("account").or_insert_with(|| json!({ "status": "valid" }));
            details["contact"] = json!(contact(call));
            transaction.set(&account(&name), own);
        }
        Ok(())
    })
}

/// `DELETE` of an account, which Proxmox renames so that no list shows it.
fn deactivate(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let name = known(transaction, call)?;
    let node = transaction.local_node()?;
    transaction.task(call, &node, "acmedeactivate", "", |transaction, _| {
        transaction.hide(&account(&name));
        transaction.remove_row(&accounts(), "name", &name)
    })
}
