//! What more than one kind needs to know of a cluster: its nodes, guests, storages, pools and the reader's rights.

use std::cell::{OnceCell, RefCell};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::guest::{Guest, GuestType};
use crate::object::text;
use crate::permissions::Permissions;
use crate::rows::{RowId, Rows};
use crate::{Answer, AnswerText, Answers, ApiPath, NotRead, Unreadable, VmId, list, shape};

/// The list of everything that a cluster has, guests among it.
pub(crate) const RESOURCES: &str = "cluster/resources";

/// A cluster as the lists show it, over the answers that were given so far.
///
/// Built from the few answers of [`Cluster::overview`]; everything else is read from the answers on demand, one
/// object at a time.
pub struct Cluster<'a> {
    answers: &'a dyn Answers,
    /// Whether each node is online.
    pub nodes: BTreeMap<String, bool>,
    /// The guests by VMID.
    pub guests: BTreeMap<VmId, Guest>,
    /// The storages as `GET storage` lists them, by id.
    pub storages: Rows,
    /// The pools as `GET pools` lists them, by id.
    pub pools: Rows,
    /// What the login may do.
    pub permissions: Permissions,
    /// `version` of `GET version`: `9.1.9`.
    pub version: Option<String>,
    /// Whether running guests may be asked for their addresses; they are, unless the user wants them left alone.
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
    /// The requests whose answers the overview is made of.
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

    /// The cluster as far as these answers tell.
    pub fn read(answers: &'a dyn Answers) -> Result<Self, Unreadable> {
        let get = |path: &str| answers.get(&ApiPath::parse(path));
        let mut problems = BTreeMap::new();
        let mut list = |path: &'static str, key: &str| -> Result<Rows, Unreadable> {
            let (rows, problem) = overview_list(answers, path, key)?;
            problems.extend(problem.map(|problem| (path, problem)));
            Ok(rows)
        };
        let (storages, pools) = (list("storage", "storage")?, list("pools", "poolid")?);
        let (nodes, managed) = (list("nodes", "node")?, list("cluster/ha/resources", "sid")?);
        let managed: BTreeSet<String> = managed.into_keys().collect();
        let version = get("version")?.and_then(|answer| answer.data()?.get("version").and_then(text));
        let permissions = get("access/permissions")?;
        let online = |row: &Map<String, Value>| row.get("status").and_then(Value::as_str) == Some("online");
        let mut cluster = Self {
            answers,
            nodes: nodes.iter().map(|(node, row)| (node.clone(), online(row))).collect(),
            guests: BTreeMap::new(),
            storages,
            pools,
            permissions: Permissions::read(permissions.as_ref().and_then(Answer::data)),
            version,
            ask_guests: true,
            problems,
            overlooked: OnceCell::new(),
            node_storages: RefCell::default(),
            images: RefCell::default(),
            last: RefCell::default(),
        };
        cluster.resources(&managed)?;
        cluster.told_by_nodes(&managed)?;
        Ok(cluster)
    }

    /// Reads the list of everything, and holds the lists of nodes, storages and pools against it.
    fn resources(&mut self, managed: &BTreeSet<String>) -> Result<(), Unreadable> {
        let everything = [ApiPath::parse(RESOURCES), ApiPath::parse(RESOURCES).with_query("type", "vm")];
        let mut lacking: BTreeMap<&'static str, String> = BTreeMap::new();
        let resources = || ApiPath::parse(RESOURCES);
        let mut problem = Some(NotRead::NotOnRecord { request: resources() });
        for path in everything {
            let Some(answer) = self.answers.text(&path)?.filter(AnswerText::is_known) else { continue };
            let read = shape::each_row(&path, &answer, |row| {
                for (list, name) in named(&row) {
                    let known = match list {
                        "nodes" => self.nodes.contains_key(name),
                        "storage" => self.storages.contains_key(name),
                        _ => self.pools.contains_key(name),
                    };
                    if !known {
                        lacking.insert(list, name.to_owned());
                    }
                }
                let Some(guest) = guest(&row, managed)? else { return Ok(()) };
                self.guests.insert(guest.vmid, guest);
                Ok(())
            })?;
            problem = read.err();
            break;
        }
        for (list, name) in lacking {
            self.problems.entry(list).or_insert_with(|| NotRead::Disagreement {
                list: ApiPath::parse(list),
                lacking: vec![name],
                more: 0,
                named_by: resources(),
            });
        }
        self.problems.extend(problem.map(|problem| (RESOURCES, problem)));
        Ok(())
    }

    /// What each node tells of its own guests counts more than the list of everything: that one has from the nodes, every
    /// ten seconds, what runs (`pvestatd`), and a guest that was started or made a moment ago is not so in it.
    fn told_by_nodes(&mut self, managed: &BTreeSet<String>) -> Result<(), Unreadable> {
        let online = self.nodes.iter().filter(|(_, online)| **online).map(|(node, _)| node);
        for (node, guest_type) in online.flat_map(|node| [(node, GuestType::Qemu), (node, GuestType::Lxc)]) {
            each_row(self.answers, &ApiPath::new(["nodes", node, guest_type.word()]), |mut row| {
                row.insert("type".to_owned(), guest_type.word().into());
                row.insert("node".to_owned(), node.as_str().into());
                let Ok(Some(guest)) = guest(&row, managed) else { return };
                match self.guests.entry(guest.vmid) {
                    Entry::Occupied(mut known) => {
                        let known = known.get_mut();
                        known.node.clone_from(node);
                        if row.contains_key("status") {
                            known.tell(&row);
                        }
                    }
                    Entry::Vacant(free) => _ = free.insert(guest),
                }
            })?;
        }
        Ok(())
    }

    /// What is wrong with the answer to one of the lists that everything hangs on (`cluster/resources`, `nodes`, `storage`,
    /// `pools`), as soon as it has come; `None` for an answer that is right, and for every other request.
    pub fn complaint(path: &ApiPath, answer: &AnswerText) -> Result<Option<NotRead>, Unreadable> {
        let nobody = BTreeSet::new();
        let key = match path.as_str() {
            RESOURCES => None,
            "nodes" => Some("node"),
            "storage" => Some("storage"),
            "pools" => Some("poolid"),
            _ => return Ok(None),
        };
        let checked = shape::each_row(path, answer, |row| match key {
            Some(key) => shape::named(&row, key).map(drop),
            None => guest(&row, &nobody).map(drop),
        })?;
        Ok(checked.err())
    }

    /// Why the list of guests, of nodes, of storages or of pools does not tell everything (`cluster/resources`, `nodes`,
    /// `storage`, `pools`); `None` where nothing speaks against it but the rights of the login.
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

    /// Hands on the rows of a list one after the other, so that a long one is never held as values. Reports whether there
    /// is such a list. Where there is none, some rows may have been handed on all the same.
    pub(crate) fn each(&self, path: &ApiPath, each: impl FnMut(Map<String, Value>)) -> Result<bool, Unreadable> {
        Ok(self.each_or_reason(path, each)?.is_none())
    }

    /// The same, with the reason why there is no such list.
    pub(crate) fn each_or_reason(
        &self,
        path: &ApiPath,
        each: impl FnMut(Map<String, Value>),
    ) -> Result<Option<NotRead>, Unreadable> {
        each_row(self.answers, path, each)
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

/// What was read before, or what is read now and kept.
fn once<T>(
    kept: &RefCell<BTreeMap<ApiPath, Option<Rc<T>>>>,
    path: ApiPath,
    read: impl FnOnce(&ApiPath) -> Result<Option<T>, Unreadable>,
) -> Result<Option<Rc<T>>, Unreadable> {
    if let Some(known) = kept.borrow().get(&path) {
        return Ok(known.clone());
    }
    let found = read(&path)?.map(Rc::new);
    kept.borrow_mut().insert(path, found.clone());
    Ok(found)
}

/// The rows of a list by the text of one key; rows without it are left out. `None` where the answer is not on record,
/// was refused, or is no list.
fn indexed(answers: &dyn Answers, path: &ApiPath, key: &str) -> Result<Option<Rows>, Unreadable> {
    let mut rows = Rows::new();
    let reason = each_row(answers, path, |row| rows.extend(row.get(key).and_then(text).map(|id| (id, row))))?;
    Ok(reason.is_none().then_some(rows))
}

/// Hands on the rows of a list. Returns the reason why there is none.
fn each_row(
    answers: &dyn Answers,
    path: &ApiPath,
    mut each: impl FnMut(Map<String, Value>),
) -> Result<Option<NotRead>, Unreadable> {
    let Some(answer) = answers.text(path)?.filter(AnswerText::is_known) else {
        return Ok(Some(NotRead::NotOnRecord { request: path.clone() }));
    };
    let read = shape::each_row(path, &answer, |row| {
        each(row);
        Ok(())
    })?;
    Ok(read.err())
}

/// A list that everything else hangs on, by the name of its rows, and why it does not tell everything. A list with a row
/// that has no name is none.
fn overview_list(answers: &dyn Answers, list: &str, key: &str) -> Result<(Rows, Option<NotRead>), Unreadable> {
    let path = ApiPath::parse(list);
    let Some(answer) = answers.text(&path)?.filter(AnswerText::is_known) else {
        return Ok((Rows::new(), Some(NotRead::NotOnRecord { request: path })));
    };
    let mut rows = Rows::new();
    let read = shape::each_row(&path, &answer, |row| {
        rows.insert(shape::named(&row, key)?.to_owned(), row);
        Ok(())
    })?;
    Ok(match read {
        Ok(()) => (rows, None),
        Err(problem) => (Rows::new(), Some(problem)),
    })
}

/// What a row of the list of everything names, each by the list that has to have it.
fn named(row: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &str)> {
    let other = match row.get("type").and_then(Value::as_str) {
        Some("storage") => Some(("storage", "storage")),
        Some("qemu" | "lxc" | "pool") => Some(("pools", "pool")),
        Some("node") => None,
        // Networks and whatever later releases list.
        _ => return None.into_iter().chain(None),
    };
    let word = |(list, key): (&'static str, &str)| {
        Some((list, row.get(key).and_then(Value::as_str).filter(|word| !word.is_empty())?))
    };
    word(("nodes", "node")).into_iter().chain(other.and_then(word))
}

/// The guest of a row; `None` for a row of something else. A row of a guest without its number or its node is wrong.
fn guest(row: &Map<String, Value>, managed: &BTreeSet<String>) -> Result<Option<Guest>, String> {
    let guest_type = match shape::named(row, "type")? {
        "qemu" => GuestType::Qemu,
        "lxc" => GuestType::Lxc,
        _ => return Ok(None),
    };
    let vmid = row.get("vmid").and_then(text).and_then(|vmid| VmId::parse(&vmid)).ok_or("has no VMID")?;
    let sid = match guest_type {
        GuestType::Qemu => format!("vm:{vmid}"),
        GuestType::Lxc => format!("ct:{vmid}"),
    };
    let word = |key: &str| row.get(key).and_then(text);
    let mut guest = Guest {
        guest_type,
        vmid,
        node: shape::named(row, "node")?.to_owned(),
        name: None,
        pool: word("pool").filter(|pool| !pool.is_empty()),
        tags: list::items(&word("tags").unwrap_or_default()).map(str::to_owned).collect(),
        running: false,
        template: false,
        ha: managed.contains(&sid) || word("hastate").is_some_and(|state| !state.is_empty()),
    };
    guest.tell(row);
    Ok(Some(guest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The list of everything is up to ten seconds late: with what a guest is called and does where it was just made
    /// (recorded), with whether it runs, with whether it is there.
    #[test]
    fn what_a_node_tells_of_its_guests_counts() {
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
            let told = |guest: &Guest| {
                let name = guest.name.clone().unwrap_or_default();
                let pool = guest.pool.clone().unwrap_or_default();
                format!("{} {name} {pool} {} {}", guest.vmid, guest.running, guest.tags.join(","))
            };
            cluster.guests.values().map(told).collect()
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
        let told = ["500 web  true a", "501 db p true ", "502   true ", "503 new  false b"];
        assert_eq!(guests(&answers), told);
    }
}
