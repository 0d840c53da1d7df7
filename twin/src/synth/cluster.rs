//! Nodes, storages and pools of a made-up cluster, and the lists that name everything.

use proxmox_mpc_model::ApiPath;
use serde_json::{Map, Value, json};

use super::guest::MadeUpGuest;
use super::numbers::{Cluster, node_name};
use super::random::Random;

/// The version that the cluster says it has.
pub(super) const VERSION: &str = "9.1.9";

const GIBIBYTE: u64 = 1 << 30;

/// A pool of the cluster.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) id: &'static str,
    comment: Option<&'static str>,
    storage: Option<&'static str>,
}

/// Guests are in one of these or in none. A nested pool takes virtual machines only: Terraform's provider cannot
/// express a container there.
pub(super) static POOLS: &[Pool] = &[
    Pool { id: "ci", comment: None, storage: None },
    Pool { id: "dev", comment: Some("Development"), storage: Some("tank") },
    Pool { id: "prod", comment: Some("Production workloads"), storage: None },
    Pool { id: "prod/web", comment: Some("Front ends"), storage: None },
];

/// A storage of the cluster: id, type, content, shared, size in GiB, and the other keys of its configuration.
struct MadeUpStorage(&'static str, &'static str, &'static str, bool, u64, &'static [(&'static str, &'static str)]);

static STORAGES: &[MadeUpStorage] = &[
    MadeUpStorage("local", "dir", "backup,iso,snippets,vztmpl", false, 100, &[("path", "/var/lib/vz")]),
    MadeUpStorage("local-lvm", "lvmthin", "images,rootdir", false, 4000, &[("thinpool", "data"), ("vgname", "pve")]),
    MadeUpStorage(
        "nas",
        "nfs",
        "backup,images,iso",
        true,
        20000,
        &[("export", "/srv/pve"), ("options", "vers=4.2"), ("path", "/mnt/pve/nas"), ("server", "192.0.2.20")],
    ),
    MadeUpStorage("tank", "zfspool", "images,rootdir", false, 8000, &[("mountpoint", "/tank"), ("pool", "tank")]),
];

/// The privileges of an administrator that an importer looks for.
const PRIVILEGES: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Mapping.Audit",
    "Pool.Allocate",
    "Pool.Audit",
    "SDN.Allocate",
    "SDN.Audit",
    "Sys.Audit",
    "Sys.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.GuestAgent.Audit",
    "VM.PowerMgmt",
];

/// Makes the data of one list.
type MakeList = fn(Cluster) -> Value;

impl Cluster {
    pub(super) fn members(self) -> impl Iterator<Item = MadeUpGuest> {
        (0..self.guests).map(move |index| MadeUpGuest::new(&self, index))
    }

    /// The lists that an importer reads first, each made when its turn comes.
    pub(super) fn overview(self) -> impl Iterator<Item = (ApiPath, Value)> {
        let lists: [(&str, MakeList); 9] = [
            ("version", |_| json!({ "release": "9.1", "repoid": "f40095996bcb6bf7", "version": VERSION })),
            ("access/permissions", |_| permissions()),
            ("nodes", |cluster| (0..cluster.nodes).map(|node| cluster.node(node)).collect()),
            ("cluster/status", Self::status),
            ("cluster/resources", Self::resources),
            ("cluster/ha/resources", |_| json!([])),
            ("cluster/sdn/ipams/pve/status", |_| json!([])),
            ("storage", Self::storages),
            ("pools", |_| POOLS.iter().map(|pool| Value::Object(pool_row(pool))).collect()),
        ];
        lists.into_iter().map(move |(path, data)| (ApiPath::parse(path), data(self)))
    }

    /// A pool with its members.
    pub(super) fn pool(self, pool: &Pool) -> Value {
        let guests = self.members().filter(|guest| guest.pool == Some(pool.id)).map(|guest| {
            let mut row = guest.resource();
            row.retain(|key, _| key != "pool" && key != "tags");
            Value::Object(row)
        });
        let storage = STORAGES.iter().filter(|storage| Some(storage.0) == pool.storage);
        let storages = storage.flat_map(|storage| (0..self.nodes).map(|node| storage_resource(storage, node)));
        let mut single = pool_row(pool);
        single.insert("members".to_owned(), guests.chain(storages).collect());
        json!([single])
    }

