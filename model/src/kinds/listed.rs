//! Reading of objects from lists and single answers: the requests, the list, and one object.

use serde_json::{Map, Value};

use super::scopes::vnets;
use super::source::{Listed, Reading, Scope, Shape};
use crate::rows::RowId;
use crate::schema::Release;
use crate::{Answer, ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Reasons, Unreadable, shape};

impl Listed {
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
        for instance in self.instances(cluster)?.iter().filter(|instance| instance.offline.is_none()) {
            let path = self.request(&instance.prefix);
            if let Shape::Each(id) | Shape::EachParts(id, _) = self.shape
                && let Some(rows) = cluster.rows(&path, id)?
            {
                wanted.extend(rows.keys().map(|id| self.single(&instance.prefix, id)));
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
        reasons.extend(self.unlisted_locations(cluster)?);
        if self.scopes.contains(&Scope::Vnet) {
            reasons.extend(unlisted(cluster, &vnets())?);
        }
        for instance in self.instances(cluster)? {
            if let Some(node) = instance.offline {
                reasons.push(NotRead::Offline { node });
                continue;
            }
            let path = self.request(&instance.prefix);
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
                let parts = [instance.id.as_str(), id.as_str()];
                let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                let names: Vec<&str> = instance.name.as_deref().into_iter().chain([id.as_str()]).collect();
                let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
                let id = if parts.is_empty() { "cluster".to_owned() } else { parts.join("/") };
                listing.entries.push(Entry {
                    identity: Identity::new(prefix, id),
                    name: (!names.is_empty()).then(|| names.join(" ")),
                    node: instance.node.clone(),
                    pool: instance.pool.clone(),
                    tags: instance.tags.clone(),
                });
            }
        }
        listing.incomplete = Reasons::of(reasons);
        Ok(listing)
    }

    /// Reasons why the lists of its nodes and guests are not complete.
    fn unlisted_locations(&self, cluster: &Cluster<'_>) -> Result<Vec<NotRead>, Unreadable> {
        let mut reasons = Vec::new();
        for scope in self.scopes {
            match scope {
                Scope::Node => reasons.extend(cluster.problem("nodes").cloned()),
                Scope::Guest => reasons.extend(cluster.guests_problem()?),
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
    /// The complaint about an answer of another shape, or with a row that lacks a key which every row has.
    fn ids(&self, answer: &Answer) -> Result<Vec<String>, String> {
        let is_object = |keys: &Map<String, Value>| {
            let mut keys = keys.clone();
            (self.adjust)(&mut keys) && keys.keys().any(|key| key != "digest")
        };
        let single = |exists: bool| Ok(exists.then(String::new).into_iter().collect());
        match self.shape {
            Shape::One => match answer.data().and_then(Value::as_object) {
                Some(keys) => single(is_object(keys)),
                None => Err("it is not an object".to_owned()),
            },
            Shape::Beside(key) => single(answer.body.get(key).is_some()),
            Shape::Parts(_) => rows(answer).map(|mut rows| rows.next().is_some()).and_then(single),
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
                    ids.extend(is_object(row).then(|| id.of(row)).flatten());
                }
                Ok(ids)
            }
        }
    }

    pub(super) fn read(&self, cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
        let location =
            self.locate(entry.identity.id()).and_then(|at| Some((self.prefix(cluster, &at.location)?, at.id)));
        let Some((prefix, id)) = location else { return Ok(Err(NotRead::NoSuchPlace)) };
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
                    rows.into_iter().find(|row| key.of(row).is_some_and(|row_id| row_id == id))
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
