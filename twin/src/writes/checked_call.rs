//! Checked call: a request after the checks that come before the work of its method.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::derived::{Deriver, no_method};
use proxmox_mpc_model::schema::{self, MatchedMethod};

use crate::call::{Call, Refusal, Request};
use crate::rights::{self, Checks, Rights};
use crate::state::Transaction;

/// Checks a call in Proxmox's order: the method exists, the login may call it, the node exists, the parameters are
/// right.
pub(super) fn checked_call(transaction: &Transaction, request: Request, class: Checks) -> Result<Call, Refusal> {
    let deriver = Deriver::new(transaction);
    let (mut segments, release) = (deriver.canonical(request.path.clone())?.segments(), deriver.release()?);
    if segments.len() > 1 && segments[0] == "nodes" && segments[1] == "localhost" {
        segments[1] = transaction.local_node()?;
    }
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(found) = release.schema().find(request.verb, &words) else {
        return Err(Refusal::Answer(no_method(request.verb, &words)));
    };
    before_parameters(transaction, &request, &found, class)?;
    let mut parameters = request.parameters;
    for (name, value) in &found.captured {
        let given = parameters.insert((*name).to_owned(), value.as_str().into());
        if given.is_some_and(|given| proxmox_mpc_model::object::text(&given).as_ref() != Some(value)) {
            let conflict = "duplicate parameter (already defined in URI) with conflicting values!";
            return Err(Refusal::parameter(name, conflict));
        }
    }
    schema::check(&found, &mut parameters).map_err(Refusal::Parameters)?;
    let call = Call {
        method: found.method,
        path: ApiPath::new(&segments),
        segments,
        parameters,
        captured: found.captured.iter().map(|(name, _)| *name).collect(),
        uploaded: request.uploaded,
        login: request.login,
        duration: request.duration,
        checked: class != Checks::All,
    };
    if class == Checks::Checked {
        Rights::read(transaction)?.check_own(transaction, &call)?;
    }
    Ok(call)
}

/// Does the checks that come before those of parameters: a missing permission is answered before a missing node, and
/// both before wrong parameters (recorded).
///
/// A missing permission is told before a missing node, and both before wrong parameters.
fn before_parameters(
    transaction: &Transaction,
    request: &Request,
    found: &MatchedMethod,
    class: Checks,
) -> Result<(), Refusal> {
    rights::check_token(found, &request.path, &request.login)?;
    if class == Checks::Checked || class == Checks::RootToken && !rights::plainly_passes(found, &request.parameters) {
        Rights::read(transaction)?.check(transaction, &request.login, found, &request.parameters)?;
    }
    let captured = |name: &str| found.captured.iter().find(|(captured, _)| *captured == name).map(|(_, value)| value);
    let Some(node) = found.method.proxyto.as_deref().and_then(captured) else { return Ok(()) };
    let nodes = transaction.rows(&ApiPath::parse("nodes"))?;
    let known = nodes.iter().any(|row| row.get("node").is_some_and(|name| name == node));
    if known || nodes.is_empty() {
        return Ok(());
    }
    let why = format!("failed to get address info for: {node}: Name or service not known");
    Err(Refusal::failed(format!("hostname lookup '{node}' failed - {why}")))
}
