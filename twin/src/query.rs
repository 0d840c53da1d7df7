//! Numbers in the query of a request.

use proxmox_mpc_model::ApiPath;

/// A number that the query gives; `None` for no number and where it gives nothing.
pub(crate) fn number(path: &ApiPath, name: &str) -> Option<usize> {
    path.query().iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
}
