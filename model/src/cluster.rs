//! What more than one kind needs to know of a cluster: its nodes, guests, storages, pools and the reader's rights.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::kinds::Id;
use crate::object::text;
use crate::permissions::Permissions;
use crate::{Answer, AnswerText, Answers, ApiPath, Unreadable, VmId, list};

/// The two technologies of a guest, by the word that Proxmox's paths and ids use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuestType {
    /// A virtual machine (`qemu`).
    Qemu,
    /// A container (`lxc`).
    Lxc,
}

impl GuestType {
    /// The word in paths and ids: `qemu`, `lxc`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

/// A guest as `cluster/resources` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Virtual machine or container.
    pub guest_type: GuestType,
    /// Its number, unique in the cluster.
    pub vmid: VmId,
    /// The node that it is on now.
    pub node: String,
    /// Its name; `None` where Proxmox invented one (`VM 105`).
    pub name: Option<String>,
    /// The pool that it is a member of.
    pub pool: Option<String>,
    /// Its tags as Proxmox joins them.
    pub tags: Vec<String>,
    /// Whether it runs now.
    pub running: bool,
    /// Whether it is a template.
    pub template: bool,
    /// Whether the HA manager may move it.
    pub ha: bool,
}

impl Guest {
    /// The list of its node, which is made from the configurations and never late: `nodes/pve1/qemu`.
    pub fn siblings(&self) -> ApiPath {
        ApiPath::new(["nodes", self.node.as_str(), self.guest_type.word()])
    }

    /// Reads from a row of either list what a node tells of its guests.
    fn tell(&mut self, row: &Map<String, Value>) {
        let word = |key: &str| row.get(key).and_then(text);
        // `qemu-server` and `pve-container` invent a name for a guest without one.
        let invented = match self.guest_type {
            GuestType::Qemu => format!("VM {}", self.vmid),
            GuestType::Lxc => format!("CT{}", self.vmid),
        };
        self.name = word("name").filter(|name| *name != invented);
        self.running = word("status").as_deref() == Some("running");
        self.template = word("template").as_deref() == Some("1");
    }
}

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
    /// Those of which their nodes have not told the others yet what they are called and do, as of new ones (`pvestatd`
    /// does so every ten seconds).
    pub(crate) untold: BTreeSet<VmId>,
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
    /// The storages of each node, parsed once.
    node_storages: RefCell<BTreeMap<ApiPath, Option<Rc<Rows>>>>,
    /// The volumes in each list of images, parsed once.
    images: RefCell<BTreeMap<ApiPath, Option<Rc<BTreeSet<String>>>>>,
    /// The list that was read last, by the ids of its rows: objects of one list are read one after the other.
    last: RefCell<Option<(ApiPath, Id, Rc<Rows>)>>,
}

/// The objects of a list answer by the text of one key.
pub type Rows = BTreeMap<String, Map<String, Value>>;

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
        let list = |path: &str, key: &str| indexed(answers, &ApiPath::parse(path), key).map(Option::unwrap_or_default);
        let version = get("version")?.and_then(|answer| answer.data()?.get("version").and_then(text));
        let permissions = get("access/permissions")?;
        let mut cluster = Self {
            answers,
            nodes: BTreeMap::new(),
            guests: BTreeMap::new(),
            untold: BTreeSet::new(),
            storages: list("storage", "storage")?,
            pools: list("pools", "poolid")?,
            permissions: Permissions::read(permissions.as_ref().and_then(Answer::data)),
            version,
            ask_guests: true,
            node_storages: RefCell::default(),
            images: RefCell::default(),
            last: RefCell::default(),
        };
        for (node, row) in list("nodes", "node")? {
            cluster.nodes.insert(node, row.get("status").and_then(Value::as_str) == Some("online"));
        }
        let managed: BTreeSet<String> = list("cluster/ha/resources", "sid")?.into_keys().collect();
        for path in ["cluster/resources", "cluster/resources?type=vm"] {
            let path = ApiPath::parse(path);
            let Some(resources) = answers.text(&path)? else { continue };
            each_row(&path, &resources, |row| {
                let Some(guest) = guest(&row, &managed) else { return };
                if row.get("status").is_some_and(|status| status == "unknown") {
                    cluster.untold.insert(guest.vmid);
                }
                cluster.guests.insert(guest.vmid, guest);
            })?;
            break;
        }
        for guest in cluster.guests.values_mut().filter(|guest| cluster.untold.contains(&guest.vmid)) {
            if let Some(rows) = indexed(answers, &guest.siblings(), "vmid")?
                && let Some(row) = rows.get(&guest.vmid.to_string())
            {
                guest.tell(row);
            }
        }
        Ok(cluster)
    }

    /// The stored answer to a request; `None` where it is not on record, also of the twin that was asked.
    pub fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        Ok(self.answers.get(path)?.filter(Answer::is_known))
    }

    /// The rows of a list by their ids; `None` where the answer is not on record, was refused, or is no list.
    pub fn rows(&self, path: &ApiPath, id: Id) -> Result<Option<Rc<Rows>>, Unreadable> {
        if let Some((known, by, rows)) = &*self.last.borrow()
            && known == path
            && *by == id
        {
            return Ok(Some(Rc::clone(rows)));
        }
        let Some(answer) = self.answers.text(path)? else { return Ok(None) };
        let mut rows = Rows::new();
        if !each_row(path, &answer, |row| rows.extend(id.of(&row).map(|id| (id, row))))? {
            return Ok(None);
        }
        let rows = Rc::new(rows);
        *self.last.borrow_mut() = Some((path.clone(), id, Rc::clone(&rows)));
        Ok(Some(rows))
    }

    /// Hands on the rows of a list one after the other, so that a long one is never held as values; says whether there
    /// is such a list.
    pub(crate) fn each(&self, path: &ApiPath, each: impl FnMut(Map<String, Value>)) -> Result<bool, Unreadable> {
        let Some(answer) = self.answers.text(path)? else { return Ok(false) };
        each_row(path, &answer, each)
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
        let Some(answer) = self.answers.text(path)? else { return Ok(None) };
        let mut volumes = BTreeSet::new();
        let listed = each_row(path, &answer, |row| volumes.extend(row.get("volid").and_then(text)))?;
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
    let Some(answer) = answers.text(path)? else { return Ok(None) };
    let mut rows = Rows::new();
    let listed = each_row(path, &answer, |row| rows.extend(row.get(key).and_then(text).map(|id| (id, row))))?;
    Ok(listed.then_some(rows))
}

