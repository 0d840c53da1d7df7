//! Guests that the list of everything lacks and another answer names.
//!
//! Proxmox makes `cluster/resources`, the lists of the nodes, the members of the pools and the resources of HA from the
//! same configuration files. Where they disagree, one of them was cut off or is late, and nothing follows from what it
//! lacks.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::object::text;
use crate::overview::RESOURCES;
use crate::{ApiPath, Cluster, NotRead, Unreadable, VmId, list};

/// Number of guests that a reason names; the rest is counted.
const NAMED: usize = 3;

impl Cluster<'_> {
    /// The guests that the list of everything lacks, each with an answer that names it.
    ///
    /// A backup job keeps the number of a guest that was removed without being purged, so it counts only where no
    /// node's own list is on record.
    pub(crate) fn overlooked(&self) -> Result<Rc<BTreeMap<VmId, ApiPath>>, Unreadable> {
        if let Some(known) = self.overlooked.get() {
            return Ok(Rc::clone(known));
        }
        let mut overlooked = BTreeMap::new();
        let mut listed_by_nodes = false;
        for (node, word) in self.nodes.keys().flat_map(|node| [(node, "qemu"), (node, "lxc")]) {
            let path = ApiPath::new(["nodes", node, word]);
            listed_by_nodes |=
                self.named_by(&path, &mut overlooked, |row| row.get("vmid").and_then(text).into_iter().collect())?;
        }
        for pool in self.pools.keys() {
            let path = ApiPath::new(["pools"]).with_query("poolid", pool);
            self.named_by(&path, &mut overlooked, members)?;
        }
        self.named_by(&ApiPath::parse("cluster/ha/resources"), &mut overlooked, |row| {
            let sid = row.get("sid").and_then(text).unwrap_or_default();
            sid.split_once(':').map(|(_, vmid)| vmid.to_owned()).into_iter().collect()
        })?;
        if !listed_by_nodes {
            self.named_by(&ApiPath::parse("cluster/backup"), &mut overlooked, |row| {
                let chosen = row.get("vmid").and_then(text).unwrap_or_default();
                list::items(&chosen).map(str::to_owned).collect()
            })?;
        }
        Ok(Rc::clone(self.overlooked.get_or_init(|| Rc::new(overlooked))))
    }

    /// Adds the guests that the rows of a list name and the list of everything lacks. Reports whether there is such a
    /// list.
    fn named_by(
        &self,
        path: &ApiPath,
        overlooked: &mut BTreeMap<VmId, ApiPath>,
        vmids: impl Fn(&Map<String, Value>) -> Vec<String>,
    ) -> Result<bool, Unreadable> {
        self.each(path, |row| {
            let named = vmids(&row).into_iter().filter_map(|vmid| VmId::parse(&vmid));
            for vmid in named.filter(|vmid| !self.guests.contains_key(vmid)) {
                overlooked.entry(vmid).or_insert_with(|| path.clone());
            }
        })
    }

    /// The reason why the list of guests is not complete, but for the rights of the login.
    pub(crate) fn guests_problem(&self) -> Result<Option<NotRead>, Unreadable> {
        if let Some(problem) = self.problem(RESOURCES) {
            return Ok(Some(problem.clone()));
        }
        let overlooked = self.overlooked()?;
        let Some(first) = overlooked.values().next() else { return Ok(None) };
        Ok(Some(NotRead::Disagreement {
            list: ApiPath::parse(RESOURCES),
            lacking: overlooked.keys().take(NAMED).map(ToString::to_string).collect(),
            more: overlooked.len().saturating_sub(NAMED),
            named_by: first.clone(),
        }))
    }
}

/// The guests among the members of a pool.
fn members(pool: &Map<String, Value>) -> Vec<String> {
    let members = pool.get("members").and_then(Value::as_array).into_iter().flatten();
    members.filter_map(|member| member.get("vmid").and_then(text)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Answer;

    #[test]
    fn a_guest_that_one_list_lacks_and_another_names_is_not_gone() {
        let check = |more: &[(&str, Value)], expected: Option<&str>| {
            let mut answers = BTreeMap::from([
                (ApiPath::parse("nodes"), Answer::ok(json!([{"node": "pve1", "status": "online"}]))),
                (ApiPath::parse("pools"), Answer::ok(json!([{"poolid": "prod"}]))),
                (
                    ApiPath::parse("cluster/resources"),
                    Answer::ok(json!([{"type": "qemu", "node": "pve1", "vmid": 100, "id": "qemu/100"}])),
                ),
            ]);
            answers.extend(more.iter().map(|(path, data)| (ApiPath::parse(path), Answer::ok(data.clone()))));
            let cluster = Cluster::read(&answers).unwrap();
            let expected = expected.map(|words| format!("`cluster/resources` lacks {words}"));
            assert_eq!(cluster.guests_problem().unwrap().map(|why| why.to_string()), expected);
        };
        check(&[], None);
        check(&[("nodes/pve1/qemu", json!([{"vmid": 100}]))], None);
        // A guest that a node lists exists, whatever the list of everything says.
        check(&[("nodes/pve1/lxc", json!([{"vmid": "101"}]))], None);
        let pool = json!([{"poolid": "prod", "members": [{"id": "qemu/7", "type": "qemu", "vmid": 107}]}]);
        check(&[("pools?poolid=prod", pool)], Some("107, which `pools?poolid=prod` names"));
        check(&[("cluster/ha/resources", json!([{"sid": "vm:108"}]))], Some("108, which `cluster/ha/resources` names"));
        let jobs = json!([{"id": "nightly", "vmid": "100,109"}]);
        check(&[("cluster/backup", jobs.clone())], Some("109, which `cluster/backup` names"));
        // The node's own list proves that the guest is gone: the job still names it.
        check(&[("cluster/backup", jobs), ("nodes/pve1/qemu", json!([{"vmid": 100}]))], None);
    }
}
