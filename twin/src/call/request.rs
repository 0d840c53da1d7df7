//! Request: a call of a writing method before anything of it was checked.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Map, Value};

use super::login::Login;

/// A request to a writing method as it came in: nothing of it has been checked.
#[derive(Debug)]
pub struct Request {
    /// Verb: what is to be done.
    pub verb: Verb,
    /// Path, without the query.
    pub path: ApiPath,
    /// The parameters of query and body.
    pub parameters: Map<String, Value>,
    /// The size of the file that came along, in bytes.
    pub uploaded: Option<u64>,
    /// Login that makes the request.
    pub login: Login,
    /// Time of the request, in seconds since 1970.
    pub now: i64,
    /// Time for which a task that it starts is shown as running, in seconds.
    pub duration: i64,
}
