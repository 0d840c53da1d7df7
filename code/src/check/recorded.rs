//! Recorded: what a recording tells of a cluster, as far as rules ask for it. A list counts only if it is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proxmox_mpc_model::{Answers, ApiPath, Unreadable};
use serde_json::{Map, Value};

/// Names in a cluster. `None` where the list was not read, or where the login may not see all of it.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The release of Proxmox VE: `9.1.4`.
    pub(super) version: Option<String>,
    pub(super) nodes: Option<BTreeMap<String, NodeFacts>>,
    pub(super) storages: Option<BTreeMap<String, StorageFacts>>,
    /// Bridges, virtual networks and Open vSwitch bridges by node.
    pub(super) bridges: BTreeMap<String, BTreeSet<String>>,
    /// Addresses of nodes: the node, its interface, the address.
    pub(super) addresses: Vec<(String, String, IpAddr)>,
    pub(super) guests: Option<BTreeMap<String, GuestFacts>>,
    /// Volume ids by storage; only of storages whose content was read on every node that has it.
    pub(super) volumes: BTreeMap<String, BTreeSet<String>>,
    pub(super) pools: Option<BTreeSet<String>>,
    pub(super) pci_mappings: Option<BTreeSet<String>>,
    pub(super) usb_mappings: Option<BTreeSet<String>>,
    pub(super) directory_mappings: Option<BTreeSet<String>>,
    pub(super) users: Option<BTreeSet<String>>,
    pub(super) tokens: Option<BTreeSet<String>>,
    pub(super) groups: Option<BTreeSet<String>>,
    pub(super) roles: Option<BTreeSet<String>>,
    pub(super) zones: Option<BTreeSet<String>>,
    pub(super) vnets: Option<BTreeSet<String>>,
}

/// Size of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeFacts {
    pub(super) cores: Option<f64>,
    /// In bytes.
    pub(super) memory: Option<f64>,
}

/// A storage.
#[derive(Clone, Debug, Default)]
pub(super) struct StorageFacts {
    /// Kinds of content that it takes: `images`, `iso`.
    pub(super) content: BTreeSet<String>,
    /// The nodes that have it; empty for all.
    pub(super) nodes: BTreeSet<String>,
    /// Its size in bytes, by node.
    pub(super) sizes: BTreeMap<String, f64>,
}

/// A guest.
#[derive(Clone, Debug, Default)]
pub(super) struct GuestFacts {
    pub(super) name: String,
    pub(super) is_container: bool,
}

type Row = Map<String, Value>;

impl Recorded {
    /// Reads the lists of a recording.
    ///
    /// # Errors
    /// A recording that cannot be read.
    pub fn read(answers: &dyn Answers) -> Result<Self, Unreadable> {
        let reader = Reader::new(answers)?;
        let version = answers.get(&ApiPath::new(["version"]))?;
        let version = version.and_then(|answer| answer.data()?.get("version")?.as_str().map(str::to_owned));
        let mut recorded = Self { version, ..Self::default() };
        if reader.may("Sys.Audit") {
            recorded.nodes = reader.rows(&ApiPath::new(["nodes"]))?.map(|rows| keyed(&rows, "node", node));
        }
        let resources = reader.rows(&ApiPath::new(["cluster", "resources"]))?;
        if reader.may("Datastore.Audit") {
            recorded.read_storages(&reader, resources.as_deref().unwrap_or_default())?;
        }
        if reader.may("VM.Audit") {
            let guest = |row: &&Row| row.get("vmid").is_some();
            recorded.guests = resources.as_ref().map(|rows| {
                let rows: Vec<Row> = rows.iter().filter(guest).cloned().collect();
                keyed(&rows, "vmid", |row| GuestFacts {
                    name: text(row, "name").unwrap_or_default(),
                    is_container: text(row, "type").as_deref() == Some("lxc"),
                })
            });
        }
        let names = |path: &[&str], key: &str, privilege: &str| {
            if !reader.may(privilege) {
                return Ok(None);
            }
            let rows = reader.rows(&ApiPath::new(path))?;
            Ok(rows.map(|rows| rows.iter().filter_map(|row| text(row, key)).collect::<BTreeSet<String>>()))
        };
        recorded.pools = names(&["pools"], "poolid", "Pool.Audit")?;
        recorded.pci_mappings = names(&["cluster", "mapping", "pci"], "id", "Mapping.Audit")?;
        recorded.usb_mappings = names(&["cluster", "mapping", "usb"], "id", "Mapping.Audit")?;
        recorded.directory_mappings = names(&["cluster", "mapping", "dir"], "id", "Mapping.Audit")?;
        recorded.groups = names(&["access", "groups"], "groupid", "Sys.Audit")?;
        recorded.roles = names(&["access", "roles"], "roleid", "Sys.Audit")?;
        recorded.vnets = names(&["cluster", "sdn", "vnets"], "vnet", "SDN.Audit")?;
        recorded.read_users(&reader)?;
        if reader.may("SDN.Audit") {
            let zones = ApiPath::new(["cluster", "sdn", "zones"]).with_query("pending", "1");
            let rows = reader.rows(&zones)?;
            recorded.zones = rows.map(|rows| rows.iter().filter_map(|row| text(row, "zone")).collect());
        }
        recorded.read_nodes(&reader)?;
        Ok(recorded)
    }

