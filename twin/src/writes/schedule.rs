//! Schedule: work that Proxmox does by itself some time after it was asked, such as the HA manager and replication.
//!
//! A piece of work is remembered with its time, and done before the first request after it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::Login;
use crate::state::{Transaction, View};

/// The beginning of the memories of scheduled work: `due/000001795395090/0000000000000003`.
const DUE: &str = "due/";
/// The memory of the number of pieces of work so far.
const COUNT: &str = "dues";

/// A piece of work that is done later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(super) enum Work {
    /// The HA manager brings a resource into the state that is wanted of it: `vm:100`.
    Manage { sid: String },
    /// The HA manager moves a resource to a node; `relocate` stops it for that.
    Move { sid: String, node: String, relocate: bool },
    /// A replication job runs: `100-0`.
    Replicate { job: String },
}

/// Schedules work in so many seconds.
pub(super) fn later(transaction: &mut Transaction, seconds: i64, work: &Work) {
    let count = transaction.recall(COUNT).and_then(|count| count.as_u64()).unwrap_or_default();
    transaction.remember(COUNT, count + 1);
    let at = transaction.now() + seconds;
    transaction.remember(&format!("{DUE}{at:015}/{count:016}"), json!(work));
}

/// Reports whether work is due by now, in seconds since 1970.
pub(crate) fn is_due(view: &View, now: i64) -> bool {
    view.memories(DUE).first().is_some_and(|(key, _)| *key < until(now))
}

/// The work that is due by now, by the key of its memory; `None` for a memory that another version of the twin wrote.
pub(super) fn due(view: &View, now: i64) -> Vec<(String, Option<Work>)> {
    let all = view.memories(DUE).into_iter().filter(|(key, _)| *key < until(now));
    all.map(|(key, work)| (key, Work::deserialize(&*work).ok())).collect()
}

/// The first key that is not due yet.
fn until(now: i64) -> String {
    format!("{DUE}{:015}", now + 1)
}

/// The login of what Proxmox does by itself.
pub(super) fn itself() -> Login {
    Login { user: "root@pam".to_owned(), token: None }
}
