//! What comes before a method itself: whether the login may call it, and whether its node is there.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::schema::Found;

use super::{Login, Refusal};
use crate::state::Transaction;

/// Refuses a call that does not get as far as its method.
///
/// A missing permission is told before a missing node, and both before wrong parameters.
pub(super) fn check(
    transaction: &Transaction,
    request_path: &ApiPath,
    found: &Found,
    login: &Login,
) -> Result<(), Refusal> {
    if login.token.is_some() && !found.method.allows_tokens {
        let path = request_path.segments().join("/");
        // The line end inside of the brackets is Proxmox's.
        let text =
            format!("Permission check failed (URI '/{path}' not available with API token, need proper ticket.\n)");
        return Err(Refusal::Message { status: 403, text });
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