/// Parses the objects of a list one after the other; says whether the answer is a list at all.
fn each_row(path: &ApiPath, answer: &AnswerText, mut each: impl FnMut(Map<String, Value>)) -> Result<bool, Unreadable> {
    let Some(rows) = answer.rows() else { return Ok(false) };
    for row in rows {
        match serde_json::from_str(row.get()) {
            Ok(Value::Object(row)) => each(row),
            Ok(_) => {}
            Err(error) => return Err(Unreadable { path: path.clone(), why: error.to_string() }),
        }
    }
    Ok(true)
}

fn guest(row: &Map<String, Value>, managed: &BTreeSet<String>) -> Option<Guest> {
    let guest_type = match row.get("type")?.as_str()? {
        "qemu" => GuestType::Qemu,
        "lxc" => GuestType::Lxc,
        _ => return None,
    };
    let vmid = VmId::parse(&text(row.get("vmid")?)?)?;
    let sid = match guest_type {
        GuestType::Qemu => format!("vm:{vmid}"),
        GuestType::Lxc => format!("ct:{vmid}"),
    };
    let word = |key: &str| row.get(key).and_then(text);
    let mut guest = Guest {
        guest_type,
        vmid,
        node: word("node")?,
        name: None,
        pool: word("pool").filter(|pool| !pool.is_empty()),
        tags: list::items(&word("tags").unwrap_or_default()).map(str::to_owned).collect(),
        running: false,
        template: false,
        ha: managed.contains(&sid) || word("hastate").is_some_and(|state| !state.is_empty()),
    };
    guest.tell(row);
    Some(guest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A guest that was just made stands in the cluster's list without a name and with an unknown status (recorded).
    #[test]
    fn a_guest_whose_node_has_not_told_yet_is_read_from_its_node() {
        let row =
            json!({"id": "qemu/500", "node": "pve1", "status": "unknown", "tags": "a", "type": "qemu", "vmid": 500});
        let mut answers = BTreeMap::from([
            (ApiPath::parse("nodes"), Answer::ok(json!([{"node": "pve1", "status": "online"}]))),
            (ApiPath::parse("cluster/resources"), Answer::ok(json!([row]))),
        ]);
        let guest = |answers: &BTreeMap<ApiPath, Answer>| {
            let cluster = Cluster::read(answers).unwrap();
            let wanted = crate::kinds::of(&crate::Identity::new("qemu", 500)).unwrap().requests(&cluster).unwrap();
            (cluster.guests[&VmId::parse("500").unwrap()].clone(), wanted)
        };
        let (late, wanted) = guest(&answers);
        assert_eq!((late.name, late.running), (None, false));
        assert!(wanted.contains(&ApiPath::parse("nodes/pve1/qemu")));
        let listed = json!([{"vmid": 500, "name": "web", "status": "running"}]);
        answers.insert(ApiPath::parse("nodes/pve1/qemu"), Answer::ok(listed));
        let (told, _) = guest(&answers);
        assert_eq!((told.name.as_deref(), told.running, told.template), (Some("web"), true, false));
    }
}
