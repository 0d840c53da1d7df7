//! What more than one kind needs to know of a cluster: its nodes, guests, storages, pools and the reader's rights.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::object::text;
use crate::permissions::Permissions;
use crate::{Answer, Answers, ApiPath, Unreadable, VmId, list};

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
    /// The lists that many objects look at, parsed once.
    lists: RefCell<BTreeMap<ApiPath, Option<Rc<Rows>>>>,
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
        let version = get("version")?.and_then(|answer| answer.data()?.get("version").and_then(text));
        let permissions = get("access/permissions")?;
        let mut cluster = Self {
            answers,
            nodes: BTreeMap::new(),
            guests: BTreeMap::new(),
            storages: indexed(get("storage")?.as_ref(), "storage"),
            pools: indexed(get("pools")?.as_ref(), "poolid"),
            permissions: Permissions::read(permissions.as_ref().and_then(Answer::data)),
            version,
            lists: RefCell::default(),
        };
        for (node, row) in indexed(get("nodes")?.as_ref(), "node") {
            cluster.nodes.insert(node, row.get("status").and_then(Value::as_str) == Some("online"));
        }
        let managed: BTreeSet<String> = indexed(get("cluster/ha/resources")?.as_ref(), "sid").into_keys().collect();
        let resources = match get("cluster/resources")? {
            Some(answer) => Some(answer),
            None => get("cluster/resources?type=vm")?,
        };
        if let Some(resources) = resources {
            for row in resources.list() {
                let Some(guest) = guest(row, &managed) else { continue };
                cluster.guests.insert(guest.vmid, guest);
            }
        }
        Ok(cluster)
    }

    /// The stored answer to a request.
    pub fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        self.answers.get(path)
    }

    /// The storages as one node sees them, by id: whether each is enabled and active there. `None` where the answer
    /// is not on record or was refused.
    pub fn node_storages(&self, node: &str) -> Result<Option<Rc<Rows>>, Unreadable> {
        self.rows(&ApiPath::new(["nodes", node, "storage"]), "storage")
    }

    /// The guest images of a storage as one node lists them, by volume id. `None` where the answer is not on record
    /// or was refused. A login sees only the volumes that it may configure, so an image that is missing here may
    /// still be there (docs/proxmox.md, "Auditor").
    pub fn images(&self, node: &str, storage: &str) -> Result<Option<Rc<Rows>>, Unreadable> {
        let content = ApiPath::new(["nodes", node, "storage", storage, "content"]);
        let images = self.rows(&content.clone().with_query("content", "images"), "volid")?;
        if images.is_some() { Ok(images) } else { self.rows(&content, "volid") }
    }

    fn rows(&self, path: &ApiPath, key: &str) -> Result<Option<Rc<Rows>>, Unreadable> {
        if let Some(rows) = self.lists.borrow().get(path) {
            return Ok(rows.clone());
        }
        let answer = self.answers.get(path)?.filter(|answer| answer.data().is_some());
        let rows = answer.map(|answer| Rc::new(indexed(Some(&answer), key)));
        self.lists.borrow_mut().insert(path.clone(), rows.clone());
        Ok(rows)
    }
}

/// The rows of a list by the text of one key; rows without it are left out.
fn indexed(answer: Option<&Answer>, key: &str) -> Rows {
    let Some(answer) = answer else { return BTreeMap::new() };
    answer.list().filter_map(|row| Some((row.get(key).and_then(text)?, row.clone()))).collect()
}

fn guest(row: &Map<String, Value>, managed: &BTreeSet<String>) -> Option<Guest> {
    let guest_type = match row.get("type")?.as_str()? {
        "qemu" => GuestType::Qemu,
        "lxc" => GuestType::Lxc,
        _ => return None,
    };
    let vmid = VmId::parse(&text(row.get("vmid")?)?)?;
    let (sid, invented) = match guest_type {
        GuestType::Qemu => (format!("vm:{vmid}"), format!("VM {vmid}")),
        GuestType::Lxc => (format!("ct:{vmid}"), format!("CT{vmid}")),
    };
    let word = |key: &str| row.get(key).and_then(text);
    Some(Guest {
        guest_type,
        vmid,
        node: word("node")?,
        // `qemu-server` and `pve-container` invent a name for a guest without one.
        name: word("name").filter(|name| *name != invented),
        pool: word("pool").filter(|pool| !pool.is_empty()),
        tags: list::items(&word("tags").unwrap_or_default()).map(str::to_owned).collect(),
        running: word("status").as_deref() == Some("running"),
        template: word("template").as_deref() == Some("1"),
        ha: managed.contains(&sid) || word("hastate").is_some_and(|state| !state.is_empty()),
    })
}
