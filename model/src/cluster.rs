//! A cluster as its readers see it: nodes, guests, storages, pools, and the rights of the login.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::guest::Guest;
use crate::object::text;
use crate::overview::{self, Overview};
use crate::permissions::Permissions;
use crate::rows::{self, RowId, Rows};
use crate::{Answer, AnswerText, Answers, ApiPath, NotRead, Unreadable, VmId, shape};

/// A cluster as the lists show it, over the answers that were given so far.
///
/// Built from the few answers of [`Cluster::overview`]; everything else is read from the answers on demand, one
/// object at a time.
pub struct Cluster<'a> {
    answers: &'a dyn Answers,
    /// The nodes by name; true of those that are online.
    pub nodes: BTreeMap<String, bool>,
    /// The guests by VMID.
    pub guests: BTreeMap<VmId, Guest>,
    /// The storages as `GET storage` lists them, by id.
    pub storages: Rows,
    /// The pools as `GET pools` lists them, by id.
    pub pools: Rows,
    /// The permissions of the login.
    pub permissions: Permissions,
    /// `version` of `GET version`: `9.1.9`.
    pub version: Option<String>,
    /// True if running guests may be asked for their addresses, which is so unless the user wants them left alone.
    pub ask_guests: bool,
    /// Reasons why one of the lists of [`Cluster::overview`] is not complete, by its path: it is not on record, was refused,
    /// has another shape than Proxmox gives it, or lacks what another list names.
    problems: BTreeMap<&'static str, NotRead>,
    /// See [`Cluster::overlooked`].
    pub(crate) overlooked: OnceCell<Rc<BTreeMap<VmId, ApiPath>>>,
    /// The storages of each node, parsed once.
    node_storages: RefCell<BTreeMap<ApiPath, Option<Rc<Rows>>>>,
    /// The volumes in each list of images, parsed once.
    images: RefCell<BTreeMap<ApiPath, Option<Rc<BTreeSet<String>>>>>,
    /// The list that was read last, by the ids of its rows: objects of one list are read one after the other.
    last: RefCell<Option<(ApiPath, RowId, Rc<Rows>)>>,
}

impl<'a> Cluster<'a> {
    /// Reads the cluster, as far as its lists are among these answers.
    pub fn read(answers: &'a dyn Answers) -> Result<Self, Unreadable> {
        let Overview { nodes, guests, storages, pools, permissions, version, problems } = Overview::read(answers)?;
        Ok(Self {
            answers,
            nodes,
            guests,
            storages,
            pools,
            permissions,
            version,
            ask_guests: true,
            problems,
            overlooked: OnceCell::new(),
            node_storages: RefCell::default(),
            images: RefCell::default(),
            last: RefCell::default(),
        })
    }

    /// The requests for the lists that everything else depends on.
    pub fn overview() -> Vec<ApiPath> {
        [
            "version",
            "access/permissions",
            "nodes",
            "cluster/status",
            "cluster/resources",
            "cluster/ha/resources",
            "storage",
            "pools",
        ]
        .map(ApiPath::parse)
        .to_vec()
    }

    /// The reason why the answer to one of the lists that everything else depends on (`cluster/resources`, `nodes`,
    /// `storage`, `pools`) is no use, as soon as it has come; `None` for an answer that is right, and for every other
    /// request.
    pub fn complaint(path: &ApiPath, answer: &AnswerText) -> Result<Option<NotRead>, Unreadable> {
        overview::complaint(path, answer)
    }

    /// The reason why the list of guests, nodes, storages or pools (`cluster/resources`, `nodes`, `storage`, `pools`) is not
    /// complete; `None` where nothing but the rights of the login speaks against it.
    pub fn problem(&self, list: &str) -> Option<&NotRead> {
        self.problems.get(list)
    }

