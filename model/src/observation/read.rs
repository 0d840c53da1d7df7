//! Reading of an observation from the answers of a cluster.

use serde_json::Value;

use super::{ObjectState, Observation};
use crate::kinds::KINDS;
use crate::object::text;
use crate::{Answer, Answers, ApiPath, Cluster, Unread, Unreadable};

impl Observation {
    /// Reads every object of every kind from these answers.
    ///
    /// # Errors
    /// A stored answer that cannot be read back.
    pub fn read(answers: &dyn Answers) -> Result<Self, Unreadable> {
        let cluster = Cluster::read(answers)?;
        let mut observation =
            Self { cluster: cluster_name(&cluster)?, version: cluster.version.clone(), ..Self::default() };
        for kind in KINDS {
            let listing = kind.list(&cluster)?;
            observation.not_read.extend(listing.incomplete.map(|reasons| Unread::list(kind.prefix, reasons)));
            for entry in listing.entries {
                match kind.read(&cluster, &entry)? {
                    Ok(object) => {
                        observation.objects.insert(entry.identity, ObjectState::of(kind, object));
                    }
                    Err(reason) => observation.not_read.push(Unread::object(entry.identity, reason)),
                }
            }
        }
        observation.not_read.sort_by(|one, other| one.identity.cmp(&other.identity));
        Ok(observation)
    }
}

/// The name of the cluster in `cluster/status`; without a cluster, the name of the node that stands there alone.
fn cluster_name(cluster: &Cluster<'_>) -> Result<Option<String>, Unreadable> {
    let Some(answer) = cluster.get(&ApiPath::parse("cluster/status"))? else { return Ok(None) };
    let named = |answer: &Answer, row_type: &str| {
        let row = answer.list().find(|row| row.get("type").and_then(Value::as_str) == Some(row_type));
        row.and_then(|row| row.get("name")).and_then(text)
    };
    Ok(named(&answer, "cluster").or_else(|| named(&answer, "node")))
}