    /// The storages as one node sees them, and the volumes on each.
    pub(super) fn node_storages(self, node: u32) -> impl Iterator<Item = (ApiPath, Value)> {
        let name = node_name(node);
        let rows = STORAGES.iter().map(|storage| {
            let total = storage.4 * GIBIBYTE;
            json!({
                "active": 1, "avail": total / 4 * 3, "content": storage.2, "enabled": 1, "shared": u8::from(storage.3),
                "storage": storage.0, "total": total, "type": storage.1, "used": total / 4, "used_fraction": 0.25,
            })
        });
        let list = (ApiPath::new(["nodes", &name, "storage"]), rows.collect());
        let volumes = STORAGES.iter().map(move |storage| {
            let here = self.members().filter(|guest| guest.node == name);
            let volumes = here.flat_map(|guest| guest.images(storage.0)).collect();
            (ApiPath::new(["nodes", &name, "storage", storage.0, "content"]), volumes)
        });
        std::iter::once(list).chain(volumes)
    }

    /// The guests of one node, as it lists them itself.
    pub(super) fn node_guests(self, node: u32) -> impl Iterator<Item = (ApiPath, Value)> {
        let name = node_name(node);
        ["qemu", "lxc"].into_iter().map(move |word| {
            let here = self.members().filter(|guest| guest.node == name).map(|guest| guest.resource());
            let rows = here.filter(|row| row["type"] == word).map(|mut row| {
                row.retain(|key, _| matches!(key.as_str(), "vmid" | "name" | "status" | "template" | "tags"));
                Value::Object(row)
            });
            (ApiPath::new(["nodes", &name, word]), rows.collect())
        })
    }

    fn node(self, node: u32) -> Value {
        let name = node_name(node);
        let mut random = Random::new(self.seed, u32::MAX - node);
        json!({
            "cpu": 0.03, "disk": 16 * GIBIBYTE, "id": format!("node/{name}"), "level": "", "maxcpu": 64,
            "maxdisk": 100 * GIBIBYTE, "maxmem": 1024 * GIBIBYTE, "mem": u64::from(random.below(900)) * GIBIBYTE,
            "node": name, "status": "online", "type": "node", "uptime": 86400 + random.below(1 << 22),
        })
    }

    fn status(self) -> Value {
        let whole = json!({
            "id": "cluster", "name": "synth", "nodes": self.nodes, "quorate": 1, "type": "cluster", "version": self.nodes,
        });
        let nodes = (0..self.nodes).map(|node| {
            let name = node_name(node);
            json!({
                "id": format!("node/{name}"), "ip": format!("192.0.2.{}", 100 + node % 100), "level": "",
                "local": u8::from(node == 0), "name": name, "nodeid": node + 1, "online": 1, "type": "node",
            })
        });
        std::iter::once(whole).chain(nodes).collect()
    }

    fn resources(self) -> Value {
        let guests = self.members().map(|guest| Value::Object(guest.resource()));
        let nodes = (0..self.nodes).map(|node| self.node(node));
        let pools =
            POOLS.iter().map(|pool| json!({ "id": format!("/pool/{}", pool.id), "pool": pool.id, "type": "pool" }));
        let storages = (0..self.nodes).flat_map(|node| STORAGES.iter().map(move |row| storage_resource(row, node)));
        guests.chain(nodes).chain(pools).chain(storages).collect()
    }

    fn storages(self) -> Value {
        let row = |storage: &MadeUpStorage| {
            let mut row = Map::new();
            let keys = [("storage", storage.0), ("type", storage.1), ("content", storage.2)];
            for (key, value) in keys.iter().chain(storage.5) {
                row.insert((*key).to_owned(), json!(value));
            }
            row.insert("digest".to_owned(), json!(Random::new(self.seed, u32::MAX).hex(40)));
            if storage.1 != "lvmthin" && storage.1 != "zfspool" {
                row.insert("shared".to_owned(), json!(u8::from(storage.3)));
            }
            Value::Object(row)
        };
        STORAGES.iter().map(row).collect()
    }
}

fn permissions() -> Value {
    let all: Map<String, Value> = PRIVILEGES.iter().map(|privilege| ((*privilege).to_owned(), json!(1))).collect();
    let paths = ["/", "/access", "/mapping", "/nodes", "/pool", "/sdn", "/storage", "/vms"];
    Value::Object(paths.map(|path| (path.to_owned(), Value::Object(all.clone()))).into_iter().collect())
}

fn pool_row(pool: &Pool) -> Map<String, Value> {
    let mut row = Map::from_iter([("poolid".to_owned(), json!(pool.id))]);
    if let Some(comment) = pool.comment {
        row.insert("comment".to_owned(), json!(comment));
    }
    row
}

fn storage_resource(storage: &MadeUpStorage, node: u32) -> Value {
    let (node, total) = (node_name(node), storage.4 * GIBIBYTE);
    json!({
        "content": storage.2, "disk": total / 4, "id": format!("storage/{node}/{}", storage.0), "maxdisk": total,
        "node": node, "plugintype": storage.1, "shared": u8::from(storage.3), "status": "available",
        "storage": storage.0, "type": "storage",
    })
}
