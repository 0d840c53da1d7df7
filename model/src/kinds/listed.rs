//! Reading of objects from lists and single answers: the requests, the list, and one object.

use serde_json::{Map, Value};

use super::source::Reading;
use super::source::{Listed, LocalId, Location, Scope, Shape};
use crate::guest::GuestType;
use crate::rows::RowId;
use crate::schema::Release;
use crate::{Answer, ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Reasons, Unreadable, VmId, shape};

/// Instance of a scope: the cluster, one node, one guest or one virtual network.
struct ScopeInstance {
    /// The first part of the identities of its objects, empty for the cluster: `pve1`, `qemu/100`.
    id: String,
    /// The segments that stand before the path.
    prefix: Vec<String>,
    node: Option<String>,
    name: Option<String>,
    pool: Option<String>,
    tags: Vec<String>,
    /// Set where its node is offline, so that it cannot be asked now.
    offline: Option<String>,
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

    fn places(&self, cluster: &Cluster<'_>) -> Result<Vec<ScopeInstance>, Unreadable> {
        let mut places = Vec::new();
        let many = self.scopes.len() > 1;
        for scope in self.scopes {
            match scope {
                Scope::Cluster(prefix) => places.push(ScopeInstance {
                    id: if many { "cluster".to_owned() } else { String::new() },
                    prefix: vec![(*prefix).to_owned()],
                    node: None,
                    name: many.then(|| "cluster".to_owned()),
                    pool: None,
                    tags: Vec::new(),
                    offline: None,
                }),
                Scope::Node => places.extend(cluster.nodes.iter().map(|(node, online)| ScopeInstance {
                    id: if many { format!("node/{node}") } else { node.clone() },
                    prefix: vec!["nodes".to_owned(), node.clone()],
                    node: Some(node.clone()),
                    name: Some(node.clone()),
                    pool: None,
                    tags: Vec::new(),
                    offline: (!online).then(|| node.clone()),
                })),
                Scope::Guest => places.extend(cluster.guests.values().map(|guest| {
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
                    places.extend(vnets.iter().flat_map(|vnets| vnets.keys()).map(|vnet| ScopeInstance {
                        id: if many { format!("vnet/{vnet}") } else { vnet.clone() },
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
        Ok(places)
    }

    /// The path at a location, without the query.
    pub(super) fn path(&self, prefix: &[String]) -> ApiPath {
        ApiPath::new(self.segments(prefix))
    }

    /// The request for the list, or for the one object.
    fn request(&self, prefix: &[String]) -> ApiPath {
        match self.query {
            Some((key, value)) => self.path(prefix).with_query(key, value),
            None => self.path(prefix),
        }
    }

    /// The request for one object of a list.
    fn single(&self, prefix: &[String], id: &str) -> ApiPath {
        ApiPath::new(self.segments(prefix).chain([id]))
    }

    fn segments<'s>(&'s self, prefix: &'s [String]) -> impl Iterator<Item = &'s str> {
        prefix.iter().map(String::as_str).chain(self.path.split('/').filter(|part| !part.is_empty()))
    }

    /// Reports whether the release of the cluster has such objects.
    fn exists(&self, cluster: &Cluster<'_>) -> bool {
        Release::of(cluster.version.as_deref().unwrap_or_default()) >= self.since
    }

    pub(super) fn requests(&self, cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
        let mut wanted = Vec::new();
        if !self.exists(cluster) {
            return Ok(wanted);
        }
        if self.scopes.contains(&Scope::Vnet) {
            wanted.push(vnets());
        }
        for place in self.places(cluster)?.iter().filter(|place| place.offline.is_none()) {
            let path = self.request(&place.prefix);
            if let Shape::Each(id) | Shape::EachParts(id, _) = self.shape
                && let Some(rows) = cluster.rows(&path, id)?
            {
                wanted.extend(rows.keys().map(|id| self.single(&place.prefix, id)));
            }
            wanted.push(path);
        }
        Ok(wanted)
    }

    pub(super) fn list(&self, prefix: &str, cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
        let mut listing = Listing::default();
        if !self.exists(cluster) {
            return Ok(listing);
        }
        let mut reasons = self.hidden(cluster);
        reasons.extend(self.unlisted_places(cluster)?);
        if self.scopes.contains(&Scope::Vnet) {
            reasons.extend(unlisted(cluster, &vnets())?);
        }
        for place in self.places(cluster)? {
            if let Some(node) = place.offline {
                reasons.push(NotRead::Offline { node });
                continue;
            }
            let path = self.request(&place.prefix);
            let Some(answer) = cluster.get(&path)? else {
                reasons.push(NotRead::NotOnRecord { request: path });
                continue;
            };
            if answer.data().is_none() {
                if !self.says_nothing(&answer) {
                    reasons.push(answer.not_read(&path));
                }
                continue;
            }
            let ids = match self.ids(&answer) {
                Ok(ids) => ids,
                Err(complaint) => {
                    let complaint = format!("the answer is not what Proxmox gives: {complaint}");
                    reasons.push(NotRead::Unusable { request: path, complaint });
                    continue;
                }
            };
            for id in ids {
                let parts = [place.id.as_str(), id.as_str()];
                let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                let names: Vec<&str> = place.name.as_deref().into_iter().chain([id.as_str()]).collect();
                let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
                let id = if parts.is_empty() { "cluster".to_owned() } else { parts.join("/") };
                listing.entries.push(Entry {
                    identity: Identity::new(prefix, id),
                    name: (!names.is_empty()).then(|| names.join(" ")),
                    node: place.node.clone(),
                    pool: place.pool.clone(),
                    tags: place.tags.clone(),
                });
            }
        }
        listing.incomplete = Reasons::of(reasons);
        Ok(listing)
    }

    /// Reasons why the lists of its nodes and guests are not complete.
    fn unlisted_places(&self, cluster: &Cluster<'_>) -> Result<Vec<NotRead>, Unreadable> {
        let mut reasons = Vec::new();
        for scope in self.scopes {
            match scope {
                Scope::Node => reasons.extend(cluster.problem("nodes").cloned()),
                Scope::Guest => reasons.extend(cluster.guests_lack()?),
                Scope::Cluster(_) | Scope::Vnet => {}
            }
        }
        Ok(reasons)
    }

    /// Objects that are hidden from this login, by the privilege that it lacks.
    fn hidden(&self, cluster: &Cluster<'_>) -> Vec<NotRead> {
        let needed = |scope: &Scope| match scope {
            Scope::Cluster(_) => self.audit,
            Scope::Node => ("/nodes", "Sys.Audit"),
            Scope::Guest => ("/vms", "VM.Audit"),
            Scope::Vnet => ("/sdn", "SDN.Audit"),
        };
        let lacking = |(path, privilege)| {
            let sees = if path == "/" {
                cluster.permissions.allow(path, privilege)
            } else {
                cluster.permissions.allow_all(path, privilege)
            };
            (!sees).then(|| NotRead::hidden("objects", path, privilege))
        };
        self.scopes.iter().map(needed).chain(self.audit_also).filter_map(lacking).collect()
    }

    /// Reports whether the answer says that there are no such objects.
    fn says_nothing(&self, answer: &Answer) -> bool {
        answer.status == 501 || self.nothing.iter().any(|message| answer.reason.contains(message))
    }

    /// The ids of the objects in an answer; one empty id for an answer that is one object.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer: it has another shape, or a row lacks a key that every row has.
    fn ids(&self, answer: &Answer) -> Result<Vec<String>, String> {
        let there = |keys: &Map<String, Value>| {
            let mut keys = keys.clone();
            (self.adjust)(&mut keys) && keys.keys().any(|key| key != "digest")
        };
        let one = |there: bool| Ok(there.then(String::new).into_iter().collect());
        match self.shape {
            Shape::One => match answer.data().and_then(Value::as_object) {
                Some(keys) => one(there(keys)),
                None => Err("it is not an object".to_owned()),
            },
            Shape::Beside(key) => one(answer.body.get(key).is_some()),
            Shape::Parts(_) => rows(answer).map(|mut rows| rows.next().is_some()).and_then(one),
            Shape::Rows(id) | Shape::Each(id) | Shape::EachParts(id, _) => {
                let unfolded = self.rows.map(|unfold| answer.data().map(unfold).unwrap_or_default());
                let rows: Vec<&Map<String, Value>> = match &unfolded {
                    Some(unfolded) => unfolded.iter().collect(),
                    None => rows(answer)?.collect(),
                };
                let mut ids = Vec::new();
                for (index, row) in rows.into_iter().enumerate() {
                    let key = if let RowId::Key(key) = id { Some(key) } else { None };
                    for key in self.keys.iter().copied().chain(key) {
                        shape::named(row, key).map_err(|complaint| format!("row {} {complaint}", index + 1))?;
                    }
                    ids.extend(there(row).then(|| id.of(row)).flatten());
                }
                Ok(ids)
            }
        }
    }

    pub(super) fn read(&self, cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
        let found = self.locate(entry.identity.id()).and_then(|at| Some((self.prefix(cluster, &at.location)?, at.id)));
        let Some((prefix, id)) = found else { return Ok(Err(NotRead::NoSuchPlace)) };
        if self.partial
            && let Some(hidden) = self.hidden(cluster).into_iter().next()
        {
            return Ok(Err(hidden));
        }
        let path = self.request(&prefix);
        let mut keys = Map::new();
        if let Shape::Rows(key) | Shape::Each(key) | Shape::EachParts(key, _) = self.shape {
            let row = match self.rows {
                Some(rows) => {
                    let answer = cluster.get(&path)?;
                    let rows = answer.as_ref().and_then(Answer::data).map(rows).unwrap_or_default();
                    rows.into_iter().find(|row| key.of(row).is_some_and(|one| one == id))
                }
                None => cluster.rows(&path, key)?.and_then(|rows| rows.get(&id).cloned()),
            };
            match row {
                Some(row) => keys = row,
                None => return Ok(Err(NotRead::NotListed { request: path })),
            }
        }
        if !matches!(self.shape, Shape::Rows(_)) {
            let request = match self.shape {
                Shape::Each(_) | Shape::EachParts(..) => self.single(&prefix, &id),
                _ => path,
            };
            let Some(answer) = cluster.get(&request)? else { return Ok(Err(NotRead::NotOnRecord { request })) };
            match (self.shape, answer.data()) {
                (Shape::Parts(parts) | Shape::EachParts(_, parts), Some(Value::Array(_))) => {
                    parts.collect(&answer, &mut keys);
                }
                (Shape::Beside(key), Some(_)) => {
                    keys.extend(answer.body.get(key).map(|value| (key.to_owned(), value.clone())));
                }
                (_, Some(Value::Object(own))) => keys.extend(own.clone()),
                (_, Some(_)) => {
                    let complaint = "the answer is not what Proxmox gives".to_owned();
                    return Ok(Err(NotRead::Unusable { request, complaint }));
                }
                (_, None) => return Ok(Err(answer.not_read(&request))),
            }
        }
        (self.adjust)(&mut keys);
        Ok(Ok(Object { entry: entry.clone(), keys }))
    }

    /// The segments before the path at a location; `None` where there is no such location.
    pub(super) fn prefix(&self, cluster: &Cluster<'_>, place: &Location) -> Option<Vec<String>> {
        let segments = match place {
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

/// The rows of an answer that is a list of objects.
fn rows(answer: &Answer) -> Result<impl Iterator<Item = &Map<String, Value>>, String> {
    match answer.data() {
        Some(Value::Array(rows)) if rows.iter().all(Value::is_object) => Ok(rows.iter().filter_map(Value::as_object)),
        _ => Err("it is not a list of objects".to_owned()),
    }
}

/// The reason why a list that locations are found by was not read. A path that is not implemented says that there are
/// none.
fn unlisted(cluster: &Cluster<'_>, path: &ApiPath) -> Result<Option<NotRead>, Unreadable> {
    Ok(match cluster.get(path)? {
        None => Some(NotRead::NotOnRecord { request: path.clone() }),
        Some(answer) if answer.data().is_none() && answer.status != 501 => Some(answer.not_read(path)),
        Some(_) => None,
    })
}

/// The request for the list of virtual networks, by which their locations are found.
fn vnets() -> ApiPath {
    ApiPath::new(["cluster", "sdn", "vnets"])
}
