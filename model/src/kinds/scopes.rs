//! Scopes of a source in a cluster: their instances, the path at each, and the location of an object.

use super::source::{Listed, LocalId, Location, Scope};
use crate::guest::GuestType;
use crate::rows::RowId;
use crate::{ApiPath, Cluster, Unreadable, VmId};

/// Instance of a scope: the cluster, one node, one guest or one virtual network.
pub(super) struct ScopeInstance {
    /// The first part of the identities of its objects, empty for the cluster: `pve1`, `qemu/100`.
    pub(super) id: String,
    /// The segments that stand before the path.
    pub(super) prefix: Vec<String>,
    pub(super) node: Option<String>,
    pub(super) name: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) tags: Vec<String>,
    /// Set where its node is offline, so that it cannot be asked now.
    pub(super) offline: Option<String>,
}

impl Listed {
    /// The location and the local id of an object, by the part of its identity after the prefix.
    pub fn locate(&self, id: &str) -> Option<LocalId> {
        let node = |id: &str| {
            let (node, rest) = id.split_once('/').unwrap_or((id, ""));
            LocalId { location: Location::Node(node.to_owned()), id: rest.to_owned() }
        };
        let vnet = |id: &str| {
            let (vnet, rest) = id.split_once('/').unwrap_or((id, ""));
            LocalId { location: Location::Vnet(vnet.to_owned()), id: rest.to_owned() }
        };
        match self.scopes {
            [Scope::Cluster(_)] => return Some(LocalId { location: Location::Cluster, id: id.to_owned() }),
            [Scope::Node] => return Some(node(id)),
            [Scope::Vnet] => return Some(vnet(id)),
            _ => {}
        }
        let (word, rest) = id.split_once('/').unwrap_or((id, ""));
        let guest = |guest_type: GuestType| {
            let (vmid, rest) = rest.split_once('/').unwrap_or((rest, ""));
            Some(LocalId { location: Location::Guest(guest_type, VmId::parse(vmid)?), id: rest.to_owned() })
        };
        match word {
            "node" => Some(node(rest)),
            "vnet" => Some(vnet(rest)),
            "qemu" => guest(GuestType::Qemu),
            "lxc" => guest(GuestType::Lxc),
            _ => Some(LocalId { location: Location::Cluster, id: rest.to_owned() }),
        }
    }

    /// The instances of the scopes of this source in a cluster.
    pub(super) fn instances(&self, cluster: &Cluster<'_>) -> Result<Vec<ScopeInstance>, Unreadable> {
        let mut instances = Vec::new();
        let several = self.scopes.len() > 1;
        for scope in self.scopes {
            match scope {
                Scope::Cluster(prefix) => instances.push(ScopeInstance {
                    id: if several { "cluster".to_owned() } else { String::new() },
                    prefix: vec![(*prefix).to_owned()],
                    node: None,
                    name: several.then(|| "cluster".to_owned()),
                    pool: None,
                    tags: Vec::new(),
                    offline: None,
                }),
                Scope::Node => instances.extend(cluster.nodes.iter().map(|(node, online)| ScopeInstance {
                    id: if several { format!("node/{node}") } else { node.clone() },
                    prefix: vec!["nodes".to_owned(), node.clone()],
                    node: Some(node.clone()),
                    name: Some(node.clone()),
                    pool: None,
                    tags: Vec::new(),
                    offline: (!online).then(|| node.clone()),
                })),
                Scope::Guest => instances.extend(cluster.guests.values().map(|guest| {
                    let (word, vmid) = (guest.guest_type.word(), guest.vmid);
                    let offline = cluster.nodes.get(&guest.node) == Some(&false);
                    ScopeInstance {
                        id: format!("{word}/{vmid}"),
                        prefix: vec!["nodes".to_owned(), guest.node.clone(), word.to_owned(), vmid.to_string()],
                        node: Some(guest.node.clone()),
                        name: guest.name.clone().or_else(|| Some(vmid.to_string())),
                        pool: guest.pool.clone(),
                        tags: guest.tags.clone(),
                        offline: offline.then(|| guest.node.clone()),
                    }
                })),
                Scope::Vnet => {
                    let vnets = cluster.rows(&vnets(), RowId::Key("vnet"))?;
                    instances.extend(vnets.iter().flat_map(|vnets| vnets.keys()).map(|vnet| ScopeInstance {
                        id: if several { format!("vnet/{vnet}") } else { vnet.clone() },
                        prefix: ["cluster", "sdn", "vnets", vnet].map(str::to_owned).to_vec(),
                        node: None,
                        name: Some(vnet.clone()),
                        pool: None,
                        tags: Vec::new(),
                        offline: None,
                    }));
                }
            }
        }
        Ok(instances)
    }

    /// The path at a location, without the query.
    pub(super) fn path(&self, prefix: &[String]) -> ApiPath {
        ApiPath::new(self.segments(prefix))
    }

    /// The request for the list, or for the one object.
    pub(super) fn request(&self, prefix: &[String]) -> ApiPath {
        match self.query {
            Some((key, value)) => self.path(prefix).with_query(key, value),
            None => self.path(prefix),
        }
    }

    /// The request for one object of a list.
    pub(super) fn single(&self, prefix: &[String], id: &str) -> ApiPath {
        ApiPath::new(self.segments(prefix).chain([id]))
    }

    fn segments<'s>(&'s self, prefix: &'s [String]) -> impl Iterator<Item = &'s str> {
        prefix.iter().map(String::as_str).chain(self.path.split('/').filter(|part| !part.is_empty()))
    }

    /// The segments before the path at a location; `None` where there is no such location.
    pub(super) fn prefix(&self, cluster: &Cluster<'_>, location: &Location) -> Option<Vec<String>> {
        let segments = match location {
            Location::Cluster => {
                let prefix = self.scopes.iter().find_map(|scope| match scope {
                    Scope::Cluster(prefix) => Some(*prefix),
                    _ => None,
                });
                return Some(vec![prefix?.to_owned()]);
            }
            Location::Node(node) => return Some(vec!["nodes".to_owned(), node.clone()]),
            Location::Guest(guest_type, vmid) => {
                let guest = cluster.guests.get(vmid).filter(|guest| guest.guest_type == *guest_type)?;
                ["nodes", &guest.node, guest_type.word(), &vmid.to_string()].map(str::to_owned)
            }
            Location::Vnet(vnet) => ["cluster", "sdn", "vnets", vnet].map(str::to_owned),
        };
        Some(segments.to_vec())
    }
}

/// The request for the list of virtual networks, by which their locations are found.
pub(super) fn vnets() -> ApiPath {
    ApiPath::new(["cluster", "sdn", "vnets"])
}