    fn read_storages(&mut self, reader: &Reader<'_>, resources: &[Row]) -> Result<(), Unreadable> {
        let words = |row: &Row, key: &str| -> BTreeSet<String> {
            let text = text(row, key).unwrap_or_default();
            text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let Some(rows) = reader.rows(&ApiPath::new(["storage"]))? else { return Ok(()) };
        let mut storages = keyed(&rows, "storage", |row| StorageFacts {
            content: words(row, "content"),
            nodes: words(row, "nodes"),
            sizes: BTreeMap::new(),
        });
        for row in resources.iter().filter(|row| text(row, "type").as_deref() == Some("storage")) {
            let (Some(storage), Some(node)) = (text(row, "storage"), text(row, "node")) else { continue };
            if let (Some(facts), Some(size)) = (storages.get_mut(&storage), row.get("maxdisk").and_then(Value::as_f64))
            {
                facts.sizes.insert(node, size);
            }
        }
        self.storages = Some(storages);
        Ok(())
    }

    fn read_users(&mut self, reader: &Reader<'_>) -> Result<(), Unreadable> {
        if !reader.may("Sys.Audit") {
            return Ok(());
        }
        let path = ApiPath::new(["access", "users"]).with_query("full", "1");
        let Some(rows) = reader.rows(&path)? else { return Ok(()) };
        let mut tokens = BTreeSet::new();
        for row in &rows {
            let Some(user) = text(row, "userid") else { continue };
            let own = row.get("tokens").and_then(Value::as_array).into_iter().flatten();
            let ids = own.filter_map(|token| token.get("tokenid")?.as_str());
            tokens.extend(ids.map(|id| format!("{user}!{id}")));
        }
        self.users = Some(rows.iter().filter_map(|row| text(row, "userid")).collect());
        self.tokens = Some(tokens);
        Ok(())
    }

    /// Bridges and volumes, node by node. A node that did not answer makes its storages incomplete.
    fn read_nodes(&mut self, reader: &Reader<'_>) -> Result<(), Unreadable> {
        let nodes: Vec<String> = self.nodes.iter().flatten().map(|(node, _)| node.clone()).collect();
        for node in &nodes {
            let Some(rows) = reader.rows(&ApiPath::new(["nodes", node, "network"]))? else { continue };
            let is_bridge = |row: &&Row| {
                matches!(text(row, "type").as_deref(), Some("bridge" | "OVSBridge" | "vnet" | "any_bridge"))
            };
            for row in &rows {
                let Some(interface) = text(row, "iface") else { continue };
                let own = ["address", "address6"].iter().filter_map(|key| text(row, key)?.parse().ok());
                self.addresses.extend(own.map(|address| (node.clone(), interface.clone(), address)));
            }
            let names = rows.iter().filter(is_bridge).filter_map(|row| text(row, "iface")).collect();
            self.bridges.insert(node.clone(), names);
        }
        for (storage, facts) in self.storages.iter().flatten() {
            let mut volumes = BTreeSet::new();
            let own = nodes.iter().filter(|node| facts.nodes.is_empty() || facts.nodes.contains(*node));
            let mut is_complete = false;
            for node in own {
                let path = ApiPath::new(["nodes", node, "storage", storage, "content"]);
                let Some(rows) = reader.rows(&path)? else {
                    is_complete = false;
                    break;
                };
                is_complete = true;
                volumes.extend(rows.iter().filter_map(|row| text(row, "volid")));
            }
            if is_complete {
                self.volumes.insert(storage.clone(), volumes);
            }
        }
        Ok(())
    }
}

/// Reader of lists, with the privileges of the login at `/`.
struct Reader<'a> {
    answers: &'a dyn Answers,
    privileges: Map<String, Value>,
}

impl<'a> Reader<'a> {
    fn new(answers: &'a dyn Answers) -> Result<Self, Unreadable> {
        let answer = answers.get(&ApiPath::new(["access", "permissions"]))?;
        let privileges = answer.and_then(|answer| answer.data()?.get("/")?.as_object().cloned());
        Ok(Self { answers, privileges: privileges.unwrap_or_default() })
    }

    /// Reports whether the login has the privilege for everything. From a list that Proxmox filters, nothing follows.
    fn may(&self, privilege: &str) -> bool {
        self.privileges.get(privilege).and_then(Value::as_u64) == Some(1)
    }

    /// The rows of a list; `None` if it was not read or refused.
    fn rows(&self, path: &ApiPath) -> Result<Option<Vec<Row>>, Unreadable> {
        let Some(answer) = self.answers.get(path)? else { return Ok(None) };
        Ok(answer
            .data()
            .and_then(Value::as_array)
            .map(|rows| rows.iter().filter_map(Value::as_object).cloned().collect()))
    }
}

fn keyed<T>(rows: &[Row], key: &str, facts: impl Fn(&Row) -> T) -> BTreeMap<String, T> {
    rows.iter().filter_map(|row| Some((text(row, key)?, facts(row)))).collect()
}

fn node(row: &Row) -> NodeFacts {
    let number = |key: &str| row.get(key).and_then(Value::as_f64).filter(|number| *number > 0.0);
    NodeFacts { cores: number("maxcpu"), memory: number("maxmem") }
}

fn text(row: &Row, key: &str) -> Option<String> {
    match row.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