    /// The stored answer to a request; `None` where it is not on record, also of the twin that was asked. A success
    /// without the shape that Proxmox gives it is [`Answer::unusable`], like a refusal.
    pub fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        Ok(self.answers.get(path)?.filter(Answer::is_known).map(|answer| shape::checked(path, answer)))
    }

    /// The rows of a list by their ids; `None` where the answer is not on record, was refused, or is no list.
    pub fn rows(&self, path: &ApiPath, id: RowId) -> Result<Option<Rc<Rows>>, Unreadable> {
        if let Some((known, by, rows)) = &*self.last.borrow()
            && known == path
            && *by == id
        {
            return Ok(Some(Rc::clone(rows)));
        }
        let mut rows = Rows::new();
        if !self.each(path, |row| rows.extend(id.of(&row).map(|id| (id, row))))? {
            return Ok(None);
        }
        let rows = Rc::new(rows);
        *self.last.borrow_mut() = Some((path.clone(), id, Rc::clone(&rows)));
        Ok(Some(rows))
    }

    /// Calls `each` with the rows of a list one after the other, so that a long one is never kept as values. Reports
    /// whether there is such a list. Where there is none, it may have been called with some rows all the same.
    pub(crate) fn each(&self, path: &ApiPath, each: impl FnMut(Map<String, Value>)) -> Result<bool, Unreadable> {
        Ok(self.each_or_reason(path, each)?.is_none())
    }

    /// The same, with the reason why there is no such list.
    pub(crate) fn each_or_reason(
        &self,
        path: &ApiPath,
        each: impl FnMut(Map<String, Value>),
    ) -> Result<Option<NotRead>, Unreadable> {
        rows::each(self.answers, path, each)
    }

    /// The storages as one node sees them, by id: whether each is enabled and active there. `None` where the answer
    /// is not on record or was refused.
    pub fn node_storages(&self, node: &str) -> Result<Option<Rc<Rows>>, Unreadable> {
        once(&self.node_storages, ApiPath::new(["nodes", node, "storage"]), |path| {
            indexed(self.answers, path, "storage")
        })
    }

    /// The ids of the guest images on a storage as one node lists them. `None` where the answer is not on record or was
    /// refused. A login sees only the volumes that it may configure, so an image that is missing here may still be
    /// there (docs/proxmox.md, "Auditor").
    pub fn images(&self, node: &str, storage: &str) -> Result<Option<Rc<BTreeSet<String>>>, Unreadable> {
        let content = ApiPath::new(["nodes", node, "storage", storage, "content"]);
        let volumes = |path: &ApiPath| self.volumes(path);
        let images = once(&self.images, content.clone().with_query("content", "images"), volumes)?;
        if images.is_some() { Ok(images) } else { once(&self.images, content, volumes) }
    }

    fn volumes(&self, path: &ApiPath) -> Result<Option<BTreeSet<String>>, Unreadable> {
        let mut volumes = BTreeSet::new();
        let listed = self.each(path, |row| volumes.extend(row.get("volid").and_then(text)))?;
        Ok(listed.then_some(volumes))
    }
}

/// The value that was read before, or else reads it and keeps it.
fn once<T>(
    kept: &RefCell<BTreeMap<ApiPath, Option<Rc<T>>>>,
    path: ApiPath,
    read: impl FnOnce(&ApiPath) -> Result<Option<T>, Unreadable>,
) -> Result<Option<Rc<T>>, Unreadable> {
    if let Some(known) = kept.borrow().get(&path) {
        return Ok(known.clone());
    }
    let value = read(&path)?.map(Rc::new);
    kept.borrow_mut().insert(path, value.clone());
    Ok(value)
}

/// The rows of a list by the text of one key; rows without it are left out. `None` where the answer is not on record,
/// was refused, or is no list.
fn indexed(answers: &dyn Answers, path: &ApiPath, key: &str) -> Result<Option<Rows>, Unreadable> {
    let mut rows = Rows::new();
    let reason = rows::each(answers, path, |row| rows.extend(row.get(key).and_then(text).map(|id| (id, row))))?;
    Ok(reason.is_none().then_some(rows))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The list of everything is up to ten seconds late with the name and the state of a guest that was just made
    /// (recorded), and with whether it runs or exists.
    #[test]
    fn the_lists_of_the_nodes_count() {
        let in_cluster = json!([
            {"id": "qemu/500", "node": "pve1", "status": "unknown", "tags": "a", "type": "qemu", "vmid": 500},
            {"id": "qemu/501", "node": "pve1", "status": "stopped", "name": "db", "type": "qemu", "vmid": 501, "pool": "p"},
            {"id": "qemu/502", "node": "pve2", "status": "running", "type": "qemu", "vmid": 502},
        ]);
        let mut answers = BTreeMap::from([
            (
                ApiPath::parse("nodes"),
                Answer::ok(json!([{"node": "pve1", "status": "online"}, {"node": "pve2", "status": "offline"}])),
            ),
            (ApiPath::parse("cluster/resources"), Answer::ok(in_cluster)),
        ]);
        let guests = |answers: &BTreeMap<ApiPath, Answer>| -> Vec<String> {
            let cluster = Cluster::read(answers).unwrap();
            let line = |guest: &Guest| {
                let name = guest.name.clone().unwrap_or_default();
                let pool = guest.pool.clone().unwrap_or_default();
                format!("{} {name} {pool} {} {}", guest.vmid, guest.running, guest.tags.join(","))
            };
            cluster.guests.values().map(line).collect()
        };
        assert_eq!(guests(&answers), ["500   false a", "501 db p false ", "502   true "]);
        let cluster = Cluster::read(&answers).unwrap();
        let wanted = crate::kinds::of(&crate::Identity::new("qemu", 500)).unwrap().requests(&cluster).unwrap();
        assert!(wanted.contains(&ApiPath::parse("nodes/pve1/qemu")), "{wanted:?}");
        assert!(!wanted.contains(&ApiPath::parse("nodes/pve2/qemu")), "{wanted:?}");
        let listed = json!([
            {"vmid": 500, "name": "web", "status": "running"},
            {"vmid": 501, "name": "db", "status": "running"},
            {"vmid": 503, "name": "new", "status": "stopped", "tags": "b"},
        ]);
        answers.insert(ApiPath::parse("nodes/pve1/qemu"), Answer::ok(listed));
        let expected = ["500 web  true a", "501 db p true ", "502   true ", "503 new  false b"];
        assert_eq!(guests(&answers), expected);
    }
}
