//! What comes before a method itself: whether the login may call it, and whether its node is there.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::schema::MatchedMethod;

use super::{Refusal, Request};
use crate::rights::{self, Class, Rights};
use crate::state::Transaction;

/// Refuses a call that does not get as far as its method.
///
/// A missing permission is told before a missing node, and both before wrong parameters.
pub(super) fn check(
    transaction: &Transaction,
    request: &Request,
    found: &MatchedMethod,
    class: Class,
) -> Result<(), Refusal> {
    rights::check_token(found, &request.path, &request.login)?;
    if class == Class::Checked || class == Class::RootToken && !rights::plainly_passes(found, &request.parameters) {
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
